//! Talk between the tabs of one project: a `BroadcastChannel` that carries strings.
//!
//! Firefox does not put a page into its back/forward cache while a channel with a listener is open
//! (measured, Firefox 153; closing it in `pagehide` is early enough), so closing also removes the
//! listener, and a channel that is merely probed for never gets one.

use wasm_bindgen::prelude::*;

#[wasm_bindgen(module = "/src/web/browser.js")]
extern "C" {
    /// Joins the channel of the host's project, if there is one and it is not joined.
    #[wasm_bindgen(js_name = openChannel)]
    pub(crate) fn open(host: &JsValue);
    /// Says `text` to every other tab.
    pub(crate) fn post(host: &JsValue, text: &str);
    /// Leaves the channel.
    #[wasm_bindgen(js_name = closeChannel)]
    pub(crate) fn close(host: &JsValue);
}

#[cfg(test)]
#[path = "../../tests/web/channel.rs"]
mod tests;
