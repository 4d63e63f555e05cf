#![cfg(not(target_arch = "wasm32"))]
//! The wire format: what a collector gets, to the byte.
//!
//! # Goal
//!
//! That the format changes only on purpose, and that whatever a page says arrives as it said it.
//!
//! # Method
//!
//! The engine itself is driven, so these are the bytes that really leave. `tests/golden` holds bodies
//! with everything a format has; a body that differs by a byte fails, and says where. After a change
//! that is meant (a new version of the crate is one: it stands in `sdk` and goes into the stamp of
//! every batch id):
//!
//! ```text
//! UPDATE_GOLDEN=1 cargo test --test wire        then look at the diff before committing it
//! ```
//!
//! Properties, by proptest: any calls in any configuration give bodies that a JSON parser reads, that
//! say what the page said, that are within `maxPayloadBytes`, and whose batches never change.
//!
//! # What it does not cover
//!
//! What is refused at the call (units in `src/intake/call.rs`), what `JSON.stringify` makes of a
//! value (`tests/facade`), what the collector makes of a body (its own tests).

#[path = "wire/calls.rs"]
mod calls;
#[path = "wire/damage.rs"]
mod damage;
#[path = "wire/host.rs"]
mod host;

use std::{collections::BTreeMap, path::PathBuf};

use host::{Host, START_MS};
use proptest::prelude::*;
use sendoff::engine::config::Config;
use sendoff::engine::io::{Nature, Outcome};
use sendoff::intake::guard::{GuardConfig, Pii};
use sendoff::intake::{IdentityPolicy, IntakeConfig};
use sendoff::model::store::MemoryStore;
use serde_json::Value;

use crate::calls::{PageCall, any_calls};

/// Compares with a golden file, or writes it.
fn assert_golden(name: &str, body: &str) {
    serde_json::from_str::<Value>(body).unwrap_or_else(|error| panic!("{name}: {error}\n{body}"));
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("tests/golden/{name}.json"));
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, format!("{body}\n")).unwrap();
        return;
    }
    let golden = std::fs::read_to_string(&path)
        .unwrap_or_else(|error| panic!("{}: {error}; UPDATE_GOLDEN=1 writes it", path.display()));
    let golden = golden.strip_suffix('\n').unwrap_or(&golden);
    if body != golden {
        panic!("{}", difference(&path.display().to_string(), golden, body));
    }
}

/// Where two texts part, with what stands around it.
fn difference(path: &str, golden: &str, body: &str) -> String {
    let same = golden.bytes().zip(body.bytes());
    let at = same.take_while(|(one, other)| one == other).count();
    let around = |text: &str| {
        let start = text.floor_char_boundary(at.saturating_sub(60));
        let end = text.ceil_char_boundary((at + 60).min(text.len()));
        format!("…{}…", &text[start..end])
    };
    format!(
        "the wire format changed at byte {at} of {path}\n  golden ({} bytes): {}\n  now    ({} bytes): {}\n\
         if that is meant: UPDATE_GOLDEN=1 cargo test --test wire",
        golden.len(),
        around(golden),
        body.len(),
        around(body),
    )
}

fn track(name: &str, properties: &str) -> String {
    format!("track\t{START_MS}\t0\tname=\"{name}\"\tprops={properties}")
}

#[test]
fn a_plain_batch() {
    let mut host = Host::new(Config::new("demo"));
    host.calls(&[
        &track("page_view", "{\"path\":\"/\"}"),
        &track("checkout", "{\"total\":49.9,\"items\":[\"a\",\"b\"]}"),
        &track("empty", ""),
    ]);
    host.flush();
    assert_golden("batch", &host.bodies[0]);
}

#[test]
fn every_kind_of_field_with_escapes_and_unicode() {
    let mut host = Host::new(Config::new("pk_\"live\"\\ü"));
    host.calls(&[
        // The first moment that can be told.
        "track\t0\t0\tname=\"first\"",
        // Every field given; a fraction of a millisecond is cut.
        "track\t1768478400123.75\t0\tname=\"Größe \\\"L\\\" \\\\ 日本 \u{1f680}\"\tuser=\"user-1\"\tanon=\"anon-1\"\tprops={\"tab\\t\":\"line\\n\\u0000\u{2028}\"}",
        // Every kind of value.
        &track(
            "values",
            "{\"null\":null,\"yes\":true,\"no\":false,\"int\":-0,\"big\":1e21,\"small\":1.5e-7,\
             \"text\":\"\\/\",\"list\":[[],{},[[1]]],\"deep\":{\"a\":{\"b\":{\"c\":{\"d\":{\"e\":{\"f\":{}}}}}}},\
             \"\":\"empty key\",\"same\":1,\"same\":2}",
        ),
        // The last moment that can be told.
        "track\t253402300799999\t0\tname=\"last\"\tprops={}",
    ]);
    host.flush();
    assert_golden("fields", &host.bodies[0]);
}

#[test]
fn identify_and_alias() {
    let mut host = Host::new(Config {
        intake: IntakeConfig {
            identity: IdentityPolicy::Allow,
            ..IntakeConfig::default()
        },
        ..Config::new("demo")
    });
    host.calls(&[
        &track("before", ""),
        &format!("alias\t{START_MS}\t0\tuser=\"u0\""),
        &format!("identify\t{START_MS}\t0\tuser=\"u1\"\tprops={{\"plan\":\"pro\"}}"),
        &track("after", ""),
        &format!("alias\t{START_MS}\t0\tuser=\"u2\""),
        &format!("alias\t{START_MS}\t0\tuser=\"u3\"\tprev=\"legacy-9\""),
        &track("last", ""),
    ]);
    host.flush();
    assert_golden("identity", &host.bodies[0]);
}

#[test]
fn tombstones_for_what_was_given_up() {
    let mut host = Host::new(Config {
        max_queue_size: 3,
        max_batch_size: 3,
        ..Config::new("demo")
    });
    host.answer = Some(400);
    host.calls(&[&track("rejected", "")]);
    host.flush();
    host.answer = None;
    host.online(false);
    (0..5).for_each(|_| host.calls(&[&track("overflow", "")]));
    host.online(true);
    assert_golden("tombstones", &host.with_tombstone("overflow"));
    // With no event left to carry it, what was given up is told by a batch of none.
    assert_golden("tombstones_alone", &host.with_tombstone("rejected"));
}

#[test]
fn a_receipt_query() {
    let mut first = Host::new(Config::new("demo"));
    first.hangs = true;
    first.calls(&[&track("sent", "")]);
    first.flush();
    let mut next = first.next_visit("000000000000000000b2");
    next.pass(5_000);
    assert_golden("receipts", &next.bodies[0]);
    assert_eq!(
        next.bodies[1], first.bodies[0],
        "unknown to the collector: sent again"
    );
}

/// A page's calls, delivered; what was sent, and by how many tabs.
struct Played {
    host: Host,
    next: Option<Host>,
}

/// Makes the calls in bursts; then either every request is answered, or the tab dies with the first
/// one unanswered and the next visit delivers the rest.
fn play(config: Config, bursts: &[Vec<PageCall>], dies: bool) -> Played {
    let mut host = Host::new(config);
    host.hangs = dies;
    for burst in bursts {
        let records: Vec<String> = burst.iter().map(PageCall::record).collect();
        host.calls(&records.iter().map(String::as_str).collect::<Vec<_>>());
    }
    host.flush();
    let next = dies.then(|| {
        let mut next = host.next_visit("000000000000000000b2");
        next.pass(30_000);
        next
    });
    Played { host, next }
}

impl Played {
    fn bodies(&self) -> impl Iterator<Item = &String> {
        let later = self.next.iter().flat_map(|next| &next.bodies);
        self.host.bodies.iter().chain(later)
    }

    /// Every event that was sent, by number; a repeated one must be the same.
    fn events(&self) -> BTreeMap<u64, Value> {
        let mut events = BTreeMap::new();
        for body in self.bodies() {
            let body: Value = serde_json::from_str(body).unwrap();
            for event in body["events"].as_array().unwrap() {
                let before = events.insert(event["seq"].as_u64().unwrap(), event.clone());
                assert!(before.is_none_or(|before| before == *event));
            }
        }
        events
    }
}

fn any_config() -> impl Strategy<Value = Config> {
    (8_192_u32..60_000, 1_u32..60, "[ -~]{1,20}").prop_map(|(bytes, count, key)| Config {
        max_payload_bytes: bytes,
        max_batch_size: count,
        intake: IntakeConfig {
            // Any calls in any order: whoever is identified last is meant.
            identity: IdentityPolicy::Allow,
            // Nothing of what is said is taken for personal.
            guard: GuardConfig {
                values: Pii::Off,
                ..GuardConfig::default()
            },
            ..IntakeConfig::default()
        },
        ..Config::new(&key)
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_a_page_says_arrives_as_it_said_it(
        config in any_config(), bursts in any_calls(), dies: bool,
    ) {
        let played = play(config.clone(), &bursts, dies);
        let expected = calls::expected(&bursts);
        let events = played.events();
        prop_assert_eq!(events.len(), expected.len());
        for ((seq, event), expected) in events.iter().zip(&expected) {
            for field in ["name", "userId", "anonymousId", "timestamp", "properties"] {
                prop_assert_eq!(&event[field], &expected[field], "{} of event {}", field, seq);
            }
        }
        let keys: std::collections::BTreeSet<&str> =
            events.values().map(|event| event["idempotencyKey"].as_str().unwrap()).collect();
        prop_assert_eq!(keys.len(), events.len(), "a key of its own for each");
        for body in played.bodies() {
            let body: Value = serde_json::from_str(body).unwrap();
            prop_assert_eq!(body["apiKey"].as_str(), Some(config.api_key.as_str()));
        }
    }

    #[test]
    fn no_body_exceeds_its_bound_and_no_batch_ever_changes(
        config in any_config(), bursts in any_calls(), dies: bool,
    ) {
        let played = play(config.clone(), &bursts, dies);
        let mut batches: BTreeMap<String, &String> = BTreeMap::new();
        for body in played.bodies() {
            prop_assert!(body.len() <= config.max_payload_bytes as usize);
            let parsed: Value = serde_json::from_str(body).unwrap();
            let events = parsed["events"].as_array().unwrap();
            prop_assert!(events.len() <= config.max_batch_size as usize);
            let Some(id) = parsed["batchId"].as_str() else { continue };
            if let Some(before) = batches.insert(id.to_owned(), body) {
                prop_assert_eq!(before, body, "one id, one body");
            }
            let numbers = |index: usize| events[index]["seq"].as_u64().unwrap();
            let range = format!(":{}-{}.", numbers(0), numbers(events.len() - 1));
            prop_assert!(id.contains(&range), "{} holds {}", id, range);
        }
    }

    #[test]
    fn an_event_fits_or_is_refused(bytes in 3_000_usize..6_000, limit in 4_096_u32..5_000) {
        let mut host = Host::new(Config { max_payload_bytes: limit, ..Config::new("demo") });
        host.calls(&[&track("large", &format!("{{\"text\":\"{}\"}}", "x".repeat(bytes)))]);
        host.flush();
        let refused = host.stats().refused.iter().map(|count| count.count).sum::<u64>();
        prop_assert_eq!(refused as usize + host.bodies.len(), 1);
        for body in &host.bodies {
            prop_assert!(body.len() <= limit as usize);
        }
    }

    #[test]
    fn no_answer_of_a_collector_is_trusted(answer in ".{0,200}", known in "[\\[\\]{}\",:a-z0-9]{0,80}") {
        let mut host = Host::new(Config::new("demo"));
        host.outcome = Some(Outcome::Status {
            code: 200,
            retry_after: None,
            nature: Nature::Plain,
            body: Some(format!("{answer}\"known\":[{known}]{answer}\"rejected\":[{known}")),
        });
        host.calls(&[&track("one", ""), &track("two", "")]);
        host.flush();
        let stats = host.stats();
        let dropped: u64 = stats.dropped.iter().map(|count| count.count).sum();
        prop_assert_eq!((stats.pending, stats.delivered + dropped), (0, 2));
    }
}

#[test]
fn an_answer_may_be_written_with_spaces() {
    let mut host = Host::new(Config::new("demo"));
    // As many JSON writers do it by default: a space after each colon and comma.
    let body =
        "{\"accepted\": 1, \"rejected\": [{\"index\": 0, \"error\": \"x\", \"message\": \"y\"}]}";
    host.outcome = Some(Outcome::Status {
        code: 200,
        retry_after: None,
        nature: Nature::Plain,
        body: Some(body.to_owned()),
    });
    host.calls(&[&track("refused", ""), &track("stored", "")]);
    host.flush();
    assert_eq!(host.stats().delivered, 1, "{:?}", host.stats());
}

#[test]
fn a_difference_is_shown_where_it_is() {
    let message = difference("golden.json", "{\"a\":1,\"é\":2}", "{\"a\":1,\"é\":3}");
    assert!(message.contains("at byte 12 of golden.json"), "{message}");
    assert!(message.contains("…{\"a\":1,\"é\":3}…"), "{message}");
}

#[test]
fn the_same_calls_give_the_same_bytes() {
    let bodies = || {
        let mut host = Host::new(Config::new("demo"));
        host.store = MemoryStore::default();
        host.calls(&[&track("again", "{\"n\":1}")]);
        host.flush();
        host.bodies
    };
    assert_eq!(bodies(), bodies());
}
