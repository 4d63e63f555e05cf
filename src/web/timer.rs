//! The one timer: `setTimeout` for the engine's next deadline.
//!
//! The delay of `setTimeout` is a signed 32-bit number and a larger one fires *at once* (HTML
//! standard, "timer initialization steps"), so it is clamped; waking too early is harmless. Browsers
//! may also fire up to a millisecond early, which the driver meets by arming again.

use std::cell::Cell;

use gloo_timers::callback::Timeout;

use crate::model::time::Instant;

/// The longest delay that `setTimeout` takes, 24.8 days.
const DELAY_MS_MAX: u64 = i32::MAX as u64;

/// Whoever is woken.
pub(crate) trait Wake: Copy + 'static {
    /// The time has come, or nearly so.
    fn wake(self);
}

/// Wakes at the deadline that was set last.
pub(crate) struct Wakeup<W> {
    whom: W,
    armed: Cell<Option<Instant>>,
    timeout: Cell<Option<Timeout>>,
}

impl<W: Wake> Wakeup<W> {
    /// No deadline yet.
    pub(crate) fn new(whom: W) -> Self {
        Self {
            whom,
            armed: Cell::new(None),
            timeout: Cell::new(None),
        }
    }

    /// Moves the deadline. Does nothing if it stands already: most inputs leave it where it is.
    pub(crate) fn set(&self, deadline: Option<Instant>, now: Instant) {
        if self.armed.replace(deadline) != deadline {
            self.timeout
                .set(deadline.map(|at| self.arm(at.since_ms(now))));
        }
    }

    /// It has woken: the same deadline, if it still stands, needs a new timer.
    pub(crate) fn spent(&self) {
        self.armed.set(None);
    }

    fn arm(&self, delay_ms: u64) -> Timeout {
        let whom = self.whom;
        let delay_ms = u32::try_from(delay_ms.min(DELAY_MS_MAX)).unwrap_or(0);
        Timeout::new(delay_ms, move || whom.wake())
    }
}

#[cfg(test)]
#[path = "../../tests/web/timer.rs"]
mod tests;
