//! What the page lives through, translated and passed on.
//!
//! * `pagehide` and `pageshow` fire on `window`, `visibilitychange`, `freeze` and `resume` on
//!   `document` (Page Lifecycle, <https://wicg.github.io/page-lifecycle/>).
//! * Never `unload` or `beforeunload`: either costs the page its back/forward cache, and phones fire
//!   neither (<https://web.dev/articles/bfcache#never-use-the-unload-event>).
//! * On phones `visibilitychange` to hidden is often the last event of all; Safari before 14.1 did not
//!   fire it on navigation (<https://bugs.webkit.org/show_bug.cgi?id=151610>), hence `pagehide` as well.
//! * `pageshow` also fires on every normal load: only `persisted` means "back from the cache".
//! * Registered in the *capture* phase, like web-vitals does: a page's own handler that stops the
//!   propagation of, say, `visibilitychange` cannot then keep it from us.
//! * A prerendered page reports `hidden` and hears `visibilitychange` when it is shown, so it needs no
//!   case of its own.

use wasm_bindgen::prelude::*;

#[wasm_bindgen(module = "/src/web/browser.js")]
extern "C" {
    type End;
    fn listen(host: &JsValue, transport: &JsValue) -> End;
    #[wasm_bindgen(method)]
    fn call(this: &End);
}

/// Listens until it is told to stop.
pub(crate) struct Lifecycle(End);

impl Lifecycle {
    /// Passes every event on to the host. On the way back the JavaScript half of `transport` first tells it
    /// of what was sent meanwhile.
    pub(crate) fn listen(host: &JsValue, transport: &JsValue) -> Self {
        Self(listen(host, transport))
    }

    /// Hears no more.
    pub(crate) fn stop(&self) {
        self.0.call();
    }
}

#[cfg(test)]
#[path = "../../tests/web/lifecycle.rs"]
mod tests;
