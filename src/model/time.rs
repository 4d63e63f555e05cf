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

/// The time of day, anchored to the monotonic clock: it never runs backwards.
///
/// A wall clock that is set back is not followed. One that jumps ahead by more than a second is: the machine slept, and
/// on some the monotonic clock sleeps with it. A monotonic clock that is suddenly far ahead of the wall clock is believed
/// when it is as far ahead at the next reading (then the wall clock was set back): a single reading may be wrong.
#[derive(Clone, Copy, Debug, Default)]
pub struct Timeline {
    anchor: Option<Now>,
    latest: UnixMillis,
    /// How far the monotonic clock is ahead of the wall clock, which was set back.
    lead_ms: u64,
    /// A lead that one reading alone has shown, which is not believed yet.
    doubted_ms: Option<u64>,
}

/// A clock that is ahead of the other by more than this has jumped, in milliseconds.
const JUMP_MS: u64 = 1_000;

impl Timeline {
    /// The time of day at that moment.
    pub fn stamp(&mut self, now: Now) -> UnixMillis {
        let anchor = *self.anchor.get_or_insert(now);
        let expected = anchor.wall.0 + now.mono.since_ms(anchor.mono);
        let lead_ms = expected.saturating_sub(now.wall.0);
        let shown_twice = |doubted: u64| doubted.abs_diff(lead_ms) <= JUMP_MS;
        let believed = self.doubted_ms.take().is_some_and(shown_twice);
        let at = if now.mono < anchor.mono || now.wall.0 > expected + JUMP_MS {
            self.anchor = Some(now);
            self.lead_ms = 0;
            now.wall.0
        } else if lead_ms <= self.lead_ms + JUMP_MS || believed {
            self.lead_ms = self.lead_ms.max(lead_ms);
            expected
        } else {
            self.doubted_ms = Some(lead_ms);
            now.wall.0 + self.lead_ms
        };
        self.latest = self.latest.max(UnixMillis(at));
        self.latest
    }
}

/// The monotonic clock as it should be: a reading that is behind the one before costs no time, and one that was hours
/// ahead does not stop the time until the clock is there again.
#[derive(Clone, Copy, Debug, Default)]
pub struct Monotonic {
    read: Option<u64>,
    now: u64,
}

impl Monotonic {
    /// What a reading means.
    pub fn read(&mut self, reading: u64) -> Instant {
        let before = self.read.replace(reading).unwrap_or(reading);
        if self.now == 0 {
            self.now = reading;
        } else {
            self.now += reading.saturating_sub(before);
        }
        Instant(self.now)
    }
}

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

    fn now(wall: u64, mono: u64) -> Now {
        Now {
            wall: UnixMillis(wall),
            mono: Instant(mono),
        }
    }

    #[test]
    fn the_time_of_day_is_not_set_back_and_follows_a_sleep() {
        let mut line = Timeline::default();
        assert_eq!(line.stamp(now(10_000_000, 1_000)), UnixMillis(10_000_000));
        assert_eq!(
            line.stamp(now(6_400_000, 2_000)),
            UnixMillis(10_000_000),
            "an hour back: doubted"
        );
        assert_eq!(
            line.stamp(now(6_401_000, 3_000)),
            UnixMillis(10_002_000),
            "and believed"
        );
        assert_eq!(
            line.stamp(now(40_000_000, 3_500)),
            UnixMillis(40_000_000),
            "eight hours asleep"
        );
        assert_eq!(
            line.stamp(now(40_000_900, 4_000)),
            UnixMillis(40_000_500),
            "a drift"
        );
        assert_eq!(
            line.stamp(now(40_001_000, 0)),
            UnixMillis(40_001_000),
            "another clock"
        );
        assert_eq!(
            line.stamp(now(39_000_000, 0)),
            UnixMillis(40_001_000),
            "never backwards"
        );
    }

    #[test]
    fn one_reading_that_is_an_hour_ahead_dates_nothing_an_hour_ahead() {
        let mut line = Timeline::default();
        line.stamp(now(10_000_000, 1_000));
        assert_eq!(
            line.stamp(now(10_001_000, 3_602_000)),
            UnixMillis(10_001_000)
        );
        assert_eq!(line.stamp(now(10_002_000, 3_000)), UnixMillis(10_002_000));
    }

    #[test]
    fn a_clock_that_was_set_back_makes_no_wrong_reading_believed() {
        let mut line = Timeline::default();
        line.stamp(now(10_000_000, 1_000));
        assert_eq!(
            line.stamp(now(9_985_000, 2_000)),
            UnixMillis(10_000_000),
            "15 s back: doubted"
        );
        assert_eq!(
            line.stamp(now(9_985_006, 3_602_006)),
            UnixMillis(10_000_000),
            "and an hour ahead, once"
        );
        assert_eq!(line.stamp(now(9_986_000, 3_000)), UnixMillis(10_000_000));
        assert_eq!(line.stamp(now(9_987_000, 4_000)), UnixMillis(10_003_000));
    }

    #[test]
    fn one_reading_that_is_hours_ahead_does_not_stop_the_clock() {
        let mut clock = Monotonic::default();
        assert_eq!(clock.read(1_000), Instant(1_000));
        let ahead = clock.read(3_601_000);
        assert_eq!(clock.read(1_100), ahead);
        assert_eq!(clock.read(1_600), ahead + 500);
    }

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
