//! The events of a log, oldest first: a vector that gives from its front without moving the rest,
//! so that settling a batch costs the same however many events wait behind it.

/// One event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entry {
    /// Number within its tab.
    pub seq: u64,
    /// Its wire text.
    pub text: Box<str>,
}

/// Events by ascending number.
#[derive(Clone, Debug, Default)]
pub struct Entries {
    /// The first `gone` of them are empty; they leave all at once when they are the larger part.
    slots: Vec<Entry>,
    gone: usize,
    bytes: usize,
}

impl Entries {
    /// All of them.
    #[must_use]
    pub fn all(&self) -> &[Entry] {
        self.slots.get(self.gone..).unwrap_or_default()
    }

    /// Bytes of their texts.
    #[must_use]
    pub const fn bytes(&self) -> usize {
        self.bytes
    }

    /// Index of the first one after number `seq`.
    #[must_use]
    pub fn index_after(&self, seq: u64) -> usize {
        match self.all() {
            // Almost always asked near the front.
            [front, ..] if seq < front.seq => 0,
            all => all.partition_point(|entry| entry.seq <= seq),
        }
    }

    /// Those of a range, both ends included.
    #[must_use]
    pub fn range(&self, from: u64, to: u64) -> &[Entry] {
        let (start, end) = (
            self.index_after(from.saturating_sub(1)),
            self.index_after(to),
        );
        self.all().get(start..end).unwrap_or_default()
    }

    /// Adds the newest.
    pub fn push(&mut self, entry: Entry) {
        self.bytes += entry.text.len();
        self.slots.push(entry);
    }

    /// Removes those from index `start` up to `end`. The few before them move up; the many behind
    /// them stay.
    pub fn remove(&mut self, start: usize, end: usize) {
        let (first, end) = (self.gone + start, self.gone + end);
        for slot in self.slots.get_mut(first..end).unwrap_or_default() {
            self.bytes -= slot.text.len();
            slot.text = Box::default();
            self.gone += 1;
        }
        let removed = self.gone + start - first;
        for index in (first - start..first).rev() {
            self.slots.swap(index, index + removed);
        }
        if self.gone * 2 > self.slots.len() {
            self.slots = self.slots.split_off(self.gone);
            self.gone = 0;
        }
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
                    let entry = Entry { seq, text: "x".repeat(count).into() };
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
