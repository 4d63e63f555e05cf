//! Where this runs: the `window`, and the context that goes with every batch.
//!
//! Every getter may be missing (WebViews) or patched to throw (privacy extensions); what cannot be
//! read is left out. Texts are cut, since a URL may be megabytes long and travels with each batch.
//! Half surrogate pairs become U+FFFD: `JSON.stringify` would write those as `\ud83d`, and strict
//! parsers then refuse the whole body. A dozen getters are less of a burden in JavaScript.

use wasm_bindgen::prelude::*;

#[wasm_bindgen(module = "/src/web/browser.js")]
extern "C" {
    fn describe(window: &JsValue) -> String;
    #[wasm_bindgen(js_name = isOnline)]
    fn is_online_in(window: &JsValue) -> bool;
}

#[wasm_bindgen]
extern "C" {
    /// `text`, percent-encoded. It throws for half surrogate pairs only, and Rust has none.
    #[wasm_bindgen(js_name = encodeURIComponent)]
    pub(crate) fn percent_encode(text: &str) -> String;
}

/// The page's own window, which is what the JavaScript halves take `undefined` for. The facade starts
/// no client where there is no document.
pub(crate) const WINDOW: JsValue = JsValue::UNDEFINED;

/// `navigator.onLine`; online where that is unknown.
pub(crate) fn is_online() -> bool {
    is_online_in(&WINDOW)
}

/// The context as JSON text.
pub(crate) fn context() -> String {
    describe(&WINDOW)
}

#[cfg(test)]
#[path = "../../tests/web/page.rs"]
mod tests;
