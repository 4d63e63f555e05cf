//! Storage: real localStorage, really filled; and every way in which a browser says no.

use wasm_bindgen_test::wasm_bindgen_test;

use super::super::support::{Patch, js};
use super::BrowserStore;
use crate::model::store::{Store, StoreError};

/// Empties the page's storage, before and after.
struct Clean;

impl Clean {
    fn new() -> Self {
        js("localStorage.clear()");
        Self
    }
}

impl Drop for Clean {
    fn drop(&mut self) {
        js("localStorage.clear()");
    }
}

#[wasm_bindgen_test]
fn values_are_kept_where_the_other_tabs_see_them() {
    let _clean = Clean::new();
    let mut store = BrowserStore::open();
    assert!(!store.half().is_undefined());
    assert_eq!(store.set("sendoff:p:1", "ä\u{1f600}\u{0}\n"), Ok(()));
    assert_eq!(
        store.get("sendoff:p:1").as_deref(),
        Some("ä\u{1f600}\u{0}\n")
    );
    assert_eq!(js("return localStorage['sendoff:p:1'].length"), 5.0);
    store.remove("sendoff:p:1");
    store.remove("sendoff:p:1");
    assert_eq!(store.get("sendoff:p:1"), None);
    assert_eq!(js("return localStorage.length"), 0.0);
}

#[wasm_bindgen_test]
fn keys_are_listed_by_prefix_whatever_the_page_keeps_beside_them() {
    let _clean = Clean::new();
    js("for (const key of ['sendoff:p:1', 'sendoff:p:2', 'sendoff:q:1', 'sendoff:p:3\\nmore', 'own', 'length', 'key', '7', '\\ud83d'])
          localStorage.setItem(key, 'x');
        Object.defineProperty(localStorage, Symbol('s'), { value: 1, configurable: true });");
    let store = BrowserStore::open();
    let mut keys = store.keys("sendoff:p:");
    keys.sort();
    // Of a foreign key with a line break the first line is listed: a key under which nothing is found.
    assert_eq!(keys, ["sendoff:p:1", "sendoff:p:2", "sendoff:p:3"]);
    assert_eq!(store.get("sendoff:p:3"), None);
}

#[wasm_bindgen_test]
fn a_full_storage_is_named_and_loses_nothing_that_was_there() {
    let _clean = Clean::new();
    let mut store = BrowserStore::open();
    store.set("sendoff:p:1", "before").unwrap();
    js("let size = 1 << 22;
        for (let i = 0; size; ) {
          try { localStorage.setItem('fill' + i, 'x'.repeat(size)); i++; } catch { size >>= 1; }
        }");
    let more = "y".repeat(100);
    assert_eq!(
        store.set("sendoff:p:2", &more),
        Err(StoreError::QuotaExceeded)
    );
    assert_eq!(
        store.set("sendoff:p:1", &more),
        Err(StoreError::QuotaExceeded)
    );
    assert_eq!(store.get("sendoff:p:1").as_deref(), Some("before"));
    let again = BrowserStore::open().get("sendoff:p:1");
    assert_eq!(
        again.as_deref(),
        Some("before"),
        "a full storage is still worth reading"
    );
    js("localStorage.removeItem('fill0')");
    assert_eq!(store.set("sendoff:p:2", &more), Ok(()));
}

/// What a `setItem` is taken for that runs this JavaScript.
fn refusal(code: &str) -> StoreError {
    let set_item = format!("{{ value() {{ {code} }} }}");
    let _patch = Patch::define("Storage.prototype", "setItem", &set_item);
    BrowserStore::open().set("sendoff:p:1", "x").unwrap_err()
}

#[wasm_bindgen_test]
fn quota_errors_are_known_by_name_and_by_their_old_codes() {
    for quota in [
        "throw new DOMException('', 'QuotaExceededError')",
        "throw { code: 22 }",
        "throw { code: 1014 }",
        "throw { name: 'NS_ERROR_DOM_QUOTA_REACHED' }",
    ] {
        assert_eq!(refusal(quota), StoreError::QuotaExceeded, "{quota}");
    }
    for other in [
        "throw new DOMException('', 'SecurityError')",
        "throw { get name() { throw 1 }, code: '22' }",
        "throw null",
        "throw 22",
    ] {
        assert_eq!(refusal(other), StoreError::Unavailable, "{other}");
    }
}

#[wasm_bindgen_test]
fn where_it_cannot_be_had_nothing_is_kept_and_nothing_throws() {
    for denied in [
        "{ get() { throw new DOMException('', 'SecurityError') } }",
        "{ get: () => null }",
        "{ get: () => undefined }",
        "{ get: () => ({ getItem() { throw new DOMException('', 'SecurityError') } }) }",
    ] {
        let _patch = Patch::define("window", "localStorage", denied);
        let mut store = BrowserStore::open();
        assert!(store.half().is_undefined(), "{denied}");
        assert_eq!(
            store.set("a1", "x"),
            Err(StoreError::Unavailable),
            "{denied}"
        );
        assert_eq!((store.get("a1"), store.keys("a")), (None, vec![]));
        store.remove("a1");
    }
}

#[wasm_bindgen_test]
fn access_that_is_withdrawn_later_never_throws() {
    let _clean = Clean::new();
    let mut store = BrowserStore::open();
    let _patches: Vec<_> = ["getItem", "setItem", "removeItem"]
        .into_iter()
        .map(|method| {
            let denied = "{ value() { throw new DOMException('', 'SecurityError') } }";
            Patch::define("Storage.prototype", method, denied)
        })
        .collect();
    assert_eq!(store.set("sendoff:p:1", "x"), Err(StoreError::Unavailable));
    assert_eq!(store.get("sendoff:p:1"), None);
    store.remove("sendoff:p:1");
}
