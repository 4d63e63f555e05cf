//! Talk between the tabs of one project: a `BroadcastChannel` that carries strings.
//!
//! Firefox does not put a page into its back/forward cache while a channel with a listener is open
//! (measured, Firefox 153; closing it in `pagehide` is early enough), so closing also removes the
//! listener, and a channel that is merely probed for never gets one.

use js_sys::Function;
use wasm_bindgen::prelude::*;
use web_sys::BroadcastChannel;

use super::inbox::Inbox;

#[wasm_bindgen(module = "/src/web/browser.js")]
extern "C" {
    #[wasm_bindgen(js_name = openChannel)]
    fn open(project: &str, hear: Function) -> Option<BroadcastChannel>;
    fn post(socket: &BroadcastChannel, text: &str);
    #[wasm_bindgen(js_name = closeChannel)]
    fn close(socket: &BroadcastChannel);
    /// Whether a channel can be had here.
    #[wasm_bindgen(js_name = isAvailable)]
    pub(crate) fn is_available(project: &str) -> bool;
}

/// An open channel; dropping it closes it.
pub(crate) struct Channel(BroadcastChannel);

impl Channel {
    /// Joins the channel of `project`.
    pub(crate) fn open(project: &str, inbox: &Inbox) -> Option<Self> {
        open(project, inbox.hear()).map(Self)
    }

    /// Says `text` to every other tab.
    pub(crate) fn post(&self, text: &str) {
        post(&self.0, text);
    }
}

impl Drop for Channel {
    fn drop(&mut self) {
        close(&self.0);
    }
}

#[cfg(test)]
#[path = "../../tests/web/channel.rs"]
mod tests;
