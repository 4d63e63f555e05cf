//! The journal's store: `localStorage`.
//!
//! Every access may throw. The getter itself throws a `SecurityError` where storage is blocked
//! (cookie settings, sandboxed frames) and yields `null` in WebViews without DOM storage; `setItem`
//! throws a `QuotaExceededError`, which older engines know only by its code: 22, or in Firefox 1014
//! (`NS_ERROR_DOM_QUOTA_REACHED`).
//!
//! Keys are listed by `Reflect.ownKeys`: `key(i)` crosses into the browser once per key, and
//! `Object.keys` asks for the descriptor of each, which reads its value. Of 10,000 keys of 300 bytes
//! in Chromium 156 they take 1.4, 12 and 3 ms.

use wasm_bindgen::prelude::*;
use web_sys::Storage;

use crate::model::store::{Store, StoreError};
use crate::text::fields::{fields, owned};

#[wasm_bindgen(module = "/src/web/browser.js")]
extern "C" {
    #[wasm_bindgen(js_name = openStorage)]
    fn open() -> Storage;
    fn get(storage: &Storage, key: &str) -> Option<String>;
    fn set(storage: &Storage, key: &str, value: &str) -> u32;
    fn remove(storage: &Storage, key: &str);
    fn keys(storage: &Storage, prefix: &str) -> Option<String>;
}

/// `localStorage`, as far as the browser lets us. Where it does not it is `undefined`, nothing is found and nothing
/// is kept: the engine holds what it must in memory anyway.
pub(crate) struct BrowserStore(Storage);

impl BrowserStore {
    /// Whether it can be *written* shows at the first write: a full one is still worth reading.
    pub(crate) fn open() -> Self {
        Self(open())
    }

    /// The JavaScript half: `undefined` where what is written would not outlive the page.
    pub(crate) fn half(&self) -> &JsValue {
        self.0.as_ref()
    }
}

impl Store for BrowserStore {
    fn get(&self, key: &str) -> Option<String> {
        get(&self.0, key)
    }

    fn set(&mut self, key: &str, value: &str) -> Result<(), StoreError> {
        match set(&self.0, key, value) {
            0 => Ok(()),
            1 => Err(StoreError::QuotaExceeded),
            _ => Err(StoreError::Unavailable),
        }
    }

    fn remove(&mut self, key: &str) {
        // A browser that denies this denies reading too, and then nothing is found.
        remove(&self.0, key);
    }

    fn keys(&self, prefix: &str) -> Vec<String> {
        let list = keys(&self.0, prefix).unwrap_or_default();
        let mut found = Vec::new();
        for key in fields(&list, b'\n') {
            // Nor is what follows the line break in a foreign key, or a line where there is no key.
            if key.starts_with(prefix) {
                found.push(owned(key));
            }
        }
        found
    }
}

#[cfg(test)]
#[path = "../../tests/web/storage.rs"]
mod tests;
