//! The journal's store: `localStorage`, or memory where the browser denies it.
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
use crate::engine::store::{MemoryStore, Store, StoreError};

/// `localStorage` or its stand-in.
pub(crate) enum BrowserStore {
    /// Shared with the other tabs, and kept.
    Local(Storage),
    /// Of this page alone.
    Memory(MemoryStore),
}

impl BrowserStore {
    /// `localStorage` where it can be read, otherwise memory. Whether it can be *written* shows at
    /// the first write: a full one is still worth reading.
    pub(crate) fn open() -> Self {
        let storage =
            convert::property(&page::window(), "localStorage").unchecked_into::<Storage>();
        // Also throws where there is no storage at all.
        match storage.get_item("sendoff") {
            Ok(_) => Self::Local(storage),
            Err(_) => Self::Memory(MemoryStore::default()),
        }
    }

    /// Whether what is written outlives the page.
    pub(crate) const fn is_local(&self) -> bool {
        matches!(self, Self::Local(_))
    }
}

impl Store for BrowserStore {
    fn get(&self, key: &str) -> Option<String> {
        match self {
            Self::Local(storage) => storage.get_item(key).ok().flatten(),
            Self::Memory(memory) => memory.get(key),
        }
    }

    fn set(&mut self, key: &str, value: &str) -> Result<(), StoreError> {
        match self {
            Self::Local(storage) => storage
                .set_item(key, value)
                .map_err(|error| classify(&error)),
            Self::Memory(memory) => memory.set(key, value),
        }
    }

    fn remove(&mut self, key: &str) {
        match self {
            // A browser that denies this denies reading too, and then nothing is found.
            Self::Local(storage) => drop(storage.remove_item(key)),
            Self::Memory(memory) => memory.remove(key),
        }
    }

    fn keys(&self, prefix: &str) -> Vec<String> {
        match self {
            Self::Local(storage) => keys_of(storage, prefix),
            Self::Memory(memory) => memory.keys(prefix),
        }
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
