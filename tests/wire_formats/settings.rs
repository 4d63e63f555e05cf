//! What a destination may be set up with, and what is said of what it may not.

use sendoff::wire::{
    Route,
    formats::{Settings, SettingsError, by_name},
};

fn settings(endpoint: &str, api_key: &str, options: &str) -> Settings {
    Settings {
        endpoint: endpoint.to_owned(),
        api_key: api_key.to_owned(),
        options: options.to_owned(),
    }
}

fn error(name: &str, settings: &Settings) -> SettingsError {
    by_name(name, settings).unwrap().err().unwrap()
}

#[test]
fn what_is_missing_is_named() {
    for name in [
        "posthog",
        "mixpanel",
        "amplitude",
        "segment",
        "rudderstack",
        "jitsu",
    ] {
        let none = settings("https://in.example", "", "");
        assert_eq!(error(name, &none), SettingsError::KeyMissing, "{name}");
    }
    for name in ["rudderstack", "jitsu", "webhook", "otlp", "otlp_metrics"] {
        let none = settings("", "key", "");
        assert_eq!(error(name, &none), SettingsError::EndpointMissing, "{name}");
    }
    assert!(by_name("posthog ", &settings("", "key", "")).is_none());
}

#[test]
fn options_that_are_not_what_they_have_to_be_are_named() {
    let of = |name, options| error(name, &settings("https://in.example", "key", options));
    for bad in ["[]", "{", "text", "{}{}"] {
        assert_eq!(
            of("amplitude", bad),
            SettingsError::OptionsMalformed,
            "{bad}"
        );
    }
    for (name, options, option) in [
        ("posthog", r#"{"profiles":"never"}"#, "profiles"),
        ("mixpanel", r#"{"ip":1}"#, "ip"),
        ("amplitude", r#"{"partnerId":7}"#, "partnerId"),
        ("segment", r#"{"contentType":"xml"}"#, "contentType"),
        ("segment", r#"{"contentType":[]}"#, "contentType"),
        ("segment", r#"{"integrations":[]}"#, "integrations"),
        ("webhook", r#"{"shape":"csv"}"#, "shape"),
        ("webhook", r#"{"authorization":"a\nb"}"#, "authorization"),
        ("otlp", r#"{"serviceName":7}"#, "serviceName"),
    ] {
        let error = of(name, options);
        assert_eq!(error.code(), "destination_option_wrong", "{options}");
        assert!(
            error
                .message()
                .contains(&format!("options.{option} must be ")),
            "{options}"
        );
    }
}

#[test]
fn options_that_are_not_known_are_named() {
    let error = error("posthog", &settings("", "key", r#"{"persons":"all"}"#));
    assert_eq!(error.code(), "destination_option_unknown");
    assert!(
        error
            .message()
            .contains("options.persons is not known; there are: profiles")
    );
}

#[test]
fn endpoints_and_options_are_taken() {
    let url = |name: &str, endpoint: &str, options: &str| {
        let made = by_name(name, &settings(endpoint, "a b&c", options))
            .unwrap()
            .unwrap();
        made.target(Route(0), sendoff::wire::NO_SEND_TIME).url
    };
    assert_eq!(url("posthog", "", ""), "https://us.i.posthog.com/batch/");
    assert_eq!(url("posthog", "/ingest/", "{}"), "/ingest/batch/");
    assert_eq!(
        url("mixpanel", "", r#"{"ip":false}"#),
        "https://api-js.mixpanel.com/track/?verbose=1&ip=0"
    );
    assert_eq!(
        url("amplitude", "", ""),
        "https://api2.amplitude.com/2/httpapi"
    );
    assert_eq!(
        url("segment", "", r#"{"integrations":{}}"#),
        "https://api.segment.io/v1/batch"
    );
    assert_eq!(
        url("rudderstack", "/r", ""),
        "/r/beacon/v1/batch?writeKey=a%20b%26c"
    );
    assert_eq!(
        url("webhook", "https://h.example/?a=1", ""),
        "https://h.example/?a=1&apiKey=a%20b%26c"
    );
    let options = r#"{"authorization":"Bearer x","contentType":"json"}"#;
    let webhook = by_name("webhook", &settings("/h", "", options))
        .unwrap()
        .unwrap();
    assert_eq!(webhook.authorization(), Some("Bearer x"));
    assert_eq!(
        webhook.target(Route(0), sendoff::wire::NO_SEND_TIME).url,
        "/h"
    );
}
