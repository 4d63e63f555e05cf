//! Stores one batch in one transaction: all of it or nothing, and the counters with it, so that the
//! statistics can never disagree with the rows.

use rusqlite::{Connection, OptionalExtension as _, Transaction, TransactionBehavior, params};

use super::clocks::{self, Clock, corrected};
use super::counters::{bump, count};
use super::{Batch, Event, Refused, erase, tombstones};

/// What became of a batch.
#[derive(Debug)]
pub(crate) struct Stored {
    pub(crate) accepted: usize,
    pub(crate) duplicates: usize,
    pub(crate) duplicate_batch: bool,
    /// The places in the batch of events that were refused, because they are of an erased user.
    pub(crate) of_erased: Vec<usize>,
    /// Of the ids asked about, those stored for this project.
    pub(crate) known: Option<Vec<String>>,
}

pub(super) fn store(db: &mut Connection, batch: &Batch) -> rusqlite::Result<Stored> {
    let tx = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let clock = clocks::observe(&tx, &batch.project, batch.tab.as_deref(), batch.lag_ms)?;
    let (events, of_erased) = erase::part(&tx, &batch.project, &batch.events)?;
    let mut duplicates = 0;
    for event in &events {
        duplicates += usize::from(!insert_event(&tx, batch, event, &clock)?);
    }
    let accepted = events.len() - duplicates;
    let duplicate_batch = record_batch(&tx, batch, accepted)?;
    let refused_late = of_erased.iter().map(|event| Refused {
        index: event.index,
        seq: event.seq,
        error: erase::ERASED_USER,
    });
    let refused_late: Vec<Refused> = refused_late.collect();
    for refused in batch.refused.iter().chain(&refused_late) {
        record_refused(&tx, batch, refused)?;
    }
    let dropped = tombstones::record(
        &tx,
        tombstones::OF_EVENTS,
        &batch.project,
        batch.tab.as_deref(),
        &batch.received_at,
        &batch.dropped,
    )?;
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
        (
            "rejectedEvents",
            count(batch.refused.len() + of_erased.len()),
        ),
        ("receiptQueries", i64::from(known.is_some())),
        ("droppedByClient", dropped),
    ];
    bump(&tx, &batch.project, &counts)?;
    tx.commit()?;
    Ok(Stored {
        accepted,
        duplicates,
        duplicate_batch,
        of_erased: of_erased.iter().map(|event| event.index).collect(),
        known,
    })
}

/// Whether the event is new. Its key decides, nothing else: a re-sent event counts on the row it
/// already has.
fn insert_event(
    tx: &Transaction<'_>,
    batch: &Batch,
    event: &Event,
    clock: &Clock,
) -> rusqlite::Result<bool> {
    let mut insert = tx.prepare_cached(concat!(
        "INSERT INTO events (id, project, idempotency_key, batch_id, tab, seq, name, user_id,
                             anonymous_id, timestamp, sent_at, received_at, properties, context,
                             session_id, session_seq, value, sample_rate, groups, attribution,
                             previous_id, occurred_at)
         VALUES ((SELECT 1 + max(coalesce((SELECT max(id) FROM events), 0), last_id) FROM erasing),
                 ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18,
                 ?19, ?20, ",
        corrected!("?9", "?21"),
        ")
         ON CONFLICT (project, idempotency_key) DO UPDATE SET duplicates = duplicates + 1
         RETURNING duplicates = 0"
    ))?;
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
        event.context,
        event.session_id,
        event.session_seq,
        event.value,
        event.sample_rate,
        event.groups,
        event.attribution,
        event.previous_id,
        clock.shift,
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

fn record_refused(tx: &Transaction<'_>, batch: &Batch, refused: &Refused) -> rusqlite::Result<()> {
    let mut insert = tx.prepare_cached(
        "INSERT OR IGNORE INTO refused
             (project, batch_id, batch_index, tab, seq, error, received_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?;
    insert.execute(params![
        batch.project,
        batch.batch_id,
        count(refused.index),
        batch.tab,
        refused.seq,
        refused.error,
        batch.received_at,
    ])?;
    Ok(())
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
