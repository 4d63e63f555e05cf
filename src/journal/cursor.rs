//! One destination's progress through a log: what is settled, which batches are sealed, and which gaps
//! it has yet to be told of.
//!
//! Positions are sequence numbers. From the front: what is settled; then sealed batches, whose ranges and
//! bytes are fixed; then events not sealed yet. What is given up, for all destinations or by this one
//! alone, leaves a gap that the next batch tells.

mod telling;

use std::borrow::Cow;

use crate::{
    journal::{
        log::Log,
        seal::{BatchRef, Seal, Stamp},
    },
    model::{
        drop_reason::DropReason, edits::edited, event::Entry, gap::Gap, spans::Spans,
        time::UnixMillis,
    },
};

/// Gaps told in one batch at most. Beyond it neighbours are joined where nothing between them lives, and
/// the rest waits for the next.
pub const GAPS_MAX: usize = 16;

/// Later than every event: the largest number that a record can hold.
pub const END: u64 = 9_999_999_999_999_999_999;

/// A gap, and the first event of the sealed batch that tells it, if one does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Told {
    /// What was given up.
    pub gap: Gap,
    /// By which batch it is told.
    pub by: Option<u64>,
}

/// A destination that streams are owed to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owed {
    /// Its name in the configuration: letters, digits, `_`, `-` and `.`.
    pub name: String,
    /// See [`Format::encoder`](crate::wire::Format::encoder).
    pub encoder: &'static str,
    /// See [`Format::tells_gaps`](crate::wire::Format::tells_gaps).
    pub tells_gaps: bool,
}

/// Which gaps a batch tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Telling {
    /// Those of the sealed batch that starts with this event.
    Of(u64),
    /// Those that no batch tells yet.
    Next,
    /// None.
    Nothing,
}

/// See the module.
#[derive(Clone, Debug, Default)]
pub struct Cursor {
    /// The destination's name.
    pub destination: String,
    /// Format and version that its sealed batches are encoded by.
    pub encoder: String,
    /// Whether the dialect has a place for gaps; if not, none is kept.
    tells_gaps: bool,
    done: Spans,
    sealed_to: u64,
    seals: Vec<Seal>,
    /// Batch by batch; those that none tells yet come last.
    gaps: Vec<Told>,
    /// The destination refused a batch of nothing but gaps: they wait for one with events.
    gaps_wait: bool,
}

impl Cursor {
    /// One at the beginning.
    #[must_use]
    pub fn new(owed: &Owed) -> Self {
        Self {
            destination: owed.name.clone(),
            encoder: owed.encoder.to_owned(),
            tells_gaps: owed.tells_gaps,
            ..Self::default()
        }
    }

    /// One at the end of a stream of which nothing is owed to the destination.
    #[must_use]
    pub fn at_end(owed: &Owed) -> Self {
        let mut cursor = Self::new(owed);
        cursor.done.add(0, END);
        cursor
    }

    // What is settled.

    /// Restores what a record says: everything up to a number is settled, and these ranges.
    pub fn restore_done(&mut self, from: u64, to: u64) {
        self.done.add(from, to);
    }

    /// The destination is not owed this event.
    pub fn pass_over(&mut self, seq: u64) {
        self.done.add(seq, seq);
    }

    /// What is settled.
    #[must_use]
    pub const fn done(&self) -> &Spans {
        &self.done
    }

    /// Everything up to this number is settled.
    #[must_use]
    pub fn settled(&self, log: &Log) -> u64 {
        self.first_after(log, 0)
            .map_or_else(|| log.last_seq(), |first| first - 1)
    }

    /// Events not settled.
    #[must_use]
    pub fn pending(&self, log: &Log) -> usize {
        self.count(log, 0, u64::MAX)
    }

    /// Events of a range that are not settled.
    #[must_use]
    pub fn count(&self, log: &Log, from: u64, to: u64) -> usize {
        let mut count = log.range(from, to).len();
        for (start, end) in self.done.ranges() {
            let (start, end) = (*start.max(&from), *end.min(&to));
            if start <= end {
                count -= log.range(start, end).len();
            }
        }
        count
    }

    /// Those of them that a page has tracked, which are what accounts are about.
    #[must_use]
    pub fn tracked(&self, log: &Log, from: u64, to: u64) -> usize {
        let untracked = log.untracked(from, to).filter(|seq| !self.done.has(*seq));
        self.count(log, from, to) - untracked.count()
    }

    /// The events of a range that are not settled, as the destination is to have them.
    #[must_use]
    pub fn events<'a>(&self, log: &'a Log, from: u64, to: u64) -> Cow<'a, [Entry]> {
        let all = log.range(from, to);
        if !self.done.touch(from, to) && !all.iter().any(Entry::has_edits) {
            return Cow::Borrowed(all);
        }
        let open = all.iter().filter(|entry| !self.done.has(entry.seq));
        let own = open.map(|entry| Entry {
            text: edited(&entry.text, &self.destination).into_owned(),
            ..*entry
        });
        Cow::Owned(own.collect())
    }

    /// The first event after number `seq` that is not settled.
    #[must_use]
    pub fn first_after(&self, log: &Log, seq: u64) -> Option<u64> {
        let mut after = seq;
        loop {
            let next = log.after(after).first()?.seq;
            match self.done.end_of(next) {
                Some(end) => after = end,
                None => return Some(next),
            }
        }
    }

    /// Whether nothing is left to be told: no event, and no gap that a batch has yet to tell.
    #[must_use]
    pub fn is_done(&self, log: &Log) -> bool {
        let told = self.gaps.is_empty() || self.gaps_wait;
        told && self.seals.is_empty() && self.first_after(log, 0).is_none()
    }

    // What is sealed.

    /// Sealed batches, in order.
    #[must_use]
    pub fn seals(&self) -> &[Seal] {
        &self.seals
    }

    /// The same, to note what becomes of them.
    pub fn seals_mut(&mut self) -> &mut [Seal] {
        &mut self.seals
    }

    /// The sealed batch of that name.
    pub fn find(&mut self, batch: &BatchRef) -> Option<&mut Seal> {
        self.seals.iter_mut().find(|seal| seal.is(batch))
    }

    /// The first event that is not sealed.
    #[must_use]
    pub fn first_unsealed(&self, log: &Log) -> Option<u64> {
        self.first_after(log, self.sealed_to)
    }

    /// How many events are not sealed.
    #[must_use]
    pub fn unsealed(&self, log: &Log) -> usize {
        self.count(log, self.sealed_to.saturating_add(1), u64::MAX)
    }

    /// The range of a batch of no events, where gaps are all that is left to tell.
    #[must_use]
    pub fn gap_range(&self, log: &Log) -> Option<(u64, u64)> {
        if self.gaps_wait || !self.seals.is_empty() || self.first_after(log, 0).is_some() {
            return None;
        }
        let gaps = self.gaps_of(Telling::Next);
        let from = gaps.iter().map(|gap| gap.from).min()?;
        let to = gaps.iter().map(|gap| gap.to).max()?;
        Some((from, to))
    }

    /// The seal that the range would get now.
    #[must_use]
    pub fn sealing(&self, log: &Log, from: u64, to: u64, at: UnixMillis, telling: Telling) -> Seal {
        let seal = Seal::new(from, to, at, 0);
        Seal {
            stamp: self.stamp(log, &seal, telling),
            ..seal
        }
    }

    /// A hash over everything that a batch's bytes depend on.
    #[must_use]
    pub fn stamp(&self, log: &Log, seal: &Seal, telling: Telling) -> u32 {
        let mut stamp = Stamp::default();
        stamp.number(seal.at.0);
        stamp.text(&self.encoder);
        for gap in self.gaps_of(telling) {
            stamp.number(gap.from);
            stamp.number(gap.to);
            stamp.text(gap.reason.code());
        }
        stamp.text(&log.sdk);
        stamp.text(&log.context);
        let mut page = None;
        for entry in self.events(log, seal.from, seal.to).iter() {
            if page != Some(entry.page) {
                stamp.text(log.page_text(entry.page));
                page = Some(entry.page);
            }
            stamp.text(&entry.text);
        }
        stamp.value()
    }

    /// Takes in the seal that the first unsealed events would get now.
    pub fn adopt(&mut self, seal: Seal) {
        self.tell_by(seal.from);
        self.sealed_to = seal.to;
        self.seals.push(seal);
    }

    /// Takes in a batch sealed elsewhere, if it is to the byte what would be sealed here: with the
    /// gaps that a record said it tells, with those that wait to be told, or with none.
    pub fn adopt_if_exact(&mut self, log: &Log, seal: Seal) -> bool {
        if self.first_unsealed(log) != Some(seal.from) || seal.to > log.last_seq() {
            return false;
        }
        for telling in [Telling::Of(seal.from), Telling::Next, Telling::Nothing] {
            if self.stamp(log, &seal, telling) == seal.stamp {
                if telling == Telling::Next {
                    self.tell_by(seal.from);
                }
                self.sealed_to = seal.to;
                self.seals.push(seal);
                return true;
            }
        }
        false
    }

    /// Takes a batch in that its living tab has handed over, in place of the one that it handed over before.
    pub fn replace_offered(&mut self, seal: Seal, gaps: &[Gap]) {
        self.seals.clear();
        self.gaps.clear();
        for gap in gaps {
            self.restore_gap(*gap, Some(seal.from));
        }
        self.sealed_to = seal.to;
        self.seals.push(seal);
    }

    /// Whether a sealed batch is to the byte what was sealed elsewhere.
    #[must_use]
    pub fn is_exact(&self, log: &Log, seal: &Seal) -> bool {
        self.stamp(log, seal, Telling::Of(seal.from)) == seal.stamp
    }

    /// Restores a sealed batch, in order. One whose contents are not all here any more, or are not
    /// what they were, is left to be cut anew.
    pub fn restore_seal(&mut self, log: &Log, seal: Seal) {
        if !self.adopt_if_exact(log, seal) {
            // Perhaps they were told already; telling it twice does no harm, not telling it does.
            self.end_telling(log, seal.from, seal.from, false);
        }
    }

    /// Lets go of all seals: their events are to be cut anew, under the same keys.
    pub fn unseal(&mut self, log: &Log) {
        self.seals.clear();
        self.sealed_to = 0;
        self.end_telling(log, 0, u64::MAX, false);
    }

    /// Lets go of the seals from the first on behind which all are `idle`.
    pub fn unseal_from(&mut self, log: &Log, idle: impl Fn(&Seal) -> bool) {
        let kept = self
            .seals
            .iter()
            .rposition(|seal| !idle(seal))
            .map_or(0, |last| last + 1);
        if let Some(first) = self.seals.get(kept).copied() {
            self.sealed_to = first.from - 1;
            self.seals.truncate(kept);
            self.end_telling(log, first.from, END, false);
        }
    }

    /// Nothing up to this event is to be sent or told.
    pub fn abandon(&mut self, last: u64) {
        self.done.add(0, last);
        self.seals.clear();
        self.gaps.clear();
        self.sealed_to = last;
    }

    /// Replaces a sealed batch of several events by its halves. A batch of one is left alone.
    pub fn split(&mut self, log: &Log, batch: &BatchRef) -> bool {
        let Some(index) = self.seals.iter().position(|seal| seal.is(batch)) else {
            return false;
        };
        let (from, to) = (batch.from, batch.to);
        let events = self.events(log, from, to);
        let (left, right) = events.split_at(events.len() / 2);
        let ([.., left_end], [right, ..]) = (left, right) else {
            return false;
        };
        let (left_to, right_from) = (left_end.seq, right.seq);
        let at = self.seals.get(index).map_or(UnixMillis(0), |seal| seal.at);
        let right = self.sealing(log, right_from, to, at, Telling::Nothing);
        let left = self.sealing(log, from, left_to, at, Telling::Of(from));
        self.seals.splice(index..=index, [left, right]);
        true
    }

    /// The range is done with: delivered, or given up for `gave_up`. Returns how many tracked events
    /// of it were not settled before. Seals that it cuts through are undone, to be cut anew.
    pub fn settle(&mut self, log: &Log, from: u64, to: u64, gave_up: Option<DropReason>) -> usize {
        let (open, tracked) = (self.count(log, from, to), self.tracked(log, from, to));
        self.done.add(from, to);
        if let Some(reason) = gave_up {
            // Not at once, if gaps were all there was to it.
            self.gaps_wait = open == 0;
            if open > 0 {
                self.add_gap(log, Gap { from, to, reason });
            }
        }
        self.end_seals(log, from, to, gave_up.is_none());
        tracked
    }

    /// Of a batch some events are settled, some given up as `rejected`, and some (`again`) not settled: those
    /// are cut anew. Returns how many tracked ones were settled and how many of them were given up.
    pub fn settle_partly(
        &mut self,
        log: &Log,
        (from, to): (u64, u64),
        refused: &[u64],
        again: &[u64],
    ) -> (usize, usize) {
        let open = self.events(log, from, to);
        let ends: Vec<(u64, bool)> = open
            .iter()
            .filter(|entry| !again.contains(&entry.seq))
            .map(|entry| (entry.seq, entry.is_tracked()))
            .collect();
        let (mut settled, mut given_up) = (0, 0);
        for (seq, tracked) in ends {
            self.done.add(seq, seq);
            settled += usize::from(tracked);
            given_up += usize::from(tracked && refused.contains(&seq));
        }
        self.end_seals(log, from, to, true);
        (settled, given_up)
    }

    fn end_seals(&mut self, log: &Log, from: u64, to: u64, told: bool) {
        let mut index = 0;
        while let Some(seal) = self.seals.get(index).copied() {
            if seal.to < from || to < seal.from {
                index += 1;
            } else if seal.from < from || to < seal.to {
                self.sealed_to = seal.from - 1;
                self.seals.truncate(index);
                self.end_telling(log, seal.from, u64::MAX, false);
            } else {
                self.seals.remove(index);
                self.end_telling(log, seal.from, seal.from, told);
                if self.count(log, seal.from, seal.to) > 0 {
                    // What is to go again goes before what was sealed after it.
                    self.sealed_to = seal.from - 1;
                    self.seals.truncate(index);
                    self.end_telling(log, seal.from, u64::MAX, false);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ids::TabId;

    fn log(events: usize) -> Log {
        let tab = TabId::parse("00000000000000000001").unwrap();
        let mut log = Log::new(tab, "{}".into(), "{}".into());
        (0..events).for_each(|_| log.push(0, "{\"e\":1}".into()));
        log
    }

    fn cursor() -> Cursor {
        Cursor::new(&Owed {
            name: "own".into(),
            encoder: "native/2",
            tells_gaps: true,
        })
    }

    fn seal(cursor: &mut Cursor, log: &Log, events: usize) -> Option<()> {
        let from = cursor.first_unsealed(log)?;
        let open = cursor.events(log, from, u64::MAX);
        let to = open.get(..events.min(open.len()))?.last()?.seq;
        let seal = cursor.sealing(log, from, to, UnixMillis(1), Telling::Next);
        cursor.adopt(seal);
        Some(())
    }

    fn ranges(cursor: &Cursor) -> Vec<(u64, u64)> {
        let seals = cursor.seals().iter();
        seals.map(|seal| (seal.from, seal.to)).collect()
    }

    fn gap(from: u64, to: u64, reason: DropReason) -> Gap {
        Gap { from, to, reason }
    }

    #[test]
    fn settling_out_of_order_keeps_count_and_offset() {
        let (log, mut cursor) = (log(25), cursor());
        while seal(&mut cursor, &log, 10).is_some() {}
        assert_eq!(cursor.settle(&log, 11, 20, None), 10);
        assert_eq!((cursor.settled(&log), cursor.pending(&log)), (0, 15));
        assert_eq!(
            cursor.settle(&log, 11, 20, None),
            0,
            "a second answer changes nothing"
        );
        assert_eq!(cursor.settle(&log, 1, 10, None), 10);
        assert_eq!((cursor.settled(&log), cursor.pending(&log)), (20, 5));
        cursor.settle(&log, 21, 25, None);
        assert!(cursor.is_done(&log));
        assert_eq!(cursor.settled(&log), 25);
    }

    #[test]
    fn two_cursors_go_their_own_ways_through_one_log() {
        let (mut log, mut fast, mut slow) = (log(4), cursor(), cursor());
        fast.settle(&log, 1, 4, None);
        slow.settle(&log, 2, 3, Some(DropReason::Rejected));
        assert!(fast.is_done(&log) && !slow.is_done(&log));
        log.forget(&fast.done().common(slow.done()));
        let left: Vec<u64> = log.entries().iter().map(|entry| entry.seq).collect();
        assert_eq!(left, [1, 4]);
        assert_eq!((fast.settled(&log), slow.settled(&log)), (4, 0));
    }

    #[test]
    fn what_is_given_up_is_told_by_the_next_batch_and_only_by_it() {
        let (log, mut cursor) = (log(20), cursor());
        seal(&mut cursor, &log, 10);
        assert_eq!(cursor.give_up(&log, 11, 14, DropReason::Overflow), 4);
        assert_eq!(cursor.give_up(&log, 15, 15, DropReason::Overflow), 1);
        assert!(cursor.has_untold());
        seal(&mut cursor, &log, 10).unwrap();
        assert_eq!(ranges(&cursor), [(1, 10), (16, 20)]);
        assert_eq!(
            cursor.gaps_of(Telling::Of(16)),
            [gap(11, 15, DropReason::Overflow)]
        );
        assert!(!cursor.has_untold());
        assert_eq!(cursor.gaps_of(Telling::Of(1)), []);
        cursor.settle(&log, 16, 20, None);
        assert_eq!(cursor.gaps(), []);
    }

    #[test]
    fn past_their_bound_gaps_wait_rather_than_cover_what_lives() {
        let (log, mut cursor) = (log(2 * GAPS_MAX + 10), cursor());
        for seq in (1..=2 * GAPS_MAX as u64).step_by(2) {
            cursor.settle(&log, seq, seq, Some(DropReason::Rejected));
        }
        for seq in [35, 36, 39] {
            cursor.settle(&log, seq, seq, Some(DropReason::Rejected));
        }
        while seal(&mut cursor, &log, 10).is_some() {}
        let mut told = Vec::new();
        for seal in cursor.seals() {
            let gaps = cursor.gaps_of(Telling::Of(seal.from));
            assert!(
                gaps.iter()
                    .all(|gap| cursor.count(&log, gap.from, gap.to) == 0)
            );
            told.extend(gaps.iter().flat_map(|gap| gap.from..=gap.to));
        }
        let odd = (1..=31).step_by(2).chain([35, 36, 39]);
        assert_eq!(told, odd.collect::<Vec<_>>());
        assert!(!cursor.has_untold());
    }

    #[test]
    fn a_split_batch_keeps_every_event_and_a_single_one_stays() {
        let (log, mut cursor) = (log(5), cursor());
        let name = |cursor: &Cursor, index: usize| cursor.seals()[index].batch(log.tab, 0);
        seal(&mut cursor, &log, 10);
        let whole = name(&cursor, 0);
        assert!(cursor.split(&log, &whole));
        assert_eq!(ranges(&cursor), [(1, 2), (3, 5)]);
        let left = name(&cursor, 0);
        assert!(cursor.split(&log, &left) && !cursor.split(&log, &left));
        let single = name(&cursor, 0);
        assert!(!cursor.split(&log, &single));
        assert_eq!(ranges(&cursor), [(1, 1), (2, 2), (3, 5)]);
    }

    #[test]
    fn settling_through_a_seal_undoes_it() {
        let (log, mut cursor) = (log(20), cursor());
        while seal(&mut cursor, &log, 10).is_some() {}
        assert_eq!(cursor.settle(&log, 1, 15, None), 15);
        assert_eq!(
            (ranges(&cursor), cursor.first_unsealed(&log)),
            (vec![], Some(16))
        );
    }

    #[test]
    fn what_is_to_go_again_is_cut_anew_before_what_comes_after_it() {
        let (log, mut cursor) = (log(20), cursor());
        while seal(&mut cursor, &log, 10).is_some() {}
        assert_eq!(cursor.settle_partly(&log, (1, 10), &[2], &[4, 5]), (8, 1));
        assert_eq!(
            cursor.settle_partly(&log, (1, 10), &[2], &[4, 5]),
            (0, 0),
            "told twice"
        );
        assert_eq!(cursor.first_unsealed(&log), Some(4));
        assert_eq!(cursor.events(&log, 1, 10).len(), 2);
        assert_eq!(cursor.pending(&log), 12);
    }

    #[test]
    fn the_stamp_depends_on_the_reasons_word() {
        let (log, mut one, mut two) = (log(3), cursor(), cursor());
        one.give_up(&log, 1, 1, DropReason::Overflow);
        two.give_up(&log, 1, 1, DropReason::Blocked);
        let stamp = |cursor: &Cursor| {
            cursor
                .sealing(&log, 2, 3, UnixMillis(1), Telling::Next)
                .stamp
        };
        assert_ne!(stamp(&one), stamp(&two));
    }
}
