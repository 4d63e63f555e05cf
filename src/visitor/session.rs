//! Sessions: events with no long pause between them.
//!
//! Which session an event is in is decided by the event's own time, not by when it is sent: one that is delivered
//! days later neither ends up in today's session nor stretches yesterday's.

use crate::{
    model::time::UnixMillis,
    visitor::record::{Session, Visitor},
};

/// How long a session may be.
#[derive(Clone, Copy, Debug)]
pub struct SessionRules {
    /// A pause longer than this ends it, in milliseconds.
    pub timeout_ms: u64,
    /// It ends when it is older than this, in milliseconds.
    pub max_ms: u64,
}

/// Why a session began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// There was none.
    First,
    /// The one before had paused too long.
    Timeout,
    /// The one before had lasted too long.
    Max,
    /// The visitor was forgotten.
    Reset,
    /// He came by another campaign.
    Campaign,
}

impl Reason {
    /// Its name in events.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::First => "first",
            Self::Timeout => "timeout",
            Self::Max => "max",
            Self::Reset => "reset",
            Self::Campaign => "campaign",
        }
    }
}

impl SessionRules {
    /// Why an event at that time begins a new session; `None` if it is in the present one.
    #[must_use]
    pub fn ends(&self, session: Option<&Session>, at: UnixMillis) -> Option<Reason> {
        let Some(session) = session else {
            return Some(Reason::First);
        };
        if at.0.saturating_sub(session.last_at.0) > self.timeout_ms {
            Some(Reason::Timeout)
        } else if at.0.saturating_sub(session.started_at.0) > self.max_ms {
            Some(Reason::Max)
        } else {
            None
        }
    }
}

/// Begins a session (its id is a JSON string).
pub fn begin(visitor: &mut Visitor, id: String, at: UnixMillis) {
    visitor.session = Some(Session {
        id,
        started_at: at,
        last_at: at,
        events: 0,
    });
    visitor.touch();
}

/// An event of the present session: the session's id and the event's number in it.
pub fn count(visitor: &mut Visitor, at: UnixMillis) -> Option<(String, u64)> {
    let session = visitor.session.as_mut()?;
    session.last_at = session.last_at.max(at);
    session.events += 1;
    Some((session.id.clone(), session.events))
}

/// The session that was open when a backfilled event happened, if it is the present one. It changes nothing.
#[must_use]
pub fn open_at(visitor: &Visitor, at: UnixMillis) -> Option<&Session> {
    let session = visitor.session.as_ref()?;
    (session.started_at <= at && at <= session.last_at).then_some(session)
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: SessionRules = SessionRules {
        timeout_ms: 1_000,
        max_ms: 5_000,
    };

    #[test]
    fn a_session_ends_by_a_pause_or_by_age_of_the_events_own_time() {
        let mut visitor = Visitor::new("a");
        assert_eq!(RULES.ends(None, UnixMillis(0)), Some(Reason::First));
        begin(&mut visitor, "\"s\"".into(), UnixMillis(100));
        for at in (1_000..=5_000).step_by(1_000) {
            assert_eq!(
                RULES.ends(visitor.session.as_ref(), UnixMillis(at)),
                None,
                "{at}"
            );
            count(&mut visitor, UnixMillis(at));
        }
        let ends = |at| RULES.ends(visitor.session.as_ref(), UnixMillis(at));
        assert_eq!(ends(5_101), Some(Reason::Max));
        assert_eq!(ends(6_001), Some(Reason::Timeout));
        assert_eq!(ends(50), None, "a clock that was set back ends nothing");
        assert_eq!(visitor.session.as_ref().unwrap().events, 5);
    }

    #[test]
    fn a_backfilled_event_changes_nothing() {
        let mut visitor = Visitor::new("a");
        begin(&mut visitor, "\"s\"".into(), UnixMillis(100));
        count(&mut visitor, UnixMillis(200));
        assert!(open_at(&visitor, UnixMillis(150)).is_some());
        assert!(
            open_at(&visitor, UnixMillis(99)).is_none()
                && open_at(&visitor, UnixMillis(201)).is_none()
        );
    }
}
