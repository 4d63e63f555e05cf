//! Where this runs: the `window`, and the context that goes with every batch.
//!
//! Every getter may be missing (WebViews) or patched to throw (privacy extensions); what cannot be
//! read is left out. Texts are cut, since a URL may be megabytes long and travels with each batch.
//! They pass through Rust, which turns half surrogate pairs into U+FFFD: `JSON.stringify` would write
//! those as `\ud83d`, and strict parsers then refuse the whole body.

use js_sys::{JSON, Object};
use wasm_bindgen::prelude::*;
use web_sys::Window;

use super::convert::{call, property, set};

/// Longest text in the context, in UTF-8 bytes.
const TEXT_BYTES_MAX: usize = 2_048;

/// What is told about the visit: the name, and where it is found.
const VISIT: [(&str, &[&str]); 3] = [
    ("locale", &["navigator", "language"]),
    (
        "timezone",
        &["Intl", "DateTimeFormat()", "resolvedOptions()", "timeZone"],
    ),
    ("userAgent", &["navigator", "userAgent"]),
];
/// What is told about the page.
const PAGE: [(&str, &[&str]); 3] = [
    ("url", &["location", "href"]),
    ("referrer", &["document", "referrer"]),
    ("title", &["document", "title"]),
];
/// What is told about the screen.
const SCREEN: [(&str, &[&str]); 3] = [
    ("width", &["screen", "width"]),
    ("height", &["screen", "height"]),
    ("density", &["devicePixelRatio"]),
];

#[wasm_bindgen]
extern "C" {
    // Not `web_sys::window()`, whose `instanceof Window` fails in test environments that only
    // imitate one. The facade starts no client where there is no document.
    #[wasm_bindgen(thread_local_v2, js_name = window)]
    static WINDOW: Window;
}

/// The window.
pub(crate) fn window() -> Window {
    WINDOW.with(Clone::clone)
}

/// `navigator.onLine`; online where that is unknown.
pub(crate) fn is_online() -> bool {
    property(&property(&window(), "navigator"), "onLine")
        .as_bool()
        .unwrap_or(true)
}

/// The context as JSON text.
pub(crate) fn context() -> String {
    describe(&window())
}

fn describe(window: &JsValue) -> String {
    let context = collect(window, &VISIT);
    set(&context, "page", &collect(window, &PAGE));
    set(&context, "screen", &collect(window, &SCREEN));
    let json = JSON::stringify(&context)
        .ok()
        .and_then(|json| json.as_string());
    json.unwrap_or_else(|| "{}".to_owned())
}

fn collect(window: &JsValue, fields: &[(&str, &[&str])]) -> Object {
    let object = Object::new();
    for (name, path) in fields {
        let found = path.iter().fold(window.clone(), step);
        if let Some(mut text) = found.as_string() {
            text.truncate(text.floor_char_boundary(TEXT_BYTES_MAX));
            set(&object, name, &text.into());
        } else if found.as_f64().is_some() {
            set(&object, name, &found);
        }
    }
    object
}

fn step(from: JsValue, name: &&str) -> JsValue {
    match name.strip_suffix("()") {
        Some(method) => call(&from, method, &JsValue::UNDEFINED),
        None => property(&from, name),
    }
}

#[cfg(test)]
#[path = "../../tests/web/page.rs"]
mod tests;
