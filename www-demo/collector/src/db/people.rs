//! Who is whom: the ids that stand for one person, found from the `$identify` and `$alias` events.
//!
//! `$alias` joins two ids because the page said that they are one. `$identify` joins the anonymous
//! visitor to the user, if nothing was said of that visitor before: on a device that two users share,
//! the anonymous past belongs to whoever came first, and the second one's is not made the first's.
//! An event belongs to its user, or, where it has none, to the one its anonymous id belongs to.
//!
//! Nothing is kept beside the events, so a late event joins, and an erased one no longer does.

use std::collections::BTreeSet;

use rusqlite::Connection;

/// The SQL of "an event of the people whose ids are in the JSON list ?2, in the project ?1". The indices
/// are named because the planner, which knows nothing of how rare an id is, would read a whole project.
macro_rules! of_person {
    () => {
        "id IN (SELECT theirs.id FROM json_each(?2) AS ids
                CROSS JOIN events AS theirs INDEXED BY events_by_user
                WHERE theirs.project = ?1 AND theirs.user_id = ids.value
                UNION ALL
                SELECT theirs.id FROM json_each(?2) AS ids
                CROSS JOIN events AS theirs INDEXED BY events_by_visitor
                WHERE theirs.project = ?1 AND theirs.anonymous_id = ids.value
                  AND theirs.user_id IS NULL)"
    };
}
pub(super) use of_person;

/// All ids of the person that has this one; at least this one. Each id is looked at once, so chains
/// and cycles end.
pub(super) fn ids_of(
    db: &Connection,
    project: &str,
    id: &str,
) -> rusqlite::Result<BTreeSet<String>> {
    let mut found = BTreeSet::from([id.to_owned()]);
    let mut left = vec![id.to_owned()];
    while let Some(id) = left.pop() {
        for neighbour in neighbours(db, project, &id)? {
            if found.insert(neighbour.clone()) {
                left.push(neighbour);
            }
        }
    }
    Ok(found)
}

/// As `of_person!` wants them.
pub(super) fn as_json(ids: &BTreeSet<String>) -> String {
    serde_json::json!(ids).to_string()
}

fn neighbours(db: &Connection, project: &str, id: &str) -> rusqlite::Result<Vec<String>> {
    let mut neighbours = texts(
        db,
        "SELECT DISTINCT user_id FROM events INDEXED BY aliases_from
         WHERE project = ?1 AND name = '$alias' AND previous_id = ?2 AND user_id IS NOT NULL
         UNION
         SELECT DISTINCT previous_id FROM events INDEXED BY aliases_to
         WHERE project = ?1 AND name = '$alias' AND user_id = ?2 AND previous_id IS NOT NULL",
        [project, id],
    )?;
    neighbours.extend(owner(db, project, id)?);
    let visitors = texts(
        db,
        "SELECT DISTINCT anonymous_id FROM events INDEXED BY identified_users
         WHERE project = ?1 AND name = '$identify' AND user_id = ?2 AND anonymous_id IS NOT NULL",
        [project, id],
    )?;
    for visitor in visitors {
        if owner(db, project, &visitor)?.as_deref() == Some(id) {
            neighbours.push(visitor);
        }
    }
    Ok(neighbours)
}

/// The user that the anonymous visitor was first said to be.
fn owner(db: &Connection, project: &str, visitor: &str) -> rusqlite::Result<Option<String>> {
    let users = texts(
        db,
        "SELECT user_id FROM (
             SELECT user_id, occurred_at, id FROM (
                 SELECT user_id, occurred_at, id FROM events INDEXED BY identified_visitors
                 WHERE project = ?1 AND name = '$identify' AND anonymous_id = ?2
                   AND user_id IS NOT NULL
                 ORDER BY occurred_at, id LIMIT 1)
             UNION ALL
             SELECT user_id, occurred_at, id FROM (
                 SELECT user_id, occurred_at, id FROM events INDEXED BY aliases_from
                 WHERE project = ?1 AND name = '$alias' AND previous_id = ?2
                   AND user_id IS NOT NULL
                 ORDER BY occurred_at, id LIMIT 1)
         ) ORDER BY occurred_at, id LIMIT 1",
        [project, visitor],
    )?;
    Ok(users.into_iter().next())
}

fn texts(db: &Connection, sql: &str, values: [&str; 2]) -> rusqlite::Result<Vec<String>> {
    let mut statement = db.prepare_cached(sql)?;
    statement.query_map(values, |row| row.get(0))?.collect()
}
