//! Between JavaScript values and Rust, without trusting the former.
//!
//! Any property of a foreign object may be missing, of another type, or throw, so all are asked for in
//! JavaScript. The configuration is read value by value like this, because
//! `serde_wasm_bindgen::from_value` brings in float formatting for its error texts (measured: 28 KB
//! of wasm against 13 KB, brotli). In the other direction go texts of JSON, which the browser parses.

use wasm_bindgen::prelude::*;

use crate::engine::report::Report;
use crate::text::json::List;

#[wasm_bindgen(module = "/src/web/browser.js")]
extern "C" {
    /// One configured value, as [`Config::parse`](crate::engine::config::Config::parse) reads it. A getter
    /// that throws counts as ill-typed, not as absent.
    pub(crate) fn option(config: &JsValue, name: &str) -> Option<String>;
    /// The list that a text of JSON stands for.
    fn parse(text: &str) -> JsValue;
    #[wasm_bindgen(js_name = report)]
    fn call_report(host: &JsValue, text: &str);
}

/// Tells the host of a report, as far as that is possible: a list of its type and its values.
pub(crate) fn tell(host: &JsValue, report: &Report) {
    let mut list = List::default();
    report.describe(&mut list);
    call_report(host, &list.end());
}

/// What was written down for the page, as a list.
pub(crate) fn parsed(list: List) -> JsValue {
    parse(&list.end())
}

#[cfg(test)]
#[path = "../../tests/web/convert.rs"]
mod tests;
