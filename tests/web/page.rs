//! The context: what a real page says, and what is left of it where the page lies, throws or is huge.

use wasm_bindgen_test::wasm_bindgen_test;

use super::super::support::{Patch, js, js_with};
use super::{context, describe, is_online};

#[wasm_bindgen_test]
fn a_real_page_is_described() {
    let parsed = js_with("return JSON.parse($)", &context().into());
    let same = js_with(
        "return $.page.url === location.href && $.page.title === document.title
           && $.page.referrer === document.referrer && $.locale === navigator.language
           && $.timezone === Intl.DateTimeFormat().resolvedOptions().timeZone
           && $.userAgent === navigator.userAgent && $.screen.width === screen.width
           && $.screen.height === screen.height && $.screen.density === devicePixelRatio",
        &parsed,
    );
    assert_eq!(same, true, "{}", context());
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
        assert_eq!(describe(&js(window)), expected);
    }
}

#[wasm_bindgen_test]
fn long_texts_are_cut_and_half_pairs_replaced() {
    let window = js("return { location: { href: 'x'.repeat(2047) + '\\u00e4' },
                              document: { title: 'a\\ud83d', referrer: '\\ud83d\\ude00'.repeat(1e6) } }");
    let described = describe(&window);
    let expected = format!(
        "{{\"page\":{{\"url\":\"{}\",\"referrer\":\"{}\",\"title\":\"a\u{fffd}\"}},\"screen\":{{}}}}",
        "x".repeat(2_047),
        "\u{1f600}".repeat(512)
    );
    assert!(described == expected, "{} bytes", described.len());
}

#[wasm_bindgen_test]
fn a_page_that_cannot_tell_is_online() {
    for (value, expected) in [("false", false), ("true", true), ("undefined", true)] {
        let _patch = Patch::define("navigator", "onLine", &format!("{{ get: () => {value} }}"));
        assert_eq!(is_online(), expected, "{value}");
    }
}
