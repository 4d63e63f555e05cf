//! The browser shell: one file per browser API, no policy.
//!
//! [`driver`] is the loop and the only place that knows the engine; every other file wraps one API,
//! says in its first lines why that API is used the way it is, and hands what it hears to an
//! [`inbox::Inbox`]. Nothing here decides when, whether or how often: that is the engine's.
//!
//! Two rules hold everywhere. No import that may throw is called without `catch`: an exception that
//! crosses wasm frames skips their destructors and would leave the driver locked. And nothing may
//! panic: with `panic = "abort"` that ends the client.

#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]
#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing
    )
)]

mod channel;
mod clock;
mod convert;
mod driver;
mod inbox;
mod lifecycle;
mod listener;
mod memory;
mod page;
mod storage;
mod timer;
mod transport;

use std::rc::Rc;

use wasm_bindgen::prelude::*;

use crate::engine::io::Input;
use driver::Shell;
use inbox::Recipient;

/// One analytics client, as the JavaScript facade sees it.
///
/// No method throws or blocks, and each may be called from within a callback of another: what
/// arrives while the engine is at work waits its turn.
#[wasm_bindgen]
pub struct Client {
    shell: Rc<Shell>,
}

#[wasm_bindgen]
impl Client {
    /// Starts a client. `config` is the page's configuration object; `host` is
    /// `{ tab, anonymousId, report }`, where `report` is called with every report.
    #[wasm_bindgen(constructor)]
    #[must_use]
    pub fn new(config: &JsValue, host: &JsValue) -> Self {
        Self {
            shell: Shell::start(config, host),
        }
    }

    /// One burst of calls, a record per line. They are journalled when this returns.
    pub fn calls(&self, text: String) {
        self.shell.put(text.into());
    }

    /// Delivers what is waiting; answered by a `flushed` report with the same id.
    pub fn flush(&self, id: u32) {
        self.shell.put(Input::Flush { id }.into());
    }

    /// Flushes, then stops and lets go of every listener, timer and channel; answered by a `flushed`
    /// report with the same id.
    pub fn shutdown(&self, id: u32, timeout_ms: u32) {
        self.shell.put(Input::Shutdown { id, timeout_ms }.into());
    }

    /// Stops at once, in the same way. Later calls do nothing.
    pub fn destroy(&self) {
        self.shell.put(Input::Destroy.into());
    }

    /// The account of this client as a plain object; `dropped` and `refused` are `{reason: count}`.
    #[must_use]
    pub fn stats(&self) -> JsValue {
        self.shell.stats()
    }

    /// The anonymous id in force.
    #[wasm_bindgen(js_name = anonymousId)]
    #[must_use]
    pub fn anonymous_id(&self) -> String {
        self.shell.anonymous_id()
    }
}

#[cfg(test)]
#[path = "../../tests/web/support.rs"]
mod support;
#[cfg(test)]
#[path = "../../tests/web/client.rs"]
mod tests;
