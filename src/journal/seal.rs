//! What is fixed about a batch once it is cut, and the hash that tells batches of one range apart.

use crate::model::{
    ids::{TabId, batch_id},
    time::UnixMillis,
};

/// A batch of one destination whose id and bytes are fixed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seal {
    /// First event.
    pub from: u64,
    /// Last event.
    pub to: u64,
    /// When it was sealed.
    pub at: UnixMillis,
    /// Part of its id: a hash over everything that its bytes depend on.
    pub stamp: u32,
    /// What is known of its way so far.
    pub way: Way,
}

/// What is known of a sealed batch's way. Only `maybe_sent` outlives the tab, as whoever reads a seal
/// takes it to have been sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Way {
    /// The leader has it.
    pub offered: bool,
    /// The leader has said that it is under way.
    pub flies: bool,
    /// It may have reached the destination without our seeing the answer: ask before repeating it.
    pub maybe_sent: bool,
    /// It has been sent before.
    pub sent: bool,
    /// It was too slow: to be cut into smaller ones before it is sent again.
    pub slow: bool,
    /// The destination said "not here, not now" to it.
    pub unwelcome: bool,
    /// Failures of these bytes in a row.
    pub failures: u8,
    /// Times that another batch was taken right after this one failed.
    pub overtaken: u8,
}

/// Names a sealed batch: one name is one content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchRef {
    /// Whose events.
    pub tab: TabId,
    /// For which destination: its place in the configuration.
    pub lane: usize,
    /// First event.
    pub from: u64,
    /// Last event.
    pub to: u64,
    /// See [`Seal::stamp`].
    pub stamp: u32,
}

impl BatchRef {
    /// Its id on the wire.
    #[must_use]
    pub fn id(&self) -> String {
        batch_id(self.tab, self.from, self.to, self.stamp)
    }
}

impl Seal {
    /// A batch that waits.
    #[must_use]
    pub fn new(from: u64, to: u64, at: UnixMillis, stamp: u32) -> Self {
        Self {
            from,
            to,
            at,
            stamp,
            way: Way::default(),
        }
    }

    /// Its name.
    #[must_use]
    pub const fn batch(&self, tab: TabId, lane: usize) -> BatchRef {
        BatchRef {
            tab,
            lane,
            from: self.from,
            to: self.to,
            stamp: self.stamp,
        }
    }

    /// Whether it is the batch of exactly that range.
    #[must_use]
    pub const fn spans(&self, from: u64, to: u64) -> bool {
        self.from == from && self.to == to
    }

    /// Whether it is the same batch to the byte.
    #[must_use]
    pub const fn is_same(&self, other: &Self) -> bool {
        self.spans(other.from, other.to) && self.stamp == other.stamp
    }

    /// Whether it has that name.
    #[must_use]
    pub const fn is(&self, batch: &BatchRef) -> bool {
        self.spans(batch.from, batch.to) && self.stamp == batch.stamp
    }
}

/// FNV-1a, 32 bits.
#[derive(Debug)]
pub struct Stamp(u32);

impl Default for Stamp {
    fn default() -> Self {
        Self(0x811c_9dc5)
    }
}

impl Stamp {
    fn byte(&mut self, byte: u8) {
        self.0 = (self.0 ^ u32::from(byte)).wrapping_mul(0x0100_0193);
    }

    /// Takes a text in.
    pub fn text(&mut self, text: &str) {
        text.bytes().for_each(|byte| self.byte(byte));
        // So that two texts are not taken for their sum cut elsewhere: no text holds this byte.
        self.byte(0xff);
    }

    /// Takes a number in.
    pub fn number(&mut self, number: u64) {
        number
            .to_be_bytes()
            .into_iter()
            .for_each(|byte| self.byte(byte));
    }

    /// The hash of what was taken in.
    #[must_use]
    pub const fn value(&self) -> u32 {
        self.0
    }
}

/// FNV-1a, 32 bits: against truncation and foreign hands, not against malice.
#[must_use]
pub fn checksum(text: &str) -> u32 {
    let mut stamp = Stamp::default();
    stamp.text(text);
    stamp.value()
}
