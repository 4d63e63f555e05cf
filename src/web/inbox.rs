//! What the shell is told, by the facade and by the JavaScript half.

use crate::engine::io::{Input, Outcome, PageEvent, RequestId, RetryAfter};
use crate::model::time::UnixMillis;

/// An [`Input`] that owns its text, so that it can wait for its turn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Arrival {
    /// [`Input::Calls`].
    Calls(String),
    /// [`Input::Peer`].
    Peer(String),
    /// Any input without text.
    Plain(Input<'static>),
}

impl From<String> for Arrival {
    fn from(calls: String) -> Self {
        Self::Calls(calls)
    }
}

impl From<Input<'static>> for Arrival {
    fn from(input: Input<'static>) -> Self {
        Self::Plain(input)
    }
}

/// What the JavaScript half said by `host.hear(id, code, text, seconds, at)`; see [`heard`](super::heard).
pub(crate) fn arrival(id: u32, code: u16, text: Option<String>, seconds: f64, at: f64) -> Arrival {
    if id == 0 {
        return match text {
            Some(said) => Arrival::Peer(said),
            None => Arrival::Plain(Input::Page(page_event(code))),
        };
    }
    let outcome = match code {
        0 => Outcome::Network,
        1 => Outcome::Refused,
        2 => Outcome::Queued,
        3 => Outcome::Activated,
        _ => Outcome::Status {
            code,
            retry_after: if seconds >= 0.0 {
                Some(RetryAfter::Seconds(seconds as u64))
            } else {
                (at >= 0.0).then_some(RetryAfter::At(UnixMillis(at as u64)))
            },
            body: text,
        },
    };
    Arrival::Plain(Input::Response {
        request: RequestId(id),
        outcome,
    })
}

const fn page_event(code: u16) -> PageEvent {
    match code {
        0 => PageEvent::Hidden,
        1 => PageEvent::Visible,
        2 => PageEvent::Leaving,
        3 => PageEvent::Restored,
        4 => PageEvent::Frozen,
        5 => PageEvent::Resumed,
        6 => PageEvent::Online,
        _ => PageEvent::Offline,
    }
}
