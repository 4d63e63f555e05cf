//! Reads one field of an event or a metric. A field that is left out, or null, is absent; one of
//! another kind than it should be is told with the value that was there.

use serde_json::value::RawValue;

use crate::clock;
use crate::db::SEQ_MAX;
use crate::envelope::ID_BYTES_MAX;

pub(super) const OBJECT_BYTES_MAX: usize = 128 * 1024;
/// SQLite's own JSON functions stop at 1000 levels; a warehouse query must be able to read a row.
const DEPTH_MAX: usize = 64;

/// A stable code, and what was wrong.
pub(super) type Fault = (&'static str, String);

pub(super) fn string(
    field: &str,
    raw: Option<&RawValue>,
    bytes_max: usize,
) -> Result<String, String> {
    let text = optional_string(field, raw, bytes_max)?
        .ok_or_else(|| format!("{field} is missing: send a string"))?;
    if text.is_empty() {
        return Err(format!("{field} is empty"));
    }
    Ok(text)
}

pub(super) fn optional_string(
    field: &str,
    raw: Option<&RawValue>,
    bytes_max: usize,
) -> Result<Option<String>, String> {
    let Some(raw) = raw else { return Ok(None) };
    let text: String = serde_json::from_str(raw.get())
        .map_err(|_| format!("{field} is not a string: {}", excerpt(raw.get())))?;
    if text.len() > bytes_max {
        return Err(format!(
            "{field} is {} bytes long, at most {bytes_max}",
            text.len()
        ));
    }
    Ok(Some(text))
}

/// An id that may be left out, but not be empty.
pub(super) fn optional_id(field: &str, raw: Option<&RawValue>) -> Result<Option<String>, String> {
    match optional_string(field, raw, ID_BYTES_MAX)? {
        Some(id) if id.is_empty() => Err(format!("{field} is empty: leave it out or send an id")),
        id => Ok(id),
    }
}

/// A number that something is counted by.
pub(super) fn ordinal(field: &str, raw: Option<&RawValue>) -> Result<Option<i64>, String> {
    let Some(raw) = raw else { return Ok(None) };
    match serde_json::from_str::<i64>(raw.get()) {
        Ok(n) if (1..=SEQ_MAX).contains(&n) => Ok(Some(n)),
        _ => Err(format!(
            "{field} is not a whole number from 1 to 2^53 - 1: {}",
            excerpt(raw.get())
        )),
    }
}

pub(super) fn number(field: &str, raw: Option<&RawValue>) -> Result<Option<f64>, String> {
    let Some(raw) = raw else { return Ok(None) };
    match serde_json::from_str::<f64>(raw.get()) {
        Ok(number) if number.is_finite() => Ok(Some(number)),
        _ => Err(format!(
            "{field} is not a finite number: {}",
            excerpt(raw.get())
        )),
    }
}

pub(super) fn timestamp(raw: Option<&RawValue>) -> Result<String, String> {
    let text = string("timestamp", raw, ID_BYTES_MAX)?;
    clock::normalise(&text).ok_or_else(|| {
        let shown = excerpt(&text);
        format!("timestamp is not like 2026-01-15T12:00:00.000Z: {shown}")
    })
}

/// The text of an object, as it was sent.
pub(super) fn object<'a>(
    field: &str,
    raw: Option<&'a RawValue>,
) -> Result<Option<&'a str>, String> {
    let Some(text) = raw.map(RawValue::get) else {
        return Ok(None);
    };
    if !text.starts_with('{') {
        return Err(format!("{field} is not an object: {}", excerpt(text)));
    }
    if text.len() > OBJECT_BYTES_MAX {
        let length = text.len();
        return Err(format!(
            "{field} is {length} bytes long, at most {OBJECT_BYTES_MAX}"
        ));
    }
    if depth(text) > DEPTH_MAX {
        return Err(format!("{field} is nested deeper than {DEPTH_MAX} levels"));
    }
    Ok(Some(text))
}

/// How deep a (well-formed) JSON text is nested, without recursion.
fn depth(text: &str) -> usize {
    let (mut deepest, mut level, mut in_string, mut escaped) = (0_usize, 0_usize, false, false);
    for byte in text.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'{' | b'[' if !in_string => {
                level += 1;
                deepest = deepest.max(level);
            }
            b'}' | b']' if !in_string => level = level.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

/// Enough of a wrong value to recognise it, not enough to fill a log.
pub(super) fn excerpt(text: &str) -> String {
    let mut shown: String = text.chars().take(40).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn depth_counts_brackets_outside_strings_only() {
        assert_eq!(depth(r#"{"a":[{"b":1}]}"#), 3);
        assert_eq!(depth(r#"{"a":"[[[{\"{["}"#), 1);
        assert_eq!(depth(r#"{"a":"\\","b":[]}"#), 2);
    }
}
