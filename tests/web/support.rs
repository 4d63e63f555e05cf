//! What the tests of `src/web` share. They are compiled into the crate (each file of `src/web` names
//! its own by `#[path]`), because what they test is private, and run in a real browser by `wasm-pack`.
//! The platform here is a fake; the real one is asked by tests/web/platform.test.mjs.

use js_sys::Function;
use js_sys::Promise;
use js_sys::futures::JsFuture;
use wasm_bindgen::prelude::*;
use wasm_bindgen_test::wasm_bindgen_test_configure;

use super::{Platform, start};

wasm_bindgen_test_configure!(run_in_browser);

/// A record of one `track("checkout", { a: 1 })`.
pub(crate) const TRACK: &str = "track\t1700000000000\t5\tname=\"checkout\"\tprops={\"a\":1}";

/// A platform that writes down what it is asked for, in `world`, where a test may put `onSend`, `onSet` and `onReport`.
const PLATFORM: &str = "
    globalThis.world = { store: new Map(), sent: [], cancelled: [], reports: [], waits: [], channel: [] };
    return {
        get: (key) => world.store.get(key),
        set: (key, value) => (world.store.set(key, value), world.onSet?.(key), 0),
        remove: (key) => void world.store.delete(key),
        keys: (prefix) => [...world.store.keys()].filter((key) => key.startsWith(prefix)).join('\\n'),
        mirror: () => undefined,
        set_mirror: () => {},
        mono: () => performance.now(),
        wall: () => Date.now(),
        send: (...values) => (world.sent.push(values), world.onSend?.(...values)),
        cancel: (id) => world.cancelled.push(id),
        open_channel: () => world.channel.push('open'),
        post: (text) => world.channel.push(text),
        close_channel: () => world.channel.push('close'),
        wake_in: (ms) => world.waits.push(ms),
        report: (json) => (world.reports.push(JSON.parse(json)), world.onReport?.(JSON.parse(json))),
    }";

const FACTS: &str = r#"{"tab":"0123456789abcdef0123","project":"a%20key","anonymousId":"anon","sessionId":"s",
    "runtime":"browser","context":{},"page":{"url":"https://shop.example/"},"channel":false,"deferred":false,
    "keepalive":true,"storage":"local","visible":true,"online":true}"#;

/// Starts a client on a new world.
pub(crate) fn open() -> usize {
    let platform: Platform = js(PLATFORM).unchecked_into();
    start(platform, r#"{"apiKey":"a key","disableTimer":true}"#, FACTS)
}

/// Runs JavaScript and gives what it returns.
pub(crate) fn js(code: &str) -> JsValue {
    js_with(code, &JsValue::UNDEFINED)
}

/// Runs JavaScript that knows `value` as `$`.
pub(crate) fn js_with(code: &str, value: &JsValue) -> JsValue {
    Function::new_with_args("$", code)
        .call1(&JsValue::UNDEFINED, value)
        .unwrap()
}

/// A number that JavaScript gives.
pub(crate) fn number(code: &str) -> f64 {
    js(&format!("return {code}")).as_f64().unwrap()
}

/// One figure of the account.
pub(crate) fn figure(client: usize, name: &str) -> f64 {
    let stats = super::stats(client).unwrap();
    js_with(&format!("return JSON.parse($).{name}"), &stats.into())
        .as_f64()
        .unwrap()
}

/// The ids of the flushes that have been answered, in order.
pub(crate) fn flushed() -> String {
    js("return world.reports.filter(({ type }) => type === 'flushed').map(({ id }) => id).join()")
        .as_string()
        .unwrap()
}

/// Calls `run` wherever the world would call `hook`, until the test ends.
pub(crate) fn on(hook: &str, run: impl Fn() + 'static) {
    let run = Closure::<dyn Fn()>::new(run).into_js_value();
    js_with(&format!("world.{hook} = () => $()"), &run);
}

/// Lets every task run that is due by now.
pub(crate) async fn turn() {
    let promise = js("return new Promise((resolve) => setTimeout(resolve, 1))");
    JsFuture::from(promise.unchecked_into::<Promise>())
        .await
        .unwrap();
}
