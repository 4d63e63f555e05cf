//! What an outcome means, and how long to wait after a failure.

use crate::delivery::breaker::Breaker;
use crate::engine::config::Config;
use crate::engine::io::{Outcome, RetryAfter};
use crate::engine::report::DropReason;
use crate::model::rng::Rng;
use crate::model::time::{Instant, Now, UnixMillis};
use crate::tabs::peer::PeerVerdict;

/// The longest backoff, in milliseconds.
pub const BACKOFF_MS_MAX: u64 = 30_000;
/// The longest `Retry-After` that is obeyed, in milliseconds: a day.
pub const RETRY_AFTER_MS_MAX: u64 = 24 * 3_600_000;

/// What a status means, 0 being none. `Kept`: it is worth another try.
#[must_use]
pub const fn classify(status: u16) -> PeerVerdict {
    match status {
        200..=299 => PeerVerdict::Delivered { refused: 0 },
        413 => PeerVerdict::TooLarge,
        408 | 429 => PeerVerdict::Kept,
        400..=499 => PeerVerdict::Dropped(DropReason::Rejected),
        _ => PeerVerdict::Kept,
    }
}

/// The HTTP status of an outcome, 0 where there is none.
#[must_use]
pub const fn status_of(outcome: &Outcome) -> u16 {
    match outcome {
        Outcome::Status { code, .. } => *code,
        _ => 0,
    }
}

/// The text of an answer, empty where there is none.
#[must_use]
pub fn text_of(outcome: &Outcome) -> &str {
    match outcome {
        Outcome::Status {
            body: Some(body), ..
        } => body,
        _ => "",
    }
}

/// The pause that the collector asked for, in milliseconds.
#[must_use]
pub fn pause_ms(outcome: &Outcome, wall: UnixMillis) -> Option<u64> {
    let Outcome::Status { retry_after, .. } = outcome else {
        return None;
    };
    let after_ms = match (*retry_after)? {
        RetryAfter::Seconds(seconds) => seconds.min(RETRY_AFTER_MS_MAX) * 1_000,
        RetryAfter::At(at) => at.0.saturating_sub(wall.0),
    };
    Some(after_ms.min(RETRY_AFTER_MS_MAX))
}

/// When the next request may leave: backoff, `Retry-After` and breaker in one.
#[derive(Clone, Debug, Default)]
pub struct Gate {
    attempts: u32,
    not_before: Instant,
    /// The end of the pause that the collector itself asked for.
    told_until: Instant,
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
        now: Now,
        after_ms: Option<u64>,
        config: &Config,
        rng: &mut Rng,
    ) -> bool {
        self.breaker.on_failure(now.mono);
        let backoff = u64::from(config.retry_base_delay_ms) << self.attempts.min(16);
        // Full jitter (Brooker, "Exponential Backoff And Jitter"): clients that failed together
        // come back spread over the whole wait.
        let jittered = rng.below(backoff.min(BACKOFF_MS_MAX) + 1);
        // Failures may come in bunches (requests sent while leaving): the longest wait counts.
        let (until, wait) = match after_ms {
            Some(ms) => (&mut self.told_until, ms),
            None => (&mut self.not_before, jittered),
        };
        *until = (*until).max(now.mono + wait);
        self.attempts += 1;
        let over = self.attempts >= config.max_retries;
        if over {
            self.attempts = 0;
        }
        over
    }

    /// When the next request may leave; long past if it may leave now.
    #[must_use]
    pub fn closed_until(&self) -> Instant {
        let at = self.not_before.max(self.told_until);
        at.max(self.breaker.open_until())
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

    #[test]
    fn outcomes_are_classified() {
        let kept = PeerVerdict::Kept;
        let delivered = PeerVerdict::Delivered { refused: 0 };
        let rejected = PeerVerdict::Dropped(DropReason::Rejected);
        for (status, verdict) in [
            (200, delivered),
            (204, delivered),
            (302, kept),
            (400, rejected),
            (401, rejected),
            (408, kept),
            (413, PeerVerdict::TooLarge),
            (429, kept),
            (503, kept),
            (status_of(&Outcome::Network), kept),
        ] {
            assert_eq!(classify(status), verdict, "{status}");
        }
    }

    #[test]
    fn a_pause_is_asked_for_in_seconds_or_until_a_date() {
        let wall = UnixMillis(784_111_777_000);
        let asked = |retry_after| {
            let outcome = Outcome::Status {
                code: 429,
                retry_after,
                body: None,
            };
            pause_ms(&outcome, wall)
        };
        let at = |ms| Some(RetryAfter::At(UnixMillis(ms)));
        assert_eq!(asked(None), None);
        assert_eq!(asked(Some(RetryAfter::Seconds(2))), Some(2_000));
        assert_eq!(asked(at(wall.0 + 2_500)), Some(2_500));
        assert_eq!(asked(at(wall.0 - 1)), Some(0));
        let forever = asked(Some(RetryAfter::Seconds(u64::MAX)));
        assert_eq!(forever, Some(RETRY_AFTER_MS_MAX));
        assert_eq!(pause_ms(&Outcome::Network, wall), None);
    }

    #[test]
    fn backoff_doubles_up_to_the_cap_and_never_exceeds_it() {
        let (config, mut rng) = (
            Config {
                max_retries: 20,
                ..Config::new("k")
            },
            Rng::new(3),
        );
        for round in 0..200 {
            let mut gate = Gate::default();
            for attempt in 0..12 {
                let now = Now {
                    mono: Instant(1_000_000 * (attempt + 1)),
                    wall: UnixMillis(round),
                };
                gate.on_failure(now, None, &config, &mut rng);
                gate.breaker.on_success();
                let wait = gate.closed_until().since_ms(now.mono);
                assert!(
                    wait <= (300 << attempt).min(BACKOFF_MS_MAX),
                    "attempt {attempt}: {wait}"
                );
            }
        }
    }

    #[test]
    fn a_go_ends_after_the_configured_attempts() {
        let (config, mut rng, mut gate) = (Config::new("k"), Rng::new(1), Gate::default());
        let now = Now::default();
        let overs: Vec<bool> = (0..6)
            .map(|_| gate.on_failure(now, None, &config, &mut rng))
            .collect();
        assert_eq!(overs, [false, false, true, false, false, true]);
    }

    #[test]
    fn retry_after_holds_until_it_is_over() {
        let (config, mut rng, mut gate) = (Config::new("k"), Rng::new(1), Gate::default());
        gate.on_failure(Now::default(), Some(60_000), &config, &mut rng);
        assert_eq!(gate.closed_until(), Instant(60_000));
        assert!(gate.is_told_to_wait(Instant(59_999)));
        gate.on_send(Instant(60_000));
        assert!(!gate.is_told_to_wait(Instant(60_000)));
    }
}
