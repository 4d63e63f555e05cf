//! One tab's stream, whoever's: its log, where that is kept, and a cursor for every destination.
//!
//! It is a tab's own, a living follower's as told over the channel, or a dead tab's found in the store.

mod cutting;

use crate::{
    journal::{
        cursor::{Cursor, Owed},
        log::Log,
        record::{self, StoredCursor},
        seal::{BatchRef, Seal},
        segments::Journal,
    },
    model::{
        drop_reason::DropReason,
        ending::Ending,
        gap::Gap,
        ids::TabId,
        spans::Spans,
        store::{Store, StoreError},
        time::{Instant, Now, UnixMillis},
    },
    text::fields::listed,
    wire::Format,
};

/// A batch that was sealed this recently may still be on its way; asking earlier would miss it.
pub const SETTLE_MS: u64 = 2_000;
/// Bytes that one gap takes in a body, at most.
pub const GAP_BYTES: usize = 96;
/// Bytes that an event of another page than the batch's takes beside that page, at most.
const PAGE_BYTES: usize = 32;

/// See the module.
#[derive(Clone, Debug)]
pub struct Stream {
    /// The facts.
    pub log: Log,
    /// Where it is kept.
    pub journal: Journal,
    /// One for each destination of the configuration, in its order.
    pub cursors: Vec<Cursor>,
    /// Those of destinations that are not configured here, as they were found.
    foreign: Vec<StoredCursor>,
    /// Its tab has gone for all it knows: whoever finds its journal need not wait.
    pub left: bool,
    /// Its batches may still be on their way; the destination is asked only then.
    pub probe_at: Instant,
}

/// How a batch is to be cut.
#[derive(Clone, Copy)]
pub struct Cut<'a> {
    /// The destination's.
    pub format: &'a dyn Format,
    /// Events at most.
    pub events: usize,
    /// Bytes of the body at most.
    pub bytes: usize,
    /// Whether even a single event must fit.
    pub strict: bool,
}

/// What became of the events of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settled {
    /// Stored.
    pub delivered: usize,
    /// Given up.
    pub given_up: usize,
    /// Why.
    pub reason: DropReason,
}

impl Stream {
    /// A stream of a tab, owed to all the destinations.
    #[must_use]
    pub fn new(log: Log, journal: Journal, owed: &[Owed]) -> Self {
        Self::restored(
            log,
            journal,
            owed.iter().map(Cursor::new).collect(),
            Vec::new(),
        )
    }

    /// A stream as it was found.
    #[must_use]
    pub const fn restored(
        log: Log,
        journal: Journal,
        cursors: Vec<Cursor>,
        foreign: Vec<StoredCursor>,
    ) -> Self {
        Self {
            log,
            journal,
            cursors,
            foreign,
            left: false,
            probe_at: Instant(0),
        }
    }

    /// Whose it is.
    #[must_use]
    pub const fn tab(&self) -> TabId {
        self.log.tab
    }

    /// The cursor of a destination, and the log that it goes through.
    pub fn lane(&mut self, lane: usize) -> Option<(&mut Cursor, &Log)> {
        Some((self.cursors.get_mut(lane)?, &self.log))
    }

    /// Events that a destination has not settled.
    #[must_use]
    pub fn pending(&self, lane: usize) -> usize {
        let cursor = self.cursors.get(lane);
        cursor.map_or(0, |cursor| cursor.pending(&self.log))
    }

    /// Those of them that a page has tracked.
    #[must_use]
    pub fn tracked(&self, lane: usize) -> usize {
        let cursor = self.cursors.get(lane);
        cursor.map_or(0, |cursor| cursor.tracked(&self.log, 0, u64::MAX))
    }

    /// Whether every destination of the configuration is done with it.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.cursors.iter().all(|cursor| cursor.is_done(&self.log))
    }

    /// Whether a destination that is not configured here is owed something.
    #[must_use]
    pub fn is_owed_elsewhere(&self) -> bool {
        let owed = |cursor: &StoredCursor| {
            let mut entries = self.log.entries().iter();
            entries.any(|entry| !cursor.done.has(entry.seq))
        };
        self.foreign.iter().any(owed)
    }

    /// Whether some destination misses events that there must be: neither here, nor settled there, nor given up. Where nothing
    /// is known to be settled, what was before the first is not known either: a journal of which all was delivered is
    /// removed, and goes on without a record.
    #[must_use]
    pub fn has_hole(&self) -> bool {
        let misses = |done: &Spans| {
            let seen = self.log.entries().iter().map(|entry| entry.seq);
            let first = self.log.entries().first().map_or(1, |entry| entry.seq);
            let mut next = if done.ranges().is_empty() { first } else { 1 };
            seen.chain([self.log.next_seq()]).any(|seq| {
                let missing = !done.cover(next, seq - 1);
                next = seq + 1;
                missing
            })
        };
        self.cursors.iter().any(|cursor| misses(cursor.done()))
    }

    /// Whether something was given up that no batch tells yet.
    #[must_use]
    pub fn has_untold(&self) -> bool {
        let elsewhere = self.foreign.iter().any(|one| !one.given_up.is_empty());
        elsewhere || self.cursors.iter().any(Cursor::has_untold)
    }

    /// Everything up to this number is settled at every destination.
    #[must_use]
    pub fn settled(&self) -> u64 {
        let settled = self.cursors.iter().map(|cursor| cursor.settled(&self.log));
        settled.min().unwrap_or(0)
    }

    /// What every destination is done with.
    fn done(&self) -> Spans {
        let own = self.cursors.iter().map(Cursor::done);
        let all = own.chain(self.foreign.iter().map(|cursor| &cursor.done));
        all.fold(None, |common: Option<Spans>, done| {
            Some(common.map_or_else(|| done.clone(), |common| common.common(done)))
        })
        .unwrap_or_default()
    }

    /// Lets go of what every destination has passed, in memory; the store comes next.
    pub fn forget(&mut self) {
        let done = self.done();
        self.log.forget(&done);
    }

    /// Removes what every destination has passed from the store.
    pub fn trim(&mut self, store: &mut dyn Store) {
        self.forget();
        let settled = self.settled();
        self.journal.trim(&self.log, settled, store);
    }

    /// The words that the header keeps: who is owed the stream.
    #[must_use]
    pub fn owed(&self) -> String {
        let names = self.cursors.iter();
        listed(names.map(|cursor| cursor.destination.as_str()), " ")
    }

    /// Writes to the store what is only in memory.
    ///
    /// # Errors
    /// See [`Journal::append`].
    pub fn persist(
        &mut self,
        now: Now,
        last_chance: bool,
        store: &mut dyn Store,
    ) -> Result<(), StoreError> {
        let owed = self.owed();
        self.journal
            .append(&self.log, &owed, now, last_chance, store)
    }

    /// Writes down what is settled, sealed and given up, and the `deferred` batches that are not sealed: whoever
    /// finds the journal must know of them. Removes all once nothing is left to be told.
    pub fn write_record(&mut self, deferred: &[(usize, Seal)], store: &mut dyn Store) {
        if self.close_if_done(store) {
            return;
        }
        let mut out = record::start_record(self.left);
        for (lane, cursor) in self.cursors.iter().enumerate() {
            let first = cursor.first_unsealed(&self.log).unwrap_or(u64::MAX);
            let held = deferred.iter();
            let held = held.filter(|(at, seal)| *at == lane && seal.from >= first);
            let held: Vec<Seal> = held.map(|(_, seal)| *seal).collect();
            record::push_cursor(&mut out, &self.log, cursor, &held);
        }
        for cursor in &self.foreign {
            record::push_foreign(&mut out, cursor);
        }
        self.journal.write_record(&record::guard(&[], &out), store);
    }

    /// Removes what is left in the store once nothing is left to be told; tells whether that is so.
    pub fn close_if_done(&mut self, store: &mut dyn Store) -> bool {
        let done = self.is_done() && !self.is_owed_elsewhere();
        if done && self.journal.bytes() > 0 {
            self.journal.remove_all(store);
        }
        done
    }

    /// Takes in the batches that the stored record names as sealed: by this tab, or by one that took its
    /// journal over while it was away.
    pub fn reread_seals(&mut self, store: &dyn Store) {
        let text = self.journal.stored_record(store);
        let Some(stored) = record::read_record(&text) else {
            return;
        };
        for cursor in &mut self.cursors {
            let name = &cursor.destination;
            let found = stored.cursors.iter().find(|stored| stored.name == *name);
            for seal in found.iter().flat_map(|stored| &stored.seals) {
                cursor.adopt_if_exact(&self.log, *seal);
            }
        }
    }

    /// The sealed batch of that name, and how many events it has.
    #[must_use]
    pub fn seal_of(&self, batch: &BatchRef) -> Option<(Seal, usize)> {
        let cursor = self.cursors.get(batch.lane)?;
        let seal = cursor.seals().iter().find(|seal| seal.is(batch)).copied()?;
        Some((seal, cursor.count(&self.log, batch.from, batch.to)))
    }

    /// The numbers of the events of a batch.
    #[must_use]
    pub fn seqs_of(&self, batch: &BatchRef) -> Vec<u64> {
        let cursor = self.cursors.get(batch.lane);
        let events = cursor.map(|cursor| cursor.events(&self.log, batch.from, batch.to));
        let events = events.as_deref().unwrap_or_default().iter();
        events.map(|entry| entry.seq).collect()
    }

    /// Events of a batch's range that are not settled.
    #[must_use]
    pub fn count(&self, batch: &BatchRef) -> usize {
        let cursor = self.cursors.get(batch.lane);
        cursor.map_or(0, |cursor| cursor.count(&self.log, batch.from, batch.to))
    }

    /// A batch ended. `ours`: its pieces are ours to cut.
    pub fn settle(&mut self, batch: &BatchRef, ending: &Ending, ours: bool) -> Settled {
        let (from, to) = (batch.from, batch.to);
        let mut settled = Settled {
            delivered: 0,
            given_up: 0,
            reason: DropReason::Rejected,
        };
        let Some((cursor, log)) = self.lane(batch.lane) else {
            return settled;
        };
        match ending {
            Ending::Delivered { refused, again } if refused.is_empty() && again.is_empty() => {
                settled.delivered = cursor.settle(log, from, to, None);
            }
            Ending::Delivered { refused, again } => {
                let (all, given_up) = cursor.settle_partly(log, (from, to), refused, again);
                (settled.delivered, settled.given_up) = (all - given_up, given_up);
            }
            Ending::Dropped(reason) => {
                settled.reason = *reason;
                settled.given_up = cursor.settle(log, from, to, Some(*reason));
            }
            Ending::TooLarge if ours => _ = cursor.split(log, batch),
            Ending::TooLarge => cursor.unseal(log),
            Ending::Kept => {}
        }
        settled
    }

    /// Notes something about a sealed batch, if it is here.
    pub fn note(&mut self, batch: &BatchRef, note: impl FnOnce(&mut Seal)) {
        if let Some(cursor) = self.cursors.get_mut(batch.lane)
            && let Some(seal) = cursor.find(batch)
        {
            note(seal);
        }
    }

    /// Gives up the oldest `count` events that are not sealed, at one destination or at all; returns the range, and
    /// for each destination how many tracked ones were not settled there.
    pub fn drop_oldest(
        &mut self,
        only: Option<usize>,
        count: usize,
        reason: DropReason,
    ) -> Option<(Gap, Vec<usize>)> {
        let meant = |lane: usize| only.is_none_or(|only| only == lane);
        let cursors = || {
            let all = self.cursors.iter().enumerate();
            all.filter(|(lane, _)| meant(*lane))
                .map(|(_, cursor)| cursor)
        };
        let is_free = |seq: u64| {
            let sealed = |cursor: &Cursor| {
                let mut seals = cursor.seals().iter();
                seals.any(|seal| seal.from <= seq && seq <= seal.to)
            };
            cursors().any(|cursor| !cursor.done().has(seq)) && !cursors().any(sealed)
        };
        let entries = self.log.entries().iter().map(|entry| entry.seq);
        let mut oldest = entries.skip_while(|seq| !is_free(*seq));
        let from = oldest.next().filter(|_| count > 0)?;
        let rest = oldest.take_while(|seq| is_free(*seq)).take(count - 1);
        let to = rest.last().unwrap_or(from);
        let (gap, log) = (Gap { from, to, reason }, &self.log);
        let all = self.cursors.iter_mut().enumerate();
        let lost = all.map(|(lane, cursor)| {
            if meant(lane) {
                cursor.give_up(log, from, to, reason)
            } else {
                0
            }
        });
        let lost = lost.collect();
        self.forget();
        Some((gap, lost))
    }

    /// Lets go of the seals of batches that have not left: their events are to be cut anew.
    pub fn unseal_idle(&mut self, flies: impl Fn(&BatchRef) -> bool) {
        let (tab, log) = (self.log.tab, &self.log);
        for (lane, cursor) in self.cursors.iter_mut().enumerate() {
            let idle =
                |seal: &Seal| !seal.way.offered && !seal.way.sent && !flies(&seal.batch(tab, lane));
            cursor.unseal_from(log, idle);
        }
    }

    /// Gives up everything, without a word about it: nothing is to be kept or told any more.
    pub fn give_up_all(&mut self) {
        let last = self.log.last_seq();
        for cursor in &mut self.cursors {
            cursor.abandon(last);
        }
        self.forget();
        self.journal.lose_all();
    }

    /// How long its newest batch may still be on its way; asking earlier would miss it.
    #[must_use]
    pub fn settling_ms(&self, wall: UnixMillis) -> u64 {
        let seals = self.cursors.iter().flat_map(Cursor::seals);
        let ages = seals.map(|seal| wall.0.saturating_sub(seal.at.0));
        ages.map(|age| SETTLE_MS.saturating_sub(age))
            .max()
            .unwrap_or(0)
    }
}
