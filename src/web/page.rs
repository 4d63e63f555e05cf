//! Where this runs: what the engine starts from, and the context that goes with every batch.
//!
//! Every getter may be missing (WebViews) or patched to throw (privacy extensions); what cannot be
//! read is left out. Texts are cut, since a URL may be megabytes long and travels with each batch.
//! Half surrogate pairs become U+FFFD: `JSON.stringify` would write those as `\ud83d`, and strict
//! parsers then refuse the whole body. A dozen getters are less of a burden in JavaScript, and all of
//! them together are one crossing.

use wasm_bindgen::prelude::*;

use crate::engine::io;
use crate::text::fields::{fields, owned, parse_u64};

#[wasm_bindgen(module = "/src/web/browser.js")]
extern "C" {
    fn facts(host: &JsValue, storage: &JsValue, window: &JsValue) -> String;
}

/// The page's own window, which is what the JavaScript halves take `undefined` for. The facade starts
/// no client where there is no document.
pub(crate) const WINDOW: JsValue = JsValue::UNDEFINED;

/// What the engine is to know of a page, a line each. What the page cannot tell it is taken to be:
/// visible, and online.
// Taken apart into its caller, it would be copied field by field.
#[inline(never)]
pub(crate) fn facts_of(host: &JsValue, storage: &JsValue, window: &JsValue, seed: u64) -> io::Host {
    let facts = facts(host, storage, window);
    let mut lines = fields(&facts, b'\n');
    let mut next = || lines.next().unwrap_or("");
    let (tab, anonymous_id, project) = (next(), next(), next());
    let flags = parse_u64(next()).unwrap_or(0);
    io::Host {
        tab: owned(tab),
        seed,
        runtime: owned("browser"),
        anonymous_id: owned(anonymous_id),
        has_channel: flags & 1 != 0,
        has_deferred: flags & 2 != 0,
        has_storage: flags & 16 != 0,
        visible: flags & 4 != 0,
        online: flags & 8 != 0,
        context: owned(lines.rest()),
        project: owned(project),
    }
}

#[cfg(test)]
#[path = "../../tests/web/page.rs"]
mod tests;
