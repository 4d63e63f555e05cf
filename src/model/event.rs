//! An event as it waits: its number and its text.

use crate::{model::edits::has_edits, text::view::EventView};

/// The event that begins a session. The SDK tracks it, not the page: it is in no account, and no page's event makes room
/// for it.
pub const SESSION_START: &str = "$session";

/// One event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entry {
    /// Number within its tab.
    pub seq: u64,
    /// The page that it was tracked on, as an index into the pages that its log holds.
    pub page: usize,
    /// Its canonical text: the native format's event.
    pub text: String,
}

impl Entry {
    /// Whether a destination is to have another text than this.
    #[must_use]
    pub fn has_edits(&self) -> bool {
        has_edits(&self.text)
    }

    /// See [`is_tracked`].
    #[must_use]
    pub fn is_tracked(&self) -> bool {
        is_tracked(&EventView::of(&self.text))
    }
}

/// Whether a page has tracked an event.
#[must_use]
pub fn is_tracked(event: &EventView<'_>) -> bool {
    event.name() != SESSION_START
}
