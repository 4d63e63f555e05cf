//! The events of a log, oldest first.

/// One event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entry {
    /// Number within its tab.
    pub seq: u64,
    /// Its wire text.
    pub text: String,
}

/// Events by ascending number. Taking from the front moves the rest, which is a few words for each:
/// next to the storage that goes with them that is nothing.
#[derive(Clone, Debug, Default)]
pub struct Entries(Vec<Entry>);

impl Entries {
    /// All of them.
    #[must_use]
    pub fn all(&self) -> &[Entry] {
        &self.0
    }

    /// Bytes of their texts.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.0.iter().map(|entry| entry.text.len()).sum()
    }

    /// Index of the first one after number `seq`.
    #[must_use]
    pub fn index_after(&self, seq: u64) -> usize {
        self.0.partition_point(|entry| entry.seq <= seq)
    }

    /// Those of a range, both ends included.
    #[must_use]
    pub fn range(&self, from: u64, to: u64) -> &[Entry] {
        let start = self.index_after(from.saturating_sub(1));
        let end = self.index_after(to);
        self.0.get(start..end).unwrap_or_default()
    }

    /// Adds the newest.
    pub fn push(&mut self, entry: Entry) {
        self.0.push(entry);
    }

    /// Removes those from index `start` up to `end`.
    pub fn remove(&mut self, start: usize, end: usize) {
        self.0.drain(start..end);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn behaves_like_a_vector(steps in proptest::collection::vec((0_u8..3, 0_usize..9, 0_usize..9), 0..80)) {
            let (mut entries, mut model, mut seq) = (Entries::default(), Vec::new(), 0);
            for (step, at, count) in steps {
                if step == 0 {
                    let start = at.min(model.len());
                    let end = (start + count).min(model.len());
                    entries.remove(start, end);
                    model.drain(start..end);
                } else {
                    seq += 1 + at as u64;
                    let entry = Entry { seq, text: "x".repeat(count) };
                    model.push(entry.clone());
                    entries.push(entry);
                }
                proptest::prop_assert_eq!(entries.all(), &model[..]);
                proptest::prop_assert_eq!(entries.bytes(), model.iter().map(|e| e.text.len()).sum::<usize>());
                let after = model.iter().filter(|entry| entry.seq <= seq / 2).count();
                proptest::prop_assert_eq!(entries.index_after(seq / 2), after);
            }
        }
    }
}
