//! The boundary: what the JavaScript facade calls, and the platform object that it passes in. No policy.
//!
//! `driver` is the loop and the only place that knows the engine, `platform` speaks for the browser APIs, whose calls are
//! JavaScript (`pkg-template/platform`: a dozen getters, promises and events are less of a burden there, and one crossing does
//! what would take a dozen), and `words` translates. So the same wasm runs on a page, in a worker and in Node.
//!
//! Two rules hold everywhere. Nothing throws into wasm: an exception that crosses wasm frames skips their destructors and
//! would leave the driver locked. And nothing may panic: with `panic = "abort"` that ends the client.

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

mod driver;
mod memory;
mod platform;
mod words;

use std::{cell::RefCell, rc::Rc};

use wasm_bindgen::prelude::*;

use crate::engine::io::{Input, PageEvent, RequestId};
use driver::Shell;
pub use platform::Platform;

thread_local! {
    /// The clients of this page, until they are destroyed: one that was shut down still has an account.
    static CLIENTS: RefCell<Vec<Option<Rc<Shell>>>> = const { RefCell::new(Vec::new()) };
}

// Nothing here throws or blocks, and each may be called from within a callback of another: what arrives while the engine is
// at work waits its turn. Functions and a number, not an exported class: its checks and its finalizer would be 0.3 KB more.

/// Starts a client and gives its number, by which it is known from then on; never 0. `config_json` has the page's options that
/// the engine knows, under their public names; `facts_json` says where it runs.
#[wasm_bindgen]
#[must_use]
pub fn start(platform: Platform, config_json: &str, facts_json: &str) -> usize {
    let client = CLIENTS.with_borrow(Vec::len) + 1;
    let shell = Rc::new(Shell::new(platform, config_json, facts_json));
    CLIENTS.with_borrow_mut(|clients| clients.push(Some(Rc::clone(&shell))));
    shell.run();
    client
}

/// One burst of calls, a record per line. They are journalled when this returns.
#[wasm_bindgen]
pub fn calls(client: usize, text: String) {
    put(client, Input::Calls(text));
}

/// Delivers what is waiting; answered by a `flushed` report with the same id.
#[wasm_bindgen]
pub fn flush(client: usize, id: u32) {
    put(client, Input::Flush { id });
}

/// Flushes, then stops and lets go of timer and channel; answered by a `flushed` report with the same id.
#[wasm_bindgen]
pub fn shutdown(client: usize, id: u32, timeout_ms: u32) {
    put(client, Input::Shutdown { id, timeout_ms });
}

/// Stops at once, in the same way, and forgets the client. Later calls do nothing.
#[wasm_bindgen]
pub fn destroy(client: usize) {
    put(client, Input::Destroy);
    let slot = CLIENTS.with_borrow_mut(|clients| {
        let slot = clients.get_mut(client.wrapping_sub(1));
        slot.and_then(Option::take)
    });
    // Outside of the borrow. Should its loop be on the stack, whoever called that still holds the shell.
    drop(slot);
}

/// What became of a request. `what` is `plain`, `html`, `redirected` or `opaque` for an answer with a status, or `network`,
/// `refused`, `queued`, `activated`; `retry_after_ms` is NaN where there is none.
#[wasm_bindgen]
pub fn answered(
    client: usize,
    id: u32,
    what: &str,
    status: u16,
    retry_after_ms: f64,
    body: Option<String>,
) {
    let outcome = words::outcome(what, status, retry_after_ms, body);
    let request = RequestId(id);
    put(client, Input::Answer { request, outcome });
}

/// What another tab said.
#[wasm_bindgen]
pub fn peer(client: usize, text: String) {
    put(client, Input::Peer(text));
}

/// What the page did: `hidden`, `visible`, `leaving`, `restored`, `frozen`, `resumed`, `online` or `offline`.
#[wasm_bindgen]
pub fn page_event(client: usize, name: &str) {
    if let Some(event) = PageEvent::from_name(name) {
        put(client, Input::Page(event));
    }
}

/// Another tab has written the visitor record, or storage was cleared.
#[wasm_bindgen]
pub fn stored(client: usize) {
    put(client, Input::Stored);
}

/// Pauses a destination, or goes on with it.
#[wasm_bindgen]
pub fn destination(client: usize, name: String, paused: bool) {
    put(client, Input::Destination { name, paused });
}

/// The time that `wake_in` was asked for has come, or nearly so.
#[wasm_bindgen]
pub fn wake(client: usize) {
    put(client, Input::Timeout);
}

/// The account of a client, as the JSON text of an object; none in the midst of a step of the engine.
#[wasm_bindgen]
#[must_use]
pub fn stats(client: usize) -> Option<String> {
    shell(client)?.read(|engine| engine.stats().to_json())
}

/// Who the visitor is: `{"anonymousId","userId","sessionId","consent"}`.
#[wasm_bindgen]
#[must_use]
pub fn visitor(client: usize) -> Option<String> {
    shell(client)?.read(|engine| engine.keeper().to_json())
}

fn put(client: usize, input: Input) {
    if let Some(shell) = shell(client) {
        shell.put(input);
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
