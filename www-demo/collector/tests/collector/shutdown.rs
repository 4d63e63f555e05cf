//! SIGTERM: no new connections, running requests answered, the database closed, exit code 0.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Instant;

use serde_json::json;

use crate::support::{Collector, INGEST, PATIENCE, READ_KEY, batch, sql};

fn start_request(collector: &Collector, key: &str) -> TcpStream {
    let body = batch(&[key]).to_string();
    let mut stream = collector.connect();
    let length = body.len();
    write!(
        stream,
        "POST {INGEST} HTTP/1.1\r\nhost: t\r\ncontent-length: {length}\r\n\r\n{body}"
    )
    .unwrap();
    stream
}

fn wait_for_hit(collector: &Collector) {
    while collector.get("/_faults").json()["hits"] != 1 {
        std::thread::yield_now();
    }
}

fn answer(mut stream: TcpStream) -> String {
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

fn files(collector: &Collector) -> Vec<String> {
    let entries = std::fs::read_dir(collector.dir.path()).unwrap();
    entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect()
}

#[test]
fn a_running_request_is_finished_and_its_rows_are_there() {
    for signal in ["TERM", "INT"] {
        let mut collector = Collector::start(&["--faults"]);
        // So that the reading connection is really open and has to be closed.
        assert_eq!(collector.stats()["events"], 0);
        collector.fault(&json!({"mode": "delay", "delayMs": 700, "times": 1}));
        let running = start_request(&collector, "running");
        wait_for_hit(&collector);
        collector.signal(signal);
        while TcpStream::connect(&collector.address).is_ok() {
            std::thread::yield_now();
        }
        let answer = answer(running);
        assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
        assert_eq!(collector.wait().code(), Some(0));
        assert_eq!(
            files(&collector),
            ["events.db"],
            "closed: the WAL is folded in"
        );
        assert_eq!(sql(&collector.db(), "SELECT name FROM events").len(), 1);
    }
}

#[test]
fn what_would_never_end_does_not_hold_it_up() {
    let mut collector = Collector::start(&["--faults"]);
    let mut stream = collector.connect();
    stream
        .write_all(
            format!(
                "GET /api/v1/stream HTTP/1.1\r\nhost: t\r\nauthorization: Bearer {READ_KEY}\r\n\r\n"
            )
            .as_bytes(),
        )
        .unwrap();
    let mut first = [0; 12];
    stream.read_exact(&mut first).unwrap();
    assert_eq!(&first, b"HTTP/1.1 200");
    let idle = collector.connect();
    collector.fault(&json!({"mode": "hang"}));
    let hanging = start_request(&collector, "hanging");
    wait_for_hit(&collector);
    let begun = Instant::now();
    collector.signal("TERM");
    assert_eq!(
        answer(hanging),
        "",
        "a hanging request gets no answer, also not now"
    );
    answer(stream);
    answer(idle);
    assert_eq!(collector.wait().code(), Some(0));
    assert!(
        begun.elapsed() < PATIENCE / 10,
        "took {:?}",
        begun.elapsed()
    );
    assert_eq!(sql(&collector.db(), "SELECT name FROM events").len(), 0);
}

#[test]
fn a_request_that_takes_too_long_is_cut_off() {
    let mut collector = Collector::start(&["--faults"]);
    collector.fault(&json!({"mode": "delay", "delayMs": 600_000}));
    let running = start_request(&collector, "too-long");
    wait_for_hit(&collector);
    collector.signal("TERM");
    assert_eq!(answer(running), "");
    assert_eq!(collector.wait().code(), Some(0));
    assert_eq!(files(&collector), ["events.db"]);
}

#[test]
fn what_was_acknowledged_is_there_after_a_restart() {
    let mut collector = Collector::start(&[]);
    assert_eq!(collector.ingest(&batch(&["a", "b"])).status, 200);
    collector.signal("TERM");
    collector.wait();
    let again = Collector::start_in(std::rc::Rc::clone(&collector.dir), &[]);
    assert_eq!(again.stats()["events"], 2);
    assert_eq!(again.ingest(&batch(&["a", "b"])).json()["duplicates"], 2);
}
