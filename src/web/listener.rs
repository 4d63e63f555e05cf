//! An event listener that removes itself when dropped.
//!
//! Registered in the *capture* phase, like web-vitals does: a page's own handler that stops the
//! propagation of, say, `visibilitychange` cannot then keep it from us.

use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::EventTarget;

/// One callback for some events of one target.
pub(crate) struct Listener {
    target: EventTarget,
    names: &'static [&'static str],
    // `Fn`, not `FnMut`: a handler that dispatches another event enters it a second time.
    callback: Closure<dyn Fn(JsValue)>,
}

impl Listener {
    /// Calls `callback` for each event of these names, until dropped.
    pub(crate) fn new(
        target: &EventTarget,
        names: &'static [&'static str],
        callback: impl Fn(JsValue) + 'static,
    ) -> Self {
        let callback = Closure::<dyn Fn(JsValue)>::new(callback);
        for name in names {
            let callback = callback.as_ref().unchecked_ref();
            drop(target.add_event_listener_with_callback_and_bool(name, callback, true));
        }
        Self {
            target: target.clone(),
            names,
            callback,
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        for name in self.names {
            let callback = self.callback.as_ref().unchecked_ref();
            drop(
                self.target
                    .remove_event_listener_with_callback_and_bool(name, callback, true),
            );
        }
    }
}

#[cfg(test)]
#[path = "../../tests/web/listener.rs"]
mod tests;
