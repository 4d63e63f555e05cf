//! The database: one SQLite file in WAL mode, one connection that writes (`writer`), one that reads
//! (`reader`). The types here are what the rest of the collector hands over, already validated.

mod clocks;
mod counters;
mod erase;
mod metrics_query;
mod metrics_store;
mod people;
mod read;
mod rows;
mod schema;
mod store;
mod timeline;
mod tombstones;
mod writer;

use serde::Deserialize;

pub(crate) use erase::{ERASED_USER, Erased};
pub(crate) use metrics_query::{MetricFilter, MetricSummary, TooManyBuckets};
pub(crate) use metrics_store::StoredMetrics;
pub(crate) use read::{Counts, Filter, Order, Reader, Stats};
pub(crate) use rows::EventRow;
pub(crate) use schema::{OpenError, open_read_only};
pub(crate) use timeline::{Cursor, Page, Sessions, Span};
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
    /// How long after the client's time of sending this attempt arrived, if it says when it was sent.
    pub(crate) lag_ms: Option<i64>,
    pub(crate) events: Vec<Event>,
    pub(crate) refused: Vec<Refused>,
    pub(crate) dropped: Vec<Tombstone>,
    /// Batch ids whose arrival the client asks about.
    pub(crate) receipts: Option<Vec<String>>,
}

#[derive(Debug)]
pub(crate) struct Event {
    /// Its place in the batch.
    pub(crate) index: usize,
    pub(crate) idempotency_key: String,
    pub(crate) seq: Option<i64>,
    pub(crate) name: String,
    pub(crate) user_id: Option<String>,
    pub(crate) anonymous_id: Option<String>,
    pub(crate) timestamp: String,
    pub(crate) properties: String,
    pub(crate) session_id: Option<String>,
    pub(crate) session_seq: Option<i64>,
    pub(crate) value: Option<f64>,
    pub(crate) sample_rate: Option<f64>,
    pub(crate) groups: Option<String>,
    pub(crate) attribution: Option<String>,
    pub(crate) context: Option<String>,
    /// Of an `$alias`: the id that its user had before.
    pub(crate) previous_id: Option<String>,
}

/// Metrics that came in one request, ready to be stored in one transaction.
#[derive(Debug)]
pub(crate) struct MetricBatch {
    pub(crate) project: String,
    pub(crate) batch_id: Option<String>,
    pub(crate) tab: Option<String>,
    pub(crate) sent_at: Option<String>,
    pub(crate) received_at: String,
    pub(crate) lag_ms: Option<i64>,
    pub(crate) metrics: Vec<Metric>,
    pub(crate) rejected: usize,
    pub(crate) dropped: Vec<Tombstone>,
}

#[derive(Debug)]
pub(crate) struct Metric {
    pub(crate) seq: Option<i64>,
    pub(crate) name: String,
    pub(crate) kind: String,
    pub(crate) value: f64,
    pub(crate) unit: Option<String>,
    pub(crate) tags: String,
    pub(crate) timestamp: String,
    pub(crate) trace_id: Option<String>,
    pub(crate) span_id: Option<String>,
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
