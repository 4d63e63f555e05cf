//! Between JavaScript values and Rust, without trusting the former.
//!
//! Any property of a foreign object may be missing, of another type, or throw, so all are asked for in
//! JavaScript. The configuration is read value by value like this, because
//! `serde_wasm_bindgen::from_value` brings in float formatting for its error texts (measured: 28 KB
//! of wasm against 13 KB, brotli). In the other direction go texts of JSON, which the browser parses.

use wasm_bindgen::prelude::*;

use crate::engine::config::Value;
use crate::engine::report::Report;
use crate::wire::json;

#[wasm_bindgen(module = "/src/web/browser.js")]
extern "C" {
    #[wasm_bindgen(js_name = typeOf)]
    fn type_of(target: &JsValue, name: &str) -> i32;
    fn number(target: &JsValue, name: &str) -> f64;
    /// `target[name]` if it is a string.
    pub(crate) fn text(target: &JsValue, name: &str) -> Option<String>;
    /// `target[name](value)`, as far as that is possible.
    pub(crate) fn call(target: &JsValue, name: &str, value: &JsValue);
    /// The plain object that a text of JSON stands for.
    fn parse(text: &str) -> JsValue;
}

/// One configured value. A getter that throws counts as ill-typed, not as absent.
pub(crate) fn option(config: &JsValue, name: &str) -> Value {
    match type_of(config, name) {
        0 => Value::Missing,
        1 => Value::Number(number(config, name)),
        2 => Value::Bool(number(config, name) > 0.0),
        3 => Value::Text(text(config, name).unwrap_or_default()),
        _ => Value::Other,
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
    parse(&object.end())
}

#[cfg(test)]
#[path = "../../tests/web/convert.rs"]
mod tests;
