//! The events of a log, oldest first.

use crate::model::event::Entry;

/// Events by ascending number. Taking from the front moves the rest, which is a few words for each:
/// next to the storage that goes with them that is nothing.
#[derive(Clone, Debug, Default)]
pub struct Entries {
    all: Vec<Entry>,
    /// Numbers of those that no page has tracked: they are few.
    untracked: Vec<u64>,
    bytes: usize,
}

impl Entries {
    /// All of them.
    #[must_use]
    pub fn all(&self) -> &[Entry] {
        &self.all
    }

    /// Bytes of their texts.
    #[must_use]
    pub const fn bytes(&self) -> usize {
        self.bytes
    }

    /// Numbers of those of a range that no page has tracked, both ends included.
    pub fn untracked(&self, from: u64, to: u64) -> impl Iterator<Item = u64> + '_ {
        let all = self.untracked.iter().copied();
        all.filter(move |seq| from <= *seq && *seq <= to)
    }

    /// Index of the first one after number `seq`.
    #[must_use]
    pub fn index_after(&self, seq: u64) -> usize {
        self.all.partition_point(|entry| entry.seq <= seq)
    }

    /// Those of a range, both ends included.
    #[must_use]
    pub fn range(&self, from: u64, to: u64) -> &[Entry] {
        let start = self.index_after(from.saturating_sub(1));
        let end = self.index_after(to);
        self.all.get(start..end).unwrap_or_default()
    }

    /// Adds one where its number belongs; one whose number is there already is left out.
    pub fn insert(&mut self, entry: Entry) {
        let at = self.index_after(entry.seq.saturating_sub(1));
        if self.all.get(at).is_some_and(|next| next.seq == entry.seq) {
            return;
        }
        self.bytes += entry.text.len();
        if !entry.is_tracked() {
            self.untracked.push(entry.seq);
        }
        self.all.insert(at, entry);
    }

    /// Removes those of a range, both ends included.
    pub fn remove(&mut self, from: u64, to: u64) {
        self.untracked.retain(|seq| *seq < from || to < *seq);
        let start = self.index_after(from.saturating_sub(1));
        let end = self.index_after(to).max(start);
        for entry in self.all.drain(start..end) {
            self.bytes -= entry.text.len();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    proptest::proptest! {
        #[test]
        fn behaves_like_a_map(steps in proptest::collection::vec((0_u8..3, 1_u64..30, 0_u64..9), 0..80)) {
            let (mut entries, mut model) = (Entries::default(), BTreeMap::new());
            for (step, seq, length) in steps {
                if step == 0 {
                    entries.remove(seq, seq + length);
                    model.retain(|at, _| *at < seq || *at > seq + length);
                } else {
                    let text = "x".repeat(length as usize);
                    model.entry(seq).or_insert_with(|| text.clone());
                    entries.insert(Entry { seq, page: 0, text });
                }
                let texts: Vec<_> = entries.all().iter().map(|entry| (entry.seq, entry.text.clone())).collect();
                proptest::prop_assert_eq!(texts, model.clone().into_iter().collect::<Vec<_>>());
                proptest::prop_assert_eq!(entries.bytes(), model.values().map(String::len).sum::<usize>());
                let in_range = model.range(seq..=seq + 3).count();
                proptest::prop_assert_eq!(entries.range(seq, seq + 3).len(), in_range);
            }
        }
    }
}
