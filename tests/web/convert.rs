//! Values from the page: every type, hostile getters, and what reports look like on the other side.

use wasm_bindgen::JsValue;
use wasm_bindgen_test::wasm_bindgen_test;

use super::super::support::{js, js_with};
use super::{option, parsed, tell};
use crate::engine::config::{Config, wrong_type};
use crate::engine::report::{DropReason, Fields, Report};
use crate::text::json::List;

fn json(value: &JsValue) -> String {
    js_with("return JSON.stringify($)", value)
        .as_string()
        .unwrap()
}

#[wasm_bindgen_test]
fn a_configured_value_of_every_type_is_named() {
    let config = js("return {
        number: 1.5, nan: NaN, below: -1, endless: Infinity, yes: true, text: 'x', nothing: undefined, null: null, object: {}, list: [],
        fn() {}, symbol: Symbol('s'), big: 10n, boxed: new Number(3), half: '\\ud83d',
        get throws() { throw new Error('no') }, unwritable: { toString() { throw 1 } },
    }");
    for (name, expected) in [
        ("number", Some("n1")),
        ("nan", Some("n")),
        ("below", Some("n")),
        ("endless", Some("nInfinity")),
        ("yes", Some("btrue")),
        ("text", Some("sx")),
        ("half", Some("s\u{fffd}")),
        ("nothing", None),
        ("absent", None),
        ("null", Some("onull")),
        ("list", Some("o")),
        ("symbol", Some("?")),
        ("big", Some("b10")),
        ("boxed", Some("o3")),
        ("throws", Some("?")),
        ("unwritable", Some("?")),
    ] {
        assert_eq!(option(&config, name).as_deref(), expected, "{name}");
    }
    for name in ["object", "fn"] {
        let told = option(&config, name).unwrap();
        assert!(told.starts_with(['o', 'f']), "{name}: {told}");
    }
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
        let (config, errors) = Config::parse(|name| option(&js(hostile), name));
        assert_eq!(config, Config::new(""), "{hostile}");
        assert!(errors.len() > 5, "{hostile}: {errors:?}");
    }
    let config = js("return { apiKey: 'k', get flushAt() { throw 1 }, timeout: 250 }");
    let (config, errors) = Config::parse(|name| option(&config, name));
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
fn a_report_that_nobody_takes_does_no_harm() {
    let report = Report::DeliveryFailed {
        status: 0,
        events: 1,
    };
    for host in [
        "return null",
        "return {}",
        "return { report: 1 }",
        "return { report() { throw 1 } }",
        "return { get report() { throw 1 } }",
    ] {
        tell(&js(host), &report);
    }
}

/// What a host is told of a report.
fn told(report: &Report) -> String {
    let host = js("return { report(values) { this.told = values } }");
    tell(&host, report);
    json(&js_with("return $.told", &host))
}

#[wasm_bindgen_test]
fn reports_are_lists_that_begin_with_their_type() {
    for (report, expected) in [
        (
            Report::Delivered {
                count: 2,
                tab: "t".into(),
                from: 1,
                to: 9_007_199_254_740_991,
            },
            r#"["delivered",2,"t",1,9007199254740991]"#,
        ),
        (
            Report::Dropped {
                count: 3,
                reason: DropReason::TooLarge,
            },
            r#"["dropped",3,"too_large"]"#,
        ),
        (
            Report::DeliveryFailed {
                status: 503,
                events: 4,
            },
            r#"["deliveryFailed",503,4]"#,
        ),
        (
            Report::Error {
                code: "c",
                message: "m\u{0}ä".into(),
            },
            "[\"error\",\"c\",\"m\\u0000ä\"]",
        ),
        (
            Report::Flushed {
                id: 1,
                delivered: 2,
                pending: 3,
                dropped: 4,
            },
            r#"["flushed",1,2,3,4]"#,
        ),
        (
            Report::Role {
                role: "leader",
                leader: None,
                term: 5,
            },
            r#"["role","leader",null,5]"#,
        ),
    ] {
        assert_eq!(told(&report), expected);
    }
}

#[wasm_bindgen_test]
fn the_account_counts_by_reason() {
    let mut account = List::default();
    account.number("handedBack", 1);
    account.counts("dropped", "overflow\nblocked\nexpired", &[7, 0, 1]);
    account.counts("refused", "name_missing the event has no name", &[0]);
    account.text("leader", None);
    account.flag("blocked", false);
    account.texts("peers", ["p".to_owned()].into_iter());
    assert_eq!(
        json(&parsed(account)),
        r#"[1,{"overflow":7,"expired":1},{},null,false,["p"]]"#
    );
}
