//! Other hands on the store: the page itself, the user, another script, a consent tool.

use crate::model::Hit;
use crate::storage::PREFIXES;
use crate::world::World;

/// The keys of someone else that every world starts with; they must never change.
const FOREIGN: [(&str, &str); 3] = [
    ("sendoff:other:00112233445566778899:0", "1\nnot ours"),
    ("sendoff", "a page's own key"),
    ("cart", "3 items"),
];
const FILLER: &str = "filler";

impl World {
    /// The page itself writes or removes a key; tells whether that worked.
    pub(crate) fn page_write(&mut self, process: usize, key: &str, value: Option<&str>) -> bool {
        let lag = self.upto(self.faults.storage_lag_ms_max);
        self.storage
            .write(process, self.now, lag, key, value)
            .is_ok()
    }

    pub(crate) fn plant_foreign_keys(&mut self) {
        let process = self.storage.start_process();
        let forgets = std::mem::take(&mut self.storage.forgets);
        let quota_bytes = std::mem::replace(&mut self.storage.quota_bytes, usize::MAX);
        for (key, value) in FOREIGN {
            self.page_write(process, key, Some(value));
        }
        self.storage.forgets = forgets;
        self.storage.quota_bytes = quota_bytes;
        self.storage.settle();
        self.storage.end_process(process);
    }

    /// Whether the keys of others are as they were.
    pub(crate) fn foreign_keys_intact(&self) -> bool {
        FOREIGN.iter().all(|(key, value)| {
            self.storage
                .entries(key)
                .next()
                .is_some_and(|found| found == (*key, *value))
        })
    }

    /// The host page fills what is left of the quota, but for a few bytes.
    pub(crate) fn fill_quota(&mut self) {
        let Some(process) = self.rng.pick(&self.processes) else {
            return;
        };
        let free = self
            .profile
            .platform
            .quota_bytes
            .saturating_sub(self.storage.used_bytes(process));
        // In a large quota the page's own megabytes are left out: the limit moves instead.
        let left = self.rng.below(3_000) as usize;
        if free > 100_000 {
            self.storage.quota_bytes = self.storage.used_bytes(process) + left;
        } else if free > left + 100 {
            let filler = "f".repeat(free - left - FILLER.len());
            self.page_write(process, FILLER, Some(&filler));
        }
    }

    pub(crate) fn release_quota(&mut self) {
        self.storage.quota_bytes =
            self.profile
                .platform
                .quota_bytes
                .max(if self.healed { 5 << 20 } else { 0 });
        if let Some(process) = self.rng.pick(&self.processes) {
            self.page_write(process, FILLER, None);
        }
    }

    pub(crate) fn clear_storage(&mut self) {
        if !self.running().is_empty() {
            self.coverage.hit("storage cleared under a live tab");
        }
        let taken = self.storage.clear();
        self.records_hit(&taken, Hit::Destroyed);
        self.plant_foreign_keys();
    }

    /// From now on the store takes everything and keeps nothing; what is there already stays.
    pub(crate) fn put_forgetful_store(&mut self) {
        self.coverage.hit("storage that forgets");
        self.storage.forgets = true;
    }

    /// One of our keys, and its value.
    fn any_record(&mut self) -> Option<(String, String)> {
        let ours = PREFIXES
            .iter()
            .flat_map(|prefix| self.storage.entries(prefix));
        let keys: Vec<String> = ours.map(|(key, _)| key.to_owned()).collect();
        let at = self.rng.below(keys.len() as u64) as usize;
        let key = keys.get(at)?;
        let (_, value) = self.storage.entries(key).next()?;
        Some((key.clone(), value.to_owned()))
    }

    /// The page needs room and throws out whatever is large.
    pub(crate) fn evict_record(&mut self) {
        let Some(process) = self.rng.pick(&self.processes) else {
            return;
        };
        let ours = PREFIXES
            .iter()
            .flat_map(|prefix| self.storage.entries(prefix));
        let largest = ours.max_by_key(|(_, value)| value.len());
        let Some((key, value)) = largest.map(|(key, value)| (key.to_owned(), value.to_owned()))
        else {
            return;
        };
        self.coverage.hit("record evicted");
        self.log("evict", usize::MAX, 0, || key.clone());
        self.page_write(process, &key, None);
        self.records_hit(&[(key, value)], Hit::Destroyed);
    }

    /// Some other script garbles one of our records.
    pub(crate) fn damage_record(&mut self) {
        let Some(process) = self.rng.pick(&self.processes) else {
            return;
        };
        let Some((key, value)) = self.any_record() else {
            return;
        };
        // Early calls have no numbers of their own: one of them damaged would renumber the rest.
        let kinds = if key.ends_with(":e") { 2 } else { 5 };
        let damaged = match self.rng.below(kinds) {
            0 => "3\nfrom the future".to_owned(),
            1 => "2 garbage".to_owned(),
            2 => value.chars().take(value.chars().count() / 2).collect(),
            _ => value.replacen('"', "", 1),
        };
        let owner = self.record_of(&key).map(|(tab, _)| tab);
        self.log("damage", owner.unwrap_or(usize::MAX), 0, || key.clone());
        if damaged == value || !self.page_write(process, &key, Some(&damaged)) {
            return;
        }
        self.storage.damaged.insert(key.clone());
        if let Some(owner) = owner {
            // A journal with a record of another version is left alone from now on.
            self.model.books[owner].left_alone |= damaged.starts_with('3');
        }
        self.records_hit(&[(key, value)], Hit::Destroyed);
    }
}
