//! What the engine starts from, and the context: what a real page says, and what is left of it where the page lies,
//! throws or is huge.

use wasm_bindgen::JsValue;
use wasm_bindgen_test::wasm_bindgen_test;

use super::super::support::{js, js_with};
use super::{WINDOW, facts_of};
use crate::engine::io::Host;

const HOST: &str = "return { tab: '0123456789abcdef0123', anonymous: 'anon', project: 'p%20' }";

fn facts_in(window: &JsValue) -> Host {
    facts_of(&js(HOST), &js("return localStorage"), window, 7)
}

fn context(window: &str) -> String {
    facts_in(&js(window)).context
}

#[wasm_bindgen_test]
fn a_real_page_has_it_all_and_the_host_is_believed() {
    let facts = facts_in(&WINDOW);
    assert_eq!(facts.tab, "0123456789abcdef0123");
    assert_eq!(
        (&*facts.anonymous_id, &*facts.project, &*facts.runtime),
        ("anon", "p%20", "browser")
    );
    assert!(facts.has_channel && facts.visible && facts.online && facts.has_storage);
    assert_eq!(
        js("return isSecureContext && 'fetchLater' in window"),
        facts.has_deferred
    );
    assert_eq!(facts.seed, 7);
}

#[wasm_bindgen_test]
fn each_fact_is_told_from_the_others() {
    let all = "BroadcastChannel, document: { hidden: false }, navigator: { onLine: true },
               isSecureContext: true, fetchLater() {}";
    for (but, expected) in [
        ("", [true, true, true, true, true]),
        (
            "BroadcastChannel: undefined",
            [false, true, true, true, true],
        ),
        (
            "BroadcastChannel: class { constructor() { throw 1 } }",
            [false, true, true, true, true],
        ),
        ("isSecureContext: false", [true, false, true, true, true]),
        ("fetchLater: 1", [true, false, true, true, true]),
        (
            "get fetchLater() { throw 1 }",
            [true, false, true, true, true],
        ),
        (
            "document: { hidden: true }",
            [true, true, false, true, true],
        ),
        ("get document() { throw 1 }", [true, true, true, true, true]),
        (
            "navigator: { onLine: false }",
            [true, true, true, false, true],
        ),
        ("navigator: {}", [true, true, true, true, true]),
    ] {
        let facts = facts_in(&js(&format!("return {{ {all}, {but} }}")));
        let found = [
            facts.has_channel,
            facts.has_deferred,
            facts.visible,
            facts.online,
            facts.has_storage,
        ];
        assert_eq!(found, expected, "{but}");
    }
    let without = facts_of(&js(HOST), &JsValue::UNDEFINED, &WINDOW, 7);
    assert!(!without.has_storage);
}

#[wasm_bindgen_test]
fn a_real_page_is_described() {
    let parsed = js_with("return JSON.parse($)", &facts_in(&WINDOW).context.into());
    let same = js_with(
        "return $.page.url === location.href && $.page.title === document.title
           && $.page.referrer === document.referrer && $.locale === navigator.language
           && $.timezone === Intl.DateTimeFormat().resolvedOptions().timeZone
           && $.userAgent === navigator.userAgent && $.screen.width === screen.width
           && $.screen.height === screen.height && $.screen.density === devicePixelRatio",
        &parsed,
    );
    assert_eq!(same, true);
}

#[wasm_bindgen_test]
fn what_cannot_be_read_is_left_out() {
    for (window, expected) in [
        ("return {}", r#"{"page":{},"screen":{}}"#),
        ("return new Proxy({}, { get() { throw 1 } })", r#"{"page":{},"screen":{}}"#),
        (
            "return {
               location: { href: 'u\"\\n\\u2028' }, document: { referrer: 7, title: {} },
               navigator: { get language() { throw 1 }, userAgent: null }, screen: { width: 1, height: NaN },
               Intl: { DateTimeFormat() { throw 1 } }, devicePixelRatio: 2.625,
             }",
            "{\"page\":{\"url\":\"u\\\"\\n\u{2028}\",\"referrer\":7},\
             \"screen\":{\"width\":1,\"height\":null,\"density\":2.625}}",
        ),
    ] {
        assert_eq!(context(window), expected);
    }
}

#[wasm_bindgen_test]
fn long_texts_are_cut_and_half_pairs_replaced() {
    let described = context("return { location: { href: 'x'.repeat(2047) + '\\u00e4' },
                              document: { title: 'a\\ud83d', referrer: '\\ud83d\\ude00'.repeat(1e6) } }");
    let expected = format!(
        "{{\"page\":{{\"url\":\"{}\",\"referrer\":\"{}\",\"title\":\"a\u{fffd}\"}},\"screen\":{{}}}}",
        "x".repeat(2_047),
        "\u{1f600}".repeat(512)
    );
    assert!(described == expected, "{} bytes", described.len());
}
