//! Stores the metrics of one request in one transaction. They have tables, numbers and counters of
//! their own: an outage of one stream says nothing of the other.

use rusqlite::{Connection, Transaction, TransactionBehavior, params};

use super::clocks::{self, Clock, corrected};
use super::counters::{bump, count};
use super::{Metric, MetricBatch, tombstones};

/// What became of them.
#[derive(Debug)]
pub(crate) struct StoredMetrics {
    pub(crate) accepted: usize,
    pub(crate) duplicates: usize,
}

pub(super) fn store(db: &mut Connection, batch: &MetricBatch) -> rusqlite::Result<StoredMetrics> {
    let tx = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let clock = clocks::observe(&tx, &batch.project, batch.tab.as_deref(), batch.lag_ms)?;
    let mut duplicates = 0;
    for metric in &batch.metrics {
        duplicates += usize::from(!insert(&tx, batch, metric, &clock)?);
    }
    let accepted = batch.metrics.len() - duplicates;
    let dropped = tombstones::record(
        &tx,
        tombstones::OF_METRICS,
        &batch.project,
        batch.tab.as_deref(),
        &batch.received_at,
        &batch.dropped,
    )?;
    let counts = [
        ("metricRequests", 1),
        ("metrics", count(accepted)),
        ("duplicateMetrics", count(duplicates)),
        ("rejectedMetrics", count(batch.rejected)),
        ("metricsDroppedByClient", dropped),
    ];
    bump(&tx, &batch.project, &counts)?;
    tx.commit()?;
    Ok(StoredMetrics {
        accepted,
        duplicates,
    })
}

/// Whether it is new: tab and number decide, where it has both.
fn insert(
    tx: &Transaction<'_>,
    batch: &MetricBatch,
    metric: &Metric,
    clock: &Clock,
) -> rusqlite::Result<bool> {
    let mut insert = tx.prepare_cached(concat!(
        "INSERT INTO metrics (project, batch_id, tab, seq, name, type, value, unit, tags,
                              timestamp, sent_at, received_at, trace_id, span_id, occurred_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ",
        corrected!("?10", "?15"),
        ")
         ON CONFLICT (project, tab, seq) DO UPDATE SET duplicates = duplicates + 1
         RETURNING duplicates = 0"
    ))?;
    let values = params![
        batch.project,
        batch.batch_id,
        batch.tab,
        metric.seq,
        metric.name,
        metric.kind,
        metric.value,
        metric.unit,
        metric.tags,
        metric.timestamp,
        batch.sent_at,
        batch.received_at,
        metric.trace_id,
        metric.span_id,
        clock.shift,
    ];
    insert.query_row(values, |row| row.get(0))
}
