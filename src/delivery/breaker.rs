//! The circuit breaker: after several failures in a row nothing is sent for a while, then one probe.

use crate::model::time::Instant;

/// In what way an attempt failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// No answer, or somebody else's: no network, CORS, a content blocker, a captive portal.
    NoAnswer,
    /// No answer in time: a slow line, or a slow destination.
    Late,
    /// The destination asks for patience, or is broken: 408, 425, 429, 5xx.
    Busy,
    /// "Not here, not now": 401, 403, 404 and the like.
    Unwelcome,
}

/// Failures in a row that open it.
pub const FAILURES_MAX: u32 = 5;
/// How long it stays open, in milliseconds.
pub const OPEN_MS: u64 = 5_000;
/// How long it stays open at most where nothing has ever got through, in milliseconds.
pub const OPEN_MS_MAX: u64 = 10 * 60_000;
/// Openings in a row, with never a success, after which the endpoint counts as blocked.
pub const BLOCKED_OPENINGS: u32 = 3;

/// See the module.
#[derive(Clone, Debug, Default)]
pub struct Breaker {
    failures: u32,
    /// Times it opened since it was closed.
    openings: u32,
    /// When it lets a probe through; zero while it is closed.
    open_until: Instant,
    ever_succeeded: bool,
    /// Anything but silence has ever been met.
    ever_answered: bool,
}

impl Breaker {
    /// An answer that shows a working collector. A late one, to a request from before it opened,
    /// does not close it: the probe does.
    pub const fn on_success(&mut self) {
        self.failures = 0;
        self.openings = self.is_open() as u32;
        self.ever_succeeded = true;
    }

    /// A failed attempt.
    pub fn on_failure(&mut self, now: Instant, failure: Failure) {
        self.failures += 1;
        self.ever_answered |= failure != Failure::NoAnswer;
        if self.is_half_open() || self.failures >= FAILURES_MAX {
            // Where nothing ever got through, an extension or a policy is likelier than an outage, and where we
            // are not welcome, somebody has to see to it: each opening doubles the wait. An outage is
            // probed every few seconds.
            let doubles = !self.ever_succeeded || failure == Failure::Unwelcome;
            let doublings = if doubles { self.openings.min(16) } else { 0 };
            self.open_until = now + (OPEN_MS << doublings).min(OPEN_MS_MAX);
            self.openings += 1;
            self.failures = 0;
        }
    }

    /// When it lets the next request through.
    #[must_use]
    pub const fn open_until(&self) -> Instant {
        self.open_until
    }

    /// A request is about to leave: the first one after the wait is the probe.
    pub fn on_send(&mut self, now: Instant) {
        if self.open_until <= now {
            self.open_until = Instant::default();
        }
    }

    /// Whether nothing has ever got through and that is likely to stay. A destination that is slow, busy or
    /// does not know us is there, and so is not what is meant.
    #[must_use]
    pub const fn is_blocked(&self) -> bool {
        !self.ever_succeeded && !self.ever_answered && self.openings >= BLOCKED_OPENINGS
    }

    /// Whether every attempt so far, and more than one, was in vain. An extension, a service worker or the policy of this
    /// page may be what does it: another tab may fare better.
    #[must_use]
    pub const fn is_shut_out(&self) -> bool {
        !self.ever_succeeded && (self.failures > 1 || self.openings > 0)
    }

    /// Whether anything has ever got through.
    #[must_use]
    pub const fn has_succeeded(&self) -> bool {
        self.ever_succeeded
    }

    const fn is_open(&self) -> bool {
        self.open_until.0 > 0
    }

    /// Whether the probe is under way: it was opened, and is not open any more.
    const fn is_half_open(&self) -> bool {
        self.openings > 0 && !self.is_open()
    }

    /// Whether anything failed since the last success.
    #[must_use]
    pub const fn has_failed(&self) -> bool {
        self.failures > 0 || self.openings > 0
    }

    /// Whether it has not opened since the last success.
    #[must_use]
    pub const fn is_closed(&self) -> bool {
        self.openings == 0
    }

    /// `closed`, `open` or `half_open`.
    #[must_use]
    pub const fn state(&self) -> &'static str {
        if self.is_half_open() {
            "half_open"
        } else if self.is_open() {
            "open"
        } else {
            "closed"
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fail(breaker: &mut Breaker, times: u32, now: Instant) {
        (0..times).for_each(|_| breaker.on_failure(now, Failure::NoAnswer));
    }

    #[test]
    fn opens_after_five_failures_in_a_row_then_lets_one_probe_through() {
        let mut breaker = Breaker::default();
        breaker.on_success();
        fail(&mut breaker, 4, Instant(0));
        breaker.on_success();
        fail(&mut breaker, 4, Instant(0));
        assert_eq!(
            (breaker.state(), breaker.open_until()),
            ("closed", Instant(0))
        );
        fail(&mut breaker, 1, Instant(0));
        assert_eq!(breaker.open_until(), Instant(5_000));
        breaker.on_send(Instant(5_000));
        assert_eq!(breaker.state(), "half_open");
        fail(&mut breaker, 1, Instant(5_100));
        assert_eq!(breaker.open_until(), Instant(10_100));
        breaker.on_send(Instant(10_100));
        breaker.on_success();
        assert_eq!(breaker.state(), "closed");
    }

    #[test]
    fn probes_get_rare_where_nothing_ever_got_through_and_recover() {
        let mut breaker = Breaker::default();
        let mut now = Instant(0);
        fail(&mut breaker, 5, now);
        for wait in [5_000, 10_000, 20_000] {
            assert!(!breaker.is_blocked() || wait == 20_000);
            let until = breaker.open_until();
            assert_eq!(until.since_ms(now), wait);
            now = until;
            breaker.on_send(now);
            fail(&mut breaker, 1, now);
        }
        assert!(breaker.is_blocked());
        (0..40).for_each(|_| {
            now = breaker.open_until();
            breaker.on_send(now);
            fail(&mut breaker, 1, now);
        });
        assert_eq!(breaker.open_until().since_ms(now), OPEN_MS_MAX);
        breaker.on_success();
        assert!(!breaker.is_blocked());
    }

    #[test]
    fn a_page_is_shut_out_until_it_gets_through_once() {
        for failure in [
            Failure::NoAnswer,
            Failure::Late,
            Failure::Unwelcome,
            Failure::Busy,
        ] {
            let mut breaker = Breaker::default();
            breaker.on_failure(Instant(0), failure);
            assert!(!breaker.is_shut_out(), "once is no proof");
            breaker.on_failure(Instant(0), failure);
            assert!(breaker.is_shut_out(), "{failure:?}");
            breaker.on_success();
            fail(&mut breaker, 9, Instant(0));
            assert!(!breaker.is_shut_out());
        }
    }

    #[test]
    fn a_destination_that_is_slow_or_does_not_know_us_is_not_blocked() {
        for failure in [Failure::Late, Failure::Busy, Failure::Unwelcome] {
            let mut breaker = Breaker::default();
            for _ in 0..40 {
                let now = breaker.open_until();
                breaker.on_send(now);
                breaker.on_failure(now, failure);
                breaker.on_failure(now, Failure::NoAnswer);
            }
            assert!(!breaker.is_blocked(), "{failure:?}");
        }
    }
}
