//! Between JavaScript values and Rust, without trusting the former.
//!
//! Any property of a foreign object may be missing, of another type, or throw: a read that fails is
//! `undefined`. The configuration is read value by value like this, because
//! `serde_wasm_bindgen::from_value` brings in float formatting for its error texts (measured: 28 KB
//! of wasm against 13 KB, brotli). In the other direction go texts of JSON, which the browser parses.

use js_sys::{Function, JSON, Object, Reflect};
use wasm_bindgen::{JsCast, JsValue};

use crate::engine::config::Value;
use crate::engine::report::Report;
use crate::wire::json;

/// `target[name]`, or `undefined` where that throws.
pub(crate) fn property(target: &JsValue, name: &str) -> JsValue {
    Reflect::get(target, &name.into()).unwrap_or(JsValue::UNDEFINED)
}

/// `target[name]` if it is a string.
pub(crate) fn text(target: &JsValue, name: &str) -> Option<String> {
    property(target, name).as_string()
}

/// Whether `target[name]` is `true`.
pub(crate) fn is_true(target: &JsValue, name: &str) -> bool {
    property(target, name).as_bool() == Some(true)
}

/// `target[name]` if it is a function.
pub(crate) fn function(target: &JsValue, name: &str) -> Option<Function> {
    property(target, name).dyn_into().ok()
}

/// `target[name](argument)`, or `undefined` where that is impossible.
pub(crate) fn call(target: &JsValue, name: &str, argument: &JsValue) -> JsValue {
    call2(target, name, argument, &JsValue::UNDEFINED).unwrap_or(JsValue::UNDEFINED)
}

/// `target[name](one, two)`, or nothing where that is impossible.
pub(crate) fn call2(target: &JsValue, name: &str, one: &JsValue, two: &JsValue) -> Option<JsValue> {
    function(target, name)?.call2(target, one, two).ok()
}

/// `target[name] = value`, on an object of our own.
pub(crate) fn set(target: &Object, name: &str, value: &JsValue) {
    drop(Reflect::set(target, &name.into(), value));
}

/// One configured value. A getter that throws counts as ill-typed, not as absent.
pub(crate) fn option(config: &JsValue, name: &str) -> Value {
    let Ok(value) = Reflect::get(config, &name.into()) else {
        return Value::Other("throwing getter");
    };
    if value.is_undefined() {
        Value::Missing
    } else if let Some(flag) = value.as_bool() {
        Value::Bool(flag)
    } else if let Some(number) = value.as_f64() {
        Value::Number(number)
    } else if let Some(text) = value.as_string() {
        Value::Text(text)
    } else {
        Value::Other("object")
    }
}

/// A report as the page is to see it.
pub(crate) fn report(report: &Report) -> JsValue {
    let mut object = json::Object::default();
    report.describe(&mut object);
    parsed(object)
}

/// What was written as JSON, as a plain object.
pub(crate) fn parsed(object: json::Object) -> JsValue {
    JSON::parse(&object.end()).unwrap_or(JsValue::UNDEFINED)
}

#[cfg(test)]
#[path = "../../tests/web/convert.rs"]
mod tests;
