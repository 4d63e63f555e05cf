//! A database of an earlier version is brought up to date when it is opened, with what is in it.
//!
//! The fixtures were written by the collectors of those versions.

use std::rc::Rc;

use serde_json::json;
use tempfile::TempDir;

use crate::support::{Collector, envelope, event, keys_of, sql};

const VERSION_1: &str = include_str!("fixtures/version-1.sql");

fn version_1() -> Rc<TempDir> {
    let dir = Rc::new(TempDir::new().unwrap());
    let db = rusqlite::Connection::open(dir.path().join("events.db")).unwrap();
    db.execute_batch(VERSION_1).unwrap();
    dir
}

#[test]
fn rows_of_version_1_are_read_and_new_ones_stored_beside_them() {
    let collector = Collector::start_in(version_1(), &[]);
    assert_eq!(
        collector.sql("PRAGMA user_version"),
        [json!({"user_version": 2})]
    );
    let events = collector.read("/api/v1/events")["events"].clone();
    assert_eq!(keys_of(&events), ["k3", "k2", "k1"]);
    let row = &events[1];
    assert_eq!(
        row["occurredAt"], "2026-01-15T12:00:01.000Z",
        "its own time: no more is known"
    );
    assert_eq!(
        (&row["properties"], &row["context"]),
        (&json!({"total": 3}), &json!({"locale": "de"}))
    );
    assert_eq!(row["duplicates"], 1);
    assert_eq!(
        (&row["sessionId"], &row["value"], &row["groups"]),
        (&json!(null), &json!(null), &json!(null))
    );
    let stats = collector.stats();
    assert_eq!(
        (&stats["events"], &stats["droppedByClient"]),
        (&json!(3), &json!(2))
    );

    let again = collector
        .ingest(&envelope(&[event("k2"), event("new")]))
        .json();
    assert_eq!(
        (&again["accepted"], &again["duplicates"]),
        (&json!(1), &json!(1))
    );
    assert_eq!(collector.stats()["events"], 4);
}

#[test]
fn aliases_of_version_1_join() {
    let collector = Collector::start_in(version_1(), &[]);
    let timeline = collector.read("/api/v1/users/ada/timeline");
    // One alias says who was meant, the other means its visitor.
    assert_eq!(timeline["ids"], json!(["ada", "anon-1", "anon-2"]));
    assert_eq!(keys_of(&timeline["events"]), ["k1", "k2", "k3"]);
}

#[test]
fn an_interrupted_migration_leaves_the_old_version() {
    let dir = version_1();
    let path = dir.path().join("events.db");
    let db = rusqlite::Connection::open(&path).unwrap();
    // Something that the step stumbles over after most of its work.
    db.execute_batch("CREATE TABLE metrics (other TEXT)")
        .unwrap();
    let told = crate::support::refused_start(&["--db", path.to_str().unwrap()]);
    assert!(told.contains("metrics"), "{told}");
    assert_eq!(
        sql(&path, "PRAGMA user_version"),
        [json!({"user_version": 1})]
    );
    let columns = sql(
        &path,
        "SELECT name FROM pragma_table_info('events') WHERE name = 'occurred_at'",
    );
    assert!(columns.is_empty());
    db.execute_batch("DROP TABLE metrics").unwrap();
    drop(db);
    let collector = Collector::start_in(dir, &[]);
    assert_eq!(collector.stats()["events"], 3);
}
