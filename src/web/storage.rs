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

use crate::engine::store::{Store, StoreError};

#[wasm_bindgen(module = "/src/web/browser.js")]
extern "C" {
    #[wasm_bindgen(js_name = openStorage)]
    fn open() -> JsValue;
    fn get(storage: &JsValue, key: &str) -> Option<String>;
    fn set(storage: &JsValue, key: &str, value: &str) -> u32;
    fn remove(storage: &JsValue, key: &str);
    fn keys(storage: &JsValue, prefix: &str) -> JsValue;
    fn at(list: &JsValue, index: u32) -> Option<String>;
}

/// `localStorage`, as far as the browser lets us. Where it does not, nothing is found and nothing
/// is kept: the engine holds what it must in memory anyway.
pub(crate) struct BrowserStore(JsValue);

impl BrowserStore {
    /// Whether it can be *written* shows at the first write: a full one is still worth reading.
    pub(crate) fn open() -> Self {
        Self(open())
    }

    /// Whether what is written outlives the page.
    pub(crate) fn is_local(&self) -> bool {
        !self.0.is_undefined()
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
        let list = keys(&self.0, prefix);
        let mut found = Vec::new();
        while let Some(key) = at(&list, found.len() as u32) {
            found.push(key);
        }
        found
    }
}

#[cfg(test)]
#[path = "../../tests/web/storage.rs"]
mod tests;
