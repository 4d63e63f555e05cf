//! The clocks: that both are read, and that waits survive a wall clock that steps back.

use wasm_bindgen_test::wasm_bindgen_test;

use super::super::support::{Patch, js};
use super::Clock;
use crate::model::time::{Instant, UnixMillis};

#[wasm_bindgen_test]
fn both_clocks_are_read() {
    let before = (js("return performance.now()"), js("return Date.now()"));
    let now = Clock::new().now();
    let after = (js("return performance.now()"), js("return Date.now()"));
    let within = |value: u64, from: &wasm_bindgen::JsValue, to: &wasm_bindgen::JsValue| {
        value >= from.as_f64().unwrap() as u64 && value <= to.as_f64().unwrap() as u64
    };
    assert!(within(now.mono.0, &before.0, &after.0), "{now:?}");
    assert!(within(now.wall.0, &before.1, &after.1), "{now:?}");
}

#[wasm_bindgen_test]
fn without_performance_the_wall_clock_stands_in_but_never_steps_back() {
    let clock = Clock::with(js("return {}"));
    let _patch = Patch::define("Date", "now", "{ value: () => globalThis.testNow }");
    js("globalThis.testNow = 5000.7");
    assert_eq!(clock.now().mono, Instant(5_000));
    js("globalThis.testNow = 1000");
    let now = clock.now();
    assert_eq!((now.mono, now.wall), (Instant(5_000), UnixMillis(1_000)));
    js("globalThis.testNow = 5001");
    assert_eq!(clock.now().mono, Instant(5_001));
    js("globalThis.testNow = NaN");
    assert_eq!(clock.now().wall, UnixMillis(0));
}

#[wasm_bindgen_test]
fn performance_that_fails_once_does_not_stop_the_clock() {
    js("globalThis.testNow = 7000");
    let clock = Clock::with(js(
        "return { performance: { now: () => globalThis.testNow } }",
    ));
    assert_eq!(clock.now().mono, Instant(7_000));
    js("globalThis.testNow = undefined");
    assert_eq!(clock.now().mono, Instant(7_000));
    js("globalThis.testNow = 7001");
    assert_eq!(clock.now().mono, Instant(7_001));
}
