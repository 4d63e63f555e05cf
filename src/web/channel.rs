//! Talk between the tabs of one project: a `BroadcastChannel` that carries strings.
//!
//! Firefox does not put a page into its back/forward cache while a channel with a listener is open
//! (measured, Firefox 153; closing it in `pagehide` is early enough), so closing also removes the
//! listener, and a channel that is merely probed for never gets one.

use wasm_bindgen::JsValue;
use web_sys::BroadcastChannel;

use super::convert;
use super::inbox::{Arrival, Inbox};
use super::listener::Listener;

/// An open channel; dropping it closes it.
pub(crate) struct Channel {
    socket: BroadcastChannel,
    listener: Option<Listener>,
}

/// Whether a channel can be had here. Only opening one tells: the constructor is missing in old
/// browsers and throws where storage is partitioned away.
pub(crate) fn is_available(project: &str) -> bool {
    socket(project).map(|socket| socket.close()).is_some()
}

impl Channel {
    /// Joins the channel of `project`.
    pub(crate) fn open(project: &str, inbox: Inbox) -> Option<Self> {
        let socket = socket(project)?;
        let listener = Listener::new(&socket, &["message"], move |event| {
            // Anything but a string is not from us.
            if let Some(text) = convert::text(&event, "data") {
                inbox.put(Arrival::Peer(text));
            }
        });
        Some(Self {
            socket,
            listener: Some(listener),
        })
    }

    /// Says `text` to every other tab.
    pub(crate) fn post(&self, text: &str) {
        // It throws only once closed, and then nobody is to hear it.
        drop(self.socket.post_message(&JsValue::from_str(text)));
    }
}

impl Drop for Channel {
    fn drop(&mut self) {
        self.listener = None;
        self.socket.close();
    }
}

fn socket(project: &str) -> Option<BroadcastChannel> {
    BroadcastChannel::new(&["sendoff:", project].concat()).ok()
}

#[cfg(test)]
#[path = "../../tests/web/channel.rs"]
mod tests;
