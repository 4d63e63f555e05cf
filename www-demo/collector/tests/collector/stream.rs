//! The live stream: what is stored arrives, also after a break, and nobody else's does.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;
use std::time::Instant;

use serde_json::{Value, json};

use crate::support::{Collector, PATIENCE, READ_KEY, agent, batch, post, sequence};

struct Listener(BufReader<TcpStream>);

#[derive(Debug, Default, PartialEq)]
struct Message {
    id: Option<String>,
    event: Option<String>,
    data: Value,
}

impl Listener {
    fn open(collector: &Collector, query: &str, headers: &str) -> Self {
        let key = format!("authorization: Bearer {READ_KEY}\r\n");
        Self::open_as(collector, query, &format!("{key}{headers}"))
    }

    fn open_as(collector: &Collector, query: &str, headers: &str) -> Self {
        let mut stream = collector.connect();
        write!(
            stream,
            "GET /api/v1/stream{query} HTTP/1.1\r\nhost: t\r\n{headers}\r\n"
        )
        .unwrap();
        let mut listener = Self(BufReader::new(stream));
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            listener.0.read_line(&mut head).unwrap();
        }
        let head = head.to_ascii_lowercase();
        assert!(head.starts_with("http/1.1 200"), "{head}");
        assert!(head.contains("content-type: text/event-stream"), "{head}");
        assert!(head.contains("cache-control: no-cache"), "{head}");
        listener
    }

    /// The next message; lines of the chunked encoding around it are none of ours.
    fn next(&mut self) -> Message {
        let mut message = Message::default();
        let begun = Instant::now();
        loop {
            // The keep-alive comments would keep a read alive for ever.
            assert!(begun.elapsed() < PATIENCE, "nothing came");
            let mut line = String::new();
            assert!(self.0.read_line(&mut line).unwrap() > 0, "the stream ended");
            match line.trim_end().split_once(": ") {
                Some(("id", id)) => message.id = Some(id.to_owned()),
                Some(("event", event)) => message.event = Some(event.to_owned()),
                Some(("data", data)) => message.data = serde_json::from_str(data).unwrap(),
                _ if line == "\n" && message != Message::default() => return message,
                _ => {}
            }
        }
    }

    fn next_stored(&mut self) -> (String, String) {
        loop {
            let message = self.next();
            if message.event.is_none() {
                let key = message.data["idempotencyKey"].as_str().unwrap().to_owned();
                return (message.id.unwrap(), key);
            }
        }
    }
}

#[test]
fn a_stored_event_is_delivered_with_the_statistics() {
    let collector = Collector::start(&[]);
    collector.ingest(&batch(&["before"]));
    let mut listener = Listener::open(&collector, "", "");
    let first = listener.next();
    assert_eq!(
        first.event.as_deref(),
        Some("stats"),
        "the state of things, at once"
    );
    assert_eq!(first.data["events"], 1);
    collector.ingest(&sequence("tab", 1, 1));
    let stored = listener.next();
    assert_eq!(stored.event, None, "stored events are plain messages");
    assert_eq!(stored.data["idempotencyKey"], "tab-1");
    assert_eq!(stored.data["properties"], json!({"total": 3}));
    assert_eq!(stored.id, Some(stored.data["id"].to_string()));
    assert_eq!(listener.next().data["events"], 2);
    collector.ingest(&sequence("tab", 1, 1));
    let duplicate = listener.next();
    assert_eq!(
        duplicate.event.as_deref(),
        Some("stats"),
        "a duplicate is no new event"
    );
    assert_eq!(duplicate.data["duplicateEvents"], 1);
}

#[test]
fn a_reconnect_goes_on_where_it_stopped() {
    let collector = Collector::start(&[]);
    let mut listener = Listener::open(&collector, "", "");
    collector.ingest(&batch(&["a"]));
    let (last, key) = listener.next_stored();
    assert_eq!(key, "a");
    drop(listener);
    // More than the stream reads at once.
    for from in [1, 301, 601] {
        collector.ingest(&sequence("tab", from, from + 299));
    }
    let mut again = Listener::open(&collector, "", &format!("last-event-id: {last}\r\n"));
    for seq in 1..=900 {
        assert_eq!(again.next_stored().1, format!("tab-{seq}"));
    }
    collector.ingest(&batch(&["live again"]));
    assert_eq!(again.next_stored().1, "live again");
}

#[test]
fn a_slow_reader_misses_nothing() {
    let collector = Collector::start(&[]);
    let mut listener = Listener::open(&collector, "", "");
    for batch in 0..40 {
        collector.ingest(&sequence(&format!("tab{batch}"), 1, 100));
    }
    for batch in 0..40 {
        for seq in 1..=100 {
            assert_eq!(listener.next_stored().1, format!("tab{batch}-{seq}"));
        }
    }
}

#[test]
fn another_projects_events_are_not_delivered() {
    let collector = Collector::start(&["--key", "mine", "--key", "other"]);
    let mut listener = Listener::open(&collector, "?project=mine", "last-event-id: 0\r\n");
    for (key, event) in [("other", "theirs"), ("mine", "ours")] {
        let mut envelope = batch(&[event]);
        envelope["apiKey"] = key.into();
        assert_eq!(collector.ingest(&envelope).json()["accepted"], 1);
    }
    assert_eq!(listener.next_stored().1, "ours");
}

#[test]
fn a_ticket_opens_one_stream_of_its_project_once() {
    let collector = Collector::start(&["--key", "mine", "--key", "other"]);
    let issue = |headers: &[(&str, &str)]| {
        let url = collector.url("/api/v1/stream/ticket?project=mine");
        post(&agent(), &url, b"", headers)
    };
    assert_eq!(issue(&[]).status, 401);
    let answer = issue(&[("authorization", &format!("Bearer {READ_KEY}"))]);
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let answer = answer.json();
    assert_eq!(answer["expiresInMs"], 30_000);
    let query = format!("?ticket={}", answer["ticket"].as_str().unwrap());
    // It opens nothing else, and is not used up by trying.
    assert_eq!(collector.get(&format!("/api/v1/events{query}")).status, 401);

    let mut listener = Listener::open_as(&collector, &query, "");
    for (key, event) in [("other", "theirs"), ("mine", "ours")] {
        let mut envelope = batch(&[event]);
        envelope["apiKey"] = key.into();
        collector.ingest(&envelope);
    }
    assert_eq!(listener.next_stored().1, "ours");
    let again = collector.get(&format!("/api/v1/stream{query}"));
    assert_eq!(
        (again.status, &again.json()["error"]),
        (401, &json!("unknown_ticket"))
    );
}
