//! The database: one SQLite file in WAL mode, one connection that writes (`writer`), one that reads
//! (`reader`). The types here are what the rest of the collector hands over, already validated.

mod read;
mod schema;
mod store;
mod tombstones;
mod writer;

use serde::Deserialize;

pub(crate) use read::{EventRow, Filter, Order, Reader, Stats};
pub(crate) use schema::{OpenError, open_read_only};
pub(crate) use store::Stored;
pub(crate) use writer::Writer;

/// Sequence numbers and counters stay within what JavaScript can count (2^53 - 1): both are made and
/// read there.
pub(crate) const SEQ_MAX: i64 = 9_007_199_254_740_991;

/// A validated batch, ready to be stored in one transaction.
#[derive(Debug)]
pub(crate) struct Batch {
    pub(crate) project: String,
    pub(crate) batch_id: Option<String>,
    pub(crate) tab: Option<String>,
    pub(crate) sent_at: Option<String>,
    pub(crate) received_at: String,
    pub(crate) context: Option<String>,
    pub(crate) events: Vec<Event>,
    pub(crate) refused: Vec<Refused>,
    pub(crate) dropped: Vec<Tombstone>,
    /// Batch ids whose arrival the client asks about.
    pub(crate) receipts: Option<Vec<String>>,
}

#[derive(Debug)]
pub(crate) struct Event {
    pub(crate) idempotency_key: String,
    pub(crate) seq: Option<i64>,
    pub(crate) name: String,
    pub(crate) user_id: Option<String>,
    pub(crate) anonymous_id: Option<String>,
    pub(crate) timestamp: String,
    pub(crate) properties: String,
}

/// An event that arrived but was not good enough to store.
#[derive(Debug)]
pub(crate) struct Refused {
    pub(crate) index: usize,
    pub(crate) seq: Option<i64>,
    pub(crate) error: &'static str,
}

/// Sequence numbers of one tab (both ends included) that the client gave up on, and why.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Tombstone {
    pub(crate) from: i64,
    pub(crate) to: i64,
    pub(crate) reason: String,
}

impl Tombstone {
    pub(crate) fn check(&self) -> Result<(), String> {
        let Self { from, to, reason } = self;
        if *from < 1 || from > to || *to > SEQ_MAX {
            return Err(format!(
                "from {from} to {to} is no range: 1 <= from <= to < 2^53"
            ));
        }
        if reason.is_empty() || reason.len() > 100 {
            return Err("reason must have 1 to 100 bytes".to_owned());
        }
        Ok(())
    }
}
