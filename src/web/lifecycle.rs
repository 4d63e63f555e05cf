//! What the page lives through, translated and passed on.
//!
//! * `pagehide` and `pageshow` fire on `window`, `visibilitychange`, `freeze` and `resume` on
//!   `document` (Page Lifecycle, <https://wicg.github.io/page-lifecycle/>).
//! * Never `unload` or `beforeunload`: either costs the page its back/forward cache, and phones fire
//!   neither (<https://web.dev/articles/bfcache#never-use-the-unload-event>).
//! * On phones `visibilitychange` to hidden is often the last event of all; Safari before 14.1 did not
//!   fire it on navigation (<https://bugs.webkit.org/show_bug.cgi?id=151610>), hence `pagehide` as well.
//! * `pageshow` also fires on every normal load: only `persisted` means "back from the cache".
//! * A prerendered page reports `hidden` and hears `visibilitychange` when it is shown, so it needs no
//!   case of its own.

use wasm_bindgen::{JsCast, JsValue};

use super::convert::{is_true, property, text};
use super::inbox::Inbox;
use super::listener::Listener;
use super::page;
use crate::engine::io::PageEvent;

/// Listens as long as it lives.
pub(crate) struct Lifecycle {
    _window: Listener,
    _document: Listener,
}

impl Lifecycle {
    /// Passes every event on to `inbox`.
    pub(crate) fn listen(inbox: &Inbox) -> Self {
        let window = page::window();
        let document = property(&window, "document").unchecked_into();
        let of_window = &["pagehide", "pageshow", "online", "offline"];
        let of_document = &["visibilitychange", "freeze", "resume"];
        Self {
            _window: Listener::new(&window, of_window, handler(inbox)),
            _document: Listener::new(&document, of_document, handler(inbox)),
        }
    }
}

/// Whether the page can be seen.
pub(crate) fn is_visible() -> bool {
    !is_true(&property(&page::window(), "document"), "hidden")
}

fn handler(inbox: &Inbox) -> impl Fn(JsValue) + 'static + use<> {
    let inbox = inbox.clone();
    move |event| {
        if let Some(event) = translate(&event) {
            inbox.page(event);
        }
    }
}

fn translate(event: &JsValue) -> Option<PageEvent> {
    Some(match text(event, "type")?.as_str() {
        "pagehide" => PageEvent::Leaving,
        "pageshow" if is_true(event, "persisted") => PageEvent::Restored,
        "visibilitychange" if is_visible() => PageEvent::Visible,
        "visibilitychange" => PageEvent::Hidden,
        "freeze" => PageEvent::Frozen,
        "resume" => PageEvent::Resumed,
        "online" => PageEvent::Online,
        "offline" => PageEvent::Offline,
        _ => return None,
    })
}

#[cfg(test)]
#[path = "../../tests/web/lifecycle.rs"]
mod tests;
