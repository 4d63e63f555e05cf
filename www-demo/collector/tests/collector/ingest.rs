//! What a batch becomes: rows, each once; and what its sender is told.

use serde_json::{Value, json};

use crate::support::{Collector, batch, event, sequence};

#[test]
fn a_batch_becomes_rows_as_it_was_sent() {
    let collector = Collector::start(&[]);
    let envelope = r#"{"sentAt":"2026-01-15T12:00:05.000Z",
        "sdk":{"name":"sendoff","version":"0.1.0","runtime":"browser"},"apiKey":"demo",
        "tab":"00112233445566778899","batchId":"00112233445566778899:7-7",
        "context":{"url":"https://a.example/"},
        "events":[{"idempotencyKey":"k1","seq":7,"name":"checkout","userId":"u1",
            "anonymousId":"a1","timestamp":"2026-01-15T12:00:00.000Z",
            "properties":{"price":1.50,"lone":"\ud800","big":12345678901234567890}}]}"#;
    let reply = collector.send(envelope.as_bytes(), &[]);
    assert_eq!(reply.status, 200);
    let answer = json!({"accepted": 1, "duplicates": 0, "duplicateBatch": false, "rejected": []});
    assert_eq!(reply.json(), answer);

    let row = &collector.sql("SELECT * FROM events")[0];
    assert_eq!(row["project"], "demo");
    assert_eq!(row["idempotency_key"], "k1");
    assert_eq!(row["tab"], "00112233445566778899");
    assert_eq!(row["seq"], 7);
    assert_eq!(row["batch_id"], "00112233445566778899:7-7");
    assert_eq!(row["name"], "checkout");
    assert_eq!(row["user_id"], "u1");
    assert_eq!(row["anonymous_id"], "a1");
    assert_eq!(row["timestamp"], "2026-01-15T12:00:00.000Z");
    assert_eq!(row["sent_at"], "2026-01-15T12:00:05.000Z");
    assert_eq!(row["context"], r#"{"url":"https://a.example/"}"#);
    let properties = r#"{"price":1.50,"lone":"\ud800","big":12345678901234567890}"#;
    assert_eq!(
        row["properties"], properties,
        "the text itself, not a re-reading of it"
    );
}

#[test]
fn the_content_type_does_not_matter() {
    let collector = Collector::start(&[]);
    let types = [
        "text/plain;charset=UTF-8",
        "application/json",
        "image/png",
        "nonsense",
    ];
    for (i, content_type) in types.iter().enumerate() {
        let body = batch(&[&format!("k{i}")]).to_string();
        let reply = collector.send(body.as_bytes(), &[("content-type", content_type)]);
        assert_eq!(reply.status, 200, "{content_type}");
    }
    assert_eq!(collector.count("FROM events"), 4);
}

#[test]
fn an_event_is_stored_once_however_often_it_comes() {
    let collector = Collector::start(&[]);
    collector.ingest(&batch(&["a", "b"]));
    let again = collector.ingest(&batch(&["b", "c", "c"])).json();
    assert_eq!(
        (&again["accepted"], &again["duplicates"]),
        (&json!(1), &json!(2))
    );
    let rows = collector.sql("SELECT idempotency_key AS k, duplicates AS d FROM events ORDER BY k");
    assert_eq!(
        rows,
        [
            json!({"k": "a", "d": 0}),
            json!({"k": "b", "d": 1}),
            json!({"k": "c", "d": 1})
        ]
    );
    let stats = collector.stats();
    assert_eq!(stats["events"], 3);
    assert_eq!(stats["duplicateEvents"], 2);
    assert_eq!(stats["duplicateBatches"], 0, "none of them had an id");
}

#[test]
fn a_resent_batch_is_counted_as_one() {
    let collector = Collector::start(&[]);
    let sent = sequence("tab-1", 1, 3);
    assert_eq!(collector.ingest(&sent).json()["duplicateBatch"], false);
    let again = collector.ingest(&sent).json();
    assert_eq!(again["duplicateBatch"], true);
    assert_eq!(again["duplicates"], 3);
    assert_eq!(again["accepted"], 0);
    let stats = collector.stats();
    assert_eq!(stats["batches"], 1);
    assert_eq!(stats["duplicateBatches"], 1);
    assert_eq!(stats["requests"], 2);
    assert_eq!(stats["tabs"], 1);
    assert_eq!(
        collector.sql("SELECT received FROM batches"),
        [json!({"received": 2})]
    );
}

#[test]
fn a_batch_id_used_twice_loses_no_event() {
    let collector = Collector::start(&[]);
    let mut other = sequence("tab-1", 4, 5);
    other["batchId"] = "tab-1:1-3".into();
    collector.ingest(&sequence("tab-1", 1, 3));
    assert_eq!(collector.ingest(&other).json()["accepted"], 2);
    assert_eq!(collector.count("FROM events"), 5);
}

#[test]
fn bad_events_are_named_by_index_and_good_ones_are_kept() {
    let collector = Collector::start(&[]);
    let broken = |field: &str, value: Value| {
        let mut event = event("broken");
        event[field] = value;
        event
    };
    let mut deep = json!(1);
    for _ in 0..80 {
        deep = json!({ "d": deep });
    }
    let mut no_name = event("broken");
    no_name.as_object_mut().unwrap().remove("name");
    let cases = [
        (json!("text"), "bad_event"),
        (broken("idempotencyKey", json!(null)), "bad_idempotency_key"),
        (broken("idempotencyKey", json!("")), "bad_idempotency_key"),
        (
            broken("idempotencyKey", json!("x".repeat(201))),
            "bad_idempotency_key",
        ),
        (no_name, "bad_name"),
        (broken("name", json!(5)), "bad_name"),
        (broken("userId", json!(5)), "bad_user_id"),
        (broken("anonymousId", json!([])), "bad_anonymous_id"),
        (broken("timestamp", json!("yesterday")), "bad_timestamp"),
        (
            broken("timestamp", json!(1_768_478_400_000_u64)),
            "bad_timestamp",
        ),
        (broken("properties", json!([1])), "bad_properties"),
        (broken("properties", deep), "bad_properties"),
        (
            broken("properties", json!({"a": "x".repeat(140_000)})),
            "bad_properties",
        ),
        (broken("seq", json!(0)), "bad_seq"),
        (broken("seq", json!(1.5)), "bad_seq"),
    ];
    let mut events = vec![event("first")];
    events.extend(cases.iter().map(|(event, _)| event.clone()));
    events.push(event("last"));
    let reply = collector.ingest(&json!({"apiKey": "demo", "events": events}));
    assert_eq!(reply.status, 200);
    let answer = reply.json();
    assert_eq!(answer["accepted"], 2);
    let told: Vec<(u64, &str)> = answer["rejected"]
        .as_array()
        .unwrap()
        .iter()
        .map(told)
        .collect();
    let expected: Vec<(u64, &str)> = (1..)
        .zip(&cases)
        .map(|(index, (_, code))| (index, *code))
        .collect();
    assert_eq!(told, expected);
    let rows = collector.sql("SELECT idempotency_key AS k FROM events ORDER BY id");
    assert_eq!(rows, [json!({"k": "first"}), json!({"k": "last"})]);
    assert_eq!(collector.stats()["rejectedEvents"], cases.len());
}

fn told(rejection: &Value) -> (u64, &str) {
    assert!(
        rejection["message"].as_str().unwrap().len() > 10,
        "{rejection}"
    );
    (
        rejection["index"].as_u64().unwrap(),
        rejection["error"].as_str().unwrap(),
    )
}

#[test]
fn malformed_json_is_told_with_its_position() {
    let collector = Collector::start(&[]);
    let body = "{\"apiKey\":\"demo\",\n \"events\":[}";
    let reply = collector.send(body.as_bytes(), &[]);
    assert_eq!(reply.status, 400);
    let error = reply.json();
    assert_eq!(error["error"], "malformed_json");
    assert_eq!(
        (&error["line"], &error["column"], &error["byte"]),
        (&json!(2), &json!(12), &json!(29))
    );
    assert!(
        error["message"]
            .as_str()
            .unwrap()
            .contains("line 2 column 12"),
        "{error}"
    );
    for broken in [
        "",
        "{",
        "{\"apiKey\":\"demo\",\"events\":[]}x",
        "\u{feff}{}",
    ] {
        let reply = collector.send(broken.as_bytes(), &[]);
        assert_eq!(
            (reply.status, &reply.json()["error"]),
            (400, &json!("malformed_json"))
        );
    }
}

#[test]
fn an_envelope_of_another_shape_is_told_what_is_wrong() {
    let collector = Collector::start(&[]);
    let cases = [
        (json!({"apiKey": "demo"}), "events"),
        (json!({"apiKey": "demo", "events": {}}), "sequence"),
        (json!({"apiKey": "demo", "events": [], "tab": 5}), "string"),
        (
            json!({"apiKey": "demo", "events": [], "tab": ""}),
            "tab is empty",
        ),
        (
            json!({"apiKey": "demo", "events": [], "batchId": "x".repeat(201)}),
            "batchId is 201",
        ),
        (
            json!({"apiKey": "demo", "events": [], "context": []}),
            "context",
        ),
        (
            json!({"apiKey": "demo", "events": [], "dropped": [{"from":1,"to":1,"reason":"r"}]}),
            "dropped needs tab",
        ),
        (
            json!({"apiKey": "demo", "events": [], "tab": "t",
                   "dropped": [{"from":1,"to":1,"reason":"r"},{"from":3,"to":2,"reason":"r"}]}),
            "dropped[1]: from 3 to 2",
        ),
        (
            json!({"apiKey": "demo", "events": [], "receipts": vec!["x"; 1001]}),
            "receipts: 1001",
        ),
    ];
    for (envelope, hint) in cases {
        let reply = collector.ingest(&envelope);
        assert_eq!(reply.status, 400, "{envelope}");
        let error = reply.json();
        assert_eq!(error["error"], "bad_envelope", "{envelope}");
        assert!(error["message"].as_str().unwrap().contains(hint), "{error}");
    }
    assert_eq!(collector.count("FROM events"), 0);
}

#[test]
fn an_unreadable_sent_at_is_no_reason_to_lose_events() {
    let collector = Collector::start(&[]);
    let mut envelope = batch(&["a"]);
    envelope["sentAt"] = "+012026-01-01T00:00:00.000Z".into();
    assert_eq!(collector.ingest(&envelope).json()["accepted"], 1);
    assert_eq!(
        collector.sql("SELECT sent_at FROM events"),
        [json!({"sent_at": null})]
    );
}

/// A batch with an id as the SDK makes them.
fn identified(from: u64, to: u64) -> (String, Value) {
    let tab = "00112233445566778899";
    let mut envelope = sequence(tab, from, to);
    let id = format!("{tab}:{from}-{to}.369ab5c0");
    envelope["batchId"] = id.as_str().into();
    (id, envelope)
}

#[test]
fn a_receipt_query_tells_which_batches_arrived() {
    let collector = Collector::start(&["--key", "demo", "--key", "other=another"]);
    let (first, envelope) = identified(1, 2);
    collector.ingest(&envelope);
    let (second, envelope) = identified(3, 4);
    collector.ingest(&envelope);
    let (never, _) = identified(5, 6);
    let mut query = json!({"apiKey": "demo", "receipts": [second, never, first], "events": []});
    let answer = collector.ingest(&query).json();
    assert_eq!(answer["known"], json!([second, first]));
    assert_eq!(answer["accepted"], 0);
    query["apiKey"] = "other".into();
    assert_eq!(
        collector.ingest(&query).json()["known"],
        json!([]),
        "another project's business"
    );
    let stats = collector.read("/api/v1/stats?project=demo");
    assert_eq!(stats["receiptQueries"], 1);
    assert_eq!(stats["batches"], 2, "a query is no batch");
    let plain = collector.ingest(&batch(&["x"])).json();
    assert!(plain.get("known").is_none());
}

#[test]
fn only_ids_that_cannot_be_guessed_are_answered() {
    let collector = Collector::start(&[]);
    for id in ["1", "tab-1:1-2", "00112233445566778899:1-2"] {
        let mut envelope = batch(&[id]);
        envelope["batchId"] = id.into();
        assert_eq!(collector.ingest(&envelope).json()["accepted"], 1);
        let query = json!({"apiKey": "demo", "receipts": [id], "events": []});
        assert_eq!(collector.ingest(&query).json()["known"], json!([]), "{id}");
    }
}

#[test]
fn tombstones_are_kept_and_each_number_counted_once() {
    let collector = Collector::start(&[]);
    let envelope = |to: u64| {
        let reason = "overflow";
        json!({"apiKey": "demo", "tab": "t", "events": [],
               "dropped": [{"from": 51, "to": to, "reason": reason}]})
    };
    for to in [60, 60, 65] {
        assert_eq!(collector.ingest(&envelope(to)).status, 200);
    }
    assert_eq!(collector.stats()["droppedByClient"], 15);
    let rows = collector.sql("SELECT project, tab, from_seq, to_seq, reason FROM dropped");
    assert_eq!(rows.len(), 2, "a repeated tombstone is one row: {rows:?}");
    assert_eq!(
        rows[0],
        json!({"project":"demo","tab":"t","from_seq":51,"to_seq":60,"reason":"overflow"})
    );
}

#[test]
fn absurd_tombstones_cannot_break_later_batches() {
    let collector = Collector::start(&[]);
    let largest: i64 = 9_007_199_254_740_991;
    let envelope = |tab: &str, to: i64| {
        json!({"apiKey": "demo", "tab": tab, "events": [event(tab)],
               "dropped": [{"from": 1, "to": to, "reason": "overflow"}]})
    };
    for tab in ["a", "b"] {
        assert_eq!(
            collector.ingest(&envelope(tab, largest)).json()["accepted"],
            1
        );
        assert_eq!(collector.stats()["droppedByClient"], largest);
    }
    assert_eq!(collector.ingest(&envelope("c", largest + 1)).status, 400);
}
