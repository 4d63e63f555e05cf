//! `flush()` and `shutdown()`: who waits, and when they are answered.

use crate::model::time::Instant;

/// A `flush()` is answered after this long at the latest, in milliseconds.
pub const FLUSH_WAIT_MS: u64 = 30_000;
/// A gate that stays closed longer than this does not keep a `flush()` waiting.
pub const FLUSH_PATIENCE_MS: u64 = 5_000;
/// Flushes that wait at once, at most; the oldest is answered when there is one more.
const WAITERS_MAX: usize = 1_000;

/// A `flush()` or `shutdown()` to be answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waiter {
    /// The id it was asked with.
    pub id: u32,
    /// Done when everything up to this event is.
    pub to: u64,
    /// Events delivered before.
    pub delivered: u64,
    /// Events given up before.
    pub dropped: u64,
    /// When it is answered at the latest.
    pub give_up_at: Instant,
    /// It is the last thing that is asked.
    pub shutdown: bool,
}

/// See the module.
#[derive(Debug, Default)]
pub struct Flushes(Vec<Waiter>);

impl Flushes {
    /// Somebody waits.
    pub fn wait(&mut self, waiter: Waiter) {
        self.0.push(waiter);
    }

    /// When somebody has waited as long as may be.
    #[must_use]
    pub fn next_deadline(&self) -> Instant {
        let deadlines = self.0.iter().map(|waiter| waiter.give_up_at);
        deadlines.min().unwrap_or(Instant::NEVER)
    }

    /// Those who need not wait any longer: everything up to `settled` is done, or waiting is `hopeless`.
    pub fn answer(&mut self, now: Instant, settled: u64, hopeless: bool) -> Vec<Waiter> {
        let over = |waiter: &Waiter| hopeless || settled >= waiter.to || now >= waiter.give_up_at;
        let excess = self.0.len().saturating_sub(WAITERS_MAX);
        let mut answered: Vec<Waiter> = self.0.drain(..excess).collect();
        answered.extend(self.0.extract_if(.., |waiter| over(waiter)));
        answered
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waiter(id: u32, to: u64, give_up_at: u64) -> Waiter {
        Waiter {
            id,
            to,
            delivered: 0,
            dropped: 0,
            give_up_at: Instant(give_up_at),
            shutdown: false,
        }
    }

    fn ids(answered: &[Waiter]) -> Vec<u32> {
        answered.iter().map(|waiter| waiter.id).collect()
    }

    #[test]
    fn each_is_answered_once_when_its_time_has_come() {
        let mut flushes = Flushes::default();
        for (id, to, give_up_at) in [(1, 5, 100), (2, 9, 100), (3, 9, 50)] {
            flushes.wait(waiter(id, to, give_up_at));
        }
        assert_eq!(flushes.next_deadline(), Instant(50));
        assert_eq!(ids(&flushes.answer(Instant(10), 4, false)), [0_u32; 0]);
        assert_eq!(ids(&flushes.answer(Instant(10), 5, false)), [1]);
        assert_eq!(ids(&flushes.answer(Instant(50), 5, false)), [3]);
        assert_eq!(ids(&flushes.answer(Instant(60), 5, true)), [2]);
        assert_eq!(flushes.next_deadline(), Instant::NEVER);
    }

    #[test]
    fn their_number_is_bounded() {
        let mut flushes = Flushes::default();
        for id in 0..=WAITERS_MAX as u32 {
            flushes.wait(waiter(id, 9, 100));
        }
        assert_eq!(ids(&flushes.answer(Instant(0), 0, false)), [0]);
    }
}
