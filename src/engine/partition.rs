//! One tab's journalled log as a sender has it: this tab's own, or one taken over.

use super::{
    ids::TabId,
    journal::Journal,
    log::{Log, Seal},
    time::{Instant, UnixMillis},
};

/// A batch that was sealed this recently may still be on its way; asking earlier would miss it.
pub(super) const SETTLE_MS: u64 = 2_000;

/// See the module.
#[derive(Debug)]
pub(super) struct Partition {
    pub(super) log: Log,
    pub(super) journal: Journal,
    /// Its batches may still be on their way; ask the collector only then.
    pub(super) probe_at: Instant,
    /// Its tab turned out to be alive: let go of it when nothing of it is in flight.
    pub(super) release: bool,
}

/// Names a sealed batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct BatchRef {
    pub(super) tab: TabId,
    pub(super) from: u64,
    pub(super) to: u64,
}

impl Seal {
    /// Its name as a batch of `tab`.
    pub(super) const fn batch_of(&self, tab: TabId) -> BatchRef {
        BatchRef {
            tab,
            from: self.from,
            to: self.to,
        }
    }
}

impl Partition {
    /// What is kept of a tab.
    pub(super) const fn new(log: Log, journal: Journal) -> Self {
        Self {
            log,
            journal,
            probe_at: Instant(0),
            release: false,
        }
    }

    /// How long its newest batch may still be on its way; asking earlier would miss it.
    pub(super) fn settling_ms(&self, wall: UnixMillis) -> u64 {
        let mut wait_ms = 0;
        for seal in &self.log.seals {
            wait_ms = wait_ms.max(SETTLE_MS.saturating_sub(wall.0.saturating_sub(seal.at.0)));
        }
        wait_ms
    }

    /// Adds the batches that may have arrived already. While it is too early to ask, adds none and
    /// returns when it will not be.
    pub(super) fn push_unsure(&self, now: Instant, unsure: &mut Vec<BatchRef>) -> Instant {
        for seal in self.log.seals.iter().filter(|seal| seal.is_unsure()) {
            if self.probe_at > now {
                return self.probe_at;
            }
            unsure.push(seal.batch_of(self.log.tab));
        }
        Instant::NEVER
    }
}
