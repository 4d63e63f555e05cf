//! This tab's own stream: how much of it is kept, where, and what of it is to go at once.

use crate::{
    engine::account::Notice,
    journal::{
        cursor::Owed, log::Log, seal::BatchRef, segments::Journal, share::Share, stream::Stream,
    },
    model::{
        drop_reason::DropReason,
        gap::Gap,
        ids::TabId,
        store::{Store, StoreError},
        time::Now,
    },
};

/// Events kept at most for a destination that nothing has ever got through to.
const RING_EVENTS_MAX: usize = 1_000;
/// Bytes of events kept at most meanwhile.
const RING_BYTES_MAX: usize = 160 * 1024;
/// Bytes of storage taken at most while that is so of all destinations.
const RING_STORAGE_BYTES_MAX: usize = 256 * 1024;

/// What is configured.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Events waiting at most.
    pub events: usize,
    /// Bytes of storage at most, of all tabs together.
    pub storage_bytes: usize,
    /// Whether storage outlives the page.
    pub has_storage: bool,
}

/// Events that were given up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lost {
    /// Which, and why.
    pub gap: Gap,
    /// How many, at each destination.
    pub counts: Vec<usize>,
}

/// See the module.
#[derive(Debug)]
pub struct Own {
    /// The stream.
    pub stream: Stream,
    /// Events up to here are to be sent without waiting for a full batch.
    pub go_to: u64,
    /// The page that calls are made on, as a number in the log.
    page: usize,
    prefix: String,
    share: Share,
    bounds: Bounds,
    /// An event is not for every destination, for a reason that it does not bear: to be written down with it.
    withheld: bool,
}

impl Own {
    /// A stream without events. `prefix` begins every key of the project.
    #[must_use]
    pub fn new(log: Log, project: &str, prefix: String, owed: &[Owed], bounds: Bounds) -> Self {
        let tab = log.tab.text();
        let cap_bytes = if bounds.has_storage {
            bounds.storage_bytes
        } else {
            0
        };
        Self {
            stream: Stream::new(log, Journal::new(project, &tab, cap_bytes), owed),
            go_to: 0,
            page: 0,
            prefix,
            share: Share::default(),
            bounds,
            withheld: false,
        }
    }

    /// Whose it is.
    #[must_use]
    pub const fn tab(&self) -> TabId {
        self.stream.tab()
    }

    /// Calls are made on this page from now on.
    pub fn set_page(&mut self, page: &str) {
        self.page = self.stream.log.page(page);
    }

    /// Adds an event. `takes`: which destinations it goes to.
    pub fn push(&mut self, text: String, takes: impl Fn(usize) -> bool) {
        let seq = self.stream.log.next_seq();
        self.stream.log.push(self.page, text);
        for (lane, cursor) in self.stream.cursors.iter_mut().enumerate() {
            cursor.wake();
            if !takes(lane) {
                cursor.pass_over(seq);
            }
        }
    }

    /// Of what was just added something is not to go everywhere, which nobody could tell who takes it over.
    pub const fn withhold(&mut self) {
        self.withheld = true;
    }

    /// Whatever waits is to go now.
    pub const fn go(&mut self) {
        self.go_to = self.stream.log.last_seq();
    }

    /// Weighs what other tabs hold in the store.
    pub fn weigh(&mut self, now: Now, store: &dyn Store) {
        let journal = &self.stream.journal;
        let is_own = |key: &str| journal.name_of(key).is_some();
        self.share.weigh(now.mono, &self.prefix, is_own, store);
    }

    /// What others held is free again.
    pub const fn weigh_soon(&mut self) {
        self.share.forget();
    }

    /// Writes what is only in memory to the store, within this tab's share: one of so many `tabs`. `blocked`: nothing
    /// ever got through anywhere.
    pub fn persist(
        &mut self,
        now: Now,
        tabs: usize,
        blocked: bool,
        store: &mut dyn Store,
    ) -> Option<Notice> {
        if !self.bounds.has_storage {
            return None;
        }
        let ring = if blocked {
            RING_STORAGE_BYTES_MAX
        } else {
            usize::MAX
        };
        let cap_bytes = self.bounds.storage_bytes.min(ring);
        self.stream
            .journal
            .set_cap(self.share.bytes(cap_bytes, tabs));
        if self.share.is_due(now.mono) && !self.stream.journal.has_room() {
            self.weigh(now, store);
            self.stream
                .journal
                .set_cap(self.share.bytes(cap_bytes, tabs));
        }
        match self.stream.persist(now, false, store) {
            Ok(()) => None,
            Err(StoreError::QuotaExceeded) => Some(Notice::StorageQuota),
            Err(StoreError::Forgetful) => Some(Notice::StorageForgetful),
            Err(StoreError::Unavailable) => Some(Notice::StorageUnavailable),
        }
    }

    /// Like [`persist`](Self::persist), for a page that may not get another chance; whatever somebody removed is
    /// written again.
    pub fn persist_last(&mut self, now: Now, store: &mut dyn Store) {
        if self.bounds.has_storage {
            self.stream.journal.check(store);
            _ = self.stream.persist(now, true, store);
        }
    }

    /// Whether a gap before what was just written is to be explained in the same breath, or who is not to have it, or that
    /// it is the last. It is said once.
    #[must_use]
    pub fn has_news(&mut self) -> bool {
        core::mem::take(&mut self.withheld) || self.stream.has_untold() || self.stream.left
    }

    /// Gives up the oldest events over the bounds. `blocked`: the destinations that nothing ever got through to.
    /// `flies`: whether a batch is under way.
    pub fn enforce_bounds(
        &mut self,
        blocked: &[bool],
        flies: impl Fn(&BatchRef) -> bool,
    ) -> Vec<Lost> {
        let mut lost = Vec::new();
        for (lane, _) in blocked.iter().enumerate().filter(|(_, blocked)| **blocked) {
            let excess = self.ring_excess(lane);
            if excess > 0 && RING_EVENTS_MAX < self.bounds.events {
                let dropped = self
                    .stream
                    .drop_oldest(Some(lane), excess, DropReason::Blocked);
                lost.extend(dropped.map(|(gap, counts)| Lost { gap, counts }));
            }
        }
        let most = self.bounds.events;
        self.drop_down_to(most, &mut lost);
        if self.stream.log.tracked() > most {
            // All that is left is sealed somewhere: what has not left yet may be cut anew.
            self.stream.unseal_idle(flies);
            self.drop_down_to(most, &mut lost);
        }
        lost
    }

    /// Gives up the oldest events until so many are left, or none is free.
    fn drop_down_to(&mut self, most: usize, lost: &mut Vec<Lost>) {
        // Behind what is sealed at one destination there may be more that is free.
        while let Some(excess @ 1..) = self.stream.log.tracked().checked_sub(most)
            && let Some((gap, counts)) = self.stream.drop_oldest(None, excess, DropReason::Overflow)
        {
            lost.push(Lost { gap, counts });
        }
    }

    /// How many events are too many for a destination that is blocked.
    fn ring_excess(&self, lane: usize) -> usize {
        let (pending, bytes) = (self.stream.pending(lane), self.stream.log.bytes());
        let excess = pending.saturating_sub(RING_EVENTS_MAX);
        let each = bytes / self.stream.log.entries().len().max(1);
        match bytes.checked_sub(RING_BYTES_MAX) {
            Some(heavy @ 1..) if each > 0 => excess.max(heavy / each + 1).min(pending),
            _ => excess,
        }
    }
}
