//! A range of numbers given up, and why.

use crate::model::drop_reason::DropReason;

/// Events of a tab that were given up, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gap {
    /// First.
    pub from: u64,
    /// Last.
    pub to: u64,
    /// Why.
    pub reason: DropReason,
}

impl Gap {
    /// Whether the other goes on, for the same reason, where this one ends.
    #[must_use]
    pub fn goes_on_in(&self, other: &Self) -> bool {
        self.reason == other.reason && self.to + 1 == other.from
    }
}
