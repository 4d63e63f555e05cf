//! Bookkeeping: what was tracked, what is known to have happened to it, and who may be excused for
//! what is missing. It knows nothing of batches, segments or roles.

use std::collections::{BTreeMap, BTreeSet};

use sendoff::model::drop_reason::DropReason;

/// One call that the engine must accept.
#[derive(Debug)]
pub(crate) struct Tracked {
    /// World time of the call.
    pub(crate) at: u64,
    pub(crate) name: String,
    /// The explicit user id, if the call had one.
    pub(crate) user_id: Option<String>,
    /// As ISO 8601, as it has to appear on the wire.
    pub(crate) timestamp: String,
    /// The exact JSON text of the properties, as it has to appear on the wire.
    pub(crate) properties: String,
    /// Set by the first body that carried it.
    pub(crate) sent: Option<Sent>,
    /// A request with it has left the browser.
    pub(crate) left: bool,
    /// In the collector's data.
    pub(crate) stored: bool,
    /// In a batch that a tab was told would never be taken.
    pub(crate) refused: bool,
    /// The collector stores its batch but not it.
    pub(crate) declined: bool,
    /// Named in the `dropped` list of a request.
    pub(crate) buried: bool,
    /// Named in a batch of nothing but gaps that a tab was told would never be taken.
    pub(crate) unwanted: bool,
    /// The collector has been told.
    pub(crate) mourned: bool,
    /// The segment that it was in was lost with a killed browser.
    pub(crate) killed: bool,
}

/// What has to stay the same about an event once it has been sent.
#[derive(Debug)]
pub(crate) struct Sent {
    pub(crate) key: String,
    pub(crate) bytes_hash: u64,
}

/// One tab's log and fate.
#[derive(Debug, Default)]
pub(crate) struct Book {
    /// Number `n` stands at `n - 1`.
    pub(crate) events: Vec<Tracked>,
    /// Every event up to this number has been sent or explained.
    pub(crate) sent_upto: u64,
    pub(crate) died_at: Option<u64>,
    /// Events that only memory held when the tab died (or at the end, if its client was stopped).
    pub(crate) volatile_at_death: u64,
    /// When the user last cleared the store; forgotten once its tab has written everything again.
    pub(crate) cleared_at: Option<u64>,
    /// When its stored records were last damaged by someone else.
    pub(crate) destroyed_at: Option<u64>,
    /// Its journal has been damaged in some way, so holes in its numbers are no surprise.
    pub(crate) damaged: bool,
    /// Only in the facade's early log so far.
    pub(crate) early: bool,
    /// It began in an early log, which knows no identity: whoever takes it over stamps its own.
    pub(crate) was_early: bool,
}

/// Everything that was tracked in one world.
#[derive(Default)]
pub(crate) struct Model {
    pub(crate) books: Vec<Book>,
    pub(crate) tab_numbers: BTreeMap<String, usize>,
    pub(crate) keys: BTreeSet<String>,
    /// Drops that engines reported, by reason.
    pub(crate) reported: BTreeMap<DropReason, u64>,
    /// Spans of time whose writes a killed browser lost.
    pub(crate) lost_writes: Vec<(u64, u64)>,
    pub(crate) tokens: u64,
}

/// Why an event may be missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Excuse {
    /// Its batch was answered 4xx, or it alone was refused in a 200.
    Refused,
    /// The collector has a tombstone for it.
    Tombstone,
    /// Its record was destroyed, and its tab died before it was delivered.
    Destroyed,
    /// Its record was written in the moments that a killed browser lost.
    Killed,
    /// Counted: memory alone held this many of its tab's events when the tab died.
    Volatile,
    /// Counted: engines reported this many drops.
    Reported,
}

impl Model {
    pub(crate) fn add_tab(&mut self, name: &str) {
        self.tab_numbers.insert(name.to_owned(), self.books.len());
        self.books.push(Book::default());
    }

    pub(crate) fn event(&mut self, tab: usize, seq: u64) -> Option<&mut Tracked> {
        let index = usize::try_from(seq.checked_sub(1)?).ok()?;
        self.books.get_mut(tab)?.events.get_mut(index)
    }

    /// Some other script damaged one of this tab's records: what is recorded up to `now` may be lost.
    pub(crate) fn record_damaged(&mut self, tab: usize, now: u64) {
        let book = &mut self.books[tab];
        book.destroyed_at = book.destroyed_at.max(Some(now));
        book.damaged = true;
    }

    /// The user cleared the store.
    pub(crate) fn store_cleared(&mut self, now: u64) {
        for book in &mut self.books {
            book.cleared_at = Some(now);
            book.damaged = true;
        }
    }

    pub(crate) fn tab_died(&mut self, tab: usize, now: u64, volatile: u64) {
        let book = &mut self.books[tab];
        book.died_at = Some(now);
        book.volatile_at_death = volatile;
        book.damaged |= volatile > 0;
    }

    /// A killed browser lost what was written after `since`.
    pub(crate) fn writes_lost(&mut self, since: u64, now: u64) {
        self.lost_writes.push((since, now));
        self.books.iter_mut().for_each(|book| book.damaged = true);
    }

    /// Every tracked event: how many there are, and how many are in the data.
    pub(crate) fn totals(&self) -> (usize, usize) {
        let all = self.books.iter().flat_map(|book| &book.events);
        all.fold((0, 0), |(all, stored), event| {
            (all + 1, stored + usize::from(event.stored))
        })
    }

    /// Accounts for every event that is not in the data: the first `(tab, number)` for which there
    /// is no excuse is the error.
    pub(crate) fn account(&self) -> Result<Vec<Excuse>, (usize, u64)> {
        let mut budget: u64 = self.reported.values().sum();
        let mut excuses = Vec::new();
        for (tab, book) in self.books.iter().enumerate() {
            let mut volatile = book.volatile_at_death;
            for (seq, event) in (1..).zip(&book.events).filter(|(_, event)| !event.stored) {
                let excuse = match self.excuse(book, event) {
                    Some(excuse) => excuse,
                    None if volatile > 0 => {
                        volatile -= 1;
                        Excuse::Volatile
                    }
                    None if budget > 0 => {
                        budget -= 1;
                        Excuse::Reported
                    }
                    None => return Err((tab, seq)),
                };
                excuses.push(excuse);
            }
        }
        Ok(excuses)
    }

    fn excuse(&self, book: &Book, event: &Tracked) -> Option<Excuse> {
        let destroyed = book
            .destroyed_at
            .max(book.cleared_at)
            .is_some_and(|at| event.at <= at);
        let killed = |(from, to): &(u64, u64)| event.at > *from && event.at <= *to;
        if event.refused || event.declined {
            Some(Excuse::Refused)
        } else if event.mourned {
            Some(Excuse::Tombstone)
        } else if destroyed && (book.died_at.is_some() || book.early) {
            Some(Excuse::Destroyed)
        } else if book.died_at.is_some() && (event.killed || self.lost_writes.iter().any(killed)) {
            Some(Excuse::Killed)
        } else {
            None
        }
    }
}
