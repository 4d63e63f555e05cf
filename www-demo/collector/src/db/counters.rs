//! The counters of a project. They go in the same transaction as the rows that they count.

use rusqlite::Transaction;

use super::SEQ_MAX;

/// Saturates: a client that claims absurd numbers must not be able to make later batches fail.
pub(super) fn bump(
    tx: &Transaction<'_>,
    project: &str,
    counts: &[(&str, i64)],
) -> rusqlite::Result<()> {
    let mut add = tx.prepare_cached(
        "INSERT INTO counters (project, name, value) VALUES (?1, ?2, ?3)
         ON CONFLICT (project, name) DO UPDATE SET value = min(value + excluded.value, ?4)",
    )?;
    for (name, by) in counts.iter().filter(|(_, by)| *by != 0) {
        add.execute((project, name, by, SEQ_MAX))?;
    }
    Ok(())
}

/// Counts of things that fit in memory fit in SQLite's integers.
pub(super) fn count(n: usize) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}
