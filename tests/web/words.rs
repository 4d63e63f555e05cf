//! The words that cross the boundary.

use wasm_bindgen_test::wasm_bindgen_test;

use super::outcome;
use crate::engine::io::{Nature, Outcome, RetryAfter};

#[wasm_bindgen_test]
fn a_status_keeps_what_is_known_of_it() {
    let at = |ms| match outcome("plain", 503, ms, None) {
        Outcome::Status { retry_after, .. } => retry_after,
        other => panic!("{other:?}"),
    };
    assert_eq!(at(f64::NAN), None);
    assert_eq!(at(-1.0), None);
    assert_eq!(at(0.0), Some(RetryAfter::Millis(0)));
    assert_eq!(at(1_001.5), Some(RetryAfter::Millis(1_001)));
    assert_eq!(at(1e300), Some(RetryAfter::Millis(u64::MAX)));
}

#[wasm_bindgen_test]
fn every_word_has_its_outcome_and_others_are_no_answer() {
    for (word, nature) in [
        ("plain", Nature::Plain),
        ("html", Nature::Html),
        ("redirected", Nature::Redirected),
        ("opaque", Nature::Opaque),
    ] {
        let told = outcome(word, 200, f64::NAN, Some("body".into()));
        let expected = Outcome::Status {
            code: 200,
            retry_after: None,
            body: Some("body".into()),
            nature,
        };
        assert_eq!(told, expected);
    }
    for (word, expected) in [
        ("refused", Outcome::Refused),
        ("queued", Outcome::Queued),
        ("activated", Outcome::Activated),
        ("network", Outcome::Network),
        ("teleported", Outcome::Network),
    ] {
        assert_eq!(outcome(word, 0, f64::NAN, None), expected);
    }
}
