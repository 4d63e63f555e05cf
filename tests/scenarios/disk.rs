//! The storage that all tabs of a world share: it counts what is done to it, and fails on demand.

use std::cell::Cell;

use sendoff::model::store::{MemoryStore, Store, StoreError};

/// What was done since the last [`Disk::reset`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Cost {
    pub(crate) reads: usize,
    pub(crate) writes: usize,
    pub(crate) removals: usize,
    pub(crate) listings: usize,
    pub(crate) bytes_written: usize,
}

impl Cost {
    /// Accesses of any kind.
    pub(crate) const fn accesses(&self) -> usize {
        self.reads + self.writes + self.removals + self.listings
    }
}

/// See the top of this file.
#[derive(Debug, Default)]
pub(crate) struct Disk {
    pub(crate) memory: MemoryStore,
    /// Every write fails with this.
    pub(crate) fails: Option<StoreError>,
    cost: Cell<Cost>,
}

impl Disk {
    fn count(&self, add: impl FnOnce(&mut Cost)) {
        let mut cost = self.cost.get();
        add(&mut cost);
        self.cost.set(cost);
    }

    /// What was done since the last call.
    pub(crate) fn reset(&self) -> Cost {
        self.cost.take()
    }

    /// All keys, in order.
    pub(crate) fn all_keys(&self) -> Vec<String> {
        let mut keys = self.memory.keys("");
        keys.sort();
        keys
    }

    /// What a browser restart or another process would find of one tab.
    pub(crate) fn keys_of(&self, tab: &str) -> Vec<String> {
        let mut keys = self.memory.keys(&format!("sendoff:demo:{tab}:"));
        keys.sort();
        keys
    }

    /// Writes as the page or another version would, uncounted.
    pub(crate) fn plant(&mut self, key: &str, value: &str) {
        self.memory.set(key, value).unwrap();
    }

    /// Reads as an onlooker, uncounted.
    pub(crate) fn read(&self, key: &str) -> Option<String> {
        self.memory.get(key)
    }
}

impl Store for Disk {
    fn get(&self, key: &str) -> Option<String> {
        self.count(|cost| cost.reads += 1);
        self.memory.get(key)
    }

    fn set(&mut self, key: &str, value: &str) -> Result<(), StoreError> {
        self.count(|cost| {
            cost.writes += 1;
            cost.bytes_written += key.len() + value.len();
        });
        match self.fails {
            Some(error) => Err(error),
            None => self.memory.set(key, value),
        }
    }

    fn remove(&mut self, key: &str) {
        self.count(|cost| cost.removals += 1);
        self.memory.remove(key);
    }

    fn keys(&self, prefix: &str) -> Vec<String> {
        self.count(|cost| cost.listings += 1);
        self.memory.keys(prefix)
    }
}
