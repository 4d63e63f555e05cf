//! Each fault does what it says, as often as it says, and to the ingest endpoint only.

use std::io::{Read as _, Write as _};
use std::net::Shutdown;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::{Collector, INGEST, batch};

fn faulty(fault: &Value) -> Collector {
    let collector = Collector::start(&["--faults"]);
    let reply = collector.fault(fault);
    assert_eq!(reply.status, 200, "{reply:?}");
    collector
}

fn raw_ingest(keys: &[&str]) -> Vec<u8> {
    let body = batch(keys).to_string();
    let length = body.len();
    format!("POST {INGEST} HTTP/1.1\r\nhost: t\r\ncontent-length: {length}\r\n\r\n{body}")
        .into_bytes()
}

#[test]
fn without_the_switch_there_are_no_faults() {
    let collector = Collector::start(&[]);
    assert_eq!(collector.fault(&json!({"mode": "hang"})).status, 404);
    assert_eq!(collector.get("/_faults").status, 404);
    assert_eq!(collector.ingest(&batch(&["a"])).status, 200);
}

#[test]
fn status_answers_as_asked_and_stores_nothing() {
    let collector = faulty(&json!({"mode": "status", "status": 503, "retryAfter": 2}));
    for _ in 0..3 {
        let reply = collector.ingest(&batch(&["a"]));
        assert_eq!(
            (reply.status, reply.header("retry-after")),
            (503, Some("2"))
        );
        assert_eq!(reply.json()["error"], "fault");
    }
    let date = "Wed, 21 Oct 2026 07:28:00 GMT";
    collector.fault(&json!({"mode": "status", "status": 429, "retryAfter": date}));
    let reply = collector.ingest(&batch(&["a"]));
    assert_eq!(
        (reply.status, reply.header("retry-after")),
        (429, Some(date))
    );
    assert_eq!(collector.count("FROM events"), 0);
    collector.fault(&json!({"mode": "none"}));
    assert_eq!(collector.ingest(&batch(&["a"])).json()["accepted"], 1);
}

#[test]
fn times_counts_hits_down() {
    let collector = faulty(&json!({"mode": "status", "status": 500, "times": 2}));
    let statuses: Vec<u16> = (0..4)
        .map(|_| collector.ingest(&batch(&["a"])).status)
        .collect();
    assert_eq!(statuses, [500, 500, 200, 200]);
    let shown = collector.get("/_faults").json();
    assert_eq!(shown, json!({"mode": "none", "hits": 2}));
}

#[test]
fn the_fault_in_force_is_shown() {
    let collector = faulty(&json!({"mode": "status", "status": 413, "maxEvents": 2, "times": 5}));
    collector.ingest(&batch(&["a", "b", "c"]));
    let shown = collector.get("/_faults").json();
    assert_eq!(
        shown,
        json!({"mode":"status","status":413,"maxEvents":2,"times":4,"hits":1})
    );
}

#[test]
fn max_events_spares_small_batches() {
    let collector = faulty(&json!({"mode": "status", "status": 413, "maxEvents": 2, "times": 1}));
    assert_eq!(collector.ingest(&batch(&["a", "b"])).status, 200);
    assert_eq!(
        collector.ingest(&batch(&["c", "d", "e"])).status,
        413,
        "the only hit is left"
    );
    assert_eq!(collector.ingest(&batch(&["c", "d", "e"])).status, 200);
    assert_eq!(collector.count("FROM events"), 5);
}

#[test]
fn only_ingest_is_hit() {
    let collector = faulty(&json!({"mode": "status", "status": 503}));
    assert_eq!(collector.stats()["events"], 0);
    assert_eq!(collector.get("/_faults").status, 200);
}

#[test]
fn delay_waits_and_then_stores() {
    let collector = faulty(&json!({"mode": "delay", "delayMs": 400}));
    let begun = Instant::now();
    assert_eq!(collector.ingest(&batch(&["a"])).json()["accepted"], 1);
    assert!(
        begun.elapsed() >= Duration::from_millis(400),
        "{:?}",
        begun.elapsed()
    );
}

#[test]
fn lose_stores_and_closes_without_a_byte() {
    let collector = faulty(&json!({"mode": "lose", "times": 1}));
    assert_eq!(
        collector.raw(&raw_ingest(&["a", "b"])),
        b"",
        "not a byte of an answer"
    );
    assert_eq!(collector.count("FROM events"), 2);
    let again = collector.ingest(&batch(&["a", "b"])).json();
    assert_eq!(
        (&again["accepted"], &again["duplicates"]),
        (&json!(0), &json!(2))
    );
}

#[test]
fn a_lost_answer_never_hits_a_reused_connection() {
    // Chromium re-sends a POST by itself when the connection it reused closes without an answer.
    let collector = faulty(&json!({"mode": "none"}));
    let reply = collector.ingest(&batch(&["a"]));
    assert_eq!(reply.header("connection"), Some("close"));
    assert_eq!(
        Collector::start(&[])
            .ingest(&batch(&["a"]))
            .header("connection"),
        None
    );
}

#[test]
fn hang_ends_when_the_fault_is_changed() {
    let collector = faulty(&json!({"mode": "hang", "times": 1}));
    let mut hanging = collector.connect();
    hanging.write_all(&raw_ingest(&["a"])).unwrap();
    wait_for_hits(&collector, 1);
    // Another request passes it by: had the first one gone on, it would be stored before.
    assert_eq!(collector.ingest(&batch(&["b"])).json()["accepted"], 1);
    let keys = "SELECT idempotency_key AS k FROM events";
    assert_eq!(
        collector.sql(keys),
        [json!({"k": "b"})],
        "not stored while it hangs"
    );
    hanging.set_nonblocking(true).unwrap();
    let nothing = hanging.read(&mut [0; 1]).unwrap_err();
    assert_eq!(
        nothing.kind(),
        std::io::ErrorKind::WouldBlock,
        "nor answered"
    );
    hanging.set_nonblocking(false).unwrap();
    collector.fault(&json!({"mode": "none"}));
    let mut answer = String::new();
    hanging.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
    assert_eq!(collector.count("FROM events"), 2);
}

#[test]
fn a_hanging_request_that_the_client_gives_up_is_never_stored() {
    let collector = faulty(&json!({"mode": "hang"}));
    let mut hanging = collector.connect();
    hanging.write_all(&raw_ingest(&["a"])).unwrap();
    wait_for_hits(&collector, 1);
    // The collector closes its side too once it has noticed: that is the moment to go on.
    hanging.shutdown(Shutdown::Write).unwrap();
    let mut answer = Vec::new();
    hanging.read_to_end(&mut answer).unwrap();
    assert_eq!(answer, b"");
    collector.fault(&json!({"mode": "none"}));
    assert_eq!(collector.ingest(&batch(&["b"])).json()["accepted"], 1);
    assert_eq!(
        collector.count("FROM events WHERE idempotency_key = 'a'"),
        0
    );
}

fn wait_for_hits(collector: &Collector, hits: u64) {
    while collector.get("/_faults").json()["hits"] != hits {
        std::thread::yield_now();
    }
}

#[test]
fn a_fault_that_makes_no_sense_is_refused_and_changes_nothing() {
    let collector = faulty(&json!({"mode": "status", "status": 503}));
    let cases = [
        (json!({"mode": "explode"}), "explode"),
        (json!({"mode": "status", "status": 99}), "status"),
        (json!({"mode": "delay"}), "delayMs"),
        (json!({"mode": "lose", "times": 0}), "times"),
        (json!({"mode": "lose", "maxEvents": 1}), "maxEvents"),
        (json!({"mode": "status", "retryAfter": 1.5}), "retryAfter"),
        (json!({"mode": "none", "tims": 1}), "tims"),
        (json!(7), "7"),
    ];
    for (fault, hint) in cases {
        let reply = collector.fault(&fault);
        assert_eq!(
            (reply.status, &reply.json()["error"]),
            (400, &json!("bad_fault")),
            "{fault}"
        );
        assert!(
            reply.json()["message"].as_str().unwrap().contains(hint),
            "{reply:?}"
        );
    }
    assert_eq!(collector.ingest(&batch(&["a"])).status, 503);
}
