//! The durable copies: which events the store holds, and who took them if it does not. What hits a record excuses
//! the events of that record, no more.

use std::collections::BTreeSet;

use crate::{model::Hit, places::PLACES, storage::PREFIXES, world::World};

/// The numbers of the events in a segment's value; none if it is damaged, or of another version.
pub(crate) fn numbers_in(value: &str) -> impl Iterator<Item = u64> {
    let whole = value.starts_with("2 ");
    let lines = value.split('\n').filter(move |_| whole);
    let events = lines.filter_map(|line| line.strip_prefix("e\t"));
    events.filter_map(|line| line.split('\t').next()?.parse().ok())
}

/// The tab and the segment that a key names, if it is one of the engine's.
pub(crate) fn parts_of(key: &str) -> Option<(&str, &str)> {
    let prefix = PREFIXES.iter().find(|prefix| key.starts_with(**prefix))?;
    key[prefix.len()..].split_once(':')
}

impl World {
    /// The tab whose journal a key belongs to, and which of its records it is.
    pub(crate) fn record_of<'a>(&self, key: &'a str) -> Option<(usize, &'a str)> {
        let (name, record) = parts_of(key)?;
        Some((*self.model.tab_numbers.get(name)?, record))
    }

    /// The numbers of a tab's events that the store holds.
    pub(crate) fn in_store(&self, tab: usize) -> BTreeSet<u64> {
        let prefix = self.tabs[tab].key("");
        let mut held = BTreeSet::new();
        for (key, value) in self.storage.entries(&prefix) {
            if self.storage.damaged.contains(key) {
                continue;
            }
            if key.ends_with(":e") {
                held.extend(1..=self.model.books[tab].early_count);
            } else {
                held.extend(numbers_in(value));
            }
        }
        held
    }

    /// The events that a record held, before somebody took it.
    fn held_in(&self, tab: usize, record: &str, value: &str) -> Vec<u64> {
        match record {
            "e" => (1..=self.model.books[tab].early_count).collect(),
            "h" | "o" => Vec::new(),
            _ => numbers_in(value).collect(),
        }
    }

    /// Somebody other than an engine took records away, or spoiled them: each key with the value that it had.
    pub(crate) fn records_hit(&mut self, taken: &[(String, String)], hit: Hit) {
        for (key, value) in taken {
            let Some((tab, record)) = self.record_of(key) else {
                continue;
            };
            self.model.books[tab].record_hit |= record == "o";
            self.model.books[tab].header_hit |= record == "h";
            let held = self.held_in(tab, record, value);
            if held.is_empty() {
                continue;
            }
            let left = self.in_store(tab);
            self.storage.notes.watches = true;
            for seq in held.iter().filter(|seq| !left.contains(seq)) {
                if let Some(event) = self.model.event(tab, *seq) {
                    event.hit = Some(hit);
                }
            }
        }
    }

    /// Engines have written segments: what these hold is safe again.
    pub(crate) fn records_written(&mut self) {
        for (key, value) in std::mem::take(&mut self.storage.notes.written) {
            let Some((tab, _)) = self.record_of(&key) else {
                continue;
            };
            for seq in numbers_in(&value) {
                if let Some(event) = self.model.event(tab, seq) {
                    event.hit = None;
                }
            }
        }
    }

    /// A tab's memory is gone. Of its events that are not in the store only so many may be missing as it said, and
    /// those are the newest.
    pub(crate) fn memory_lost(&mut self, tab: usize) {
        let held = self.in_store(tab);
        let seen = &self.tabs[tab].seen;
        let (volatile, met_quota) = (seen.stats.volatile, seen.met_quota);
        let book = &mut self.model.books[tab];
        if book.ended {
            return;
        }
        book.ended = true;
        // Without room the record stays what it was.
        book.record_hit |= met_quota || volatile > 0;
        // An event may be for some destinations only: each has its own newest ones.
        for place in 0..PLACES.len() {
            let events = book.events.iter_mut().enumerate().rev();
            let open = events.filter(|(index, event)| {
                event.fates[place].is_open() && !held.contains(&(*index as u64 + 1))
            });
            for (_, event) in open.take(volatile as usize) {
                event.hit = event.hit.or(Some(Hit::Volatile));
            }
        }
    }

    /// Whether an event waits in the store for a destination that no page is configured with any more.
    pub(crate) fn is_owed_elsewhere(&self, tab: usize, seq: u64, place: usize) -> bool {
        let configured = self.site.iter().any(|lane| lane.place == place);
        !configured && self.in_store(tab).contains(&seq)
    }
}
