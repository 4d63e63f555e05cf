//! One tab's journalled log as a sender has it: this tab's own, or one taken over.

use crate::engine::deferred::Slot;
use crate::journal::log::{CutLimits, Log, NO_EVENT, Seal, UNREPORTED};
use crate::journal::segments::Journal;
use crate::model::ids::{TabId, batch_id};
use crate::model::store::Store;
use crate::model::time::{Instant, UnixMillis};

/// A batch that was sealed this recently may still be on its way; asking earlier would miss it.
pub(super) const SETTLE_MS: u64 = 2_000;

/// See the module.
#[derive(Debug)]
#[allow(clippy::vec_box)]
pub(super) struct Partition {
    pub(super) log: Log,
    pub(super) journal: Journal,
    /// Its batches may still be on their way; ask the collector only then.
    pub(super) probe_at: Instant,
    /// Its tab turned out to be alive: let go of it when nothing of it is in flight.
    pub(super) release: bool,
    /// What the browser sends if its tab dies: none for another tab's.
    pub(super) deferred: Vec<Box<Slot>>,
}

/// Names a sealed batch: one name is one content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct BatchRef {
    pub(super) tab: TabId,
    pub(super) from: u64,
    pub(super) to: u64,
    pub(super) stamp: u32,
}

impl BatchRef {
    /// Its id on the wire.
    pub(super) fn id(&self) -> String {
        batch_id(self.tab, self.from, self.to, self.stamp)
    }
}

impl Seal {
    /// Its name as a batch of `tab`.
    // In a dozen places, each of which would put it together field by field.
    #[inline(never)]
    pub(super) const fn batch_of(&self, tab: TabId) -> BatchRef {
        BatchRef {
            tab,
            from: self.from,
            to: self.to,
            stamp: self.stamp,
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
            deferred: Vec::new(),
        }
    }

    /// Seals its next batch; if the browser already holds it as a deferred request, with the same
    /// bytes. Where no event waits, one that only tells of gaps.
    pub(super) fn seal_next(
        &mut self,
        limits: CutLimits,
        strict: bool,
        wall: UnixMillis,
    ) -> Option<()> {
        let (from, to) = match self.log.first_unsealed() {
            NO_EVENT => self.log.gap()?,
            from => (from, self.log.cut(from, limits, strict)?),
        };
        let seal = self.seal_as_held(from, to, wall, UNREPORTED);
        self.log.adopt(seal);
        Some(())
    }

    /// The seal that a range gets: the one under which the browser holds it already, or a new one.
    pub(super) fn seal_as_held(&self, from: u64, to: u64, wall: UnixMillis, holes_of: u64) -> Seal {
        let log = &self.log;
        for slot in &self.deferred {
            let Slot { seal, held, .. } = &**slot;
            if *held && seal.spans(from, to) && log.stamp(seal, holes_of) == seal.stamp {
                return *seal;
            }
        }
        log.sealing(from, to, wall, holes_of)
    }

    /// Writes down what is settled and sealed, and the deferred batches that are not sealed: whoever
    /// finds the journal must know of them.
    pub(super) fn write_record(&mut self, store: &mut dyn Store) {
        let mut deferred = Vec::new();
        let first = self.log.first_unsealed();
        for slot in &self.deferred {
            if slot.held && slot.seal.from >= first {
                deferred.push(slot.seal);
            }
        }
        self.journal.write_record(&self.log, &deferred, store);
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
        for seal in self.log.seals.iter().filter(|seal| seal.maybe_sent) {
            if self.probe_at > now {
                return self.probe_at;
            }
            unsure.push(seal.batch_of(self.log.tab));
        }
        Instant::NEVER
    }
}
