//! The events that every format is shown, and what was in force when they were tracked.

use std::{collections::BTreeMap, path::PathBuf};

use sendoff::{
    model::{event::Entry, ids::TabId, time::UnixMillis},
    text::view::EventView,
    wire::{Batch, ContentType, Format, Route, Source, formats},
};
use serde_json::value::RawValue;

/// Names of all formats.
pub(crate) const FORMATS: [&str; 9] = [
    "posthog",
    "mixpanel",
    "amplitude",
    "segment",
    "rudderstack",
    "jitsu",
    "webhook",
    "otlp",
    "otlp_metrics",
];

pub(crate) const SENT_AT: UnixMillis = UnixMillis(1_768_478_405_000);
const SEALED_AT: UnixMillis = UnixMillis(1_768_478_404_000);
const SDK: &str = r#"{"name":"sendoff","version":"0.1.0","runtime":"browser"}"#;
const CONTEXT: &str = r#"{"locale":"en-US","timezone":"Europe/Berlin","userAgent":"UA/1","screen":{"width":1920,"height":1080,"density":2},"viewport":{"width":800,"height":600},"connection":"4g"}"#;
const PAGES: [&str; 2] = [
    r#"{"url":"https://shop.example/","path":"/","search":"","title":"Shop","referrer":""}"#,
    r#"{"url":"https://shop.example/cart?x=1","path":"/cart","search":"?x=1","title":"Cart","referrer":"https://search.example/q"}"#,
];

/// A file of `tests/golden/formats`.
pub(crate) fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden/formats")
        .join(name)
}

/// The format of that name, with `options`.
pub(crate) fn format(name: &str, options: &str) -> Box<dyn Format> {
    let settings = formats::Settings {
        endpoint: "https://in.example".to_owned(),
        api_key: "key_test".to_owned(),
        options: options.to_owned(),
    };
    formats::by_name(name, &settings).unwrap().unwrap()
}

/// Texts by label, of one of the two files with events and with samples of metrics.
pub(crate) fn texts(file: &str) -> BTreeMap<String, String> {
    let text = std::fs::read_to_string(path(file)).unwrap();
    let all: BTreeMap<String, Box<RawValue>> = serde_json::from_str(&text).unwrap();
    all.into_iter()
        .map(|(label, raw)| (label, raw.get().to_owned()))
        .collect()
}

/// What a format is shown.
pub(crate) fn shown(format: &str) -> BTreeMap<String, String> {
    texts(if format == "otlp_metrics" {
        "samples.json"
    } else {
        "events.json"
    })
}

/// The event as its log holds it: tracked on the second page, but for the first of all.
pub(crate) fn entry(text: &str) -> Entry {
    let seq = EventView::of(text)
        .get("seq")
        .and_then(|seq| seq.parse().ok());
    let seq = seq.unwrap_or(1);
    Entry {
        seq,
        page: usize::from(seq != 1),
        text: text.to_owned(),
    }
}

/// The body of a request with these events.
pub(crate) fn encode(format: &dyn Format, route: Route, events: &[Entry]) -> String {
    encode_with(format, route, events, SENT_AT)
}

/// The body of a request that leaves at `sent_at`.
pub(crate) fn encode_at(format: &dyn Format, events: &[Entry], sent_at: UnixMillis) -> String {
    encode_with(format, Route(0), events, sent_at)
}

fn encode_with(format: &dyn Format, route: Route, events: &[Entry], sent_at: UnixMillis) -> String {
    let pages = PAGES.map(str::to_owned);
    format.encode(&Batch {
        id: "000000000000000000a1:1-2.0000beef",
        source: Source {
            tab: TabId::parse("000000000000000000a1").unwrap(),
            sdk: SDK,
            context: CONTEXT,
            pages: &pages,
        },
        sealed_at: SEALED_AT,
        sent_at,
        route,
        gaps: &[],
        events,
    })
}

/// A whole request: where to, as what, and the body.
pub(crate) fn request(format: &dyn Format, events: &[Entry]) -> String {
    let route = format.route(&EventView::of(&events[0].text)).unwrap();
    let target = format.target(route, SENT_AT);
    let content_type = match target.content_type {
        ContentType::Text => "text/plain",
        ContentType::Form => "application/x-www-form-urlencoded",
        ContentType::Json => "application/json",
    };
    format!(
        "POST {}\n{content_type}\n\n{}\n",
        target.url,
        encode(format, route, events)
    )
}
