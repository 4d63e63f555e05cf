//! How the parts of the shell tell the driver what happened, without knowing it.
//!
//! A part holds an [`Inbox`], which does not keep the driver alive: a promise that settles after the
//! client is gone finds nobody there, and that is the end of it.

use std::rc::Weak;

use crate::engine::io::{Input, Outcome, PageEvent, RequestId};

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
    pub(crate) fn put(&self, arrival: impl Into<Arrival>) {
        if let Some(recipient) = self.0.upgrade() {
            recipient.put(arrival.into());
        }
    }

    /// What became of a request.
    pub(crate) fn outcome(&self, request: RequestId, outcome: Outcome) {
        self.put(Input::Response { request, outcome });
    }

    /// What the page did.
    pub(crate) fn page(&self, event: PageEvent) {
        self.put(Input::Page(event));
    }
}
