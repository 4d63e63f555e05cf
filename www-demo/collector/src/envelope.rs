//! The envelope of a batch, as JSON. Events, their properties and the context stay text: they are
//! stored as they were sent, and one bad event must not take its batch with it.

use serde::Deserialize;
use serde_json::error::Category;
use serde_json::value::RawValue;

use crate::db::Tombstone;
use crate::error::ApiError;

/// Ids are compared and indexed: what is longer than this is not an id.
pub(crate) const ID_BYTES_MAX: usize = 200;
pub(crate) const RECEIPTS_MAX: usize = 1000;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Envelope<'a> {
    pub(crate) api_key: Option<String>,
    pub(crate) sent_at: Option<String>,
    pub(crate) tab: Option<String>,
    pub(crate) batch_id: Option<String>,
    #[serde(borrow)]
    pub(crate) context: Option<&'a RawValue>,
    #[serde(default)]
    pub(crate) dropped: Vec<Tombstone>,
    pub(crate) receipts: Option<Vec<String>>,
    #[serde(borrow)]
    pub(crate) events: Vec<&'a RawValue>,
}

impl<'a> Envelope<'a> {
    pub(crate) fn parse(body: &'a [u8]) -> Result<Self, ApiError> {
        let envelope: Self = parse(body)?;
        envelope.check()?;
        Ok(envelope)
    }

    fn check(&self) -> Result<(), ApiError> {
        id_fits("tab", self.tab.as_deref())?;
        id_fits("batchId", self.batch_id.as_deref())?;
        if self.context.is_some_and(|c| !c.get().starts_with('{')) {
            return Err(bad("context is not an object".to_owned()));
        }
        check_dropped(&self.dropped, self.tab.as_deref())?;
        let receipts = self.receipts.as_ref().map_or(0, Vec::len);
        if receipts > RECEIPTS_MAX {
            return Err(bad(format!(
                "receipts: {receipts} ids, at most {RECEIPTS_MAX} at once"
            )));
        }
        Ok(())
    }
}

/// What metrics come in.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct MetricsEnvelope<'a> {
    pub(crate) api_key: Option<String>,
    pub(crate) sent_at: Option<String>,
    pub(crate) tab: Option<String>,
    pub(crate) batch_id: Option<String>,
    #[serde(default)]
    pub(crate) dropped: Vec<Tombstone>,
    #[serde(borrow)]
    pub(crate) metrics: Vec<&'a RawValue>,
}

impl<'a> MetricsEnvelope<'a> {
    pub(crate) fn parse(body: &'a [u8]) -> Result<Self, ApiError> {
        let envelope: Self = parse(body)?;
        id_fits("tab", envelope.tab.as_deref())?;
        id_fits("batchId", envelope.batch_id.as_deref())?;
        check_dropped(&envelope.dropped, envelope.tab.as_deref())?;
        Ok(envelope)
    }
}

fn parse<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, ApiError> {
    let text = std::str::from_utf8(body).map_err(|e| not_utf8(body, &e))?;
    serde_json::from_str(text).map_err(|e| explain(text, &e))
}

fn check_dropped(dropped: &[Tombstone], tab: Option<&str>) -> Result<(), ApiError> {
    if !dropped.is_empty() && tab.is_none() {
        return Err(bad(
            "dropped needs tab: its numbers are those of one tab".to_owned()
        ));
    }
    for (i, tombstone) in dropped.iter().enumerate() {
        tombstone
            .check()
            .map_err(|why| bad(format!("dropped[{i}]: {why}")))?;
    }
    Ok(())
}

/// Whether it has the form of the SDK's batch ids, `<tab: 20 hex>:<from>-<to>.<8 hex>`. Only of such
/// ids it is told whether they are stored: to know one is to know the 80 random bits of its tab, so
/// nobody learns of another visitor's batches by asking.
pub(crate) fn is_batch_id(id: &str) -> bool {
    let parts = || {
        let (tab, rest) = id.split_once(':')?;
        let (range, sum) = rest.split_once('.')?;
        let (from, to) = range.split_once('-')?;
        Some((tab, from, to, sum))
    };
    let hex = |text: &str, digits| {
        let digit = |b| matches!(b, b'0'..=b'9' | b'a'..=b'f');
        text.len() == digits && text.bytes().all(digit)
    };
    let number = |text: &str| {
        let plain = !text.starts_with('0') && text.bytes().all(|b| b.is_ascii_digit());
        text.parse::<i64>().ok().filter(|_| plain)
    };
    parts().is_some_and(|(tab, from, to, sum)| {
        let range = number(from).zip(number(to));
        hex(tab, 20) && hex(sum, 8) && range.is_some_and(|(from, to)| from <= to)
    })
}

fn id_fits(field: &str, id: Option<&str>) -> Result<(), ApiError> {
    match id {
        Some("") => Err(bad(format!("{field} is empty: leave it out or send an id"))),
        Some(id) if id.len() > ID_BYTES_MAX => Err(bad(format!(
            "{field} is {} bytes long, at most {ID_BYTES_MAX}",
            id.len()
        ))),
        _ => Ok(()),
    }
}

fn bad(message: String) -> ApiError {
    ApiError::BadEnvelope { message }
}

/// Broken JSON and JSON of another shape are two mistakes with two cures, so they have two codes;
/// both tell the position.
fn explain(text: &str, error: &serde_json::Error) -> ApiError {
    let (line, column) = (error.line(), error.column());
    let byte = byte_offset(text, line, column);
    let message = format!("{error} (byte {byte})");
    match error.classify() {
        Category::Data => ApiError::BadEnvelope { message },
        _ => ApiError::MalformedJson {
            message,
            line,
            column,
            byte,
        },
    }
}

fn not_utf8(body: &[u8], error: &std::str::Utf8Error) -> ApiError {
    let byte = error.valid_up_to();
    let before = body.get(..byte).unwrap_or_default();
    let line = 1 + before.iter().filter(|b| **b == b'\n').count();
    let column = 1 + before.iter().rev().take_while(|b| **b != b'\n').count();
    let message =
        format!("the body is not UTF-8: invalid byte at line {line} column {column} (byte {byte})");
    ApiError::MalformedJson {
        message,
        line,
        column,
        byte,
    }
}

/// serde_json counts lines from 1 and columns in bytes from 1 (0: before the first byte of a line);
/// the offset is counted from 0, like in every editor's "go to byte".
fn byte_offset(text: &str, line: usize, column: usize) -> usize {
    let lines_before = text.split_inclusive('\n').take(line.saturating_sub(1));
    let start: usize = lines_before.map(str::len).sum();
    (start + column.saturating_sub(1)).min(text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn position(body: &[u8]) -> Option<(usize, usize, usize)> {
        match Envelope::parse(body) {
            Err(ApiError::MalformedJson {
                line, column, byte, ..
            }) => Some((line, column, byte)),
            _ => None,
        }
    }

    #[test]
    fn the_position_points_at_the_offending_byte() {
        let body = b"{\"apiKey\":\"demo\",\n \"events\":[}";
        assert_eq!(position(body), Some((2, 12, 29)));
        assert_eq!(body[29], b'}');
    }

    #[test]
    fn invalid_utf8_has_a_position_too() {
        let body = b"{\n\"a\":\"\xff\"}";
        assert_eq!(position(body), Some((2, 6, 7)));
        assert_eq!(body[7], 0xff);
    }

    #[test]
    fn batch_ids_are_told_from_guesses() {
        let tab = "00112233445566778899";
        assert!(is_batch_id(&format!("{tab}:1-1.369ab5c0")));
        assert!(is_batch_id(&format!("{tab}:51-9000.00000000")));
        for id in ["", "tab:1-1.369ab5c0", ":1-1.369ab5c0", "x"] {
            assert!(!is_batch_id(id), "{id}");
        }
        for rest in [
            "",
            ":",
            ":1-1",
            ":1-1.",
            ":1-1.369ab5c",
            ":1-1.369ab5c0d",
            ":1-1.369AB5C0",
            ":2-1.369ab5c0",
            ":0-1.369ab5c0",
            ":01-1.369ab5c0",
            ":+1-1.369ab5c0",
            ":-1-1.369ab5c0",
            ":1.369ab5c0",
            ":1-99999999999999999999.369ab5c0",
            "0:1-1.369ab5c0",
        ] {
            assert!(!is_batch_id(&format!("{tab}{rest}")), "{rest}");
        }
    }

    #[test]
    fn deep_nesting_is_no_stack_overflow() {
        let deep = "[".repeat(200_000);
        assert!(position(format!("{{\"events\":[{deep}").as_bytes()).is_some());
    }
}
