//! `collector sql`, and the query that finds lost events.

use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::support::{Collector, batch, run, sequence};

const HOLES: &str = include_str!("../../holes.sql");

fn holes(collector: &Collector) -> Vec<Value> {
    let rows = collector.sql(HOLES);
    rows.iter()
        .map(|row| {
            assert!(row["last_heard"].is_string(), "{row}");
            let (from, to) = (&row["missing_from"], &row["missing_to"]);
            json!([row["project"], row["tab"], from, to, row["missing"]])
        })
        .collect()
}

fn dropped(collector: &Collector, tab: &str, from: u64, to: u64) {
    let dropped = json!([{"from": from, "to": to, "reason": "overflow"}]);
    let envelope = json!({"apiKey": "demo", "tab": tab, "dropped": dropped, "events": []});
    assert_eq!(collector.ingest(&envelope).status, 200);
}

#[test]
fn holes_are_found_per_tab() {
    let collector = Collector::start(&[]);
    for (from, to) in [(8, 10), (1, 3), (20, 20), (5, 5)] {
        collector.ingest(&sequence("a", from, to));
    }
    collector.ingest(&sequence("whole", 1, 10));
    collector.ingest(&sequence("late", 3, 4));
    collector.ingest(&batch(&["without a tab"]));
    assert_eq!(
        holes(&collector),
        [
            json!(["demo", "a", 4, 4, 1]),
            json!(["demo", "a", 6, 7, 2]),
            json!(["demo", "a", 11, 19, 9]),
            json!(["demo", "late", 1, 2, 2]),
        ]
    );
}

#[test]
fn tombstones_explain_holes_and_so_does_what_arrived_late() {
    let collector = Collector::start(&[]);
    collector.ingest(&sequence("a", 1, 3));
    collector.ingest(&sequence("a", 20, 21));
    dropped(&collector, "a", 4, 10);
    // Overlapping, and one inside another: what counts is how far all before reached.
    dropped(&collector, "a", 5, 6);
    dropped(&collector, "a", 9, 12);
    assert_eq!(holes(&collector), [json!(["demo", "a", 13, 19, 7])]);
    collector.ingest(&sequence("a", 13, 19));
    assert!(holes(&collector).is_empty());
    // A tombstone beyond the last event: the numbers before it are missing too.
    dropped(&collector, "a", 30, 40);
    assert_eq!(holes(&collector), [json!(["demo", "a", 22, 29, 8])]);
}

#[test]
fn a_tombstone_of_another_tab_or_project_explains_nothing() {
    let collector = Collector::start(&["--key", "demo", "--key", "other"]);
    collector.ingest(&sequence("a", 2, 2));
    dropped(&collector, "b", 1, 1);
    let mut other = json!({"apiKey": "other", "tab": "a", "events": []});
    other["dropped"] = json!([{"from": 1, "to": 1, "reason": "overflow"}]);
    assert_eq!(collector.ingest(&other).status, 200);
    assert_eq!(holes(&collector), [json!(["demo", "a", 1, 1, 1])]);
}

#[test]
fn a_refused_event_is_not_a_lost_one() {
    let collector = Collector::start(&[]);
    let mut envelope = sequence("a", 1, 3);
    envelope["events"][1]["name"] = json!(5);
    for _ in 0..2 {
        assert_eq!(
            collector.ingest(&envelope).json()["rejected"][0]["index"],
            1
        );
    }
    assert!(holes(&collector).is_empty());
    let refused = collector.sql("SELECT tab, seq, batch_id, error FROM refused");
    assert_eq!(
        refused,
        [json!({"tab":"a","seq":2,"batch_id":"a:1-3","error":"bad_name"})]
    );
}

#[test]
fn sql_prints_every_kind_of_value() {
    let collector = Collector::start(&[]);
    let rows = collector.sql("SELECT 1 AS i, 2.5 AS r, 'ü\"' AS t, NULL AS n, x'00ff' AS b");
    assert_eq!(
        rows,
        [json!({"i": 1, "r": 2.5, "t": "ü\"", "n": null, "b": "00ff"})]
    );
}

#[test]
fn sql_reads_its_query_from_standard_input() {
    let collector = Collector::start(&[]);
    collector.ingest(&sequence("a", 2, 2));
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/holes.sql");
    let output = Command::new(env!("CARGO_BIN_EXE_collector"))
        .args(["sql", "--db", collector.db().to_str().unwrap(), "-"])
        .stdin(std::fs::File::open(file).unwrap())
        .stderr(Stdio::inherit())
        .output()
        .unwrap();
    let row: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(row["missing"], 1);
}

#[test]
fn sql_changes_nothing() {
    let collector = Collector::start(&[]);
    collector.ingest(&batch(&["a"]));
    let db = collector.db();
    let db = db.to_str().unwrap();
    for query in [
        "DELETE FROM events",
        "DROP TABLE events",
        "SELECT 1; DELETE FROM events",
        "SELECT",
    ] {
        let output = run(&["sql", "--db", db, query]);
        assert!(!output.status.success(), "{query}");
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(told.starts_with("collector: query:"), "{query}: {told}");
    }
    let missing = run(&["sql", "--db", "/nonexistent/x.db", "SELECT 1"]);
    assert!(String::from_utf8_lossy(&missing.stderr).contains("/nonexistent/x.db"));
    assert_eq!(collector.count("FROM events"), 1);
}
