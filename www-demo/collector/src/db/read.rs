//! What the page and the warehouse ask: rows by filter, and the statistics. Reads go through a
//! connection of their own that cannot write, and never wait for the writer (WAL).

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::types::ToSql;
use rusqlite::{Connection, Row};
use serde::Serialize;
use serde_json::value::RawValue;

use super::schema::{OpenError, open_read_only};
use crate::error::ApiError;

#[derive(Clone, Debug)]
pub(crate) struct Reader(Arc<Mutex<Option<Connection>>>);

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Order {
    NewestFirst,
    OldestFirst,
}

#[derive(Debug)]
pub(crate) struct Filter {
    pub(crate) name: Option<String>,
    pub(crate) user: Option<String>,
    /// Events that happened at this time or later, in the form of `clock`.
    pub(crate) since: Option<String>,
    /// Rows stored after this one.
    pub(crate) after: Option<i64>,
    pub(crate) order: Order,
    pub(crate) limit: u32,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct EventRow {
    pub(crate) id: i64,
    pub(crate) idempotency_key: String,
    batch_id: Option<String>,
    tab: Option<String>,
    seq: Option<i64>,
    name: String,
    user_id: Option<String>,
    anonymous_id: Option<String>,
    timestamp: String,
    sent_at: Option<String>,
    received_at: String,
    properties: Option<Box<RawValue>>,
    context: Option<Box<RawValue>>,
    duplicates: i64,
}

/// `events + duplicate_events` is what came over the wire and was valid.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Stats {
    events: i64,
    batches: i64,
    duplicate_events: i64,
    duplicate_batches: i64,
    rejected_events: i64,
    requests: i64,
    receipt_queries: i64,
    dropped_by_client: i64,
    tabs: i64,
}

impl Reader {
    pub(crate) fn open(path: &Path) -> Result<Self, OpenError> {
        Ok(Self(Arc::new(Mutex::new(Some(open_read_only(path)?)))))
    }

    pub(crate) async fn events(
        &self,
        project: &str,
        filter: Filter,
    ) -> Result<Vec<EventRow>, ApiError> {
        let project = project.to_owned();
        self.run(move |db| events(db, &project, &filter)).await
    }

    pub(crate) async fn stats(&self, project: &str) -> Result<Stats, ApiError> {
        let project = project.to_owned();
        self.run(move |db| stats(db, &project)).await
    }

    /// The id of the newest row, 0 when there is none.
    pub(crate) async fn newest(&self) -> Result<i64, ApiError> {
        self.run(|db| {
            db.query_row("SELECT coalesce(max(id), 0) FROM events", [], |row| {
                row.get(0)
            })
        })
        .await
    }

    /// Later reads fail. The writer must be the last to close: only it may fold the WAL away.
    pub(crate) fn close(&self) {
        drop(self.0.lock().unwrap_or_else(PoisonError::into_inner).take());
    }

    async fn run<T: Send + 'static>(
        &self,
        query: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, ApiError> {
        let db = Arc::clone(&self.0);
        let job = move || match &*db.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(db) => query(db).map_err(|e| e.to_string()),
            None => Err("the collector is shutting down".to_owned()),
        };
        let answer = tokio::task::spawn_blocking(job).await;
        let answer = answer.unwrap_or_else(|e| Err(e.to_string()));
        answer.map_err(|message| ApiError::StorageUnavailable { message })
    }
}

fn events(db: &Connection, project: &str, filter: &Filter) -> rusqlite::Result<Vec<EventRow>> {
    let mut sql = "SELECT id, idempotency_key, batch_id, tab, seq, name, user_id, anonymous_id, \
                   timestamp, sent_at, received_at, properties, context, duplicates \
                   FROM events WHERE project = ?"
        .to_owned();
    let mut values: Vec<&dyn ToSql> = vec![&project];
    // Conditions are added only when asked for, so that each combination can use its index.
    let mut and = |condition: &str, value| {
        sql.push_str(condition);
        values.push(value);
    };
    if let Some(name) = &filter.name {
        and(" AND name = ?", name);
    }
    if let Some(user) = &filter.user {
        and(" AND user_id = ?", user);
    }
    if let Some(since) = &filter.since {
        and(" AND timestamp >= ?", since);
    }
    if let Some(after) = &filter.after {
        and(" AND id > ?", after);
    }
    let order = match filter.order {
        Order::NewestFirst => " ORDER BY id DESC LIMIT ?",
        Order::OldestFirst => " ORDER BY id LIMIT ?",
    };
    and(order, &filter.limit);
    db.prepare_cached(&sql)?
        .query_map(values.as_slice(), event_row)?
        .collect()
}

fn event_row(row: &Row<'_>) -> rusqlite::Result<EventRow> {
    Ok(EventRow {
        id: row.get("id")?,
        idempotency_key: row.get("idempotency_key")?,
        batch_id: row.get("batch_id")?,
        tab: row.get("tab")?,
        seq: row.get("seq")?,
        name: row.get("name")?,
        user_id: row.get("user_id")?,
        anonymous_id: row.get("anonymous_id")?,
        timestamp: row.get("timestamp")?,
        sent_at: row.get("sent_at")?,
        received_at: row.get("received_at")?,
        properties: json(row.get("properties")?),
        context: json(row.get("context")?),
        duplicates: row.get("duplicates")?,
    })
}

/// What was stored was valid JSON then, and is passed on as it is.
fn json(text: Option<String>) -> Option<Box<RawValue>> {
    text.and_then(|text| RawValue::from_string(text).ok())
}

fn stats(db: &Connection, project: &str) -> rusqlite::Result<Stats> {
    let counters: BTreeMap<String, i64> = db
        .prepare_cached("SELECT name, value FROM counters WHERE project = ?1")?
        .query_map([project], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<rusqlite::Result<_>>()?;
    let tabs = db
        .prepare_cached("SELECT count(DISTINCT tab) FROM batches WHERE project = ?1")?
        .query_row([project], |row| row.get(0))?;
    let counter = |name: &str| counters.get(name).copied().unwrap_or(0);
    Ok(Stats {
        events: counter("events"),
        batches: counter("batches"),
        duplicate_events: counter("duplicateEvents"),
        duplicate_batches: counter("duplicateBatches"),
        rejected_events: counter("rejectedEvents"),
        requests: counter("requests"),
        receipt_queries: counter("receiptQueries"),
        dropped_by_client: counter("droppedByClient"),
        tabs,
    })
}
