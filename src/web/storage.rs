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

use js_sys::Reflect;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::Storage;

use super::{convert, page};
use crate::engine::store::{Store, StoreError};

/// `localStorage`, as far as the browser lets us. Where it does not, nothing is found and nothing
/// is kept: the engine holds what it must in memory anyway.
pub(crate) struct BrowserStore {
    storage: Storage,
    is_local: bool,
}

impl BrowserStore {
    /// Whether it can be *written* shows at the first write: a full one is still worth reading.
    pub(crate) fn open() -> Self {
        let storage =
            convert::property(&page::window(), "localStorage").unchecked_into::<Storage>();
        // Also throws where there is no storage at all.
        let is_local = storage.get_item("sendoff").is_ok();
        Self { storage, is_local }
    }

    /// Whether what is written outlives the page.
    pub(crate) const fn is_local(&self) -> bool {
        self.is_local
    }
}

impl Store for BrowserStore {
    fn get(&self, key: &str) -> Option<String> {
        self.storage.get_item(key).ok().flatten()
    }

    fn set(&mut self, key: &str, value: &str) -> Result<(), StoreError> {
        let written = self.storage.set_item(key, value);
        written.map_err(|error| classify(&error))
    }

    fn remove(&mut self, key: &str) {
        // A browser that denies this denies reading too, and then nothing is found.
        drop(self.storage.remove_item(key));
    }

    fn keys(&self, prefix: &str) -> Vec<String> {
        keys_of(&self.storage, prefix)
    }
}

fn keys_of(storage: &JsValue, prefix: &str) -> Vec<String> {
    let Ok(keys) = Reflect::own_keys(storage) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for index in 0..keys.length() {
        if let Some(key) = keys.get(index).as_string()
            && key.starts_with(prefix)
        {
            found.push(key);
        }
    }
    found
}

fn classify(error: &JsValue) -> StoreError {
    let by_name = convert::text(error, "name")
        .is_some_and(|name| name == "QuotaExceededError" || name == "NS_ERROR_DOM_QUOTA_REACHED");
    let by_code = convert::property(error, "code")
        .as_f64()
        .is_some_and(|code| code == 22.0 || code == 1014.0);
    if by_name || by_code {
        StoreError::QuotaExceeded
    } else {
        StoreError::Unavailable
    }
}

#[cfg(test)]
#[path = "../../tests/web/storage.rs"]
mod tests;
