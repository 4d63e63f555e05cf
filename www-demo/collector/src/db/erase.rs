//! Erases what is stored of a person, and sees to it that nothing of him comes in later.

use rusqlite::{Connection, Transaction, TransactionBehavior, params};
use serde::Serialize;

use super::Event;
use super::counters::{bump, count};
use super::people::{self, as_json, of_person};

/// The code of an event that is refused because its user was erased.
pub(crate) const ERASED_USER: &str = "erased_user";

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Erased {
    /// Everything that the person was called; refused from now on.
    ids: Vec<String>,
    erased_events: usize,
}

/// In one transaction: the ids are found, their events erased, and the ids remembered.
pub(super) fn erase(
    db: &mut Connection,
    project: &str,
    id: &str,
    now: &str,
) -> rusqlite::Result<Erased> {
    let tx = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let ids = people::ids_of(&tx, project, id)?;
    let json = as_json(&ids);
    remember(&tx, project, &json, now)?;
    explain_holes(&tx, project, &json, now)?;
    // Readers go on after the last row that they saw: no id is used a second time.
    let newest =
        "UPDATE erased_rows SET last_id = max(last_id, (SELECT coalesce(max(id), 0) FROM events))";
    tx.execute(newest, [])?;
    let erased = tx.execute(
        concat!("DELETE FROM events WHERE ", of_person!()),
        [project, json.as_str()],
    )?;
    let counts = [("events", -count(erased)), ("erasedEvents", count(erased))];
    bump(&tx, project, &counts)?;
    tx.commit()?;
    // The pages that the rows were on are overwritten (`secure_delete`), but the log still has them. A
    // reader may hold it open; then the next checkpoint does it.
    db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
    Ok(Erased {
        ids: ids.into_iter().collect(),
        erased_events: erased,
    })
}

fn remember(tx: &Transaction<'_>, project: &str, ids: &str, now: &str) -> rusqlite::Result<()> {
    tx.execute(
        "INSERT OR IGNORE INTO erased (project, id, erased_at)
         SELECT ?1, value, ?3 FROM json_each(?2)",
        [project, ids, now],
    )?;
    Ok(())
}

/// The query for lost events must not find the erased ones missing: runs of their numbers become
/// tombstones, which say nothing of whose they were.
fn explain_holes(
    tx: &Transaction<'_>,
    project: &str,
    ids: &str,
    now: &str,
) -> rusqlite::Result<()> {
    let sql = concat!(
        "INSERT OR IGNORE INTO dropped (project, tab, from_seq, to_seq, reason, received_at)
         SELECT project, tab, min(seq), max(seq), 'erased', ?3 FROM (
             SELECT project, tab, seq,
                    seq - dense_rank() OVER (PARTITION BY tab ORDER BY seq) AS run
             FROM events WHERE tab IS NOT NULL AND seq IS NOT NULL AND ",
        of_person!(),
        ") GROUP BY project, tab, run"
    );
    tx.execute(sql, [project, ids, now])?;
    Ok(())
}

/// The events that may be stored, and those of erased people.
pub(super) fn part<'a>(
    tx: &Transaction<'_>,
    project: &str,
    events: &'a [Event],
) -> rusqlite::Result<(Vec<&'a Event>, Vec<&'a Event>)> {
    let any: bool = tx
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM erased WHERE project = ?1)")?
        .query_row([project], |row| row.get(0))?;
    let (mut good, mut of_erased) = (Vec::with_capacity(events.len()), Vec::new());
    for event in events {
        if any && is_of_erased(tx, project, event)? {
            of_erased.push(event);
        } else {
            good.push(event);
        }
    }
    Ok((good, of_erased))
}

/// By whom it belongs to; and an `$alias` would bring the old id back.
fn is_of_erased(tx: &Transaction<'_>, project: &str, event: &Event) -> rusqlite::Result<bool> {
    let whose = event.user_id.as_ref().or(event.anonymous_id.as_ref());
    tx.prepare_cached("SELECT EXISTS (SELECT 1 FROM erased WHERE project = ?1 AND id IN (?2, ?3))")?
        .query_row(params![project, whose, event.previous_id], |row| row.get(0))
}
