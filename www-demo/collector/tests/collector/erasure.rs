//! `DELETE /api/v1/users/<id>`: nothing of the person is left, nothing comes back, and nobody else is
//! touched.

use serde_json::{Value, json};

use crate::support::{Collector, READ_KEY, alias, envelope, event_of, sequence};

const HOLES: &str = include_str!("../../holes.sql");

fn erase(collector: &Collector, id: &str) -> Value {
    let reply = collector.delete_with(READ_KEY, &format!("/api/v1/users/{id}"));
    assert_eq!(reply.status, 200, "{reply:?}");
    reply.json()
}

fn stored(collector: &Collector) -> Vec<Value> {
    collector
        .sql("SELECT idempotency_key AS k FROM events ORDER BY k")
        .iter()
        .map(|row| row["k"].clone())
        .collect()
}

fn ada_and_bob() -> Collector {
    let collector = Collector::start(&[]);
    let events = [
        event_of("a", "view", json!(null), "anon-1", 1),
        event_of("b", "$identify", json!("ada"), "anon-1", 2),
        alias("c", "ada", "ada-2", 3),
        event_of("d", "secret-name", json!("ada-2"), "anon-1", 4),
        // On the same device, after her.
        event_of("e", "view", json!("bob"), "anon-1", 5),
    ];
    assert_eq!(collector.ingest(&envelope(&events)).json()["accepted"], 5);
    collector
}

#[test]
fn all_of_a_person_is_gone_and_others_stay() {
    let collector = ada_and_bob();
    let answer = erase(&collector, "anon-1");
    assert_eq!(
        answer,
        json!({"ids": ["ada", "ada-2", "anon-1"], "erasedEvents": 4})
    );
    assert_eq!(stored(&collector), ["e"]);
    let stats = collector.stats();
    assert_eq!(
        (&stats["events"], &stats["erasedEvents"]),
        (&json!(1), &json!(4))
    );
    for path in ["timeline", "sessions", "export"] {
        let found = collector.read(&format!("/api/v1/users/ada/{path}"));
        assert_eq!(found["ids"], json!(["ada"]), "{found}");
    }
    assert_eq!(
        erase(&collector, "ada-2")["erasedEvents"],
        0,
        "a second time is no error"
    );
}

#[test]
fn nothing_is_left_in_the_file_not_even_the_id() {
    let mut collector = ada_and_bob();
    let in_file = |collector: &Collector, text: &str| {
        let dir = std::fs::read_dir(collector.dir.path()).unwrap();
        let files = dir.map(|entry| std::fs::read(entry.unwrap().path()).unwrap());
        let all: Vec<u8> = files.flatten().collect();
        all.windows(text.len())
            .any(|bytes| bytes == text.as_bytes())
    };
    for text in ["secret-name", "ada-2"] {
        assert!(
            in_file(&collector, text),
            "else this looks for the wrong thing"
        );
    }
    erase(&collector, "ada");
    let left =
        |collector: &Collector| ["secret-name", "ada-2"].map(|text| in_file(collector, text));
    assert_eq!(left(&collector), [false; 2]);
    collector.signal("TERM");
    collector.wait();
    assert_eq!(left(&collector), [false; 2]);
}

#[test]
fn an_erasure_outlives_a_restart() {
    let mut collector = ada_and_bob();
    erase(&collector, "ada");
    collector.signal("TERM");
    collector.wait();
    let again = Collector::start_in(std::rc::Rc::clone(&collector.dir), &[]);
    let late = envelope(&[event_of("f", "view", json!("ada-2"), "anon-7", 9)]);
    assert_eq!(
        again.ingest(&late).json()["rejected"][0]["error"],
        "erased_user"
    );
}

#[test]
fn what_comes_late_is_refused_and_what_is_others_is_not() {
    let collector = ada_and_bob();
    erase(&collector, "ada");
    let mut late = envelope(&[
        event_of("f", "view", json!("ada-2"), "anon-7", 9),
        event_of("g", "view", json!("bob"), "anon-1", 9),
        json!({"idempotencyKey": "h"}),
        event_of("a", "view", json!(null), "anon-1", 1),
        alias("i", "ada", "ada-3", 9),
    ]);
    late["tab"] = "t".into();
    late["batchId"] = "t:1-5".into();
    for (i, event) in late["events"]
        .as_array_mut()
        .unwrap()
        .iter_mut()
        .enumerate()
    {
        event["seq"] = (i + 1).into();
    }
    let answer = collector.ingest(&late).json();
    assert_eq!(
        (&answer["accepted"], &answer["duplicates"]),
        (&json!(1), &json!(0))
    );
    let rejected = answer["rejected"].as_array().unwrap();
    let told: Vec<Value> = rejected
        .iter()
        .map(|r| json!([r["index"], r["error"]]))
        .collect();
    let erased = "erased_user";
    assert_eq!(
        told,
        [
            json!([0, erased]),
            json!([2, "bad_name"]),
            json!([3, erased]),
            json!([4, erased])
        ]
    );
    assert_eq!(stored(&collector), ["e", "g"]);
    assert!(collector.sql(HOLES).is_empty(), "refused is not lost");
    assert_eq!(collector.stats()["rejectedEvents"], 4);
}

#[test]
fn erased_rows_are_no_lost_ones() {
    let collector = Collector::start(&[]);
    let mut envelope = sequence("t", 1, 8);
    for seq in [1, 2, 3, 6] {
        envelope["events"][seq - 1]["userId"] = "ada".into();
    }
    collector.ingest(&envelope);
    assert_eq!(erase(&collector, "ada")["erasedEvents"], 4);
    assert!(collector.sql(HOLES).is_empty());
    let rows =
        collector.sql("SELECT from_seq AS f, to_seq AS t, reason AS r FROM dropped ORDER BY f");
    assert_eq!(
        rows,
        [
            json!({"f":1,"t":3,"r":"erased"}),
            json!({"f":6,"t":6,"r":"erased"})
        ]
    );
}

#[test]
fn a_project_erases_its_own_only() {
    let collector = Collector::start(&["--key", "demo", "--key", "other"]);
    let mut both = envelope(&[event_of("a", "view", json!("ada"), "anon-1", 1)]);
    collector.ingest(&both);
    both["apiKey"] = "other".into();
    collector.ingest(&both);
    let reply = collector.delete_with(READ_KEY, "/api/v1/users/ada?project=demo");
    assert_eq!(reply.json()["erasedEvents"], 1);
    assert_eq!(collector.count("FROM events WHERE project = 'other'"), 1);
    both["events"][0]["idempotencyKey"] = "b".into();
    assert_eq!(
        collector.ingest(&both).json()["accepted"],
        1,
        "not erased there"
    );
}

/// Row ids are where readers go on: the one of an erased row must not come again.
#[test]
fn a_row_id_is_never_used_again() {
    let collector = ada_and_bob();
    let newest = collector.sql("SELECT max(id) AS id FROM events")[0]["id"]
        .as_i64()
        .unwrap();
    erase(&collector, "bob");
    erase(&collector, "ada");
    assert_eq!(collector.count("FROM events"), 0);
    collector.ingest(&envelope(&[event_of(
        "x",
        "view",
        json!("eve"),
        "anon-9",
        1,
    )]));
    let after = collector.read(&format!("/api/v1/events?after={newest}"));
    assert_eq!(after["events"].as_array().unwrap().len(), 1, "{after}");
}

/// The erasure is one transaction: what stops it in the middle leaves everything.
#[test]
fn an_erasure_is_whole_or_not_at_all() {
    let collector = ada_and_bob();
    let trigger = "CREATE TRIGGER no_end BEFORE DELETE ON events WHEN old.idempotency_key = 'c'
                   BEGIN SELECT raise(ABORT, 'stop'); END";
    let db = rusqlite::Connection::open(collector.db()).unwrap();
    db.execute_batch(trigger).unwrap();
    let reply = collector.delete_with(READ_KEY, "/api/v1/users/ada");
    assert_eq!(
        (reply.status, &reply.json()["error"]),
        (503, &json!("storage_unavailable"))
    );
    assert_eq!(stored(&collector).len(), 5);
    assert_eq!(
        collector.count("FROM erased") + collector.count("FROM dropped"),
        0
    );
}
