//! How the parts of the shell tell the driver what happened, without knowing it.
//!
//! A part holds an [`Inbox`], which does not keep the driver alive: a promise that settles after the
//! client is gone finds nobody there, and that is the end of it.

use std::rc::Weak;

use js_sys::Function;
use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;

use crate::engine::io::{Input, Outcome, PageEvent, RequestId, RetryAfter};
use crate::engine::time::UnixMillis;

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

/// Whoever takes in what the parts hear.
pub(crate) trait Recipient {
    /// Takes `arrival` in: now, or after what is being worked on.
    fn put(&self, arrival: Arrival);
}

/// A part's way to its recipient.
#[derive(Clone)]
pub(crate) struct Inbox(Weak<dyn Recipient>);

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

impl Inbox {
    /// The way to `recipient`, for as long as it lives.
    pub(crate) fn new(recipient: Weak<dyn Recipient>) -> Self {
        Self(recipient)
    }

    /// Delivers `arrival`, if anybody is still there.
    pub(crate) fn put(&self, arrival: Arrival) {
        if let Some(recipient) = self.0.upgrade() {
            recipient.put(arrival);
        }
    }

    /// The same for the JavaScript half of a part: a function `hear(id, code, text, seconds, at)`.
    ///
    /// * `hear(id, code, body, seconds, at)`: what became of a request. The code is the status, or
    ///   0 for no answer, 1 refused, 2 queued, 3 activated; `seconds` or `at` is its `Retry-After`.
    /// * `hear(0, 0, text)`: what another tab said.
    /// * `hear(0, code)`: what the page did, in the order of [`PageEvent`].
    ///
    /// One shape for all parts, because each has code of its own on both sides. The function belongs
    /// to JavaScript, which frees it.
    pub(crate) fn hear(&self) -> Function {
        let inbox = self.clone();
        let hear = move |id, code, text, seconds, at| {
            inbox.put(arrival(id, code, text, seconds, at));
        };
        Closure::<dyn Fn(u32, u16, Option<String>, f64, f64)>::new(hear)
            .into_js_value()
            .unchecked_into()
    }
}

/// What is missing comes as 0, none or NaN, which is not >= 0.
fn arrival(id: u32, code: u16, text: Option<String>, seconds: f64, at: f64) -> Arrival {
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
