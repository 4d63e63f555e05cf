//! The four ways out: `fetch`, `fetch` with `keepalive`, `sendBeacon` and `fetchLater`.
//!
//! * A string body goes as `text/plain` and no header is set, so a request to another origin stays
//!   "simple": a preflight is not reliable while the page goes away.
//! * `fetch` is looked up at every send: a page that wraps it later (tracing, tests) is honoured.
//! * `keepalive` and `sendBeacon` share 64 KiB in flight (Fetch standard, "HTTP-network-or-cache
//!   fetch"): over it `fetch` rejects and `sendBeacon` returns `false`.
//! * `fetchLater` exists in secure contexts only and throws a `QuotaExceededError` over its budget.
//!   `activateAfter` stays unset: the request goes when the page is gone, not before. A page that went
//!   into the back/forward cache may find on its return that the browser has sent it (`activated`).
//!
//! All of it is objects and promises, so it is JavaScript (`browser.js`). That half holds the
//! requests that wait for their answers, and dies with its [`Transport`].

use js_sys::Function;
use wasm_bindgen::prelude::*;

use super::inbox::Inbox;
use super::page::WINDOW;
use crate::engine::io::{Request, RequestId};

#[wasm_bindgen(module = "/src/web/browser.js")]
extern "C" {
    type Ways;
    #[wasm_bindgen(js_name = openTransport)]
    fn open(endpoint: &str, config: &JsValue, hear: Function) -> Ways;
    #[wasm_bindgen(method)]
    fn send(this: &Ways, id: u32, means: u32, wants_body: bool, body: &str);
    #[wasm_bindgen(method)]
    fn cancel(this: &Ways, id: u32);
    #[wasm_bindgen(method, js_name = tellActivated)]
    fn tell_activated(this: &Ways);
    #[wasm_bindgen(js_name = hasDeferred)]
    fn has_deferred_in(window: &JsValue) -> bool;
}

/// Sends requests and tells what became of them.
pub(crate) struct Transport(Ways);

/// Whether `fetchLater` can be used here.
pub(crate) fn has_deferred() -> bool {
    has_deferred_in(&WINDOW)
}

impl Transport {
    /// Posts to `endpoint`, by the `fetchImpl` of `config` where the page gave one.
    pub(crate) fn new(endpoint: &str, config: &JsValue, inbox: &Inbox) -> Self {
        Self(open(endpoint, config, inbox.hear()))
    }

    /// Sends `request`. Its outcome comes through the inbox, possibly before this returns.
    pub(crate) fn send(&self, request: &Request) {
        let Request {
            id,
            means,
            body,
            wants_body,
        } = request;
        self.0.send(id.0, *means as u32, *wants_body, body);
    }

    /// Gives up on a request, unless the browser has sent it already.
    pub(crate) fn cancel(&self, id: RequestId) {
        self.0.cancel(id.0);
    }

    /// Tells of every deferred request that the browser has sent meanwhile.
    pub(crate) fn tell_activated(&self) {
        self.0.tell_activated();
    }
}

#[cfg(test)]
#[path = "../../tests/web/transport.rs"]
mod tests;
