//! Whose answer is it, and what does it mean?
//!
//! A captive portal, a login page, a blocker's fake answer and a service worker's offline page all say 200. An
//! answer that is a web page, that came from another place, or of which nothing can be seen, is none;
//! and where a destination has spoken its dialect once, a 200 in another one is none either.

use crate::{
    delivery::breaker::Failure,
    model::{
        request::{Nature, Outcome},
        time::UnixMillis,
    },
    wire::{Answer, Format, Verdict},
};

/// What an outcome means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Judgement {
    /// The destination has decided.
    Decided(Verdict),
    /// It has not: the batch is kept.
    Failed {
        /// In what way.
        failure: Failure,
        /// The pause that it asked for, in milliseconds.
        after_ms: Option<u64>,
    },
}

/// Judges the outcome of a batch of so many events. `spoke`: whether the destination has spoken its dialect.
pub fn judge(
    format: &dyn Format,
    spoke: &mut bool,
    events: usize,
    outcome: &Outcome,
    wall: UnixMillis,
) -> Judgement {
    let Outcome::Status {
        code,
        retry_after,
        body,
        nature,
    } = outcome
    else {
        let late = matches!(outcome, Outcome::TimedOut);
        return failed(if late {
            Failure::Late
        } else {
            Failure::NoAnswer
        });
    };
    let answer = Answer {
        status: *code,
        body: body.as_deref().unwrap_or(""),
        retry_after_ms: retry_after.map(|after| after.pause_ms(wall)),
    };
    let dialect = body.as_deref().and_then(|body| format.is_dialect(body));
    if answer.status < 400 && !is_own(*nature, dialect, spoke) {
        return failed(Failure::NoAnswer);
    }
    match format.read_answer(events, &answer) {
        Verdict::Retry { after_ms } => Judgement::Failed {
            failure: Failure::Busy,
            after_ms,
        },
        // A web page that says so is a proxy's.
        Verdict::Rejected if *nature == Nature::Html => failed(Failure::Unwelcome),
        Verdict::Unwelcome => Judgement::Failed {
            failure: Failure::Unwelcome,
            after_ms: answer.retry_after_ms,
        },
        verdict => Judgement::Decided(verdict),
    }
}

/// Whether an answer is the destination's own.
fn is_own(nature: Nature, dialect: Option<bool>, spoke: &mut bool) -> bool {
    *spoke |= dialect == Some(true);
    match nature {
        Nature::Plain => !*spoke || dialect != Some(false),
        // It was redirected with method and body, if what answered speaks the dialect.
        Nature::Redirected => dialect == Some(true),
        Nature::Html | Nature::Opaque => false,
    }
}

const fn failed(failure: Failure) -> Judgement {
    Judgement::Failed {
        failure,
        after_ms: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::native::Native;

    fn status(code: u16, nature: Nature, body: Option<&str>) -> Outcome {
        Outcome::Status {
            code,
            retry_after: None,
            body: body.map(ToOwned::to_owned),
            nature,
        }
    }

    fn judged(spoke: bool, outcome: &Outcome) -> Judgement {
        let format = Native::new("/in", "key");
        judge(&format, &mut spoke.clone(), 3, outcome, UnixMillis(0))
    }

    #[test]
    fn foreign_answers_are_none() {
        let (own, other) = (Some("{\"accepted\":3}"), Some("{}"));
        let delivered = Judgement::Decided(Verdict::Delivered);
        let none = failed(Failure::NoAnswer);
        for (spoke, nature, body, expected) in [
            (false, Nature::Plain, own, &delivered),
            (false, Nature::Plain, other, &delivered),
            (true, Nature::Plain, other, &none),
            (true, Nature::Plain, Some(""), &none),
            (true, Nature::Plain, None, &delivered),
            (false, Nature::Html, Some("<html>"), &none),
            (false, Nature::Redirected, Some("<html>"), &none),
            (false, Nature::Redirected, own, &delivered),
            (false, Nature::Opaque, None, &none),
        ] {
            let outcome = status(200, nature, body);
            assert_eq!(
                &judged(spoke, &outcome),
                expected,
                "{spoke} {nature:?} {body:?}"
            );
        }
    }

    #[test]
    fn refusals_are_for_good_or_not() {
        let plain = |code| judged(true, &status(code, Nature::Plain, Some("")));
        assert_eq!(plain(400), Judgement::Decided(Verdict::Rejected));
        assert_eq!(plain(422), Judgement::Decided(Verdict::Rejected));
        assert_eq!(plain(413), Judgement::Decided(Verdict::TooLarge));
        for code in [401, 403, 404, 405, 410] {
            assert_eq!(plain(code), failed(Failure::Unwelcome), "{code}");
        }
        for code in [302, 408, 429, 500, 503] {
            let busy = if code == 302 {
                Failure::NoAnswer
            } else {
                Failure::Busy
            };
            assert_eq!(plain(code), failed(busy), "{code}");
        }
        let proxy = status(400, Nature::Html, Some("<h1>Bad</h1>"));
        assert_eq!(judged(true, &proxy), failed(Failure::Unwelcome));
        assert_eq!(judged(true, &Outcome::TimedOut), failed(Failure::Late));
    }
}
