//! A stored event, as it is told over HTTP.

use rusqlite::Row;
use serde::Serialize;
use serde_json::value::RawValue;

/// What `EventRow::read` reads.
macro_rules! columns {
    () => {
        "id, idempotency_key, batch_id, tab, seq, name, user_id, anonymous_id, timestamp, \
         occurred_at, sent_at, received_at, properties, context, session_id, session_seq, value, \
         sample_rate, groups, attribution, duplicates"
    };
}
pub(super) use columns;

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct EventRow {
    pub(crate) id: i64,
    pub(crate) idempotency_key: String,
    batch_id: Option<String>,
    tab: Option<String>,
    pub(super) seq: Option<i64>,
    pub(super) name: String,
    user_id: Option<String>,
    anonymous_id: Option<String>,
    /// By the client's clock.
    timestamp: String,
    /// By ours: see `clocks`.
    pub(super) occurred_at: String,
    sent_at: Option<String>,
    received_at: String,
    pub(super) properties: Option<Box<RawValue>>,
    context: Option<Box<RawValue>>,
    pub(super) session_id: Option<String>,
    session_seq: Option<i64>,
    value: Option<f64>,
    pub(super) sample_rate: Option<f64>,
    groups: Option<Box<RawValue>>,
    pub(super) attribution: Option<Box<RawValue>>,
    duplicates: i64,
}

impl EventRow {
    pub(super) fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            id: row.get("id")?,
            idempotency_key: row.get("idempotency_key")?,
            batch_id: row.get("batch_id")?,
            tab: row.get("tab")?,
            seq: row.get("seq")?,
            name: row.get("name")?,
            user_id: row.get("user_id")?,
            anonymous_id: row.get("anonymous_id")?,
            timestamp: row.get("timestamp")?,
            occurred_at: row.get("occurred_at")?,
            sent_at: row.get("sent_at")?,
            received_at: row.get("received_at")?,
            properties: json(row.get("properties")?),
            context: json(row.get("context")?),
            session_id: row.get("session_id")?,
            session_seq: row.get("session_seq")?,
            value: row.get("value")?,
            sample_rate: row.get("sample_rate")?,
            groups: json(row.get("groups")?),
            attribution: json(row.get("attribution")?),
            duplicates: row.get("duplicates")?,
        })
    }
}

/// What was stored was valid JSON then, and is passed on as it is.
pub(super) fn json(text: Option<String>) -> Option<Box<RawValue>> {
    text.and_then(|text| RawValue::from_string(text).ok())
}
