//! The two clocks: `performance.now()` for waits, `Date.now()` for timestamps.
//!
//! `Date.now()` follows the user's clock, which may step either way, so no wait is measured with it.
//! Where `performance` is missing it must stand in, and is then kept from stepping back.

use std::cell::Cell;

use js_sys::Date;
use web_sys::Performance;

use super::page;
use crate::engine::time::{Instant, Now, UnixMillis};

/// Reads both clocks.
pub(crate) struct Clock {
    performance: Option<Performance>,
    latest: Cell<u64>,
}

impl Clock {
    /// The page's clocks.
    pub(crate) fn new() -> Self {
        Self::with(page::window().performance())
    }

    fn with(performance: Option<Performance>) -> Self {
        Self {
            performance,
            latest: Cell::new(0),
        }
    }

    /// What time it is. A float that is no number becomes zero in the conversion.
    pub(crate) fn now(&self) -> Now {
        let wall = Date::now() as u64;
        let read = self
            .performance
            .as_ref()
            .map_or(wall, |clock| clock.now() as u64);
        let mono = read.max(self.latest.get());
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
