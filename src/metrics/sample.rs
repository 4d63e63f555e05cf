//! One metric, from the record of a call: checked, and as the text that travels.

use crate::{
    intake::call::{CallError, NAME_CHARS_MAX, Record, is_number},
    model::time::UnixMillis,
    text::{
        fields::{fields, unquoted},
        json::{Object, push_string, push_timestamp},
        scan::{Kind, scan},
        view::{member, members},
    },
};

/// Tags of a metric at most.
pub const TAGS_MAX: usize = 16;
/// Bytes of a tag's name at most, as JSON.
pub const TAG_NAME_BYTES_MAX: usize = 64;
/// Characters of a tag's value at most.
pub const TAG_CHARS_MAX: u32 = 200;
/// Characters of a unit at most.
pub const UNIT_CHARS_MAX: u32 = 32;

const TYPES: [&str; 4] = ["counter", "gauge", "distribution", "timing"];
/// What a number is that nothing more is known of.
const TYPE: &str = "gauge";

/// A metric that passed every check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sample {
    /// A JSON object without `seq`.
    pub text: String,
    /// Its `parent` has no valid trace and span id: it is left out.
    pub orphan: bool,
}

impl Sample {
    /// Reads one record. `name` and `tags`: its own, as far as they may be kept.
    ///
    /// # Errors
    /// The first rule that the metric breaks.
    pub fn read(record: &Record<'_>, name: &str, tags: &str) -> Result<Self, CallError> {
        let (made, explicit) = (record.made()?, record.explicit()?);
        let name = text(name, NAME_CHARS_MAX).ok_or(CallError::MetricInvalid)?;
        let value = record.get("value");
        if scan(value) != Some(Kind::Other) || !is_number(value) || name == "\"\"" {
            return Err(CallError::MetricInvalid);
        }
        let mut out = Object::default();
        out.raw("name", name);
        out.text("type", kind_of(record.get("type"))?);
        out.raw("value", value);
        match record.get("unit") {
            "" => {}
            unit => out.raw(
                "unit",
                text(unit, UNIT_CHARS_MAX).ok_or(CallError::MetricInvalid)?,
            ),
        }
        if !tags.is_empty() {
            out.raw("tags", &tags_of(tags)?);
        }
        out.raw("timestamp", &dated(explicit.unwrap_or(made.wall)));
        let parent = record.get("parent");
        let span = span_of(parent);
        if let Some((trace, span)) = &span {
            out.text("traceId", trace);
            out.text("spanId", span);
        }
        Ok(Self {
            text: out.end(),
            orphan: span.is_none() && !parent.is_empty(),
        })
    }
}

fn dated(at: UnixMillis) -> String {
    let mut out = "\"".to_owned();
    push_timestamp(&mut out, at.0);
    out.push('"');
    out
}

/// A JSON string of so many characters at most.
fn text(json: &str, chars_max: u32) -> Option<&str> {
    match scan(json) {
        Some(Kind::String(chars)) if chars <= chars_max => Some(json),
        _ => None,
    }
}

fn kind_of(json: &str) -> Result<&'static str, CallError> {
    if json.is_empty() {
        return Ok(TYPE);
    }
    let known = TYPES.iter().find(|kind| **kind == unquoted(json));
    known.copied().ok_or(CallError::MetricInvalid)
}

/// Tags as an object of texts: numbers and truths become texts.
fn tags_of(json: &str) -> Result<String, CallError> {
    if !matches!(scan(json), Some(Kind::Object(1))) {
        return Err(CallError::MetricInvalid);
    }
    let mut out = Object::default();
    for (count, (name, value)) in members(json).enumerate() {
        if count == TAGS_MAX || name.len() > TAG_NAME_BYTES_MAX {
            return Err(CallError::MetricInvalid);
        }
        match scan(value) {
            Some(Kind::String(chars)) if chars <= TAG_CHARS_MAX => out.escaped(name, value),
            Some(Kind::Other) if value == "null" => {}
            Some(Kind::Other) => {
                let mut text = String::new();
                push_string(&mut text, value);
                out.escaped(name, &text);
            }
            _ => return Err(CallError::MetricInvalid),
        }
    }
    Ok(out.end())
}

/// Trace and span id of a parent: an object that has them, or a W3C `traceparent`, by itself or in an object. Ids that
/// are all zero or not hex are none (W3C Trace Context, 3.2.2).
fn span_of(parent: &str) -> Option<(String, String)> {
    let header = if parent.starts_with('"') {
        parent
    } else {
        member(parent, "traceparent").unwrap_or("")
    };
    let (trace, span) = if header.is_empty() {
        let id = |name| unquoted(member(parent, name).unwrap_or(""));
        (id("traceId"), id("spanId"))
    } else {
        let mut parts = fields(unquoted(header), b'-').skip(1);
        (parts.next()?, parts.next()?)
    };
    Some((hex(trace, 32)?, hex(span, 16)?))
}

fn hex(id: &str, digits: usize) -> Option<String> {
    let is_hex = id.bytes().all(|digit| digit.is_ascii_hexdigit());
    let is_id = id.len() == digits && is_hex && id.bytes().any(|digit| digit != b'0');
    is_id.then(|| id.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
    const SPAN: &str = "00f067aa0ba902b7";

    fn read(tags: &str) -> Result<serde_json::Value, &'static str> {
        let line = format!("metric\t1000\t0\t{tags}");
        let record = Record::of(&line);
        let sample = Sample::read(&record, record.get("name"), record.get("tags"))
            .map_err(CallError::code)?;
        Ok(serde_json::from_str(&sample.text).unwrap())
    }

    #[test]
    fn a_metric_says_what_it_is_when_and_of_what() {
        let all = "name=\"lcp\"\tvalue=1.5e+3\ttype=\"timing\"\tunit=\"ms\"\ttags={\"a\":\"b\",\"n\":2,\"t\":true,\"x\":null}\tts=2000";
        let expected = serde_json::json!({
            "name": "lcp", "type": "timing", "value": 1500.0, "unit": "ms",
            "tags": {"a": "b", "n": "2", "t": "true"}, "timestamp": "1970-01-01T00:00:02.000Z",
        });
        assert_eq!(read(all), Ok(expected));
        let bare = read("name=\"m\"\tvalue=-1").unwrap();
        assert_eq!(bare["type"], "gauge");
        assert_eq!(bare["timestamp"], "1970-01-01T00:00:01.000Z");
    }

    #[test]
    fn what_cannot_be_a_metric_is_refused() {
        let tags = |count: usize| {
            let tags: Vec<String> = (0..count).map(|n| format!("\"k{n}\":\"v\"")).collect();
            format!("name=\"m\"\tvalue=1\ttags={{{}}}", tags.join(","))
        };
        let long = |chars: usize| {
            format!(
                "name=\"m\"\tvalue=1\ttags={{\"k\":\"{}\"}}",
                "é".repeat(chars)
            )
        };
        for good in [tags(16), long(200)] {
            assert!(read(&good).is_ok(), "{good}");
        }
        for bad in [
            "value=1",
            "name=\"\"\tvalue=1",
            "name=12\tvalue=1",
            "name=\"m\"",
            "name=\"m\"\tvalue={}",
            "name=\"m\"\tvalue=\"1\"",
            "name=\"m\"\tvalue=1\ttype=\"sum\"",
            "name=\"m\"\tvalue=1\tunit=5",
            "name=\"m\"\tvalue=1\ttags=[1]",
            "name=\"m\"\tvalue=1\ttags={\"a\":{\"b\":1}}",
            &tags(17),
            &long(201),
            &format!("name=\"{}\"\tvalue=1", "n".repeat(65)),
        ] {
            assert_eq!(read(bad), Err("metric_invalid"), "{bad}");
        }
        assert_eq!(
            read("name=\"m\"\tvalue=1\tts=NaN"),
            Err("timestamp_invalid")
        );
    }

    #[test]
    fn a_parent_is_known_by_its_ids_however_they_are_given() {
        for parent in [
            format!("{{\"traceId\":\"{TRACE}\",\"spanId\":\"{SPAN}\"}}"),
            format!("{{\"traceparent\":\"00-{TRACE}-{SPAN}-01\"}}"),
            format!("\"00-{}-{SPAN}-01\"", TRACE.to_uppercase()),
        ] {
            let read = read(&format!("name=\"m\"\tvalue=1\tparent={parent}")).unwrap();
            assert_eq!(
                (&read["traceId"], &read["spanId"]),
                (&TRACE.into(), &SPAN.into()),
                "{parent}"
            );
        }
        let zero = "0".repeat(32);
        for parent in [
            "\"00-1-2-01\"".to_owned(),
            format!("\"00-{zero}-{SPAN}-01\""),
            format!("{{\"traceId\":\"{TRACE}\"}}"),
            format!(
                "{{\"traceId\":\"{}\",\"spanId\":\"{SPAN}\"}}",
                TRACE.replace('4', "g")
            ),
            "7".to_owned(),
        ] {
            let line = format!("metric\t1\t0\tname=\"m\"\tvalue=1\tparent={parent}");
            let sample = Sample::read(&Record::of(&line), "\"m\"", "").unwrap();
            assert!(
                sample.orphan && !sample.text.contains("traceId"),
                "{parent}"
            );
        }
    }
}
