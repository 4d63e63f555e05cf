//! Time as data: the engine never reads a clock, it is told what time it is with every input.

use core::ops::Add;

/// A point on the tab's monotonic clock, in milliseconds since an arbitrary origin
/// (`performance.now()` in a browser). Comparable only within one page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Instant(pub u64);

impl Instant {
    /// Later than everything: a deadline that is not set.
    pub const NEVER: Self = Self(u64::MAX);

    /// Milliseconds from `earlier` to `self`; zero when the clock stepped back.
    #[must_use]
    pub const fn since_ms(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

impl Add<u64> for Instant {
    type Output = Self;

    /// What is added is a wait of days at most, and never to [`Self::NEVER`].
    fn add(self, ms: u64) -> Self {
        Self(self.0 + ms)
    }
}

/// Wall-clock time, in milliseconds since 1970-01-01T00:00:00Z. It may jump in either direction;
/// nothing but timestamps and the age of stored events is derived from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct UnixMillis(pub u64);

/// What time it is, on both clocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Now {
    /// For every timer and wait.
    pub mono: Instant,
    /// For timestamps on the wire and in the journal.
    pub wall: UnixMillis,
}

/// Every reason the engine itself may want to be woken for; its parts say their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timer {
    /// Pending events have waited `flushInterval`.
    Flush,
    /// The journal has been quiet long enough to merge its small segments.
    Merge,
}

/// One deadline per [`Timer`], or [`Instant::NEVER`].
#[derive(Clone, Debug)]
pub struct TimerTable {
    deadlines: [Instant; Timer::ALL.len()],
}

impl Default for TimerTable {
    fn default() -> Self {
        Self {
            deadlines: [Instant::NEVER; Timer::ALL.len()],
        }
    }
}

impl Timer {
    /// In the order in which expired timers are served.
    pub const ALL: [Self; 2] = [Self::Flush, Self::Merge];
}

impl TimerTable {
    /// Sets or moves a deadline.
    pub fn set(&mut self, timer: Timer, at: Instant) {
        if let Some(slot) = self.deadlines.get_mut(timer as usize) {
            *slot = at;
        }
    }

    /// Sets a deadline unless one is already set.
    pub fn set_if_unset(&mut self, timer: Timer, at: Instant) {
        if !self.is_set(timer) {
            self.set(timer, at);
        }
    }

    /// Forgets a deadline.
    pub fn stop(&mut self, timer: Timer) {
        self.set(timer, Instant::NEVER);
    }

    /// Whether a deadline is set.
    #[must_use]
    pub fn is_set(&self, timer: Timer) -> bool {
        let at = self.deadlines.get(timer as usize);
        at.is_some_and(|at| *at != Instant::NEVER)
    }

    /// Takes the next timer that is due; call until `None`.
    pub fn take_expired(&mut self, now: Instant) -> Option<Timer> {
        let due = self.deadlines.iter().position(|at| *at <= now)?;
        let timer = *Timer::ALL.get(due)?;
        self.stop(timer);
        Some(timer)
    }

    /// The earliest deadline; changes after any `set`, `stop` or `take_expired`.
    #[must_use]
    pub fn next_timeout(&self) -> Instant {
        self.deadlines
            .iter()
            .fold(Instant::NEVER, |first, at| first.min(*at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timers_expire_once_and_in_order() {
        let mut table = TimerTable::default();
        table.set(Timer::Merge, Instant(20));
        table.set(Timer::Flush, Instant(10));
        table.set_if_unset(Timer::Flush, Instant(99));
        assert_eq!(table.next_timeout(), Instant(10));
        assert_eq!(table.take_expired(Instant(9)), None);
        assert_eq!(table.take_expired(Instant(20)), Some(Timer::Flush));
        assert_eq!(table.take_expired(Instant(20)), Some(Timer::Merge));
        assert_eq!(table.take_expired(Instant(20)), None);
        assert_eq!(table.next_timeout(), Instant::NEVER);
    }
}
