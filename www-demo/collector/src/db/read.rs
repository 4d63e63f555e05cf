//! What the page and the warehouse ask: rows by filter, and the statistics. Reads go through a
//! connection of their own that cannot write, and never wait for the writer (WAL).

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::Connection;
use rusqlite::types::ToSql;
use serde::Serialize;

use super::rows::{EventRow, columns};
use super::schema::{OpenError, open_read_only};
use crate::error::ApiError;

#[derive(Clone, Debug)]
pub(crate) struct Reader(Arc<Mutex<Option<Connection>>>);

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Order {
    /// By corrected time, the latest first.
    ByTime,
    /// By row, which is the order in which they came.
    NewestRows,
    OldestRows,
}

#[derive(Debug)]
pub(crate) struct Filter {
    pub(crate) name: Option<String>,
    pub(crate) user: Option<String>,
    /// Events that happened at this time or later (corrected), in the form of `clock`.
    pub(crate) since: Option<String>,
    /// Rows stored after this one.
    pub(crate) after: Option<i64>,
    pub(crate) order: Order,
    pub(crate) limit: u32,
}

/// `events + duplicate_events + erased_events` is what came over the wire and was valid.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Stats {
    events: i64,
    /// How many events there were, by the rates at which they were sampled.
    estimated_events: f64,
    batches: i64,
    duplicate_events: i64,
    duplicate_batches: i64,
    rejected_events: i64,
    erased_events: i64,
    requests: i64,
    receipt_queries: i64,
    dropped_by_client: i64,
    tabs: i64,
    metrics: MetricStats,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct MetricStats {
    stored: i64,
    duplicates: i64,
    rejected: i64,
    requests: i64,
    dropped_by_client: i64,
}

/// Of the events of one name: each stands for 1 / its sample rate events.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Counts {
    name: String,
    events: i64,
    estimated_events: f64,
    value_sum: f64,
    estimated_value_sum: f64,
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

    /// Counts by name of what happened from `from` until before `to`.
    pub(crate) async fn counts(
        &self,
        project: &str,
        from: Option<String>,
        to: Option<String>,
    ) -> Result<Vec<Counts>, ApiError> {
        let project = project.to_owned();
        self.run(move |db| counts(db, &project, from.as_deref(), to.as_deref()))
            .await
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

    pub(super) async fn run<T: Send + 'static>(
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
    let mut sql = concat!("SELECT ", columns!(), " FROM events WHERE project = ?").to_owned();
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
        and(" AND occurred_at >= ?", since);
    }
    if let Some(after) = &filter.after {
        and(" AND id > ?", after);
    }
    let order = match filter.order {
        Order::ByTime => " ORDER BY occurred_at DESC, id DESC LIMIT ?",
        Order::NewestRows => " ORDER BY id DESC LIMIT ?",
        Order::OldestRows => " ORDER BY id LIMIT ?",
    };
    and(order, &filter.limit);
    db.prepare_cached(&sql)?
        .query_map(values.as_slice(), EventRow::read)?
        .collect()
}

fn stats(db: &Connection, project: &str) -> rusqlite::Result<Stats> {
    let counters: BTreeMap<String, i64> = db
        .prepare_cached("SELECT name, value FROM counters WHERE project = ?1")?
        .query_map([project], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<rusqlite::Result<_>>()?;
    let tabs = db
        .prepare_cached("SELECT count(DISTINCT tab) FROM batches WHERE project = ?1")?
        .query_row([project], |row| row.get(0))?;
    // What each sampled event stands for beside itself.
    let unseen: f64 = db
        .prepare_cached(
            "SELECT coalesce(sum(1.0 / sample_rate - 1.0), 0.0) FROM events
             WHERE project = ?1 AND sample_rate IS NOT NULL",
        )?
        .query_row([project], |row| row.get(0))?;
    let counter = |name: &str| counters.get(name).copied().unwrap_or(0);
    Ok(Stats {
        events: counter("events"),
        estimated_events: whole(counter("events")) + unseen,
        batches: counter("batches"),
        duplicate_events: counter("duplicateEvents"),
        duplicate_batches: counter("duplicateBatches"),
        rejected_events: counter("rejectedEvents"),
        erased_events: counter("erasedEvents"),
        requests: counter("requests"),
        receipt_queries: counter("receiptQueries"),
        dropped_by_client: counter("droppedByClient"),
        tabs,
        metrics: MetricStats {
            stored: counter("metrics"),
            duplicates: counter("duplicateMetrics"),
            rejected: counter("rejectedMetrics"),
            requests: counter("metricRequests"),
            dropped_by_client: counter("metricsDroppedByClient"),
        },
    })
}

/// Counters stay below 2^53: no digit is lost.
fn whole(count: i64) -> f64 {
    count as f64
}

fn counts(
    db: &Connection,
    project: &str,
    from: Option<&str>,
    to: Option<&str>,
) -> rusqlite::Result<Vec<Counts>> {
    db.prepare_cached(
        "SELECT name, count(*) AS events, total(1.0 / coalesce(sample_rate, 1.0)) AS estimated,
                total(value) AS value_sum,
                total(value / coalesce(sample_rate, 1.0)) AS estimated_value_sum
         FROM events
         WHERE project = ?1 AND occurred_at >= coalesce(?2, '')
           AND (?3 IS NULL OR occurred_at < ?3)
         GROUP BY name ORDER BY name",
    )?
    .query_map((project, from, to), |row| {
        Ok(Counts {
            name: row.get("name")?,
            events: row.get("events")?,
            estimated_events: row.get("estimated")?,
            value_sum: row.get("value_sum")?,
            estimated_value_sum: row.get("estimated_value_sum")?,
        })
    })?
    .collect()
}
