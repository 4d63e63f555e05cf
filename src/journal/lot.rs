//! A stream with what its holder may do with it.

use crate::journal::stream::Stream;

/// What may be done with a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rights {
    /// It is this tab's own; its next batch is due if it is full or asked for.
    Own,
    /// Its tab lives: only what it has sealed and handed over may be sent.
    Offered,
    /// Its tab is gone.
    Adopted,
    /// It is about to be let go of: only answers are awaited.
    None,
}

/// A stream, and what may be done with it.
#[derive(Debug)]
pub struct Lot<'a> {
    /// The stream.
    pub stream: &'a mut Stream,
    /// What may be done.
    pub rights: Rights,
}
