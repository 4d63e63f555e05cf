//! The two clocks: `performance.now()` for waits, `Date.now()` for timestamps.
//!
//! `Date.now()` follows the user's clock, which may step either way, so no wait is measured with it.
//! Where `performance` is missing it must stand in, and is then kept from stepping back.

use std::cell::Cell;

use js_sys::Date;
use wasm_bindgen::JsValue;

use super::{convert, page};
use crate::engine::time::{Instant, Now, UnixMillis};

/// Reads both clocks.
pub(crate) struct Clock {
    performance: JsValue,
    has_performance: bool,
    latest: Cell<u64>,
}

impl Clock {
    /// The page's clocks.
    pub(crate) fn new() -> Self {
        Self::with(convert::property(&page::window(), "performance"))
    }

    fn with(performance: JsValue) -> Self {
        Self {
            has_performance: read(&performance).is_some(),
            performance,
            latest: Cell::new(0),
        }
    }

    /// What time it is. A float that is no number becomes zero in the conversion.
    pub(crate) fn now(&self) -> Now {
        let wall = Date::now() as u64;
        let mono = if self.has_performance {
            // A clock that fails later stands still: the two have nothing in common.
            read(&self.performance).map_or(0, |ms| ms as u64)
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

fn read(performance: &JsValue) -> Option<f64> {
    convert::call(performance, "now", &JsValue::UNDEFINED).as_f64()
}

#[cfg(test)]
#[path = "../../tests/web/clock.rs"]
mod tests;
