//! How an attempt at a batch ended.

use crate::model::drop_reason::DropReason;

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Stored, but for the events listed by their numbers.
    Delivered {
        /// Events that the destination refused one by one.
        refused: Vec<u64>,
        /// Events that are to be sent again.
        again: Vec<u64>,
    },
    /// The destination wants it in smaller pieces.
    TooLarge,
    /// Given up.
    Dropped(DropReason),
    /// The attempts of this go are used up; it is kept.
    Kept,
}

impl Ending {
    /// All of it is stored.
    #[must_use]
    pub const fn delivered() -> Self {
        Self::Delivered {
            refused: Vec::new(),
            again: Vec::new(),
        }
    }
}
