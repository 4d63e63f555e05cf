//! The corrected time: what is learnt from how long attempts seem to take, and what reads do with it.
//!
//! Times are compared to within some seconds: a request takes its time, and a slow machine more.

use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::support::{Collector, envelope, event, keys_of};

/// More than a request ever takes here.
const SLACK_MS: i128 = 5_000;
const HOUR_MS: i64 = 3_600_000;

fn of_tab(tab: &str, events: &[(&str, &str)]) -> Value {
    let events: Vec<Value> = events
        .iter()
        .map(|(key, timestamp)| {
            let mut event = event(key);
            event["timestamp"] = (*timestamp).into();
            event
        })
        .collect();
    let mut envelope = envelope(&events);
    envelope["tab"] = tab.into();
    envelope
}

/// By how much the time of an event was corrected.
fn shift_ms(collector: &Collector, key: &str) -> i128 {
    let events = collector.read("/api/v1/events?limit=1000")["events"].clone();
    let row = events
        .as_array()
        .unwrap()
        .iter()
        .find(|row| row["idempotencyKey"] == key);
    let ms = |field: &str| {
        let text = row.unwrap()[field].as_str().unwrap();
        OffsetDateTime::parse(text, &Rfc3339)
            .unwrap()
            .unix_timestamp_nanos()
            / 1_000_000
    };
    ms("occurredAt") - ms("timestamp")
}

#[track_caller]
fn assert_shift(collector: &Collector, key: &str, expected_ms: i64) {
    let shift = shift_ms(collector, key);
    let expected = i128::from(expected_ms);
    assert!(
        (expected..expected + SLACK_MS).contains(&shift),
        "{key}: {shift}, not {expected}"
    );
}

const NOON: &str = "2026-01-15T12:00:00.000Z";

#[test]
fn a_clock_that_is_behind_is_put_right_and_one_ahead_too() {
    let collector = Collector::start(&[]);
    assert_eq!(
        collector
            .ingest_after(HOUR_MS, &of_tab("behind", &[("a", NOON)]))
            .status,
        200
    );
    collector.ingest_after(-30 * 24 * HOUR_MS, &of_tab("ahead", &[("b", NOON)]));
    assert_shift(&collector, "a", HOUR_MS);
    assert_shift(&collector, "b", -30 * 24 * HOUR_MS);
    let row = &collector.read("/api/v1/events?name=checkout&limit=1")["events"][0];
    assert_eq!(
        (&row["idempotencyKey"], &row["timestamp"]),
        (&json!("a"), &json!(NOON)),
        "both are kept"
    );
}

#[test]
fn the_fastest_attempt_decides_also_for_what_came_before() {
    let collector = Collector::start(&[]);
    collector.ingest_after(40_000, &of_tab("t", &[("slow", NOON)]));
    assert_shift(&collector, "slow", 40_000);
    collector.ingest_after(0, &of_tab("t", &[("fast", "2026-01-15T12:00:10.000Z")]));
    assert_shift(&collector, "slow", 0);
    assert_shift(&collector, "fast", 0);
    collector.ingest_after(
        60_000,
        &of_tab("t", &[("slow again", "2026-01-15T12:00:20.000Z")]),
    );
    let newest = collector.read("/api/v1/events")["events"].clone();
    assert_eq!(
        keys_of(&newest),
        ["slow again", "fast", "slow"],
        "order within a tab is its own"
    );
    let shifts = ["slow", "fast", "slow again"].map(|key| shift_ms(&collector, key));
    assert_eq!(shifts, [shifts[0]; 3], "one offset for all of a tab");
}

#[test]
fn a_request_that_does_not_say_when_it_was_sent_teaches_nothing() {
    let collector = Collector::start(&[]);
    let mut deferred = of_tab("t", &[("deferred", NOON)]);
    // Sealed long ago, as far as the body knows.
    deferred["sentAt"] = "2020-01-01T00:00:00.000Z".into();
    collector.ingest(&deferred);
    assert_eq!(shift_ms(&collector, "deferred"), 0);
    for sent_at in [
        "",
        "yesterday",
        "-5",
        "1e12",
        "99999999999999999999",
        "253402300800000",
    ] {
        let url = collector.url(&format!("/api/v1/ingest/batch?sentAt={sent_at}"));
        let body = of_tab("t", &[("other", NOON)]).to_string();
        let reply = crate::support::post(&crate::support::agent(), &url, body.as_bytes(), &[]);
        assert_eq!(reply.status, 200, "{sent_at}");
    }
    assert_eq!(shift_ms(&collector, "other"), 0);
    assert_eq!(collector.count("FROM clocks"), 0);
    collector.ingest_after(HOUR_MS, &of_tab("t", &[("later", NOON)]));
    assert_shift(&collector, "deferred", HOUR_MS);
}

#[test]
fn a_clock_set_forward_leaves_what_was_before_alone() {
    let collector = Collector::start(&[]);
    collector.ingest_after(0, &of_tab("t", &[("before", NOON)]));
    collector.ingest_after(
        -1000 * 24 * HOUR_MS,
        &of_tab("t", &[("after", "2028-10-11T12:00:01.000Z")]),
    );
    assert_shift(&collector, "before", 0);
    assert_shift(&collector, "after", -1000 * 24 * HOUR_MS);
    let found = collector.read("/api/v1/events")["events"].clone();
    assert_eq!(keys_of(&found), ["after", "before"]);
}

#[test]
fn reads_order_and_filter_by_the_corrected_time() {
    let collector = Collector::start(&[]);
    // By its own clock, which is an hour behind, `late` was before `early`.
    collector.ingest_after(
        HOUR_MS,
        &of_tab("behind", &[("late", "2026-01-15T11:30:00.000Z")]),
    );
    collector.ingest_after(0, &of_tab("right", &[("early", NOON)]));
    let keys = |query: &str| {
        let found = collector.read(&format!("/api/v1/events{query}"))["events"].clone();
        keys_of(&found)
            .iter()
            .map(|key| (*key).to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(keys(""), ["late", "early"]);
    assert_eq!(keys("?since=2026-01-15T12:15:00.000Z"), ["late"]);
    assert_eq!(keys("?order=stored"), ["early", "late"]);
    assert_eq!(keys("?after=0"), ["late", "early"], "paging goes by rows");
    let timeline = collector.read("/api/v1/users/anon-1/timeline");
    assert_eq!(keys_of(&timeline["events"]), ["early", "late"]);
}

#[test]
fn other_tabs_are_not_touched() {
    let collector = Collector::start(&["--key", "demo", "--key", "other", "--read-key", "demo=r"]);
    collector.ingest_after(HOUR_MS, &of_tab("t", &[("a", NOON)]));
    let mut other = of_tab("t", &[("b", NOON)]);
    other["apiKey"] = "other".into();
    collector.ingest_after(0, &other);
    collector.ingest(&envelope(&[event("no tab")]));
    let rows =
        collector.sql("SELECT count(*) AS n FROM events WHERE occurred_at >= '2026-01-15T13'");
    assert_eq!(rows, [json!({"n": 1})]);
}
