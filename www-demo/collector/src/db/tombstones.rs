//! What the client gave up, and how many numbers of it are news. Clients repeat tombstones (a retried
//! batch) and let them grow (an overflow that goes on), so ranges overlap, and a number must be
//! counted once. Events and metrics are numbered apart, so each has a table of its own.

use rusqlite::{Transaction, params};

use super::Tombstone;

/// The two statements on one of the tables.
#[derive(Clone, Copy, Debug)]
pub(super) struct Table {
    overlapping: &'static str,
    insert: &'static str,
}

macro_rules! table {
    ($name:literal) => {
        Table {
            overlapping: concat!(
                "SELECT from_seq, to_seq FROM ",
                $name,
                " WHERE project = ?1 AND tab = ?2 AND from_seq <= ?4 AND to_seq >= ?3
                  ORDER BY from_seq"
            ),
            insert: concat!(
                "INSERT OR IGNORE INTO ",
                $name,
                " (project, tab, from_seq, to_seq, reason, received_at)
                  VALUES (?1, ?2, ?3, ?4, ?5, ?6)"
            ),
        }
    };
}

pub(super) const OF_EVENTS: Table = table!("dropped");
pub(super) const OF_METRICS: Table = table!("metrics_dropped");

/// How many sequence numbers are newly given up.
pub(super) fn record(
    tx: &Transaction<'_>,
    table: Table,
    project: &str,
    tab: Option<&str>,
    received_at: &str,
    ranges: &[Tombstone],
) -> rusqlite::Result<i64> {
    let Some(tab) = tab else { return Ok(0) };
    let mut overlapping = tx.prepare_cached(table.overlapping)?;
    let mut insert = tx.prepare_cached(table.insert)?;
    let mut newly = 0;
    for Tombstone { from, to, reason } in ranges {
        let covered: Vec<(i64, i64)> = overlapping
            .query_map(params![project, tab, from, to], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })?
            .collect::<rusqlite::Result<_>>()?;
        newly += uncovered(*from, *to, &covered);
        insert.execute(params![project, tab, from, to, reason, received_at])?;
    }
    Ok(newly)
}

/// How many of `from..=to` none of `covered` (sorted by their start) contains. Sequence numbers are
/// checked to be at most `SEQ_MAX`, so nothing here can overflow.
fn uncovered(from: i64, to: i64, covered: &[(i64, i64)]) -> i64 {
    let mut missing = 0;
    let mut next = from;
    for &(start, end) in covered {
        missing += (start - next).max(0);
        next = next.max(end + 1);
    }
    missing + (to + 1 - next).max(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_each_number_once() {
        assert_eq!(uncovered(1, 10, &[]), 10);
        assert_eq!(uncovered(5, 5, &[]), 1);
        assert_eq!(uncovered(1, 10, &[(1, 10)]), 0);
        assert_eq!(uncovered(1, 20, &[(1, 10)]), 10, "a range that grew");
        assert_eq!(
            uncovered(1, 10, &[(3, 4), (4, 6), (9, 30)]),
            4,
            "1, 2, 7, 8"
        );
        assert_eq!(uncovered(5, 8, &[(1, 6)]), 2);
        assert_eq!(uncovered(5, 8, &[(1, 100)]), 0);
        assert_eq!(uncovered(1, 10, &[(2, 9), (3, 4)]), 2, "one inside another");
    }
}
