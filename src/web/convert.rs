//! Between JavaScript values and Rust, without trusting the former.
//!
//! Any property of a foreign object may be missing, of another type, or throw, so all are asked for in
//! JavaScript. The configuration is read value by value like this, because
//! `serde_wasm_bindgen::from_value` brings in float formatting for its error texts (measured: 28 KB
//! of wasm against 13 KB, brotli). In the other direction it makes the lists; a derived `Serialize`
//! for reports and statistics would bring in a cache of field names and text formatting, 2 KB more.

use js_sys::Object;
use serde_wasm_bindgen::to_value;
use wasm_bindgen::prelude::*;

use crate::engine::config::Value;
use crate::engine::report::{Count, Fields, Report, Stats};

#[wasm_bindgen(module = "/src/web/convert.js")]
extern "C" {
    #[wasm_bindgen(js_name = typeOf)]
    fn type_of(target: &JsValue, name: &str) -> i32;
    fn number(target: &JsValue, name: &str) -> f64;
    /// `target[name]` if it is a string.
    pub(crate) fn text(target: &JsValue, name: &str) -> Option<String>;
    /// `target[name](value)`, as far as that is possible.
    pub(crate) fn call(target: &JsValue, name: &str, value: &JsValue);
    fn set(target: &JsValue, name: &str, value: &JsValue);
    #[wasm_bindgen(js_name = set)]
    fn set_number(target: &JsValue, name: &str, value: f64);
    #[wasm_bindgen(js_name = set)]
    fn set_text(target: &JsValue, name: &str, value: Option<&str>);
    #[wasm_bindgen(js_name = set)]
    fn set_flag(target: &JsValue, name: &str, value: bool);
}

/// One configured value. A getter that throws counts as ill-typed, not as absent.
pub(crate) fn option(config: &JsValue, name: &str) -> Value {
    match type_of(config, name) {
        0 => Value::Missing,
        1 => Value::Number(number(config, name)),
        2 => Value::Bool(number(config, name) > 0.0),
        3 => Value::Text(text(config, name).unwrap_or_default()),
        -1 => Value::Other("object"),
        _ => Value::Other("throwing getter"),
    }
}

/// A plain object that is being filled, with `null` for what is absent.
struct Plain(Object);

impl Fields for Plain {
    fn number(&mut self, name: &'static str, value: u64) {
        set_number(&self.0, name, value as f64);
    }

    fn text(&mut self, name: &'static str, value: Option<&str>) {
        set_text(&self.0, name, value);
    }

    fn flag(&mut self, name: &'static str, value: bool) {
        set_flag(&self.0, name, value);
    }

    fn texts(&mut self, name: &'static str, values: &[String]) {
        set(&self.0, name, &to_value(values).unwrap_or(JsValue::NULL));
    }

    fn counts(&mut self, name: &'static str, counts: &[Count]) {
        let mut object = Self(Object::new());
        for count in counts {
            object.number(count.reason, count.count);
        }
        set(&self.0, name, &object.0);
    }
}

/// A report as the page is to see it.
pub(crate) fn report(report: &Report) -> JsValue {
    let mut object = Plain(Object::new());
    report.describe(&mut object);
    object.0.into()
}

/// The account, with its lists of counts as `{reason: count}`.
pub(crate) fn stats(stats: &Stats) -> JsValue {
    let mut object = Plain(Object::new());
    stats.describe(&mut object);
    object.0.into()
}

#[cfg(test)]
#[path = "../../tests/web/convert.rs"]
mod tests;
