//! The optional fields of an event: stored as they were sent, absent where they are not, and where one
//! is wrong the event alone is refused.

use serde_json::{Value, json};

use crate::support::{Collector, batch, envelope, event};

fn with(key: &str, fields: &Value) -> Value {
    let mut event = event(key);
    for (name, value) in fields.as_object().unwrap() {
        event[name] = value.clone();
    }
    event
}

#[test]
fn optional_fields_are_stored_and_told() {
    let collector = Collector::start(&[]);
    let full = with(
        "full",
        &json!({"sessionId": "s-1", "sessionSeq": 7, "value": -1.5, "sampleRate": 0.25,
                "groups": {"company": "acme"}, "attribution": {"first": {"source": "x"}},
                "unheardOf": [1, 2]}),
    );
    let nulls = with(
        "nulls",
        &json!({"sessionId": null, "sessionSeq": null, "value": null, "sampleRate": null,
                "groups": null, "attribution": null, "context": null}),
    );
    assert_eq!(
        collector.ingest(&envelope(&[full, nulls])).json()["accepted"],
        2
    );
    let events = collector.read("/api/v1/events?after=0")["events"].clone();
    let names = [
        "sessionId",
        "sessionSeq",
        "value",
        "sampleRate",
        "groups",
        "attribution",
    ];
    let of = |i: usize| names.map(|name| events[i][name].clone());
    let expected = [
        json!("s-1"),
        json!(7),
        json!(-1.5),
        json!(0.25),
        json!({"company": "acme"}),
        json!({"first": {"source": "x"}}),
    ];
    assert_eq!(of(0), expected);
    assert_eq!(of(1), [(); 6].map(|()| json!(null)));
}

#[test]
fn the_context_is_the_batchs_with_the_events_own_members() {
    let collector = Collector::start(&[]);
    let own = with(
        "own",
        &json!({"context": {"page": {"url": "b"}, "more": 1}}),
    );
    let mut both = envelope(&[own, event("none")]);
    both["context"] = json!({"page": {"url": "a", "title": "t"}, "locale": "de"});
    assert_eq!(collector.ingest(&both).json()["accepted"], 2);
    let alone = with("alone", &json!({"context": {"page": {"url": "c"}}}));
    assert_eq!(collector.ingest(&envelope(&[alone])).json()["accepted"], 1);
    let events = collector.read("/api/v1/events?after=0")["events"].clone();
    assert_eq!(
        events[0]["context"],
        json!({"page": {"url": "b"}, "locale": "de", "more": 1})
    );
    assert_eq!(events[1]["context"], both["context"]);
    assert_eq!(events[2]["context"], json!({"page": {"url": "c"}}));
}

#[test]
fn a_wrong_optional_field_refuses_its_event_alone() {
    let collector = Collector::start(&[]);
    let cases = [
        (json!({"sessionId": 5}), "bad_session_id"),
        (json!({"sessionId": ""}), "bad_session_id"),
        (json!({"sessionSeq": 0}), "bad_session_seq"),
        (json!({"sessionSeq": 1.5}), "bad_session_seq"),
        (json!({"sessionSeq": "1"}), "bad_session_seq"),
        (json!({"value": "12"}), "bad_value"),
        (json!({"sampleRate": 0}), "bad_sample_rate"),
        (json!({"sampleRate": -0.5}), "bad_sample_rate"),
        (json!({"sampleRate": 1.01}), "bad_sample_rate"),
        (json!({"groups": ["acme"]}), "bad_groups"),
        (json!({"groups": {"company": 5}}), "bad_groups"),
        (json!({"attribution": "google"}), "bad_attribution"),
        (json!({"context": []}), "bad_context"),
        (
            json!({"context": {"a": "x".repeat(140_000)}}),
            "bad_context",
        ),
    ];
    let mut events = vec![event("first")];
    events.extend(cases.iter().map(|(fields, _)| with("wrong", fields)));
    events.push(event("last"));
    let answer = collector.ingest(&envelope(&events)).json();
    assert_eq!(answer["accepted"], 2, "{answer}");
    let rejected = answer["rejected"].as_array().unwrap();
    let told: Vec<&str> = rejected
        .iter()
        .map(|r| r["error"].as_str().unwrap())
        .collect();
    assert_eq!(told, cases.each_ref().map(|(_, code)| *code));
    let field = cases[0].0.as_object().unwrap().keys().next().unwrap();
    assert!(
        rejected[0]["message"].as_str().unwrap().contains(field),
        "{answer}"
    );
    // A number that no f64 holds is JSON all the same.
    let infinite = batch(&["infinite"])
        .to_string()
        .replace(r#""userId""#, r#""value":1e999,"userId""#);
    let answer = collector.send(infinite.as_bytes(), &[]).json();
    assert_eq!(answer["rejected"][0]["error"], "bad_value", "{answer}");
}

#[test]
fn sampled_events_stand_for_more() {
    let collector = Collector::start(&[]);
    let view = |key: &str, rate: f64, value: f64| {
        with(
            key,
            &json!({"name": "view", "sampleRate": rate, "value": value}),
        )
    };
    let events = [
        view("a", 0.1, 2.0),
        view("b", 0.5, 3.0),
        view("c", 1.0, 4.0),
        event("d"),
    ];
    collector.ingest(&envelope(&events));
    let stats = collector.stats();
    assert_eq!(
        (&stats["events"], &stats["estimatedEvents"]),
        (&json!(4), &json!(14.0))
    );
    let counts = collector.read("/api/v1/counts")["counts"].clone();
    assert_eq!(
        counts,
        json!([
            {"name": "checkout", "events": 1, "estimatedEvents": 1.0, "valueSum": 0.0, "estimatedValueSum": 0.0},
            {"name": "view", "events": 3, "estimatedEvents": 13.0, "valueSum": 9.0, "estimatedValueSum": 30.0},
        ])
    );
    let none = collector.read("/api/v1/counts?from=2026-01-15T12:00:00.001Z");
    assert_eq!(none["counts"], json!([]));
    let until = collector.read("/api/v1/counts?to=2026-01-15T12:00:00.000Z");
    assert_eq!(until["counts"], json!([]), "its end does not belong to it");
}
