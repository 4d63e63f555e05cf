//! Erases what is stored of a person, and sees to it that nothing of him comes in later.
//!
//! For that the ids have to be known again, but not to be kept: a user id may be an e-mail address. So
//! what is kept are their hashes, salted with a value of this database, as good against a look at the
//! table as it gets; whoever has the file and guesses an id can tell that it was erased.

use std::collections::BTreeSet;

use rusqlite::{Connection, Transaction, TransactionBehavior, params};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

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
    remember(&tx, project, &ids, now)?;
    explain_holes(&tx, project, &json, now)?;
    // Readers go on after the last row that they saw: no id is used a second time.
    let newest =
        "UPDATE erasing SET last_id = max(last_id, (SELECT coalesce(max(id), 0) FROM events))";
    tx.execute(newest, [])?;
    let erased = tx.execute(
        concat!("DELETE FROM events WHERE ", of_person!()),
        [project, json.as_str()],
    )?;
    let counts = [("events", -count(erased)), ("erasedEvents", count(erased))];
    bump(&tx, project, &counts)?;
    tx.commit()?;
    empty_the_log(db);
    Ok(Erased {
        ids: ids.into_iter().collect(),
        erased_events: erased,
    })
}

/// The pages that the rows were on are overwritten (`secure_delete`), but the log still has them. It is
/// done already, so a failure here is none of the erasure: a reader that holds the log open leaves this
/// to a later checkpoint.
fn empty_the_log(db: &Connection) {
    let emptied = db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
    if let Err(error) = emptied {
        eprintln!("collector: erased rows are in the log until its next checkpoint: {error}");
    }
}

fn remember(
    tx: &Transaction<'_>,
    project: &str,
    ids: &BTreeSet<String>,
    now: &str,
) -> rusqlite::Result<()> {
    let hasher = Hasher::of(tx)?;
    let mut insert = tx.prepare_cached(
        "INSERT OR IGNORE INTO erased (project, id_hash, erased_at) VALUES (?1, ?2, ?3)",
    )?;
    for id in ids {
        insert.execute(params![project, hasher.hash(id), now])?;
    }
    Ok(())
}

/// Makes what is kept of an erased id.
struct Hasher {
    salt: Vec<u8>,
}

impl Hasher {
    fn of(tx: &Transaction<'_>) -> rusqlite::Result<Self> {
        let salt = tx
            .prepare_cached("SELECT salt FROM erasing")?
            .query_row([], |row| row.get(0))?;
        Ok(Self { salt })
    }

    fn hash(&self, id: &str) -> Vec<u8> {
        let hash = Sha256::new().chain_update(&self.salt).chain_update(id);
        hash.finalize().to_vec()
    }
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
    if !any {
        return Ok((events.iter().collect(), Vec::new()));
    }
    let hasher = Hasher::of(tx)?;
    let (mut good, mut of_erased) = (Vec::with_capacity(events.len()), Vec::new());
    for event in events {
        if is_of_erased(tx, project, &hasher, event)? {
            of_erased.push(event);
        } else {
            good.push(event);
        }
    }
    Ok((good, of_erased))
}

/// By whom it belongs to; and an `$alias` would bring the old id back.
fn is_of_erased(
    tx: &Transaction<'_>,
    project: &str,
    hasher: &Hasher,
    event: &Event,
) -> rusqlite::Result<bool> {
    let hash = |id: Option<&String>| id.map(|id| hasher.hash(id));
    let whose = hash(event.user_id.as_ref().or(event.anonymous_id.as_ref()));
    let previous = hash(event.previous_id.as_ref());
    tx.prepare_cached(
        "SELECT EXISTS (SELECT 1 FROM erased WHERE project = ?1 AND id_hash IN (?2, ?3))",
    )?
    .query_row(params![project, whose, previous], |row| row.get(0))
}
