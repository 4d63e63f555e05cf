//! Sets of numbers, kept as ranges: what of a stream is done with.

/// Disjoint ranges in ascending order, both ends included; neighbours are one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Spans(Vec<(u64, u64)>);

impl Spans {
    /// Adds a range.
    pub fn add(&mut self, from: u64, to: u64) {
        if from > to {
            return;
        }
        let start = self
            .0
            .partition_point(|(_, end)| end.saturating_add(1) < from);
        let (mut from, mut to, mut end) = (from, to, start);
        while let Some((next_from, next_to)) = self.0.get(end).copied()
            && next_from <= to.saturating_add(1)
        {
            (from, to) = (from.min(next_from), to.max(next_to));
            end += 1;
        }
        self.0.splice(start..end, [(from, to)]);
    }

    /// Whether the number is among them.
    #[must_use]
    pub fn has(&self, number: u64) -> bool {
        self.end_of(number).is_some()
    }

    /// The end of the range that holds the number, if one does.
    #[must_use]
    pub fn end_of(&self, number: u64) -> Option<u64> {
        let at = self.0.partition_point(|(_, to)| *to < number);
        let (from, to) = *self.0.get(at)?;
        (from <= number).then_some(to)
    }

    /// Whether every number of the range is among them.
    #[must_use]
    pub fn cover(&self, from: u64, to: u64) -> bool {
        from > to || self.end_of(from) >= Some(to)
    }

    /// Whether any number of the range is among them.
    #[must_use]
    pub fn touch(&self, from: u64, to: u64) -> bool {
        let at = self.0.partition_point(|(_, end)| *end < from);
        self.0.get(at).is_some_and(|(start, _)| *start <= to)
    }

    /// The ranges, in order.
    #[must_use]
    pub fn ranges(&self) -> &[(u64, u64)] {
        &self.0
    }

    /// What both have.
    #[must_use]
    pub fn common(&self, other: &Self) -> Self {
        let (mut common, mut mine, mut theirs) = (Vec::new(), 0, 0);
        while let (Some((a_from, a_to)), Some((b_from, b_to))) =
            (self.0.get(mine), other.0.get(theirs))
        {
            let (from, to) = (*a_from.max(b_from), *a_to.min(b_to));
            if from <= to {
                common.push((from, to));
            }
            if a_to < b_to {
                mine += 1;
            } else {
                theirs += 1;
            }
        }
        Self(common)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    proptest::proptest! {
        #[test]
        fn behave_like_sets(
            a in proptest::collection::vec((1_u64..40, 0_u64..6), 0..12),
            b in proptest::collection::vec((1_u64..40, 0_u64..6), 0..12),
        ) {
            let (mut spans, mut model) = ([Spans::default(), Spans::default()], [BTreeSet::new(), BTreeSet::new()]);
            for (index, ranges) in [a, b].iter().enumerate() {
                for (from, length) in ranges {
                    spans[index].add(*from, from + length);
                    model[index].extend(*from..=from + length);
                }
            }
            let [a, b] = &spans;
            for number in 0..50 {
                proptest::prop_assert_eq!(a.has(number), model[0].contains(&number));
                proptest::prop_assert_eq!(a.cover(number, number + 3), (number..=number + 3).all(|one| model[0].contains(&one)));
                proptest::prop_assert_eq!(a.touch(number, number + 3), model[0].range(number..=number + 3).count() > 0);
                proptest::prop_assert_eq!(a.common(b).has(number), model[0].contains(&number) && model[1].contains(&number));
            }
            for pair in a.ranges().windows(2) {
                proptest::prop_assert!(pair[0].1 + 1 < pair[1].0);
            }
        }
    }
}
