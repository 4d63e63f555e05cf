//! When the next request may leave: backoff, `Retry-After` and breaker in one.
//!
//! A retry rule goes here; what an answer means at all is in [`verdict`](super::verdict).

use crate::{
    delivery::breaker::{Breaker, Failure},
    model::{rng::Rng, time::Instant},
};

/// The longest backoff, in milliseconds.
pub const BACKOFF_MS_MAX: u64 = 30_000;

/// How long a browser that says that it is offline is believed, in milliseconds.
const OFFLINE_MS: u64 = 5_000;

/// How often, and how fast.
#[derive(Clone, Copy, Debug)]
pub struct RetryRules {
    /// Attempts in one go.
    pub attempts: u32,
    /// Upper bound of the first backoff, in milliseconds; it doubles with each attempt.
    pub base_ms: u32,
}

/// See the module.
#[derive(Clone, Debug, Default)]
pub struct Gate {
    attempts: u32,
    not_before: Instant,
    /// The end of the pause that the collector itself asked for.
    told_until: Instant,
    /// The browser says that there is no network: a hint that delays the next attempt, and no more.
    hinted_until: Instant,
    /// See [`Breaker`].
    pub breaker: Breaker,
}

impl Gate {
    /// The collector works.
    pub const fn on_success(&mut self) {
        self.attempts = 0;
        // A pause that the collector asked for stands, whatever else it answers meanwhile.
        self.not_before = Instant(0);
        self.breaker.on_success();
    }

    /// An attempt failed. Returns whether this go is over: the attempts are used up.
    pub fn on_failure(
        &mut self,
        now: Instant,
        failure: Failure,
        after_ms: Option<u64>,
        rules: RetryRules,
        rng: &mut Rng,
    ) -> bool {
        self.breaker.on_failure(now, failure);
        let backoff = u64::from(rules.base_ms) << self.attempts.min(16);
        // Full jitter (Brooker, "Exponential Backoff And Jitter"): clients that failed together
        // come back spread over the whole wait.
        let jittered = rng.below(backoff.min(BACKOFF_MS_MAX) + 1);
        // Failures may come in bunches (requests sent while leaving): the longest wait counts.
        let (until, wait) = match after_ms {
            Some(ms) => (&mut self.told_until, ms),
            None => (&mut self.not_before, jittered),
        };
        *until = (*until).max(now + wait);
        self.attempts += 1;
        let over = self.attempts >= rules.attempts;
        if over {
            self.attempts = 0;
        }
        over
    }

    /// The browser says that there is no network, or that it is back. It has been wrong both ways: on virtual
    /// machines, behind VPNs and on some desktops it says so for good (MDN, `Navigator.onLine`).
    pub fn on_network_hint(&mut self, now: Instant, online: bool) {
        self.hinted_until = if online {
            Instant::default()
        } else {
            now + OFFLINE_MS
        };
    }

    /// When the next request may leave; long past if it may leave now.
    #[must_use]
    pub fn closed_until(&self) -> Instant {
        let at = self.not_before.max(self.told_until);
        at.max(self.hinted_until).max(self.breaker.open_until())
    }

    /// Whether the collector itself asked for a pause that is not over. The one thing that even a
    /// page's last words respect.
    #[must_use]
    pub fn is_told_to_wait(&self, now: Instant) -> bool {
        self.told_until > now
    }

    /// Whether the last attempt failed.
    #[must_use]
    pub const fn has_failed(&self) -> bool {
        self.attempts > 0 || self.breaker.has_failed()
    }

    /// A request leaves.
    pub fn on_send(&mut self, now: Instant) {
        self.breaker.on_send(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: RetryRules = RetryRules {
        attempts: 3,
        base_ms: 300,
    };

    fn fail(gate: &mut Gate, now: u64, after_ms: Option<u64>, rules: RetryRules) -> bool {
        let mut rng = Rng::new(now);
        gate.on_failure(Instant(now), Failure::Busy, after_ms, rules, &mut rng)
    }

    #[test]
    fn backoff_doubles_up_to_the_cap_and_never_exceeds_it() {
        let rules = RetryRules {
            attempts: 20,
            ..RULES
        };
        for round in 0..200 {
            let mut gate = Gate::default();
            for attempt in 0..12 {
                let now = 1_000_000 * (attempt + 1) + round;
                fail(&mut gate, now, None, rules);
                gate.breaker.on_success();
                let wait = gate.closed_until().since_ms(Instant(now));
                assert!(
                    wait <= (300 << attempt).min(BACKOFF_MS_MAX),
                    "attempt {attempt}: {wait}"
                );
            }
        }
    }

    #[test]
    fn a_go_ends_after_the_configured_attempts() {
        let mut gate = Gate::default();
        let overs: Vec<bool> = (0..6).map(|_| fail(&mut gate, 0, None, RULES)).collect();
        assert_eq!(overs, [false, false, true, false, false, true]);
    }

    #[test]
    fn retry_after_holds_until_it_is_over() {
        let mut gate = Gate::default();
        fail(&mut gate, 0, Some(60_000), RULES);
        assert_eq!(gate.closed_until(), Instant(60_000));
        assert!(gate.is_told_to_wait(Instant(59_999)));
        gate.on_send(Instant(60_000));
        assert!(!gate.is_told_to_wait(Instant(60_000)));
    }
}
