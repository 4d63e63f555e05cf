//! The one timer: `setTimeout` for the engine's next deadline.
//!
//! The delay of `setTimeout` is a signed 32-bit number and a larger one fires *at once* (HTML
//! standard, "timer initialization steps"), so it is clamped; waking too early is harmless. Browsers
//! may also fire up to a millisecond early, which the driver meets by arming again.

use std::cell::Cell;
use std::rc::Rc;

use gloo_timers::callback::Timeout;

use super::inbox::Inbox;
use crate::engine::io::Input;
use crate::engine::time::Instant;

/// The longest delay that `setTimeout` takes, 24.8 days.
const DELAY_MS_MAX: u64 = i32::MAX as u64;

/// Wakes the driver at the deadline that was set last.
pub(crate) struct Wakeup {
    inbox: Inbox,
    armed: Rc<Cell<Option<Instant>>>,
    timeout: Cell<Option<Timeout>>,
}

impl Wakeup {
    /// No deadline yet.
    pub(crate) fn new(inbox: Inbox) -> Self {
        Self {
            inbox,
            armed: Rc::default(),
            timeout: Cell::new(None),
        }
    }

    /// Moves the deadline. Does nothing if it stands already: most inputs leave it where it is.
    pub(crate) fn set(&self, deadline: Option<Instant>, now: Instant) {
        if self.armed.replace(deadline) == deadline {
            return;
        }
        self.timeout
            .set(deadline.map(|at| self.arm(at.since_ms(now))));
    }

    fn arm(&self, delay_ms: u64) -> Timeout {
        let (inbox, armed) = (self.inbox.clone(), Rc::clone(&self.armed));
        let delay_ms = u32::try_from(delay_ms.min(DELAY_MS_MAX)).unwrap_or(0);
        Timeout::new(delay_ms, move || {
            // This timer is spent: the same deadline, if it still stands, needs a new one.
            armed.set(None);
            inbox.put(Input::Timeout.into());
        })
    }
}

#[cfg(test)]
#[path = "../../tests/web/timer.rs"]
mod tests;
