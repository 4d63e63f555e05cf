//! Metrics: taken once each, and answered exactly.

use serde_json::{Value, json};

use crate::support::{Collector, READ_KEY, batch};

fn metric(seq: u64, name: &str, value: f64, second: u32) -> Value {
    json!({"seq": seq, "name": name, "value": value, "type": "timing", "unit": "ms",
           "tags": {"route": "/a", "method": "GET"},
           "timestamp": format!("2026-01-15T12:{:02}:{:02}.000Z", second / 60, second % 60)})
}

fn envelope(tab: &str, metrics: &[Value]) -> Value {
    json!({"apiKey": "demo", "tab": tab, "metrics": metrics,
           "sdk": {"name": "sendoff"}, "sentAt": "2026-01-15T12:00:05.000Z", "batchId": "b"})
}

fn summaries(collector: &Collector, query: &str) -> Value {
    collector.read(&format!("/api/v1/metrics{query}"))["metrics"].clone()
}

#[test]
fn a_metric_is_stored_as_it_was_sent_and_once() {
    let collector = Collector::start(&[]);
    let mut full = metric(1, "load", 12.5, 0);
    full["traceId"] = "0af7651916cd43dd8448eb211c80319c".into();
    full["spanId"] = "b7ad6b7169203331".into();
    let both = [full, metric(2, "load", 13.0, 1)];
    let first = collector.metrics(&envelope("t", &both)).json();
    assert_eq!(
        first,
        json!({"accepted": 2, "duplicates": 0, "rejected": []})
    );
    let again = collector
        .metrics(&envelope(
            "t",
            &[both[1].clone(), metric(3, "load", 1.0, 2)],
        ))
        .json();
    assert_eq!(
        (&again["accepted"], &again["duplicates"]),
        (&json!(1), &json!(1))
    );
    collector.metrics(&envelope("another", &both[..1]));
    assert_eq!(
        collector.count("FROM metrics"),
        4,
        "numbers are those of a tab"
    );
    let row = &collector.sql("SELECT * FROM metrics WHERE seq = 1 AND tab = 't'")[0];
    assert_eq!(
        (&row["name"], &row["type"], &row["unit"]),
        (&json!("load"), &json!("timing"), &json!("ms"))
    );
    assert_eq!(
        (&row["value"], &row["batch_id"]),
        (&json!(12.5), &json!("b"))
    );
    assert_eq!(row["tags"], r#"{"route":"/a","method":"GET"}"#);
    assert_eq!(row["trace_id"], "0af7651916cd43dd8448eb211c80319c");
    assert_eq!(row["span_id"], "b7ad6b7169203331");
    let stats = collector.stats();
    assert_eq!(
        stats["metrics"],
        json!({"stored":4,"duplicates":1,"rejected":0,"requests":3,"droppedByClient":0})
    );
    assert_eq!(stats["events"], 0);
}

#[test]
fn without_a_tab_or_a_number_there_is_nothing_to_deduplicate_by() {
    let collector = Collector::start(&[]);
    let mut bare =
        json!({"name": "n", "value": 1, "type": "counter", "timestamp": "2026-01-15T12:00:00Z"});
    for _ in 0..2 {
        assert_eq!(
            collector
                .metrics(&envelope("t", std::slice::from_ref(&bare)))
                .json()["accepted"],
            1
        );
    }
    bare["seq"] = 1.into();
    for _ in 0..2 {
        let without = json!({"apiKey": "demo", "metrics": [bare]});
        assert_eq!(collector.metrics(&without).json()["accepted"], 1);
    }
    assert_eq!(collector.count("FROM metrics"), 4);
}

#[test]
fn bad_metrics_are_named_by_index() {
    let collector = Collector::start(&[]);
    let cases = [
        ("name", json!(null), "bad_name"),
        ("value", json!("1"), "bad_value"),
        ("value", json!(null), "bad_value"),
        ("type", json!("histogram"), "bad_type"),
        ("unit", json!(5), "bad_unit"),
        ("tags", json!(["a"]), "bad_tags"),
        ("tags", json!({"a": 1}), "bad_tags"),
        ("timestamp", json!(1_768_478_400_000_u64), "bad_timestamp"),
        ("traceId", json!("0".repeat(32)), "bad_trace_id"),
        (
            "traceId",
            json!("0AF7651916CD43DD8448EB211C80319C"),
            "bad_trace_id",
        ),
        ("spanId", json!("b7ad"), "bad_span_id"),
        ("seq", json!(0), "bad_seq"),
    ];
    let mut metrics = vec![metric(1, "good", 1.0, 0)];
    for (field, value, _) in &cases {
        let mut wrong = metric(2, "wrong", 1.0, 0);
        wrong[*field] = value.clone();
        metrics.push(wrong);
    }
    metrics.push(json!(5));
    let answer = collector.metrics(&envelope("t", &metrics)).json();
    assert_eq!(answer["accepted"], 1);
    let told: Vec<Value> = answer["rejected"]
        .as_array()
        .unwrap()
        .iter()
        .map(|r| json!([r["index"], r["error"]]))
        .collect();
    let codes = cases.iter().map(|(_, _, code)| *code).chain(["bad_metric"]);
    let expected: Vec<Value> = (1..)
        .zip(codes)
        .map(|(i, code): (i32, _)| json!([i, code]))
        .collect();
    assert_eq!(told, expected);
}

#[test]
fn whole_requests_are_refused_like_batches() {
    let collector = Collector::start(&[]);
    let send = |envelope: &Value| {
        let reply = collector.metrics(envelope);
        (
            reply.status,
            reply.json()["error"]
                .as_str()
                .unwrap_or_default()
                .to_owned(),
        )
    };
    let own = str::to_owned;
    assert_eq!(
        send(&json!({"apiKey": "wrong", "metrics": []})),
        (401, own("unknown_key"))
    );
    assert_eq!(send(&json!({"apiKey": "demo"})), (400, own("bad_envelope")));
    let dropped = json!([{"from": 3, "to": 2, "reason": "overflow"}]);
    let wrong = json!({"apiKey": "demo", "tab": "t", "metrics": [], "dropped": dropped});
    assert_eq!(send(&wrong), (400, own("bad_envelope")));
}

#[test]
fn tombstones_of_metrics_are_not_those_of_events() {
    let collector = Collector::start(&[]);
    for to in [5, 5, 8] {
        let dropped = json!([{"from": 1, "to": to, "reason": "overflow"}]);
        let envelope = json!({"apiKey": "demo", "tab": "t", "metrics": [], "dropped": dropped});
        assert_eq!(collector.metrics(&envelope).status, 200);
    }
    let stats = collector.stats();
    assert_eq!(stats["metrics"]["droppedByClient"], 8);
    assert_eq!(stats["droppedByClient"], 0);
    assert_eq!(collector.count("FROM dropped"), 0);
    assert_eq!(collector.count("FROM metrics_dropped"), 2);
}

#[test]
fn percentiles_are_exact() {
    let collector = Collector::start(&[]);
    // 1 to 100 in an order that is none.
    let metrics: Vec<Value> = (1..=100)
        .map(|n| metric(n, "load", ((n * 37) % 101) as f64, 0))
        .collect();
    collector.metrics(&envelope("t", &metrics));
    let expected = json!([{"name": "load", "type": "timing", "unit": "ms", "buckets": [
        {"from": "2026-01-15T12:00:00.000Z", "count": 100, "sum": 5050.0, "min": 1.0, "max": 100.0,
         "mean": 50.5, "p50": 50.0, "p95": 95.0, "p99": 99.0}]}]);
    assert_eq!(summaries(&collector, "?name=load"), expected);
    collector.metrics(&envelope("one", &[metric(1, "single", 7.0, 0)]));
    let one = &summaries(&collector, "?name=single")[0]["buckets"][0];
    for field in ["min", "max", "mean", "p50", "p95", "p99"] {
        assert_eq!(one[field], 7.0, "{field}");
    }
    // The third of three is beyond 66 %: 95 and 99 are the largest, and half is the second.
    let three: Vec<Value> = (1..=3).map(|n| metric(n, "three", n as f64, 0)).collect();
    collector.metrics(&envelope("three", &three));
    let three = &summaries(&collector, "?name=three")[0]["buckets"][0];
    assert_eq!(
        (&three["p50"], &three["p95"], &three["p99"]),
        (&json!(2.0), &json!(3.0), &json!(3.0))
    );
}

#[test]
fn buckets_names_tags_and_times_select() {
    let collector = Collector::start(&[]);
    let mut tagged = metric(5, "load", 100.0, 61);
    tagged["tags"] = json!({"route": "/b \"x\"", "method": "GET"});
    let mut bytes = metric(6, "load", 9.0, 0);
    bytes["unit"] = json!("B");
    collector.metrics(&envelope(
        "t",
        &[
            metric(1, "load", 1.0, 0),
            metric(2, "load", 3.0, 59),
            metric(3, "load", 5.0, 60),
            metric(4, "other", 7.0, 0),
            tagged,
            bytes,
        ],
    ));
    let brief = |query: &str| {
        let found = summaries(&collector, query);
        let lines = found.as_array().unwrap().iter().flat_map(|summary| {
            summary["buckets"].as_array().unwrap().iter().map(|bucket| {
                json!([
                    summary["name"],
                    summary["unit"],
                    bucket["from"],
                    bucket["count"],
                    bucket["max"]
                ])
            })
        });
        lines.collect::<Vec<_>>()
    };
    let (noon, minute) = ("2026-01-15T12:00:00.000Z", "2026-01-15T12:01:00.000Z");
    assert_eq!(
        brief("?bucket=60s"),
        [
            json!(["load", "B", noon, 1, 9.0]),
            json!(["load", "ms", noon, 2, 3.0]),
            json!(["load", "ms", minute, 2, 100.0]),
            json!(["other", "ms", noon, 1, 7.0]),
        ]
    );
    assert_eq!(
        brief("?name=other&bucket=1h"),
        [json!(["other", "ms", noon, 1, 7.0])]
    );
    let quoted = "?name=load&tag.route=/b%20%22x%22&tag.method=GET";
    assert_eq!(
        brief(quoted),
        [json!(["load", "ms", "2026-01-15T12:01:01.000Z", 1, 100.0])]
    );
    assert!(brief("?tag.route=/a&tag.method=POST").is_empty());
    assert_eq!(brief(&format!("?name=load&from={minute}"))[0][3], 2);
    assert_eq!(brief(&format!("?name=other&to={noon}")).len(), 0);
}

#[test]
fn buckets_before_1970_begin_before_their_values() {
    let collector = Collector::start(&[]);
    let mut old = metric(1, "old", 1.0, 0);
    old["timestamp"] = "1969-12-31T23:59:30.500Z".into();
    collector.metrics(&envelope("t", &[old]));
    let found = summaries(&collector, "?bucket=60s");
    assert_eq!(found[0]["buckets"][0]["from"], "1969-12-31T23:59:00.000Z");
}

#[test]
fn the_time_is_corrected_as_that_of_events_is() {
    let collector = Collector::start(&[]);
    let hour_behind = envelope("t", &[metric(1, "load", 1.0, 0)]);
    let reply = collector.post_after(3_600_000, "/api/v1/ingest/metrics", &hour_behind);
    assert_eq!(reply.status, 200);
    assert_eq!(
        summaries(&collector, "?bucket=1h")[0]["buckets"][0]["from"],
        "2026-01-15T13:00:00.000Z"
    );
    // What the events of the tab teach of its clock holds for its metrics, too.
    let mut events = batch(&["a"]);
    events["tab"] = "t".into();
    collector.ingest_after(0, &events);
    assert_eq!(
        summaries(&collector, "?bucket=1h")[0]["buckets"][0]["from"],
        "2026-01-15T12:00:00.000Z"
    );
}

#[test]
fn a_wrong_question_is_told() {
    let collector = Collector::start(&[]);
    for query in ["bucket=0s", "bucket=60", "from=then", "to=later"] {
        let reply = collector.get_with(READ_KEY, &format!("/api/v1/metrics?{query}"));
        assert_eq!(
            (reply.status, &reply.json()["error"]),
            (400, &json!("bad_query")),
            "{query}"
        );
    }
    assert_eq!(collector.get("/api/v1/metrics").status, 401);
    let many: Vec<Value> = (0..10_001)
        .map(|n| json!({"name": format!("n{n}"), "value": 1, "type": "counter", "timestamp": "2026-01-15T12:00:00Z"}))
        .collect();
    for part in many.chunks(4_000) {
        assert_eq!(
            collector.metrics(&envelope("t", part)).json()["accepted"],
            part.len()
        );
    }
    let reply = collector.get_with(READ_KEY, "/api/v1/metrics");
    assert_eq!(
        (reply.status, &reply.json()["error"]),
        (400, &json!("bad_query"))
    );
}

#[test]
fn faults_of_metrics_are_their_own() {
    let collector = Collector::start(&["--faults"]);
    let fault = json!({"mode": "status", "status": 503});
    let url = collector.url("/_faults?of=metrics");
    let body = fault.to_string();
    assert_eq!(
        crate::support::post(&crate::support::agent(), &url, body.as_bytes(), &[]).status,
        200
    );
    let one = envelope("t", &[metric(1, "load", 1.0, 0)]);
    assert_eq!(collector.metrics(&one).status, 503);
    assert_eq!(collector.ingest(&batch(&["a"])).status, 200);
    collector.fault(&fault);
    assert_eq!(collector.ingest(&batch(&["b"])).status, 503);
    assert_eq!(collector.get("/_faults?of=metrics").json()["hits"], 1);
    assert_eq!(collector.get("/_faults?of=else").status, 400);
}
