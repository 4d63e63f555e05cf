//! Values from the page: every type, hostile getters, and what reports look like on the other side.

use wasm_bindgen::JsValue;
use wasm_bindgen_test::wasm_bindgen_test;

use super::super::support::{js, js_with};
use super::{call, option, parsed, report, text};
use crate::engine::config::{Config, Value, wrong_type};
use crate::engine::report::{DropReason, Fields, Report};
use crate::wire::json::Object;

fn json(value: &JsValue) -> String {
    js_with("return JSON.stringify($)", value)
        .as_string()
        .unwrap()
}

#[wasm_bindgen_test]
fn a_configured_value_of_every_type_is_named() {
    let config = js("return {
        number: 1.5, nan: NaN, yes: true, text: 'x', nothing: undefined, null: null, object: {}, list: [],
        fn() {}, symbol: Symbol('s'), big: 10n, boxed: new Number(3), half: '\\ud83d',
        get throws() { throw new Error('no') },
    }");
    for (name, expected) in [
        ("number", Value::Number(1.5)),
        ("yes", Value::Bool(true)),
        ("text", Value::Text("x".into())),
        ("half", Value::Text("\u{fffd}".into())),
        ("nothing", Value::Missing),
        ("absent", Value::Missing),
        ("null", Value::Other),
        ("object", Value::Other),
        ("list", Value::Other),
        ("fn", Value::Other),
        ("symbol", Value::Other),
        ("big", Value::Other),
        ("boxed", Value::Other),
        ("throws", Value::Other),
    ] {
        assert_eq!(option(&config, name), expected, "{name}");
    }
    assert!(matches!(option(&config, "nan"), Value::Number(number) if number.is_nan()));
}

#[wasm_bindgen_test]
fn a_hostile_configuration_costs_its_values_and_nothing_else() {
    for hostile in [
        "return new Proxy({}, { get() { throw 1 }, has() { throw 1 } })",
        "const { proxy, revoke } = Proxy.revocable({}, {}); revoke(); return proxy",
        "return null",
        "return undefined",
        "return 'key'",
        "return 7",
    ] {
        let (config, errors) = Config::parse(&|name| option(&js(hostile), name));
        assert_eq!(config, Config::new(""), "{hostile}");
        assert!(errors.len() > 5, "{hostile}: {errors:?}");
    }
    let config = js("return { apiKey: 'k', get flushAt() { throw 1 }, timeout: 250 }");
    let (config, errors) = Config::parse(&|name| option(&config, name));
    assert_eq!(
        config,
        Config {
            timeout_ms: 250,
            ..Config::new("k")
        }
    );
    assert_eq!(errors, [wrong_type("flushAt", "a number from 1 to 1000")]);
}

#[wasm_bindgen_test]
fn properties_of_anything_can_be_asked_for() {
    let hostile = js("globalThis.seen = [];
         const hostile = {
           get x() { throw 1 }, f(it) { seen.push(this === hostile, it) }, g() { throw 1 }, t: 'T',
         };
         return hostile");
    assert_eq!(text(&hostile, "x"), None);
    assert_eq!(text(&JsValue::NULL, "x"), None);
    assert_eq!(text(&hostile, "t").as_deref(), Some("T"));
    assert_eq!(text(&hostile, "f"), None);
    for name in ["f", "g", "t", "x", "absent"] {
        call(&hostile, name, &JsValue::from(2));
    }
    call(&JsValue::NULL, "f", &JsValue::UNDEFINED);
    assert_eq!(js("return seen.join()"), "true,2");
}

#[wasm_bindgen_test]
fn reports_are_plain_objects_tagged_by_type() {
    for (told, expected) in [
        (
            Report::Delivered {
                count: 2,
                tab: "t".into(),
                from: 1,
                to: 9_007_199_254_740_991,
            },
            r#"{"type":"delivered","count":2,"tab":"t","from":1,"to":9007199254740991}"#,
        ),
        (
            Report::Dropped {
                count: 3,
                reason: DropReason::TooLarge,
            },
            r#"{"type":"dropped","count":3,"reason":"too_large"}"#,
        ),
        (
            Report::DeliveryFailed {
                status: 503,
                events: 4,
            },
            r#"{"type":"deliveryFailed","status":503,"events":4}"#,
        ),
        (
            Report::Error {
                code: "c",
                message: "m\u{0}ä".into(),
            },
            "{\"type\":\"error\",\"code\":\"c\",\"message\":\"m\\u0000ä\"}",
        ),
        (
            Report::Flushed {
                id: 1,
                delivered: 2,
                pending: 3,
                dropped: 4,
            },
            r#"{"type":"flushed","id":1,"delivered":2,"pending":3,"dropped":4}"#,
        ),
        (
            Report::Role {
                role: "leader",
                leader: None,
                term: 5,
            },
            r#"{"type":"role","role":"leader","leader":null,"term":5}"#,
        ),
    ] {
        assert_eq!(json(&report(&told)), expected);
    }
}

#[wasm_bindgen_test]
fn the_account_counts_by_reason() {
    let mut account = Object::default();
    account.number("handedBack", 1);
    account.counts("dropped", "overflow\nblocked\nexpired", &[7, 0, 1]);
    account.counts("refused", "name_missing the event has no name", &[0]);
    account.text("leader", None);
    account.flag("blocked", false);
    account.texts("peers", ["p".to_owned()].into_iter());
    let object = parsed(account);
    let member = |name| json(&js_with(&format!("return $.{name}"), &object));
    assert_eq!(member("dropped"), r#"{"overflow":7,"expired":1}"#);
    assert_eq!(member("refused"), "{}");
    assert_eq!(member("peers"), r#"["p"]"#);
    assert_eq!(member("handedBack"), "1");
    assert_eq!(member("leader"), "null");
    assert_eq!(member("blocked"), "false");
    assert_eq!(
        js_with(
            "return Object.getPrototypeOf($) === Object.prototype",
            &object
        ),
        true
    );
}
