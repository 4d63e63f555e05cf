//! The facts of one tab's stream: its events by number, and the pages they were tracked on.
//!
//! What has become of an event at a destination is not said here but by that destination's
//! [cursor](super::cursor). An event stays until every cursor has passed it.

use crate::{
    journal::entries::Entries,
    model::{event::Entry, ids::TabId, spans::Spans},
    wire::Source,
};

/// See the module.
#[derive(Clone, Debug)]
pub struct Log {
    /// Whose.
    pub tab: TabId,
    /// JSON object: which SDK recorded it, in which runtime.
    pub sdk: String,
    /// JSON object: the context that is the same for all its events.
    pub context: String,
    /// JSON objects: the pages that its events name.
    pages: Vec<String>,
    entries: Entries,
    next_seq: u64,
}

impl Log {
    /// An empty log whose first event will be number 1.
    #[must_use]
    pub fn new(tab: TabId, sdk: String, context: String) -> Self {
        Self {
            tab,
            sdk,
            context,
            pages: Vec::new(),
            entries: Entries::default(),
            next_seq: 1,
        }
    }

    /// The number that the next event will get.
    #[must_use]
    pub const fn next_seq(&self) -> u64 {
        self.next_seq
    }

    /// The last number given.
    #[must_use]
    pub const fn last_seq(&self) -> u64 {
        self.next_seq - 1
    }

    /// Numbers up to this one are given, whether or not their events are here.
    pub fn skip_to(&mut self, seq: u64) {
        self.next_seq = self.next_seq.max(seq + 1);
    }

    /// Adds the event that [`next_seq`](Self::next_seq) named.
    pub fn push(&mut self, page: usize, text: String) {
        let seq = self.next_seq;
        self.insert(Entry { seq, page, text });
    }

    /// Adds an event that was recorded before; one that is there already is left out.
    pub fn insert(&mut self, entry: Entry) {
        self.skip_to(entry.seq);
        self.entries.insert(entry);
    }

    /// The number of a page, which is added if it is new. Most events are on the page of the one before.
    pub fn page(&mut self, page: &str) -> usize {
        let known = self.pages.iter().rposition(|known| known == page);
        known.unwrap_or_else(|| {
            self.pages.push(page.to_owned());
            self.pages.len() - 1
        })
    }

    /// The page of that number as JSON, empty where there is none.
    #[must_use]
    pub fn page_text(&self, page: usize) -> &str {
        self.pages.get(page).map_or("", String::as_str)
    }

    /// All events, oldest first.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        self.entries.all()
    }

    /// Events of a range, both ends included.
    #[must_use]
    pub fn range(&self, from: u64, to: u64) -> &[Entry] {
        self.entries.range(from, to)
    }

    /// Events after number `seq`.
    #[must_use]
    pub fn after(&self, seq: u64) -> &[Entry] {
        self.entries.range(seq.saturating_add(1), u64::MAX)
    }

    /// Numbers of the events of a range that no page has tracked, both ends included.
    pub fn untracked(&self, from: u64, to: u64) -> impl Iterator<Item = u64> + '_ {
        self.entries.untracked(from, to)
    }

    /// How many events a page has tracked.
    #[must_use]
    pub fn tracked(&self) -> usize {
        self.entries.all().len() - self.untracked(0, u64::MAX).count()
    }

    /// Bytes of all events.
    #[must_use]
    pub const fn bytes(&self) -> usize {
        self.entries.bytes()
    }

    /// Lets go of what nobody needs any more.
    pub fn forget(&mut self, done: &Spans) {
        for (from, to) in done.ranges() {
            self.entries.remove(*from, *to);
        }
    }

    /// Who recorded the events, and where.
    #[must_use]
    pub fn source(&self) -> Source<'_> {
        Source {
            tab: self.tab,
            sdk: &self.sdk,
            context: &self.context,
            pages: &self.pages,
        }
    }
}
