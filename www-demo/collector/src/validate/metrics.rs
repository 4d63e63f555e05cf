//! Judges the metrics of a request, each by itself, as events are.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::fields::{self, Fault, excerpt, optional_id, ordinal, string};
use super::{Judged, NAME_BYTES_MAX, judge};
use crate::db::Metric;
use crate::envelope::ID_BYTES_MAX;

const TYPES: [&str; 4] = ["counter", "gauge", "distribution", "timing"];
const UNIT_BYTES_MAX: usize = 64;
/// Wider than the SDK's own 16.
const TAGS_MAX: usize = 64;
const TRACE_ID_DIGITS: usize = 32;
const SPAN_ID_DIGITS: usize = 16;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawMetric<'a> {
    #[serde(borrow)]
    seq: Option<&'a RawValue>,
    #[serde(borrow)]
    name: Option<&'a RawValue>,
    #[serde(borrow, rename = "type")]
    kind: Option<&'a RawValue>,
    #[serde(borrow)]
    value: Option<&'a RawValue>,
    #[serde(borrow)]
    unit: Option<&'a RawValue>,
    #[serde(borrow)]
    tags: Option<&'a RawValue>,
    #[serde(borrow)]
    timestamp: Option<&'a RawValue>,
    #[serde(borrow)]
    trace_id: Option<&'a RawValue>,
    #[serde(borrow)]
    span_id: Option<&'a RawValue>,
}

pub(crate) fn metrics(raw: &[&RawValue]) -> Judged<Metric> {
    judge(raw, |_, text| metric(text))
}

fn metric(text: &RawValue) -> Result<Metric, Fault> {
    let raw: RawMetric<'_> = serde_json::from_str(text.get()).map_err(|e| {
        (
            "bad_metric",
            format!("the metric is not an object of known shape: {e}"),
        )
    })?;
    let value = fields::number("value", raw.value).map_err(|m| ("bad_value", m))?;
    let missing = || ("bad_value", "value is missing: send a number".to_owned());
    let unit = fields::optional_string("unit", raw.unit, UNIT_BYTES_MAX);
    Ok(Metric {
        seq: ordinal("seq", raw.seq).map_err(|m| ("bad_seq", m))?,
        name: string("name", raw.name, NAME_BYTES_MAX).map_err(|m| ("bad_name", m))?,
        kind: kind(raw.kind).map_err(|m| ("bad_type", m))?,
        value: value.ok_or_else(missing)?,
        unit: unit.map_err(|m| ("bad_unit", m))?,
        tags: tags(raw.tags).map_err(|m| ("bad_tags", m))?,
        timestamp: fields::timestamp(raw.timestamp).map_err(|m| ("bad_timestamp", m))?,
        trace_id: hex_id("traceId", raw.trace_id, TRACE_ID_DIGITS)
            .map_err(|m| ("bad_trace_id", m))?,
        span_id: hex_id("spanId", raw.span_id, SPAN_ID_DIGITS).map_err(|m| ("bad_span_id", m))?,
    })
}

fn kind(raw: Option<&RawValue>) -> Result<String, String> {
    let kind = string("type", raw, ID_BYTES_MAX)?;
    if !TYPES.contains(&kind.as_str()) {
        let types = TYPES.join(", ");
        return Err(format!("type is none of {types}: {}", excerpt(&kind)));
    }
    Ok(kind)
}

fn tags(raw: Option<&RawValue>) -> Result<String, String> {
    let Some(text) = fields::object("tags", raw)? else {
        return Ok("{}".to_owned());
    };
    let tags: BTreeMap<String, String> = serde_json::from_str(text)
        .map_err(|_| format!("tags is not an object of texts: {}", excerpt(text)))?;
    if tags.len() > TAGS_MAX {
        return Err(format!("tags: {} of them, at most {TAGS_MAX}", tags.len()));
    }
    Ok(text.to_owned())
}

/// Ids of W3C Trace Context: lower-case hex, not all zero.
fn hex_id(field: &str, raw: Option<&RawValue>, digits: usize) -> Result<Option<String>, String> {
    let Some(id) = optional_id(field, raw)? else {
        return Ok(None);
    };
    let hex = id.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    if id.len() != digits || !hex || id.bytes().all(|b| b == b'0') {
        let shown = excerpt(&id);
        return Err(format!(
            "{field} is not {digits} lower-case hex digits, not all 0: {shown}"
        ));
    }
    Ok(Some(id))
}
