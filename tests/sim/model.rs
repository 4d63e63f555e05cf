//! Bookkeeping: what was tracked, what is known to have happened to it at every destination, and what became of
//! its durable copy. It knows nothing of batches, segments or roles.

use std::collections::{BTreeMap, BTreeSet};

use sendoff::model::drop_reason::DropReason;

use crate::places::PLACES;

/// One call that the engine must accept.
#[derive(Debug)]
pub(crate) struct Tracked {
    /// World time of the call.
    pub(crate) at: u64,
    /// What the wall clock showed.
    pub(crate) wall: u64,
    pub(crate) name: String,
    /// The explicit user id, if the call had one.
    pub(crate) user_id: Option<String>,
    /// As ISO 8601: from and to when it has to be dated. Within a tab time never runs backwards, unless the page dates
    /// an event itself.
    pub(crate) dated: (String, String),
    pub(crate) dated_by_page: bool,
    /// The exact JSON text of the properties, as it has to appear on the wire.
    pub(crate) properties: String,
    /// The page that it was tracked on, as JSON.
    pub(crate) page: String,
    /// Set by the first body that carried it.
    pub(crate) sent: Option<Sent>,
    /// What became of its durable copy, if somebody else than an engine took it, or there never was one.
    pub(crate) hit: Option<Hit>,
    /// By destination.
    pub(crate) fates: [Fate; PLACES.len()],
}

/// Why no durable copy of an event is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hit {
    /// Memory alone held it when its tab died, and the engine had said so.
    Volatile,
    /// The user, another script or a damaged disk.
    Destroyed,
    /// The browser was killed before it was on disk.
    Killed,
}

/// What became of an event at one destination.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fate {
    /// It is to arrive there.
    pub(crate) owed: bool,
    /// A request with it has left the browser.
    pub(crate) left: bool,
    /// In the destination's data.
    pub(crate) stored: bool,
    pub(crate) stored_at: u64,
    /// It was in data before a request with it was answered in vain, or is not known to have been.
    pub(crate) troubled: bool,
    /// In a batch that a tab was told would never be taken.
    pub(crate) refused: bool,
    /// The destination takes its batch but not it.
    pub(crate) declined: bool,
    /// Times that it was asked for again.
    pub(crate) again: u8,
    /// Requests with it alone that failed.
    pub(crate) alone: u32,
    /// Named in the list of gaps of a request.
    pub(crate) buried: Option<DropReason>,
    /// Named in a batch of nothing but gaps that a tab was told would never be taken.
    pub(crate) unwanted: bool,
    /// The destination has been told.
    pub(crate) mourned: bool,
}

/// What has to stay the same about an event once it has been sent.
#[derive(Debug)]
pub(crate) struct Sent {
    pub(crate) key: String,
    pub(crate) bytes_hash: u64,
    pub(crate) timestamp: String,
}

/// One tab's log and end.
#[derive(Debug, Default)]
pub(crate) struct Book {
    /// Number `n` stands at `n - 1`.
    pub(crate) events: Vec<Tracked>,
    /// The destinations that its page is configured with.
    pub(crate) places: Vec<usize>,
    /// By destination: how many of its events are to arrive there.
    pub(crate) owed: [u64; PLACES.len()],
    /// By destination: every event up to this number has been sent or explained.
    pub(crate) sent_upto: [u64; PLACES.len()],
    /// By destination: events that were passed over with no more reason than that so many were reported as given up.
    pub(crate) skipped: [u64; PLACES.len()],
    /// By destination and reason: what this tab reported as given up.
    pub(crate) reported: [BTreeMap<DropReason, u64>; PLACES.len()],
    /// Nothing of it is in memory any more, but what others hold.
    pub(crate) ended: bool,
    /// One of its records looks like another version's: all of them are left alone.
    pub(crate) left_alone: bool,
    /// Its small record was destroyed or could not be written, and with it which numbers were given up.
    pub(crate) record_hit: bool,
    /// What says which destinations it is for was destroyed.
    pub(crate) header_hit: bool,
    /// Only in the facade's early log so far.
    pub(crate) early: bool,
    /// How many events were in an early log, which knows no identity: whoever takes it over stamps its own.
    pub(crate) early_count: u64,
}

/// Everything that was tracked in one world.
#[derive(Default)]
pub(crate) struct Model {
    pub(crate) books: Vec<Book>,
    pub(crate) tab_numbers: BTreeMap<String, usize>,
    pub(crate) keys: BTreeSet<String>,
    pub(crate) tokens: u64,
    /// The latest that the wall clock has ever shown to an engine.
    pub(crate) latest_wall: u64,
}

impl Model {
    pub(crate) fn add_tab(&mut self, name: &str, places: Vec<usize>) {
        self.tab_numbers.insert(name.to_owned(), self.books.len());
        self.books.push(Book {
            places,
            ..Book::default()
        });
    }

    /// Takes down calls of a tab.
    pub(crate) fn record(&mut self, tab: usize, events: impl IntoIterator<Item = Tracked>) {
        let book = &mut self.books[tab];
        for mut event in events {
            for place in &book.places {
                event.fates[*place].owed = PLACES[*place].takes(&event.name);
                book.owed[*place] += u64::from(event.fates[*place].owed);
            }
            book.events.push(event);
        }
    }

    pub(crate) fn event(&mut self, tab: usize, seq: u64) -> Option<&mut Tracked> {
        self.books.get_mut(tab)?.event(seq)
    }

    pub(crate) fn fate(&mut self, tab: usize, seq: u64, place: usize) -> Option<&mut Fate> {
        Some(&mut self.event(tab, seq)?.fates[place])
    }

    /// Events that an engine reported as given up at a destination for a reason, in all tabs.
    pub(crate) fn reported(&self, place: usize, reason: DropReason) -> u64 {
        let of = |book: &Book| book.reported[place].get(&reason).copied().unwrap_or(0);
        self.books.iter().map(of).sum()
    }

    /// Every tracked event: how many there are, and how many are in the data of a destination that they are for.
    pub(crate) fn totals(&self) -> (u64, u64) {
        let all = self.books.iter().flat_map(|book| &book.events);
        all.fold((0, 0), |(all, stored), event| {
            let owed = event.fates.iter().filter(|fate| fate.owed);
            let there = owed.clone().filter(|fate| fate.stored).count();
            (all + owed.count() as u64, stored + there as u64)
        })
    }
}

impl Book {
    pub(crate) fn event(&mut self, seq: u64) -> Option<&mut Tracked> {
        let index = usize::try_from(seq.checked_sub(1)?).ok()?;
        self.events.get_mut(index)
    }

    /// What this tab reported as given up of its own events, which ones nobody can tell from outside.
    pub(crate) fn given_up(&self, place: usize) -> u64 {
        let own = [DropReason::Overflow, DropReason::Blocked];
        let reported = &self.reported[place];
        own.iter()
            .map(|reason| reported.get(reason).copied().unwrap_or(0))
            .sum()
    }
}

impl Tracked {
    /// Whether some destination has yet to get it, for all that is known.
    pub(crate) fn is_open(&self) -> bool {
        self.fates.iter().any(Fate::is_open)
    }
}

impl Fate {
    /// Whether it has yet to arrive, for all that is known.
    pub(crate) fn is_open(&self) -> bool {
        let explained = self.refused || self.declined || self.buried.is_some() || self.unwanted;
        self.owed && !self.stored && !explained
    }
}
