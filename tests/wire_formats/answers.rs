//! What an answer of each vendor is taken for. The bodies are the vendors' own, as their documentation or their
//! servers' sources have them.

use sendoff::{
    model::{drop_reason::DropReason, time::UnixMillis},
    text::view::EventView,
    wire::{Answer, Verdict},
};

use crate::fixture::{FORMATS, format, shown};

fn read(name: &str, status: u16, body: &str) -> Verdict {
    let answer = Answer {
        status,
        body,
        retry_after_ms: None,
    };
    format(name, "").read_answer(4, &answer)
}

fn partial(refused: &[usize], again: &[usize]) -> Verdict {
    Verdict::Partial {
        refused: refused.to_vec(),
        again: again.to_vec(),
    }
}

const fn retry(after_ms: Option<u64>) -> Verdict {
    Verdict::Retry { after_ms }
}

#[test]
fn statuses_that_all_vendors_share() {
    for name in FORMATS {
        for status in [401, 403, 404] {
            assert_eq!(
                read(name, status, ""),
                Verdict::Unwelcome,
                "{name} {status}"
            );
        }
        assert_eq!(read(name, 413, "too large"), Verdict::TooLarge, "{name}");
        for status in [429, 502, 503, 504] {
            assert_eq!(read(name, status, ""), retry(None), "{name} {status}");
        }
        assert_eq!(read(name, 400, ""), Verdict::Rejected, "{name}");
        assert_eq!(read(name, 204, ""), Verdict::Delivered, "{name}");
        let slow = Answer {
            status: 429,
            body: "",
            retry_after_ms: Some(7_000),
        };
        let verdict = format(name, "").read_answer(4, &slow);
        assert_eq!(verdict, retry(Some(7_000)), "{name}");
    }
}

#[test]
fn posthog_says_200_when_the_quota_had_everything_thrown_away() {
    let ok = r#"{"status":"Ok"}"#;
    assert_eq!(read("posthog", 200, ok), Verdict::Delivered);
    let events = r#"{"status":"Ok","quota_limited":["recordings","events"]}"#;
    assert_eq!(read("posthog", 200, events), retry(Some(60_000)));
    let others = r#"{"status":"Ok","quota_limited":["recordings"]}"#;
    assert_eq!(read("posthog", 200, others), Verdict::Delivered);
    assert_eq!(read("posthog", 402, ""), Verdict::Unwelcome);
    assert_eq!(read("posthog", 500, ""), retry(None));
}

#[test]
fn mixpanel_says_200_to_what_it_does_not_take() {
    for taken in [
        "1",
        r#"{"status":1,"error":null}"#,
        r#"{"error":"","status": 1}"#,
    ] {
        assert_eq!(read("mixpanel", 200, taken), Verdict::Delivered, "{taken}");
    }
    for refused in ["0", r#"{"status":0,"error":"token, missing or empty"}"#] {
        assert_eq!(
            read("mixpanel", 200, refused),
            Verdict::Rejected,
            "{refused}"
        );
    }
    for foreign in ["welcome", r#"{"ok":true}"#] {
        assert_eq!(read("mixpanel", 200, foreign), retry(None), "{foreign}");
    }
}

#[test]
fn amplitude_names_the_bad_ones_and_the_rest_is_sent_again() {
    let missing = r#"{"code":400,"error":"Request missing required field","events_with_missing_fields":{"event_type":[3,0]}}"#;
    assert_eq!(read("amplitude", 400, missing), partial(&[0, 3], &[1, 2]));
    let invalid = r#"{"code":400,"events_with_invalid_fields":{"time":[1],"price":[1,2]},"silenced_events":[99],"silenced_devices":{}}"#;
    assert_eq!(read("amplitude", 400, invalid), partial(&[1, 2], &[0, 3]));
    let all = r#"{"code":400,"events_with_invalid_id_lengths":{"user_id":[0,1,2,3]}}"#;
    assert_eq!(read("amplitude", 400, all), Verdict::Rejected);
    let none = r#"{"code":400,"error":"Invalid JSON request body"}"#;
    assert_eq!(read("amplitude", 400, none), Verdict::Rejected);
    for key in [
        r#"{"code":400,"error":"Invalid API key: 1234"}"#,
        r#"{"code":400,"error":"Request missing required field","missing_field":"api_key"}"#,
    ] {
        assert_eq!(read("amplitude", 400, key), Verdict::Unwelcome);
    }
}

#[test]
fn amplitude_throttles_by_device_and_by_day() {
    let throttled = r#"{"code":429,"error":"Too many requests for some devices and users","throttled_events":[0],"throttled_devices":{"d":11}}"#;
    assert_eq!(read("amplitude", 429, throttled), retry(Some(30_000)));
    let day = r#"{"code":429,"exceeded_daily_quota_devices":{"d":500001},"throttled_events":[0]}"#;
    assert_eq!(read("amplitude", 429, day), Verdict::Unwelcome);
    assert_eq!(
        read("amplitude", 200, r#"{"code":200,"events_ingested":4}"#),
        Verdict::Delivered
    );
}

#[test]
fn jitsu_counts_what_it_took_of_a_200() {
    let of = |ok, taken| {
        let body = format!(
            r#"{{"ok":{ok},"receivedEvents":4,"okEvents":{taken},"errors":["Message ID: x"]}}"#
        );
        read("jitsu", 200, &body)
    };
    assert_eq!(of(true, 4), Verdict::Delivered);
    assert_eq!(of(false, 3), partial(&[3], &[]));
    assert_eq!(of(false, 0), Verdict::Rejected);
    assert_eq!(read("segment", 200, r#"{"ok":false}"#), Verdict::Delivered);
    assert_eq!(read("rudderstack", 200, "ok"), Verdict::Delivered);
}

#[test]
fn otlp_partial_success_is_final() {
    for (name, member) in [
        ("otlp", "rejectedLogRecords"),
        ("otlp_metrics", "rejectedDataPoints"),
    ] {
        for full in ["{}", r#"{"partialSuccess":{}}"#] {
            assert_eq!(read(name, 200, full), Verdict::Delivered, "{name}");
        }
        let of = |count: &str| {
            read(
                name,
                200,
                &format!(r#"{{"partialSuccess":{{"{member}":{count},"errorMessage":"m"}}}}"#),
            )
        };
        assert_eq!(of("\"0\""), Verdict::Delivered, "{name}");
        assert_eq!(of("\"1\""), partial(&[3], &[]), "{name}");
        assert_eq!(of("9"), partial(&[0, 1, 2, 3], &[]), "{name}");
        for status in [408, 500, 501] {
            assert_eq!(
                read(name, status, ""),
                Verdict::Unwelcome,
                "{name} {status}"
            );
        }
    }
}

#[test]
fn what_would_be_lost_without_a_word_is_given_up_here() {
    let track = &shown("segment")["track"];
    let tracked_at = 1_768_478_400_000_u64;
    let day_ms = 24 * 3_600_000;
    let refused = |name: &str, text: &str, after_ms: u64| {
        format(name, "").refuses(&EventView::of(text), UnixMillis(tracked_at + after_ms))
    };
    assert_eq!(refused("mixpanel", track, 5 * day_ms), None);
    assert_eq!(
        refused("mixpanel", track, 5 * day_ms + 1),
        Some(DropReason::Expired)
    );
    let traits = &shown("mixpanel")["identify"];
    assert_eq!(
        refused("mixpanel", traits, 9 * day_ms),
        None,
        "profiles have no age"
    );
    let large = track.replace("A1", &"x".repeat(32_000));
    assert_eq!(refused("segment", &large, 0), Some(DropReason::TooLarge));
    assert_eq!(refused("rudderstack", &large, 0), None);
    let long = track.replace("Item Added", &"é".repeat(65));
    assert_eq!(refused("jitsu", &long, 0), Some(DropReason::TooLarge));
    for name in FORMATS {
        assert_eq!(refused(name, track, 0), None, "{name}");
    }
}

#[test]
fn who_has_a_dialect_knows_it() {
    for (name, body, yes) in [
        ("mixpanel", r#"{"status":1}"#, None),
        ("amplitude", r#"{"code":200}"#, Some(true)),
        ("amplitude", "ok", Some(false)),
        ("jitsu", r#"{"ok":true}"#, Some(true)),
        ("jitsu", "ok", Some(false)),
        ("segment", "", None),
        ("rudderstack", "ok", None),
        ("posthog", "", None),
        ("otlp", "", None),
    ] {
        assert_eq!(format(name, "").is_dialect(body), yes, "{name} {body}");
    }
}
