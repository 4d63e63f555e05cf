//! What is fixed about a batch once it is cut, what it reports as given up, and the hash that tells
//! batches of one range apart.

use crate::engine::report::DropReason;
use crate::model::time::UnixMillis;

/// A range of events, both ends included, that was given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hole {
    /// First.
    pub from: u64,
    /// Last.
    pub to: u64,
    /// Why.
    pub reason: DropReason,
    /// First event of the sealed batch that reports it, or [`UNREPORTED`].
    pub batch: u64,
}

/// The `batch` of holes that no batch reports yet.
pub const UNREPORTED: u64 = 0;
/// The `batch` of no hole at all.
pub const NO_HOLES: u64 = u64::MAX;

/// A batch whose id and bytes are fixed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seal {
    /// First event.
    pub from: u64,
    /// Last event.
    pub to: u64,
    /// When it was sealed: the envelope's `sentAt`.
    pub at: UnixMillis,
    /// Part of its id: a hash over everything that its bytes depend on.
    pub stamp: u32,
    /// The leader has it.
    pub offered: bool,
    /// It may have reached the collector without our seeing the answer: ask before repeating it.
    pub maybe_sent: bool,
    /// It has been sent before.
    pub sent: bool,
}

impl Seal {
    /// A batch that waits, and reports nothing.
    pub(crate) const fn new(from: u64, to: u64, at: UnixMillis) -> Self {
        Self {
            from,
            to,
            at,
            stamp: 0,
            offered: false,
            maybe_sent: false,
            sent: false,
        }
    }

    /// Whether it is the batch of exactly that range.
    pub(crate) fn spans(&self, from: u64, to: u64) -> bool {
        (self.from, self.to) == (from, to)
    }

    /// Whether it is the same batch to the byte.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        (self.from, self.to, self.stamp) == (other.from, other.to, other.stamp)
    }
}

impl Hole {
    /// One that no batch reports yet.
    #[must_use]
    pub const fn new(from: u64, to: u64, reason: DropReason) -> Self {
        Self {
            from,
            to,
            reason,
            batch: UNREPORTED,
        }
    }
}

/// FNV-1a, 32 bits.
#[derive(Debug)]
pub(crate) struct Stamp(pub(crate) u32);

impl Default for Stamp {
    fn default() -> Self {
        Self(0x811c_9dc5)
    }
}

impl Stamp {
    fn byte(&mut self, byte: u8) {
        self.0 = (self.0 ^ u32::from(byte)).wrapping_mul(0x0100_0193);
    }

    pub(crate) fn text(&mut self, text: &str) {
        text.bytes().for_each(|byte| self.byte(byte));
    }

    pub(crate) fn number(&mut self, number: u64) {
        let mut rest = number;
        for _ in 0..8 {
            // The most significant byte first.
            rest = rest.rotate_left(8);
            self.byte(rest as u8);
        }
    }
}

/// FNV-1a, 32 bits: against truncation and foreign hands, not against malice.
#[must_use]
pub fn checksum(text: &str) -> u32 {
    let mut stamp = Stamp::default();
    stamp.text(text);
    stamp.0
}
