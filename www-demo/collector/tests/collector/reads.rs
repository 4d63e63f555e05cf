//! `GET /api/v1/events` and its filters; `GET /api/v1/stats`.

use serde_json::{Value, json};

use crate::support::{Collector, READ_KEY, event, sequence};

fn filled() -> Collector {
    let collector = Collector::start(&[]);
    let of = |key: &str, name: &str, user: Value, timestamp: &str| {
        let mut event = event(key);
        event["name"] = name.into();
        event["userId"] = user;
        event["timestamp"] = timestamp.into();
        event
    };
    let events = [
        of("1", "view", json!("ann"), "2026-01-15T12:00:00.000Z"),
        of("2", "buy", json!("ann"), "2026-01-15T12:00:01.000Z"),
        of("3", "view", json!("bob & co"), "2026-01-15T12:00:02.000Z"),
        of("4", "view", json!(null), "2026-01-15T12:00:03.000Z"),
    ];
    let envelope = json!({"apiKey": "demo", "context": {"lang": "de"}, "events": events});
    assert_eq!(collector.ingest(&envelope).json()["accepted"], 4);
    collector
}

fn keys(collector: &Collector, query: &str) -> Vec<String> {
    let found = collector.read(&format!("/api/v1/events{query}"));
    let events = found["events"].as_array().unwrap().iter();
    events
        .map(|event| event["idempotencyKey"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn filters_select_and_combine() {
    let collector = filled();
    assert_eq!(keys(&collector, ""), ["4", "3", "2", "1"], "newest first");
    assert_eq!(keys(&collector, "?name=view"), ["4", "3", "1"]);
    assert_eq!(keys(&collector, "?user=ann"), ["2", "1"]);
    assert_eq!(keys(&collector, "?user=bob%20%26+co"), ["3"]);
    assert_eq!(keys(&collector, "?name=view&user=ann"), ["1"]);
    assert_eq!(
        keys(&collector, "?since=2026-01-15T12:00:02.000Z"),
        ["4", "3"]
    );
    assert_eq!(
        keys(&collector, "?since=2026-01-15T13:00:02%2B01:00"),
        ["4", "3"],
        "any offset"
    );
    assert_eq!(keys(&collector, "?limit=1"), ["4"]);
    assert_eq!(
        keys(&collector, "?after=1&limit=2"),
        ["2", "3"],
        "oldest first, for paging"
    );
    assert!(keys(&collector, "?name=nothing").is_empty());
    assert!(keys(&collector, "?name='%20OR%201=1%20--").is_empty());
}

#[test]
fn a_row_is_told_whole() {
    let collector = filled();
    let found = collector.read("/api/v1/events?limit=1&name=buy");
    let row = &found["events"][0];
    assert_eq!(
        row["properties"],
        json!({"total": 3}),
        "as JSON, not as text"
    );
    assert_eq!(row["context"], json!({"lang": "de"}));
    assert_eq!(row["userId"], "ann");
    assert_eq!(row["duplicates"], 0);
    assert_eq!(
        row["receivedAt"].as_str().unwrap().len(),
        "2026-01-15T12:00:00.000Z".len()
    );
}

#[test]
fn a_wrong_filter_is_told() {
    let collector = Collector::start(&[]);
    for query in [
        "since=yesterday",
        "limit=0",
        "limit=10001",
        "limit=many",
        "after=x",
        "order=size",
        "order=time&after=1",
    ] {
        let reply = collector.get_with(READ_KEY, &format!("/api/v1/events?{query}"));
        assert_eq!(
            (reply.status, &reply.json()["error"]),
            (400, &json!("bad_query")),
            "{query}"
        );
        let field = query.split('=').next().unwrap();
        assert!(
            reply.json()["message"].as_str().unwrap().contains(field),
            "{reply:?}"
        );
    }
}

#[test]
fn stats_agree_with_the_rows() {
    let collector = Collector::start(&[]);
    let none = json!({"stored":0,"duplicates":0,"rejected":0,"requests":0,"droppedByClient":0});
    let empty = json!({"events":0,"estimatedEvents":0.0,"erasedEvents":0,"batches":0,"duplicateEvents":0,"duplicateBatches":0,
        "rejectedEvents":0,"requests":0,"receiptQueries":0,"droppedByClient":0,"tabs":0,"metrics":none});
    assert_eq!(collector.stats(), empty);
    for (tab, from, to) in [("a", 1, 3), ("a", 4, 4), ("b", 1, 2), ("a", 1, 3)] {
        collector.ingest(&sequence(tab, from, to));
    }
    let mut last = sequence("c", 1, 1);
    last["events"][0]["name"] = json!(null);
    last["dropped"] = json!([{"from": 2, "to": 5, "reason": "expired"}]);
    last["receipts"] = json!(["00112233445566778899:1-3.369ab5c0"]);
    assert_eq!(collector.ingest(&last).json()["known"], json!([]));
    let expected = json!({"events":6,"estimatedEvents":6.0,"erasedEvents":0,"batches":4,"duplicateEvents":3,"duplicateBatches":1,
        "rejectedEvents":1,"requests":5,"receiptQueries":1,"droppedByClient":4,"tabs":3,"metrics":none});
    assert_eq!(collector.stats(), expected);
    assert_eq!(collector.count("FROM events"), 6);
    assert_eq!(collector.count("FROM batches"), 4);
}

#[test]
fn unknown_addresses_and_methods_are_told() {
    let collector = Collector::start(&[]);
    assert_eq!(collector.get("/api/v2/x").json()["error"], "not_found");
    let wrong = collector.get("/api/v1/ingest/batch");
    assert_eq!(
        (wrong.status, &wrong.json()["error"]),
        (405, &json!("method_not_allowed"))
    );
}
