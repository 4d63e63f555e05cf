//! A 2xx means committed: kill -9 at any moment loses nothing that was acknowledged, and re-sending
//! what was not doubles nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use serde_json::{Value, json};

use crate::support::{Collector, INGEST, agent, batch, refused_start, sequence, sql, try_post};

const SENDERS: u64 = 4;
const BATCH_EVENTS: u64 = 20;
const KILLS: u64 = 3;
/// How many batches are acknowledged before the kill; the senders never stop before it.
const ACKNOWLEDGED_BEFORE_KILL: usize = 25;

#[test]
fn kill_9_in_mid_stream_loses_and_doubles_nothing() {
    let mut collector = Collector::start(&[]);
    let mut sent = BTreeMap::new();
    let mut acknowledged = BTreeSet::new();
    for round in 0..KILLS {
        let (sent_now, acknowledged_now) = stream_until_killed(&mut collector, round);
        sent.extend(sent_now);
        acknowledged.extend(acknowledged_now);
        // As a crash leaves it, before any restart repairs it.
        assert_stored(&sql(&collector.db(), STORED_KEYS), &acknowledged);
        let dir = Rc::clone(&collector.dir);
        collector = Collector::start_in(dir, &[]);
        assert_stored(&collector.sql(STORED_KEYS), &acknowledged);
    }
    let unanswered = sent.len() - acknowledged.len();
    assert!(
        unanswered > 0,
        "every kill came too late to cut a request off"
    );
    for envelope in sent.values() {
        assert_eq!(collector.ingest(envelope).status, 200);
    }
    let stored: Vec<String> = keys_of(&collector.sql(STORED_KEYS));
    let unique: BTreeSet<&String> = stored.iter().collect();
    assert_eq!(stored.len(), sent.len() * BATCH_EVENTS as usize);
    assert_eq!(unique.len(), stored.len(), "no row twice");
    assert_eq!(
        collector.stats()["events"],
        stored.len(),
        "the counters went with the rows"
    );
    assert_eq!(
        collector.sql("PRAGMA integrity_check"),
        [json!({"integrity_check": "ok"})]
    );
}

const STORED_KEYS: &str = "SELECT idempotency_key AS k FROM events";

fn keys_of(rows: &[Value]) -> Vec<String> {
    rows.iter()
        .map(|row| row["k"].as_str().unwrap().to_owned())
        .collect()
}

fn assert_stored(rows: &[Value], acknowledged: &BTreeSet<String>) {
    let stored: BTreeSet<String> = keys_of(rows).into_iter().collect();
    for batch_id in acknowledged {
        let (tab, range) = batch_id.split_once(':').unwrap();
        let (from, to) = range.split_once('-').unwrap();
        for seq in from.parse::<u64>().unwrap()..=to.parse().unwrap() {
            assert!(
                stored.contains(&format!("{tab}-{seq}")),
                "{batch_id} was acknowledged"
            );
        }
    }
}

type Envelopes = BTreeMap<String, Value>;

/// Several senders at once, each stopping at its first failed request; and a kill among them.
fn stream_until_killed(collector: &mut Collector, round: u64) -> (Envelopes, BTreeSet<String>) {
    let url = collector.url(INGEST);
    let sent = Mutex::new(Envelopes::new());
    let acknowledged = Mutex::new(BTreeSet::new());
    let answers = AtomicUsize::new(0);
    thread::scope(|scope| {
        for sender in 0..SENDERS {
            let (url, sent, acknowledged, answers) = (&url, &sent, &acknowledged, &answers);
            scope.spawn(move || {
                let agent = agent();
                for first in (1..).step_by(BATCH_EVENTS as usize) {
                    let tab = format!("round{round}sender{sender}");
                    let envelope = sequence(&tab, first, first + BATCH_EVENTS - 1);
                    let id = envelope["batchId"].as_str().unwrap().to_owned();
                    let body = envelope.to_string();
                    sent.lock().unwrap().insert(id.clone(), envelope);
                    match try_post(&agent, url, body.as_bytes(), &[]) {
                        Ok(reply) if reply.status == 200 => acknowledged.lock().unwrap().insert(id),
                        _ => return,
                    };
                    answers.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        while answers.load(Ordering::Relaxed) < ACKNOWLEDGED_BEFORE_KILL {
            thread::yield_now();
        }
        collector.kill_9();
    });
    (
        sent.into_inner().unwrap(),
        acknowledged.into_inner().unwrap(),
    )
}

/// The sharper half of the same promise: where a commit is impossible, so is a 2xx.
#[test]
fn no_commit_no_acknowledgement() {
    let collector = Collector::start(&[]);
    let other = rusqlite::Connection::open(collector.db()).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let reply = collector.ingest(&batch(&["a"]));
    assert_eq!(
        (reply.status, &reply.json()["error"]),
        (503, &json!("storage_unavailable"))
    );
    other.execute_batch("ROLLBACK").unwrap();
    assert_eq!(collector.count("FROM events"), 0);
    assert_eq!(collector.ingest(&batch(&["a"])).json()["accepted"], 1);
}

/// One transaction per batch: a failure in its middle leaves nothing of it, not even a counter.
#[test]
fn a_batch_is_stored_whole_or_not_at_all() {
    let collector = Collector::start(&[]);
    let trigger = "CREATE TRIGGER no_poison BEFORE INSERT ON events
                   WHEN new.idempotency_key = 'tab-3' BEGIN SELECT raise(ABORT, 'poison'); END";
    rusqlite::Connection::open(collector.db())
        .unwrap()
        .execute_batch(trigger)
        .unwrap();
    assert_eq!(collector.ingest(&sequence("tab", 1, 5)).status, 503);
    assert_eq!(collector.count("FROM events"), 0);
    assert_eq!(collector.count("FROM batches"), 0);
    assert_eq!(collector.count("FROM counters"), 0);
    assert_eq!(
        collector.ingest(&sequence("tab", 4, 5)).json()["accepted"],
        2
    );
}

#[test]
fn a_database_of_another_version_is_left_alone() {
    let dir = Rc::new(tempfile::TempDir::new().unwrap());
    let db = dir.path().join("events.db");
    rusqlite::Connection::open(&db)
        .unwrap()
        .pragma_update(None, "user_version", 99)
        .unwrap();
    let told = refused_start(&["--db", db.to_str().unwrap()]);
    assert!(
        told.contains("version 99") && told.contains("--db"),
        "{told}"
    );
}
