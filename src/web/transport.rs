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

use wasm_bindgen::prelude::*;

use crate::engine::io::{Request, RequestId};

#[wasm_bindgen(module = "/src/web/browser.js")]
extern "C" {
    type Ways;
    #[wasm_bindgen(js_name = openTransport)]
    fn open(endpoint: &str, config: &JsValue, host: &JsValue) -> Ways;
    #[wasm_bindgen(method)]
    fn send(this: &Ways, id: u32, means: u32, body: &str);
    #[wasm_bindgen(method)]
    fn cancel(this: &Ways, id: u32);
}

/// Sends requests; what became of them the host hears.
pub(crate) struct Transport(Ways);

impl Transport {
    /// Posts to `endpoint`, by the `fetchImpl` of `config` where the page gave one.
    pub(crate) fn new(endpoint: &str, config: &JsValue, host: &JsValue) -> Self {
        Self(open(endpoint, config, host))
    }

    /// Sends `request`. The host hears of its outcome, possibly before this returns.
    pub(crate) fn send(&self, request: &Request) {
        let Request { id, means, body } = request;
        self.0.send(id.0, *means as u32, body);
    }

    /// Gives up on a request, unless the browser has sent it already.
    pub(crate) fn cancel(&self, id: RequestId) {
        self.0.cancel(id.0);
    }

    /// The JavaScript half. It tells of deferred requests that the browser has sent by `tellActivated()`.
    pub(crate) fn half(&self) -> &JsValue {
        self.0.as_ref()
    }
}

#[cfg(test)]
#[path = "../../tests/web/transport.rs"]
mod tests;
