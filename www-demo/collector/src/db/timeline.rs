//! What one person did, under all the ids that he had: in order, by sessions, and whole for an export.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension as _, params};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::people::{self, as_json, of_person};
use super::read::Reader;
use super::rows::{EventRow, columns, json};
use crate::error::ApiError;

/// Events of all sessions of one answer.
const SESSION_EVENTS_MAX: u32 = 10_000;

/// Where a timeline goes on: after this event. Within a millisecond the numbers of a tab decide.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Cursor {
    pub(crate) at: String,
    pub(crate) seq: i64,
    pub(crate) id: i64,
}

/// Which part of a timeline is wanted.
#[derive(Clone, Debug)]
pub(crate) enum Page {
    /// Oldest first, from the beginning or after where another page ended.
    From(Option<Cursor>),
    /// The end of it, latest first.
    Latest,
}

/// A stretch of corrected time, its end not included, and how many are wanted of what is in it.
#[derive(Clone, Debug)]
pub(crate) struct Span {
    pub(crate) from: Option<String>,
    pub(crate) to: Option<String>,
    pub(crate) limit: u32,
}

#[derive(Debug)]
pub(crate) struct Timeline {
    pub(crate) ids: Vec<String>,
    pub(crate) events: Vec<EventRow>,
    pub(crate) next: Option<Cursor>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Sessions {
    ids: Vec<String>,
    /// Of the person: from the first session that says where it came from, and from the last.
    first_touch: Option<Box<RawValue>>,
    last_touch: Option<Box<RawValue>>,
    sessions: Vec<Session>,
    /// Not all events fitted into one answer.
    truncated: bool,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Session {
    session_id: String,
    started_at: String,
    ended_at: String,
    event_count: i64,
    estimated_events: f64,
    /// What its `$session` event says.
    properties: Option<Box<RawValue>>,
    first_touch: Option<Box<RawValue>>,
    last_touch: Option<Box<RawValue>>,
    events: Vec<EventRow>,
}

impl Reader {
    pub(crate) async fn timeline(
        &self,
        project: &str,
        user: String,
        span: Span,
        page: Page,
    ) -> Result<Timeline, ApiError> {
        let project = project.to_owned();
        self.run(move |db| timeline(db, &project, &user, &span, &page))
            .await
    }

    /// The latest sessions first.
    pub(crate) async fn sessions(
        &self,
        project: &str,
        user: String,
        span: Span,
    ) -> Result<Sessions, ApiError> {
        let project = project.to_owned();
        self.run(move |db| sessions(db, &project, &user, &span))
            .await
    }

    pub(crate) async fn ids_of(
        &self,
        project: &str,
        user: String,
    ) -> Result<Vec<String>, ApiError> {
        let project = project.to_owned();
        self.run(move |db| Ok(people::ids_of(db, &project, &user)?.into_iter().collect()))
            .await
    }

    /// Events of these ids by row, for an export that misses none while others are stored.
    pub(crate) async fn events_of(
        &self,
        project: &str,
        ids: &[String],
        after: i64,
        limit: u32,
    ) -> Result<Vec<EventRow>, ApiError> {
        let project = project.to_owned();
        let ids = serde_json::json!(ids).to_string();
        let sql = concat!(
            "SELECT ",
            columns!(),
            " FROM events WHERE id > ?3 AND ",
            of_person!(),
            " ORDER BY id LIMIT ?4"
        );
        self.run(move |db| {
            db.prepare_cached(sql)?
                .query_map(params![project, ids, after, limit], EventRow::read)?
                .collect()
        })
        .await
    }
}

fn timeline(
    db: &Connection,
    project: &str,
    user: &str,
    span: &Span,
    page: &Page,
) -> rusqlite::Result<Timeline> {
    let ids = people::ids_of(db, project, user)?;
    let (sql, after) = match page {
        Page::From(after) => (OLDEST_FIRST, after.as_ref()),
        Page::Latest => (LATEST_FIRST, None),
    };
    let values = params![
        project,
        as_json(&ids),
        span.from,
        span.to,
        span.limit,
        after.map(|cursor| &cursor.at),
        after.map(|cursor| cursor.seq),
        after.map(|cursor| cursor.id),
    ];
    let events: Vec<EventRow> = db
        .prepare_cached(sql)?
        .query_map(values, EventRow::read)?
        .collect::<rusqlite::Result<_>>()?;
    let more = events.len() == span.limit as usize && !matches!(page, Page::Latest);
    let next = events.last().filter(|_| more).map(|last| Cursor {
        at: last.occurred_at.clone(),
        seq: last.seq.unwrap_or(0),
        id: last.id,
    });
    Ok(Timeline {
        ids: ids.into_iter().collect(),
        events,
        next,
    })
}

/// Their parameters are the same, so that one list of values does for both.
macro_rules! timeline_sql {
    ($order:literal) => {
        concat!(
            "SELECT ",
            columns!(),
            " FROM events WHERE ",
            of_person!(),
            " AND occurred_at >= coalesce(?3, '') AND (?4 IS NULL OR occurred_at < ?4)
              AND (?6 IS NULL OR (occurred_at, coalesce(seq, 0), id) > (?6, ?7, ?8))
              ORDER BY ",
            $order,
            " LIMIT ?5"
        )
    };
}

const OLDEST_FIRST: &str = timeline_sql!("occurred_at, coalesce(seq, 0), id");
const LATEST_FIRST: &str = timeline_sql!("occurred_at DESC, coalesce(seq, 0) DESC, id DESC");

fn sessions(db: &Connection, project: &str, user: &str, span: &Span) -> rusqlite::Result<Sessions> {
    let ids = people::ids_of(db, project, user)?;
    let json = as_json(&ids);
    let mut sessions = summaries(db, project, &json, span)?;
    let names: Vec<&str> = sessions.iter().map(|s| s.session_id.as_str()).collect();
    let names = serde_json::json!(names).to_string();
    let mut by_session: BTreeMap<String, Vec<EventRow>> = BTreeMap::new();
    let events = events_of_sessions(db, project, &json, &names)?;
    let truncated = events.len() > SESSION_EVENTS_MAX as usize;
    for event in events.into_iter().take(SESSION_EVENTS_MAX as usize) {
        let session = event.session_id.clone().unwrap_or_default();
        by_session.entry(session).or_default().push(event);
    }
    for session in &mut sessions {
        let events = by_session.remove(&session.session_id);
        session.fill(events.unwrap_or_default());
    }
    Ok(Sessions {
        ids: ids.into_iter().collect(),
        first_touch: touch(db, FIRST_TOUCH, project, &json)?,
        last_touch: touch(db, LAST_TOUCH, project, &json)?,
        sessions,
        truncated,
    })
}

fn summaries(
    db: &Connection,
    project: &str,
    ids: &str,
    span: &Span,
) -> rusqlite::Result<Vec<Session>> {
    let sql = concat!(
        "SELECT session_id, min(occurred_at) AS started_at, max(occurred_at) AS ended_at,
                count(*) AS events, total(1.0 / coalesce(sample_rate, 1.0)) AS estimated
         FROM events WHERE session_id IS NOT NULL AND ",
        of_person!(),
        " GROUP BY session_id
          HAVING ended_at >= coalesce(?3, '') AND (?4 IS NULL OR started_at < ?4)
          ORDER BY started_at DESC, session_id LIMIT ?5"
    );
    db.prepare_cached(sql)?
        .query_map(
            params![project, ids, span.from, span.to, span.limit],
            |row| {
                Ok(Session {
                    session_id: row.get("session_id")?,
                    started_at: row.get("started_at")?,
                    ended_at: row.get("ended_at")?,
                    event_count: row.get("events")?,
                    estimated_events: row.get("estimated")?,
                    properties: None,
                    first_touch: None,
                    last_touch: None,
                    events: Vec::new(),
                })
            },
        )?
        .collect()
}

/// One more than are told, to know whether there are more.
fn events_of_sessions(
    db: &Connection,
    project: &str,
    ids: &str,
    sessions: &str,
) -> rusqlite::Result<Vec<EventRow>> {
    let sql = concat!(
        "SELECT ",
        columns!(),
        " FROM events WHERE session_id IN (SELECT value FROM json_each(?3)) AND ",
        of_person!(),
        " ORDER BY occurred_at, coalesce(seq, 0), id LIMIT ?4"
    );
    db.prepare_cached(sql)?
        .query_map(
            params![project, ids, sessions, SESSION_EVENTS_MAX + 1],
            EventRow::read,
        )?
        .collect()
}

const FIRST_TOUCH: &str = concat!(
    "SELECT attribution -> 'first' FROM events
     WHERE name = '$session' AND json_type(attribution, '$.first') = 'object' AND ",
    of_person!(),
    " ORDER BY occurred_at, id LIMIT 1"
);
const LAST_TOUCH: &str = concat!(
    "SELECT attribution -> 'last' FROM events
     WHERE name = '$session' AND json_type(attribution, '$.last') = 'object' AND ",
    of_person!(),
    " ORDER BY occurred_at DESC, id DESC LIMIT 1"
);

fn touch(
    db: &Connection,
    sql: &str,
    project: &str,
    ids: &str,
) -> rusqlite::Result<Option<Box<RawValue>>> {
    let found = db
        .prepare_cached(sql)?
        .query_row([project, ids], |row| row.get(0))
        .optional()?;
    Ok(json(found))
}

/// What a `$session` event carries of where its visitor came from.
#[derive(Default, Deserialize)]
struct Attribution {
    first: Option<Box<RawValue>>,
    last: Option<Box<RawValue>>,
}

impl Session {
    fn fill(&mut self, events: Vec<EventRow>) {
        if let Some(start) = events.iter().find(|event| event.name == "$session") {
            self.properties.clone_from(&start.properties);
            let text = start.attribution.as_ref().map_or("{}", |raw| raw.get());
            let Attribution { first, last } = serde_json::from_str(text).unwrap_or_default();
            self.first_touch = first;
            self.last_touch = last;
        }
        self.events = events;
    }
}
