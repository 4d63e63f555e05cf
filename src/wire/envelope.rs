//! The default format: one JSON envelope per batch.
//!
//! ```json
//! {"sentAt":"…","batchId":"<tab>:<from>-<to>","sdk":{…},"apiKey":"…","tab":"…","context":{…},
//!  "dropped":[{"from":51,"to":60,"reason":"overflow"}],
//!  "events":[{"idempotencyKey":"…","seq":1,"name":"…","userId":null,"anonymousId":"…",
//!             "timestamp":"…","properties":{…}}]}
//! ```
//!
//! `tab` and `seq` number a tab's events without gaps and `dropped` accounts for the gaps there
//! are, so whoever owns the data can see what is missing. `sentAt` is when the batch was sealed,
//! which is when it was first sent: a batch that is repeated is repeated to the byte.

use crate::journal::entries::Entry;
use crate::journal::seal::Hole;
use crate::model::ids::TabId;
use crate::model::time::UnixMillis;
use crate::text::fields::{after, after_byte, fields, split_once};
use crate::text::json::{push_string, push_timestamp, push_u64};

/// The parts of one event, the strings already JSON.
#[derive(Clone, Copy, Debug)]
pub struct EventParts<'a> {
    /// Who tracked it.
    pub tab: TabId,
    /// Number within its tab.
    pub seq: u64,
    /// JSON string.
    pub name: &'a str,
    /// JSON string, or empty for none.
    pub user_id: &'a str,
    /// JSON string.
    pub anonymous_id: &'a str,
    /// When it happened.
    pub timestamp: UnixMillis,
    /// JSON object.
    pub properties: &'a str,
}

/// One event as it stands in `events`.
#[must_use]
pub fn event(parts: EventParts<'_>) -> String {
    // It is kept as it is, so: room for all of it, and little more.
    let strings = parts.name.len() + parts.user_id.len() + parts.anonymous_id.len();
    let mut out = String::new();
    out.reserve(160 + strings + parts.properties.len());
    out.push_str("{\"idempotencyKey\":\"");
    parts.tab.push_key(&mut out, parts.seq, parts.timestamp);
    out.push_str("\",\"seq\":");
    push_u64(&mut out, parts.seq);
    out.push_str(",\"name\":");
    out.push_str(parts.name);
    out.push_str(",\"userId\":");
    out.push_str(if parts.user_id.is_empty() {
        "null"
    } else {
        parts.user_id
    });
    out.push_str(",\"anonymousId\":");
    out.push_str(parts.anonymous_id);
    out.push_str(",\"timestamp\":\"");
    push_timestamp(&mut out, parts.timestamp);
    out.push_str("\",\"properties\":");
    out.push_str(parts.properties);
    out.push('}');
    out
}

/// The part of the envelope that is the same for all batches of a tab.
#[must_use]
pub fn header(runtime: &str, api_key: &str, tab: &str, context: &str) -> String {
    let mut out = String::new();
    out.push_str(concat!(
        "\"sdk\":{\"name\":\"sendoff\",\"version\":\"",
        env!("CARGO_PKG_VERSION"),
        "\",\"runtime\":"
    ));
    push_string(&mut out, runtime);
    out.push_str("},\"apiKey\":");
    push_string(&mut out, api_key);
    out.push_str(",\"tab\":");
    push_string(&mut out, tab);
    out.push_str(",\"context\":");
    out.push_str(context);
    out
}

/// Bytes of an envelope around its events and `holes`, at most.
#[must_use]
pub const fn overhead_bytes(header: &str, holes: usize) -> usize {
    160 + header.len() + holes * 96
}

/// A whole batch; `events` are [`event`] texts.
#[must_use]
pub fn batch(
    header: &str,
    batch_id: &str,
    sent_at: UnixMillis,
    holes: &[Hole],
    events: &[Entry],
) -> String {
    let mut out = open(header, sent_at, batch_id);
    let mut before = ",\"dropped\":[{\"from\":";
    for hole in holes {
        out.push_str(before);
        push_u64(&mut out, hole.from);
        out.push_str(",\"to\":");
        push_u64(&mut out, hole.to);
        out.push_str(",\"reason\":");
        push_string(&mut out, hole.reason.code());
        before = "},{\"from\":";
    }
    if before.starts_with('}') {
        out.push_str("}]");
    }
    out.push_str(",\"events\":[");
    before = "";
    for event in events {
        out.push_str(before);
        out.push_str(&event.text);
        before = ",";
    }
    out.push_str("]}");
    out
}

/// A receipt query: which of these batches does the collector have? It stands in the answer's
/// `known`; a collector that does not know the question does not answer it, and is sent the batch.
#[must_use]
pub fn receipts(
    header: &str,
    sent_at: UnixMillis,
    batch_ids: impl Iterator<Item = String>,
) -> String {
    let mut out = open(header, sent_at, "");
    let mut before = ",\"receipts\":[";
    for id in batch_ids {
        out.push_str(before);
        push_string(&mut out, &id);
        before = ",";
    }
    out.push_str("],\"events\":[]}");
    out
}

/// The inside of the list `known` of an answer to [`receipts`], or `None` if it was not understood.
#[must_use]
pub fn known_receipts(answer: &str) -> Option<&str> {
    let (list, _) = split_once(list_of(answer, "\"known\"")?, b']')?;
    Some(list)
}

/// Whether a batch is in the list of [`known_receipts`]; no id holds a quote.
#[must_use]
pub fn is_known(list: &str, batch_id: &str) -> bool {
    fields(list, b'"').any(|field| field == batch_id)
}

/// What follows the opening bracket of a member's list.
fn list_of<'a>(answer: &'a str, member: &str) -> Option<&'a str> {
    after_byte(after_byte(after(answer, member)?, b':')?, b'[')
}

/// How many events of a batch the collector refused one by one, by the `rejected` of its answer.
#[must_use]
pub fn refused_events(answer: &str) -> usize {
    let mut rest = list_of(answer, "\"rejected\"").unwrap_or("");
    let mut count = 0;
    while let Some(behind) = after(rest, "\"index\"") {
        // A member name, not the word in a message: a colon follows, white space or not.
        if after_byte(behind, b':').is_some() {
            count += 1;
        }
        rest = behind;
    }
    count
}

fn open(header: &str, sent_at: UnixMillis, batch_id: &str) -> String {
    let mut out = String::new();
    out.push_str("{\"sentAt\":\"");
    push_timestamp(&mut out, sent_at);
    out.push('"');
    if !batch_id.is_empty() {
        out.push_str(",\"batchId\":");
        push_string(&mut out, batch_id);
    }
    out.push(',');
    out.push_str(header);
    out
}
