//! The corrected time of an event: when it happened by our clock, whatever the client's clock says.
//!
//! Each attempt to deliver says in its address when it was sent, by the client's clock (`?sentAt=`).
//! What lies between that and its arrival here, the lag, is how far the client's clock is behind ours,
//! plus how long the attempt was on its way. The first is the same for all attempts of a tab and the
//! second is never negative, so the least lag seen is the best estimate there is of the first: that is
//! the tab's offset, and the corrected time of each of its events is its own time plus the offset. It
//! errs by the time that the fastest attempt took, and always to the late side.
//!
//! When a faster attempt comes, what is stored of the tab is corrected anew: all events of a tab have
//! one offset, so their order is never changed by it. Attempts that do not say when they were sent
//! (deferred ones, which the browser sends when it likes) teach nothing, and neither does what is
//! sealed into a body, which may be days old.
//!
//! One thing a lag that shrinks can mean as well: that the client's clock was set forward. An attempt may
//! sleep through a night with its machine, but not for as long as `JUMP_MS`, so a lag that is less by
//! more than that is taken for this, and rows from before keep the offset they have. A clock that was set back cannot be told from a slow
//! attempt; within a tab the SDK's own clock never runs backwards.

use rusqlite::{OptionalExtension as _, Transaction, params};

/// Less than this is not worth correcting rows anew: a clock that runs fast by 50 ppm would otherwise
/// do so with every batch.
const STEP_MS: i64 = 20;
const JUMP_MS: i64 = 24 * 60 * 60 * 1000;

/// The SQL of a corrected time. One before the year 0, which is written with a minus and so sorts before
/// '0', or beyond the year 9999, which SQLite does not write at all, is left as it is.
macro_rules! corrected {
    ($timestamp:literal, $shift:literal) => {
        concat!(
            "coalesce(nullif(max(strftime('%Y-%m-%dT%H:%M:%fZ', ",
            $timestamp,
            ", ",
            $shift,
            "), '0'), '0'), ",
            $timestamp,
            ")"
        )
    };
}
pub(super) use corrected;

/// What is to be done to a tab's own times.
#[derive(Debug, Eq, PartialEq)]
pub(super) struct Clock {
    /// In the form of SQLite's date modifiers.
    pub(super) shift: String,
}

impl Clock {
    fn new(offset_ms: i64) -> Self {
        let (sign, ms) = (
            if offset_ms < 0 { '-' } else { '+' },
            offset_ms.unsigned_abs(),
        );
        let shift = format!("{sign}{}.{:03} seconds", ms / 1000, ms % 1000);
        Self { shift }
    }
}

struct Known {
    offset_ms: i64,
    first_event: i64,
    first_metric: i64,
}

/// The clock of the tab, with what the lag of this attempt teaches about it.
pub(super) fn observe(
    tx: &Transaction<'_>,
    project: &str,
    tab: Option<&str>,
    lag_ms: Option<i64>,
) -> rusqlite::Result<Clock> {
    let Some(tab) = tab else {
        return Ok(Clock::new(0));
    };
    let known = known(tx, project, tab)?;
    let offset_ms = match (known, lag_ms) {
        (None, None) => 0,
        (Some(known), None) => known.offset_ms,
        (None, Some(lag_ms)) => {
            learn(tx, project, tab, lag_ms, (0, 0))?;
            lag_ms
        }
        (Some(known), Some(lag_ms)) if lag_ms > known.offset_ms - STEP_MS => known.offset_ms,
        (Some(known), Some(lag_ms)) => {
            let first = if known.offset_ms - lag_ms > JUMP_MS {
                next_rows(tx)?
            } else {
                (known.first_event, known.first_metric)
            };
            learn(tx, project, tab, lag_ms, first)?;
            lag_ms
        }
    };
    Ok(Clock::new(offset_ms))
}

fn known(tx: &Transaction<'_>, project: &str, tab: &str) -> rusqlite::Result<Option<Known>> {
    tx.prepare_cached(
        "SELECT offset_ms, first_event, first_metric FROM clocks WHERE project = ?1 AND tab = ?2",
    )?
    .query_row([project, tab], |row| {
        Ok(Known {
            offset_ms: row.get(0)?,
            first_event: row.get(1)?,
            first_metric: row.get(2)?,
        })
    })
    .optional()
}

/// The ids that the next event and the next metric will have, or less than those.
fn next_rows(tx: &Transaction<'_>) -> rusqlite::Result<(i64, i64)> {
    let next = |table| {
        let sql = format!("SELECT coalesce(max(id), 0) + 1 FROM {table}");
        tx.query_row(&sql, [], |row| row.get(0))
    };
    Ok((next("events")?, next("metrics")?))
}

/// Keeps the offset, and corrects the rows that it holds for.
fn learn(
    tx: &Transaction<'_>,
    project: &str,
    tab: &str,
    offset_ms: i64,
    (first_event, first_metric): (i64, i64),
) -> rusqlite::Result<()> {
    tx.prepare_cached(
        "INSERT INTO clocks (project, tab, offset_ms, first_event, first_metric)
         VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (project, tab) DO UPDATE SET offset_ms = excluded.offset_ms,
             first_event = excluded.first_event, first_metric = excluded.first_metric",
    )?
    .execute(params![project, tab, offset_ms, first_event, first_metric])?;
    let shift = Clock::new(offset_ms).shift;
    for (sql, first) in [
        (correct_rows!("events"), first_event),
        (correct_rows!("metrics"), first_metric),
    ] {
        tx.prepare_cached(sql)?
            .execute(params![project, tab, first, shift])?;
    }
    Ok(())
}

macro_rules! correct_rows {
    ($table:literal) => {
        concat!(
            "UPDATE ",
            $table,
            " SET occurred_at = ",
            corrected!("timestamp", "?4"),
            // The plus keeps the planner from reading all rows since then for those of one tab.
            " WHERE project = ?1 AND tab = ?2 AND +id >= ?3"
        )
    };
}
use correct_rows;

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use super::*;

    #[test]
    fn a_shift_is_exact_to_the_millisecond_and_stays_among_the_years() {
        let db = Connection::open_in_memory().unwrap();
        let shifted = |at: &str, offset_ms| -> String {
            let sql = concat!("SELECT ", corrected!("?1", "?2"));
            let shift = Clock::new(offset_ms).shift;
            db.query_row(sql, [at, &shift], |row| row.get(0)).unwrap()
        };
        let at = "2026-01-15T12:00:00.007Z";
        assert_eq!(shifted(at, 0), at);
        assert_eq!(shifted(at, 50), "2026-01-15T12:00:00.057Z");
        assert_eq!(shifted(at, -8), "2026-01-15T11:59:59.999Z");
        assert_eq!(shifted(at, -3_600_001), "2026-01-15T11:00:00.006Z");
        assert_eq!(shifted(at, 315_360_000_000), "2036-01-13T12:00:00.007Z");
        for (edge, offset_ms) in [
            ("9999-12-31T23:59:59.999Z", 1),
            ("0000-01-01T00:00:00.000Z", -1),
        ] {
            assert_eq!(shifted(edge, offset_ms), edge);
        }
        for ms in 0..1000 {
            let at = format!("2026-01-15T12:00:00.{ms:03}Z");
            assert_eq!(shifted(&at, 0), at);
        }
    }
}
