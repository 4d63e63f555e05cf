//! The browser shell: one file per browser API, no policy.
//!
//! `driver` is the loop and the only place that knows the engine; every other file wraps one API,
//! says in its first lines why that API is used the way it is. Nothing here decides when, whether or
//! how often: that is the engine's.
//!
//! An API that is objects, promises or events has its calls in JavaScript, in `browser.js`, for which the
//! Rust file of the API speaks; one crossing then does what would take a dozen. wasm-bindgen puts that
//! file beside its glue, and `pkg-template/script.mjs` makes all of it one. It has one limit: what takes
//! and returns nothing but numbers would be imported past the glue, which the build refuses. What that half
//! hears it tells the facade's `host`, which calls [`heard`]: so the facade sees to it if the engine breaks.
//!
//! Two rules hold everywhere. Nothing throws into wasm, whether that is caught in JavaScript or by
//! `catch`: an exception that crosses wasm frames skips their destructors and would leave the driver
//! locked. And nothing may panic: with `panic = "abort"` that ends the client.

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
mod memory;
mod page;
mod storage;
mod timer;
mod transport;

use std::cell::RefCell;
use std::rc::Rc;

use wasm_bindgen::prelude::*;

use crate::engine::io::Input;
use driver::Shell;
use inbox::{Arrival, arrival};

thread_local! {
    /// The clients of this page, until they are destroyed: one that was shut down still has an account.
    static CLIENTS: RefCell<Vec<Option<Rc<Shell>>>> = const { RefCell::new(Vec::new()) };
}

// What the JavaScript facade calls. Nothing here throws or blocks, and each may be called from within
// a callback of another: what arrives while the engine is at work waits its turn. Functions and a
// number, not an exported class: its checks and its finalizer would be 0.3 KB more.

/// Starts a client and gives its number, by which it is known from then on; never 0. `config` is the
/// page's configuration object; `host` is `{ tab, project, anonymous, report, hear }`, where `report` is
/// called with every report and `hear` with what is to be passed on to [`heard`] when this has returned.
#[wasm_bindgen]
#[must_use]
pub fn start(config: JsValue, host: JsValue) -> usize {
    let client = CLIENTS.with_borrow(Vec::len) + 1;
    let shell = Rc::new(Shell::new(client, &config, host));
    CLIENTS.with_borrow_mut(|clients| clients.push(Some(Rc::clone(&shell))));
    shell.run();
    client
}

/// What the JavaScript half heard. What is missing comes as 0, none or NaN.
///
/// * `hear(id, code, body, seconds, at)`: what became of a request. The code is the status, or
///   0 for no answer, 1 refused, 2 queued, 3 activated; `seconds` or `at` is its `Retry-After`.
/// * `hear(0, 0, text)`: what another tab said.
/// * `hear(0, code)`: what the page did, in the order of [`PageEvent`](crate::engine::io::PageEvent).
#[wasm_bindgen]
pub fn heard(client: usize, id: u32, code: u16, text: Option<String>, seconds: f64, at: f64) {
    put(client, arrival(id, code, text, seconds, at));
}

/// One burst of calls, a record per line. They are journalled when this returns.
#[wasm_bindgen]
pub fn calls(client: usize, text: String) {
    put(client, text.into());
}

/// Delivers what is waiting; answered by a `flushed` report with the same id.
#[wasm_bindgen]
pub fn flush(client: usize, id: u32) {
    put(client, Input::Flush { id }.into());
}

/// Flushes, then stops and lets go of every listener, timer and channel; answered by a `flushed`
/// report with the same id.
#[wasm_bindgen]
pub fn shutdown(client: usize, id: u32, timeout_ms: u32) {
    put(client, Input::Shutdown { id, timeout_ms }.into());
}

/// Stops at once, in the same way, and forgets the client. Later calls do nothing.
#[wasm_bindgen]
pub fn destroy(client: usize) {
    put(client, Input::Destroy.into());
    let slot = CLIENTS.with_borrow_mut(|clients| {
        let slot = clients.get_mut(client.wrapping_sub(1));
        slot.and_then(Option::take)
    });
    // Outside of the borrow. Should its loop be on the stack, whoever called that still holds the shell.
    drop(slot);
}

/// The account of a client: a list of its figures; `dropped` and `refused` are `{reason: count}`.
#[wasm_bindgen]
#[must_use]
pub fn stats(client: usize) -> JsValue {
    shell(client).map_or(JsValue::UNDEFINED, |shell| shell.stats())
}

/// The anonymous id in force.
#[wasm_bindgen(js_name = anonymousId)]
#[must_use]
pub fn anonymous_id(client: usize) -> JsValue {
    let id = shell(client).map_or_else(String::new, |shell| shell.anonymous_id());
    serde_wasm_bindgen::to_value(&id).unwrap_or_default()
}

fn put(client: usize, arrival: Arrival) {
    if let Some(shell) = shell(client) {
        shell.put(arrival);
    }
}

fn shell(client: usize) -> Option<Rc<Shell>> {
    CLIENTS.with_borrow(|clients| clients.get(client.wrapping_sub(1)).cloned().flatten())
}

#[cfg(test)]
#[path = "../../tests/web/support.rs"]
mod support;
#[cfg(test)]
#[path = "../../tests/web/client.rs"]
mod tests;
