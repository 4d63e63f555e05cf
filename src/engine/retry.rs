//! What an outcome means, and how long to wait after a failure.

use super::{
    breaker::Breaker,
    config::Config,
    io::{Outcome, RetryAfter},
    rng::Rng,
    time::{Instant, Now, UnixMillis},
};

/// The longest backoff, in milliseconds.
pub const BACKOFF_MS_MAX: u64 = 30_000;
/// The longest `Retry-After` that is obeyed, in milliseconds: a day.
pub const RETRY_AFTER_MS_MAX: u64 = 24 * 3_600_000;

/// What becomes of a batch after an outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// 2xx: it is stored.
    Delivered,
    /// Keep it and try again; the collector may have said when.
    Retry {
        /// Milliseconds from now, from `Retry-After`.
        after_ms: Option<u64>,
    },
    /// 413: send it in halves.
    TooLarge,
    /// Another 4xx: it will never be taken.
    Rejected {
        /// HTTP status.
        status: u16,
    },
}

/// Classifies an outcome.
#[must_use]
pub fn classify(outcome: &Outcome, wall: UnixMillis) -> Verdict {
    match outcome {
        Outcome::Status {
            code: 200..=299, ..
        } => Verdict::Delivered,
        Outcome::Status { code: 413, .. } => Verdict::TooLarge,
        Outcome::Status {
            code: 408 | 429,
            retry_after,
            ..
        } => retry(*retry_after, wall),
        Outcome::Status {
            code: status @ 400..=499,
            ..
        } => Verdict::Rejected { status: *status },
        Outcome::Status { retry_after, .. } => retry(*retry_after, wall),
        Outcome::Network | Outcome::Refused | Outcome::Queued | Outcome::Activated => {
            retry(None, wall)
        }
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

fn retry(retry_after: Option<RetryAfter>, wall: UnixMillis) -> Verdict {
    let after_ms = retry_after.map(|when| match when {
        RetryAfter::Seconds(seconds) => seconds.min(RETRY_AFTER_MS_MAX) * 1_000,
        RetryAfter::At(at) => at.0.saturating_sub(wall.0),
    });
    Verdict::Retry {
        after_ms: after_ms.map(|ms| ms.min(RETRY_AFTER_MS_MAX)),
    }
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

    /// When the next request may leave, if not now.
    #[must_use]
    pub fn closed_until(&self, now: Instant) -> Option<Instant> {
        let at = self.not_before.max(self.told_until);
        let at = at.max(self.breaker.open_until());
        (at > now).then_some(at)
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

    fn status(code: u16, retry_after: Option<RetryAfter>) -> Outcome {
        Outcome::Status {
            code,
            retry_after,
            body: None,
        }
    }

    #[test]
    fn outcomes_are_classified() {
        let wall = UnixMillis(784_111_777_000);
        let kept = Verdict::Retry { after_ms: None };
        for (outcome, verdict) in [
            (status(200, None), Verdict::Delivered),
            (status(204, None), Verdict::Delivered),
            (status(400, None), Verdict::Rejected { status: 400 }),
            (status(401, None), Verdict::Rejected { status: 401 }),
            (status(408, None), kept),
            (status(413, None), Verdict::TooLarge),
            (
                status(429, Some(RetryAfter::Seconds(2))),
                Verdict::Retry {
                    after_ms: Some(2_000),
                },
            ),
            (
                status(503, Some(RetryAfter::At(UnixMillis(wall.0 + 2_500)))),
                Verdict::Retry {
                    after_ms: Some(2_500),
                },
            ),
            (
                status(503, Some(RetryAfter::At(UnixMillis(wall.0 - 1)))),
                Verdict::Retry { after_ms: Some(0) },
            ),
            (
                status(503, Some(RetryAfter::Seconds(u64::MAX))),
                Verdict::Retry {
                    after_ms: Some(RETRY_AFTER_MS_MAX),
                },
            ),
            (status(302, None), kept),
            (Outcome::Network, kept),
        ] {
            assert_eq!(classify(&outcome, wall), verdict, "{outcome:?}");
        }
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
                let wait = gate
                    .closed_until(now.mono)
                    .map_or(0, |at| at.since_ms(now.mono));
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
        assert_eq!(gate.closed_until(Instant(59_999)), Some(Instant(60_000)));
        assert!(gate.is_told_to_wait(Instant(59_999)));
        assert_eq!(gate.closed_until(Instant(60_000)), None);
        gate.on_send(Instant(60_000));
        assert!(!gate.is_told_to_wait(Instant(60_000)));
    }
}
