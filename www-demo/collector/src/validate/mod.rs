//! Judges each event of a batch by itself: the good ones are stored, the bad ones are answered with
//! their index and what is wrong with them.
//!
//! The limits are wider than the SDK's own (64-character names, 120-byte user ids, depth 8, 32 KB of
//! properties), so an event the SDK accepted is never refused here over a matter of counting.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::clock;
use crate::db::{Event, Refused, SEQ_MAX};
use crate::envelope::ID_BYTES_MAX;

const NAME_BYTES_MAX: usize = 512;
const USER_ID_BYTES_MAX: usize = 512;
const PROPERTIES_BYTES_MAX: usize = 128 * 1024;
/// SQLite's own JSON functions stop at 1000 levels; a warehouse query must be able to read a row.
const DEPTH_MAX: usize = 64;

/// One bad event, as the client is told.
#[derive(Debug, Serialize)]
pub(crate) struct Rejection {
    pub(crate) index: usize,
    pub(crate) error: &'static str,
    pub(crate) message: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawEvent<'a> {
    #[serde(borrow)]
    idempotency_key: Option<&'a RawValue>,
    #[serde(borrow)]
    seq: Option<&'a RawValue>,
    #[serde(borrow)]
    name: Option<&'a RawValue>,
    #[serde(borrow)]
    user_id: Option<&'a RawValue>,
    #[serde(borrow)]
    anonymous_id: Option<&'a RawValue>,
    #[serde(borrow)]
    timestamp: Option<&'a RawValue>,
    #[serde(borrow)]
    properties: Option<&'a RawValue>,
}

type Fault = (&'static str, String);

/// Splits a batch into what is stored, what the client is told, and what the warehouse keeps of the
/// refused ones.
pub(crate) fn events(raw: &[&RawValue]) -> (Vec<Event>, Vec<Rejection>, Vec<Refused>) {
    let (mut good, mut rejections, mut refused) = (Vec::new(), Vec::new(), Vec::new());
    for (index, text) in raw.iter().enumerate() {
        match event(text) {
            Ok(event) => good.push(event),
            Err((error, message)) => {
                refused.push(Refused {
                    index,
                    seq: readable_seq(text),
                    error,
                });
                rejections.push(Rejection {
                    index,
                    error,
                    message,
                });
            }
        }
    }
    (good, rejections, refused)
}

fn event(text: &RawValue) -> Result<Event, Fault> {
    let raw: RawEvent<'_> = serde_json::from_str(text.get()).map_err(|e| {
        (
            "bad_event",
            format!("the event is not an object of known shape: {e}"),
        )
    })?;
    let key = string("idempotencyKey", raw.idempotency_key, ID_BYTES_MAX)
        .map_err(|message| ("bad_idempotency_key", message))?;
    let name = string("name", raw.name, NAME_BYTES_MAX).map_err(|message| ("bad_name", message))?;
    let user_id = optional_string("userId", raw.user_id, USER_ID_BYTES_MAX)
        .map_err(|message| ("bad_user_id", message))?;
    let anonymous_id = optional_string("anonymousId", raw.anonymous_id, ID_BYTES_MAX)
        .map_err(|message| ("bad_anonymous_id", message))?;
    Ok(Event {
        idempotency_key: key,
        seq: seq(raw.seq)?,
        name,
        user_id,
        anonymous_id,
        timestamp: timestamp(raw.timestamp)?,
        properties: properties(raw.properties)?,
    })
}

fn string(field: &str, raw: Option<&RawValue>, bytes_max: usize) -> Result<String, String> {
    let text = optional_string(field, raw, bytes_max)?
        .ok_or_else(|| format!("{field} is missing: send a string"))?;
    if text.is_empty() {
        return Err(format!("{field} is empty"));
    }
    Ok(text)
}

fn optional_string(
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

fn seq(raw: Option<&RawValue>) -> Result<Option<i64>, Fault> {
    let Some(raw) = raw else { return Ok(None) };
    match serde_json::from_str::<i64>(raw.get()) {
        Ok(seq) if (1..=SEQ_MAX).contains(&seq) => Ok(Some(seq)),
        _ => Err((
            "bad_seq",
            format!(
                "seq is not a whole number from 1 to 2^53 - 1: {}",
                excerpt(raw.get())
            ),
        )),
    }
}

fn timestamp(raw: Option<&RawValue>) -> Result<String, Fault> {
    let text = string("timestamp", raw, ID_BYTES_MAX).map_err(|m| ("bad_timestamp", m))?;
    clock::normalise(&text).ok_or_else(|| {
        let shown = excerpt(&text);
        (
            "bad_timestamp",
            format!("timestamp is not like 2026-01-15T12:00:00.000Z: {shown}"),
        )
    })
}

fn properties(raw: Option<&RawValue>) -> Result<String, Fault> {
    let Some(raw) = raw else {
        return Ok("{}".to_owned());
    };
    let text = raw.get();
    let bad = |message| Err(("bad_properties", message));
    if !text.starts_with('{') {
        return bad(format!("properties is not an object: {}", excerpt(text)));
    }
    if text.len() > PROPERTIES_BYTES_MAX {
        return bad(format!(
            "properties is {} bytes long, at most {PROPERTIES_BYTES_MAX}",
            text.len()
        ));
    }
    if depth(text) > DEPTH_MAX {
        return bad(format!(
            "properties is nested deeper than {DEPTH_MAX} levels"
        ));
    }
    Ok(text.to_owned())
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

/// The sequence number of a refused event, if it can be read: it lets the query for lost events
/// tell "refused" from "lost".
fn readable_seq(text: &RawValue) -> Option<i64> {
    #[derive(Deserialize)]
    struct Seq {
        seq: i64,
    }
    serde_json::from_str::<Seq>(text.get())
        .ok()
        .map(|s| s.seq)
        .filter(|seq| (1..=SEQ_MAX).contains(seq))
}

/// Enough of a wrong value to recognise it, not enough to fill a log.
fn excerpt(text: &str) -> String {
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
