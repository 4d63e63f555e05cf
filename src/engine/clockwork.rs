//! What time it is for the engine, and when it wants to be woken.

use crate::model::time::{Instant, Monotonic, Now, Timer, TimerTable};

/// How long the journal must have been quiet before its small segments are merged, in milliseconds.
const MERGE_MS: u64 = 2_000;

/// See the module.
#[derive(Default)]
pub(super) struct Clockwork {
    timers: TimerTable,
    clock: Monotonic,
    /// How far the time that is believed is ahead of the last reading, in milliseconds: what is due is asked for in
    /// the shell's time.
    ahead: u64,
}

impl Clockwork {
    /// What a reading of the shell's clocks means.
    pub(super) fn read(&mut self, now: Now) -> Now {
        let mono = self.clock.read(now.mono.0);
        self.ahead = mono.0.saturating_sub(now.mono.0);
        Now { mono, ..now }
    }

    /// Takes the next timer that is due; call until `None`.
    pub(super) fn take_expired(&mut self, now: Instant) -> Option<Timer> {
        self.timers.take_expired(now)
    }

    /// Sets the timers: to flush after `flush_ms`, unless there is nothing to; to merge, where that is called for.
    pub(super) fn arm(&mut self, now: Instant, flush_ms: Option<u64>, merge: bool) {
        match flush_ms {
            Some(wait_ms) => self.timers.set_if_unset(Timer::Flush, now + wait_ms),
            None => self.timers.stop(Timer::Flush),
        }
        if merge {
            self.timers.set_if_unset(Timer::Merge, now + MERGE_MS);
        }
    }

    /// When the shell is to wake the engine, which wants it for a timer or at `other`.
    pub(super) fn next_timeout(&self, other: Instant) -> Option<Instant> {
        let at = self.timers.next_timeout().min(other);
        (at != Instant::NEVER).then_some(Instant(at.0.saturating_sub(self.ahead)))
    }
}
