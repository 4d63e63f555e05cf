//! The two clocks: `performance.now()` for waits, `Date.now()` for timestamps.
//!
//! `Date.now()` follows the user's clock, which may step either way, so no wait is measured with it.
//! Where `performance` is missing it must stand in, and is then kept from stepping back.

use std::cell::Cell;

use js_sys::Date;
use wasm_bindgen::prelude::*;

use crate::model::time::{Instant, Now, UnixMillis};
use crate::web::page::WINDOW;

#[wasm_bindgen(module = "/src/web/browser.js")]
extern "C" {
    /// NaN where that is no number.
    #[wasm_bindgen(js_name = performanceNow)]
    fn performance_now(window: &JsValue) -> f64;
}

/// Reads both clocks.
pub(crate) struct Clock {
    window: JsValue,
    has_performance: bool,
    latest: Cell<u64>,
}

impl Clock {
    /// The page's clocks.
    pub(crate) fn new() -> Self {
        Self::with(WINDOW)
    }

    fn with(window: JsValue) -> Self {
        Self {
            has_performance: !performance_now(&window).is_nan(),
            window,
            latest: Cell::new(0),
        }
    }

    /// What time it is. A float that is no number becomes zero in the conversion.
    pub(crate) fn now(&self) -> Now {
        let wall = Date::now() as u64;
        let mono = if self.has_performance {
            // A clock that fails later stands still: the two have nothing in common.
            performance_now(&self.window) as u64
        } else {
            wall
        };
        let mono = mono.max(self.latest.get());
        self.latest.set(mono);
        Now {
            mono: Instant(mono),
            wall: UnixMillis(wall),
        }
    }
}

#[cfg(test)]
#[path = "../../tests/web/clock.rs"]
mod tests;
