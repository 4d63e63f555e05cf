//! Stores one batch in one transaction: all of it or nothing, and the counters with it, so that the
//! statistics can never disagree with the rows.

use rusqlite::{Connection, OptionalExtension as _, Transaction, TransactionBehavior, params};

use super::{Batch, Event, SEQ_MAX, tombstones};

/// What became of a batch.
#[derive(Debug)]
pub(crate) struct Stored {
    pub(crate) accepted: usize,
    pub(crate) duplicates: usize,
    pub(crate) duplicate_batch: bool,
    /// Of the ids asked about, those stored for this project.
    pub(crate) known: Option<Vec<String>>,
}

pub(super) fn store(db: &mut Connection, batch: &Batch) -> rusqlite::Result<Stored> {
    let tx = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut duplicates = 0;
    for event in &batch.events {
        duplicates += usize::from(!insert_event(&tx, batch, event)?);
    }
    let accepted = batch.events.len() - duplicates;
    let duplicate_batch = record_batch(&tx, batch, accepted)?;
    record_refused(&tx, batch)?;
    let dropped = record_dropped(&tx, batch)?;
    let known = batch
        .receipts
        .as_ref()
        .map(|ids| known(&tx, &batch.project, ids))
        .transpose()?;
    let counts = [
        ("requests", 1),
        ("events", count(accepted)),
        ("duplicateEvents", count(duplicates)),
        ("duplicateBatches", i64::from(duplicate_batch)),
        ("rejectedEvents", count(batch.refused.len())),
        ("receiptQueries", i64::from(known.is_some())),
        ("droppedByClient", dropped),
    ];
    bump(&tx, &batch.project, &counts)?;
    tx.commit()?;
    Ok(Stored {
        accepted,
        duplicates,
        duplicate_batch,
        known,
    })
}

/// Whether the event is new. Its key decides, nothing else: a re-sent event counts on the row it
/// already has.
fn insert_event(tx: &Transaction<'_>, batch: &Batch, event: &Event) -> rusqlite::Result<bool> {
    let mut insert = tx.prepare_cached(
        "INSERT INTO events (project, idempotency_key, batch_id, tab, seq, name, user_id,
                             anonymous_id, timestamp, sent_at, received_at, properties, context)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)
         ON CONFLICT (project, idempotency_key) DO UPDATE SET duplicates = duplicates + 1
         RETURNING duplicates = 0",
    )?;
    let values = params![
        batch.project,
        event.idempotency_key,
        batch.batch_id,
        batch.tab,
        event.seq,
        event.name,
        event.user_id,
        event.anonymous_id,
        event.timestamp,
        batch.sent_at,
        batch.received_at,
        event.properties,
        batch.context,
    ];
    insert.query_row(values, |row| row.get(0))
}

/// Whether the batch came before. A batch without an id is recorded for what it brought; when it
/// brought nothing new it leaves no trace of its own.
fn record_batch(tx: &Transaction<'_>, batch: &Batch, accepted: usize) -> rusqlite::Result<bool> {
    if batch.batch_id.is_none() && accepted == 0 && batch.dropped.is_empty() {
        return Ok(false);
    }
    let mut insert = tx.prepare_cached(
        "INSERT INTO batches (project, batch_id, tab, events, sent_at, received_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)
         ON CONFLICT (project, batch_id) DO UPDATE SET received = received + 1
         RETURNING received > 1",
    )?;
    let events = count(batch.events.len() + batch.refused.len());
    let values = params![
        batch.project,
        batch.batch_id,
        batch.tab,
        events,
        batch.sent_at,
        batch.received_at
    ];
    let duplicate: bool = insert.query_row(values, |row| row.get(0))?;
    if !duplicate {
        bump(tx, &batch.project, &[("batches", 1)])?;
    }
    Ok(duplicate)
}

fn record_refused(tx: &Transaction<'_>, batch: &Batch) -> rusqlite::Result<()> {
    let mut insert = tx.prepare_cached(
        "INSERT OR IGNORE INTO refused
             (project, batch_id, batch_index, tab, seq, error, received_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?;
    for refused in &batch.refused {
        insert.execute(params![
            batch.project,
            batch.batch_id,
            count(refused.index),
            batch.tab,
            refused.seq,
            refused.error,
            batch.received_at,
        ])?;
    }
    Ok(())
}

/// How many sequence numbers are newly given up. Ranges may repeat or grow from batch to batch; a
/// number counts once.
fn record_dropped(tx: &Transaction<'_>, batch: &Batch) -> rusqlite::Result<i64> {
    let Some(tab) = &batch.tab else { return Ok(0) };
    let mut overlapping = tx.prepare_cached(
        "SELECT from_seq, to_seq FROM dropped
         WHERE project = ?1 AND tab = ?2 AND from_seq <= ?4 AND to_seq >= ?3 ORDER BY from_seq",
    )?;
    let mut insert = tx.prepare_cached(
        "INSERT OR IGNORE INTO dropped (project, tab, from_seq, to_seq, reason, received_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?;
    let mut newly = 0;
    for range in &batch.dropped {
        let (from, to) = (range.from, range.to);
        let covered: Vec<(i64, i64)> = overlapping
            .query_map(params![batch.project, tab, from, to], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })?
            .collect::<rusqlite::Result<_>>()?;
        newly += tombstones::uncovered(from, to, &covered);
        insert.execute(params![
            batch.project,
            tab,
            from,
            to,
            range.reason,
            batch.received_at
        ])?;
    }
    Ok(newly)
}

fn known(tx: &Transaction<'_>, project: &str, ids: &[String]) -> rusqlite::Result<Vec<String>> {
    let mut stored =
        tx.prepare_cached("SELECT 1 FROM batches WHERE project = ?1 AND batch_id = ?2")?;
    let mut known = Vec::new();
    for id in ids {
        let found: Option<i64> = stored
            .query_row([project, id], |row| row.get(0))
            .optional()?;
        if found.is_some() {
            known.push(id.clone());
        }
    }
    Ok(known)
}

/// Saturates: a client that claims absurd numbers must not be able to make later batches fail.
fn bump(tx: &Transaction<'_>, project: &str, counts: &[(&str, i64)]) -> rusqlite::Result<()> {
    let mut add = tx.prepare_cached(
        "INSERT INTO counters (project, name, value) VALUES (?1, ?2, ?3)
         ON CONFLICT (project, name) DO UPDATE SET value = min(value + excluded.value, ?4)",
    )?;
    for (name, by) in counts.iter().filter(|(_, by)| *by > 0) {
        add.execute(params![project, name, by, SEQ_MAX])?;
    }
    Ok(())
}

/// Counts of things that fit in memory fit in SQLite's integers.
fn count(n: usize) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}
