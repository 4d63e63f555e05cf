#![cfg(not(target_arch = "wasm32"))]
//! The vendors' formats: what each back end gets, to the byte, and what its answers are taken for.
//!
//! # Goal
//!
//! That a format changes only on purpose; that whatever a page says is in it once, in JSON that a parser reads; that an
//! answer is taken for what its vendor means by it.
//!
//! # Method
//!
//! `tests/golden/formats/events.json` has an event of every kind; beside it is a folder for each format with the
//! request that each of them becomes. After a change that is meant:
//!
//! ```text
//! UPDATE_GOLDEN=1 cargo test --features destinations --test wire_formats        then look at the diff
//! ```
//!
//! Properties, by proptest: any event of any kind gives a body that a JSON parser reads, in which no object
//! has a name twice and nothing that the page said is missing. Answers are tables.
//!
//! # What it does not cover
//!
//! Whether the vendors take it: `tests/differential` holds these formats against the vendors' own SDKs.

#[path = "wire_formats/answers.rs"]
mod answers;
#[path = "wire_formats/fixture.rs"]
mod fixture;
#[path = "wire_formats/form.rs"]
mod form;
#[path = "wire_formats/properties.rs"]
mod properties;
#[path = "wire_formats/settings.rs"]
mod settings;

use fixture::{FORMATS, entry, format, path, request, shown};
use serde_json::Value;

/// Compares with a golden file, or writes it.
fn assert_golden(name: &str, request: &str) {
    let body = request.splitn(4, '\n').nth(3).unwrap();
    let json = form::json_of(body.trim_end());
    serde_json::from_str::<Value>(&json).unwrap_or_else(|error| panic!("{name}: {error}\n{json}"));
    let path = path(name);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        return std::fs::write(&path, request).unwrap();
    }
    let golden = std::fs::read_to_string(&path)
        .unwrap_or_else(|error| panic!("{}: {error}; UPDATE_GOLDEN=1 writes it", path.display()));
    assert_eq!(request, golden, "{}", path.display());
}

#[test]
fn every_kind_of_event_in_every_format() {
    for name in FORMATS {
        let format = format(name, "");
        for (label, text) in shown(name) {
            assert_golden(
                &format!("{name}/{label}.txt"),
                &request(&*format, &[entry(&text)]),
            );
        }
    }
}

#[test]
fn a_batch_in_every_format() {
    for name in FORMATS {
        let shown = shown(name);
        let events: Vec<_> = shown
            .values()
            .rev()
            .take(2)
            .map(|text| entry(text))
            .collect();
        assert_golden(
            &format!("{name}/batch.txt"),
            &request(&*format(name, ""), &events),
        );
    }
    let events: Vec<_> = ["track"]
        .map(|label| entry(&shown("webhook")[label]))
        .into();
    let alone = format("webhook", r#"{"shape":"event","contentType":"json"}"#);
    assert_golden("webhook/event.txt", &request(&*alone, &events[..1]));
}

#[test]
fn a_body_without_a_send_time_says_none() {
    let event = [entry(&shown("segment")["track"])];
    for name in ["amplitude", "segment", "rudderstack", "posthog", "webhook"] {
        let format = format(name, "");
        let unknown = sendoff::wire::NO_SEND_TIME;
        let target = format.target(sendoff::wire::Route(0), unknown);
        let mut batch_time = request(&*format, &event);
        assert!(
            batch_time.contains("2026-01-15T12:00:05.000Z") || batch_time.contains("1768478405000")
        );
        batch_time = fixture::encode_at(&*format, &event, unknown);
        for word in ["sent_at", "sentAt", "client_upload_time", "1970"] {
            assert!(
                !target.url.contains(word) && !batch_time.contains(word),
                "{name}: {word}"
            );
        }
    }
}
