//! One tab's events in order: which wait, which are sealed into batches, which are settled.
//!
//! Positions are sequence numbers. From the front: everything up to `settled` is done with; then
//! come sealed batches, whose ranges and bytes are fixed; then events not sealed yet. Events are
//! given up only from the unsealed part, and leave a [`Hole`] that the next batch reports.

use crate::engine::report::DropReason;
use crate::journal::entries::Entries;
pub use crate::journal::entries::Entry;
use crate::journal::seal::Stamp;
pub use crate::journal::seal::{Hole, NO_HOLES, Seal, UNREPORTED, checksum};
use crate::model::ids::{TabId, batch_id};
use crate::model::time::UnixMillis;
use crate::text::fields::owned;
use crate::wire::envelope;

/// Holes reported in one envelope at most. Beyond it neighbours are joined where nothing between
/// them lives, and the rest waits for the next.
pub const HOLES_MAX: usize = 16;

/// Stands for the number of an event where there is none: after all of them.
pub const NO_EVENT: u64 = u64::MAX;

/// Limits of a batch.
#[derive(Clone, Copy, Debug)]
pub struct CutLimits {
    /// Events.
    pub events: usize,
    /// Bytes of the whole body.
    pub bytes: usize,
}

/// One tab's events, oldest first.
#[derive(Clone, Debug)]
pub struct Log {
    /// Whose.
    pub tab: TabId,
    /// The constant part of its envelopes.
    pub header: String,
    /// Whether its tab has gone for all it knows: whoever finds its journal need not wait.
    pub left: bool,
    entries: Entries,
    next_seq: u64,
    sealed_to: u64,
    /// Sealed batches, in order.
    pub seals: Vec<Seal>,
    /// Batch by batch; those that none reports yet come last.
    holes: Vec<Hole>,
    /// The collector refused a batch of nothing but gaps: they wait for one with events.
    holes_wait: bool,
}

impl Log {
    /// An empty log whose first event will be number 1.
    #[must_use]
    pub fn new(tab: TabId, header: String) -> Self {
        Self {
            tab,
            header,
            left: false,
            entries: Entries::default(),
            next_seq: 1,
            sealed_to: 0,
            seals: Vec::new(),
            holes: Vec::new(),
            holes_wait: false,
        }
    }

    /// Restores what a journal says of events that are over: up to a number, and gaps behind it.
    pub fn restore_settled(&mut self, settled: u64) {
        self.next_seq = settled + 1;
    }

    /// Restores a gap.
    pub fn restore_hole(&mut self, hole: Hole) {
        self.holes.push(hole);
    }

    /// Restores an event, unless it is over or known: after a merge that was cut short some are there
    /// twice. More of the journal may be seen later, so only what was seen counts as numbered.
    pub fn restore(&mut self, seq: u64, text: &str) {
        if !self.is_over(seq) {
            self.next_seq = seq + 1;
            self.entries.push(Entry {
                seq,
                text: owned(text),
            });
        }
    }

    /// Restores an event that is too old: as one given up. Tells whether it was not yet.
    pub fn restore_expired(&mut self, seq: u64) -> bool {
        let expires = !self.is_over(seq);
        if expires {
            self.add_hole(Hole::new(seq, seq, DropReason::Expired));
        }
        expires
    }

    fn is_over(&self, seq: u64) -> bool {
        let mut holes = self.holes.iter();
        seq < self.next_seq || holes.any(|hole| hole.from <= seq && seq <= hole.to)
    }

    /// Restores a sealed batch, in order. One whose contents are not all here any more, or are not
    /// what they were, is left to be cut anew.
    pub fn restore_seal(&mut self, seal: Seal) {
        if !self.adopt_if_exact(seal) {
            // Perhaps they were reported already; telling it twice does no harm, not telling it does.
            self.end_reports(seal.from, seal.from, false);
        }
    }

    /// Takes in a batch sealed elsewhere, if it is to the byte what would be sealed here: with the
    /// gaps a journal said it reports, with those that wait to be reported, or with none.
    pub fn adopt_if_exact(&mut self, seal: Seal) -> bool {
        if self.first_unsealed() != seal.from || !(seal.from..self.next_seq).contains(&seal.to) {
            return false;
        }
        for holes_of in [seal.from, UNREPORTED, NO_HOLES] {
            if self.stamp(&seal, holes_of) == seal.stamp {
                if holes_of == UNREPORTED {
                    self.report_holes(seal.from);
                }
                self.sealed_to = seal.to;
                self.seals.push(seal);
                return true;
            }
        }
        false
    }

    /// Whether nothing is left to be told: no event, and no gap that a batch has yet to report.
    #[must_use]
    pub fn is_done(&self) -> bool {
        let told = self.holes.is_empty() || self.holes_wait;
        self.pending() == 0 && self.seals.is_empty() && told
    }

    /// The range of a batch of no events, where gaps are all that is left to report.
    #[must_use]
    pub fn gap(&self) -> Option<(u64, u64)> {
        if self.pending() > 0 || !self.seals.is_empty() || self.holes_wait {
            return None;
        }
        let holes = self.holes_of(UNREPORTED);
        let (mut from, mut to) = (holes.first()?.from, 0);
        for hole in holes {
            (from, to) = (from.min(hole.from), to.max(hole.to));
        }
        Some((from, to))
    }

    /// The number that the next event will get.
    #[must_use]
    pub const fn next_seq(&self) -> u64 {
        self.next_seq
    }

    /// Everything up to this number is settled.
    // Asked for in many places: once is enough, as for `count`.
    #[inline(never)]
    #[must_use]
    pub fn settled(&self) -> u64 {
        match self.entries.all() {
            [oldest, ..] => oldest.seq - 1,
            [] => self.next_seq - 1,
        }
    }

    /// Events not settled.
    #[must_use]
    pub fn pending(&self) -> usize {
        self.entries.all().len()
    }

    /// Bytes of the events not settled.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.entries.bytes()
    }

    /// Events given up that are reported by the batch that starts with event `batch`; or, with
    /// [`UNREPORTED`], by none yet and would be by the next.
    #[must_use]
    pub fn holes_of(&self, batch: u64) -> &[Hole] {
        self.first_holes_of(batch, HOLES_MAX)
    }

    fn first_holes_of(&self, batch: u64, max: usize) -> &[Hole] {
        let (mut start, mut count) = (0, 0);
        for hole in &self.holes {
            if hole.batch != batch {
                start += usize::from(count == 0);
            } else if count < max {
                count += 1;
            }
        }
        self.holes.get(start..start + count).unwrap_or_default()
    }

    /// All events given up that no batch reports yet.
    #[must_use]
    pub fn unreported(&self) -> &[Hole] {
        self.first_holes_of(UNREPORTED, usize::MAX)
    }

    /// Whether some events given up are reported by no batch yet.
    #[must_use]
    pub fn has_unreported(&self) -> bool {
        let last = self.holes.last();
        last.is_some_and(|hole| hole.batch == UNREPORTED)
    }

    /// Events after number `seq`, oldest first.
    pub fn entries_after(&self, seq: u64) -> core::slice::Iter<'_, Entry> {
        self.entries.range(seq.saturating_add(1), u64::MAX).iter()
    }

    /// The first event that is not sealed, or [`NO_EVENT`].
    #[must_use]
    pub fn first_unsealed(&self) -> u64 {
        self.first_after(self.sealed_to)
    }

    /// The first event after number `seq`, or [`NO_EVENT`].
    #[must_use]
    pub fn first_after(&self, seq: u64) -> u64 {
        let first = self.entries_after(seq).next();
        first.map_or(NO_EVENT, |first| first.seq)
    }

    /// How many events are not sealed.
    #[must_use]
    pub fn unsealed(&self) -> usize {
        self.entries_after(self.sealed_to).len()
    }

    /// Adds the event that `next_seq` named.
    pub fn push(&mut self, text: String) {
        self.holes_wait = false;
        self.entries.push(Entry {
            seq: self.next_seq,
            text,
        });
        self.next_seq += 1;
    }

    /// The last event of a batch whose first one is `from`, within `limits`; unless `strict`, one event
    /// always fits: what could not was refused at the call.
    #[must_use]
    pub fn cut(&self, from: u64, limits: CutLimits, strict: bool) -> Option<u64> {
        let mut bytes = envelope::overhead_bytes(&self.header, self.holes_of(UNREPORTED).len());
        let mut last = None;
        for entry in self.entries_after(from - 1).take(limits.events) {
            bytes += entry.text.len() + 1;
            if bytes > limits.bytes && (strict || last.is_some()) {
                break;
            }
            last = Some(entry.seq);
        }
        last
    }

    /// The seal that the range would get now, reporting [`holes_of`](Self::holes_of) that batch.
    #[must_use]
    pub fn sealing(&self, from: u64, to: u64, at: UnixMillis, holes_of: u64) -> Seal {
        let seal = Seal::new(from, to, at);
        Seal {
            stamp: self.stamp(&seal, holes_of),
            ..seal
        }
    }

    /// A hash over everything that a batch's bytes depend on.
    #[must_use]
    pub fn stamp(&self, seal: &Seal, holes_of: u64) -> u32 {
        let mut stamp = Stamp::default();
        stamp.number(seal.at.0);
        for hole in self.holes_of(holes_of) {
            stamp.number(hole.from);
            stamp.number(hole.to);
            stamp.number(hole.reason as u64);
        }
        stamp.text(&self.header);
        for entry in self.entries.range(seal.from, seal.to) {
            stamp.text(&entry.text);
        }
        stamp.0
    }

    /// Takes in the seal that the first unsealed events would get now.
    pub fn adopt(&mut self, seal: Seal) {
        self.report_holes(seal.from);
        self.sealed_to = seal.to;
        self.seals.push(seal);
    }

    fn report_holes(&mut self, batch: u64) {
        let unreported = |hole: &&mut Hole| hole.batch == UNREPORTED;
        for hole in self.holes.iter_mut().filter(unreported).take(HOLES_MAX) {
            hole.batch = batch;
        }
    }

    /// The batches that start in a range are no more. What they were to report is told, or another
    /// one has to.
    fn end_reports(&mut self, from: u64, to: u64, told: bool) {
        let holes = core::mem::take(&mut self.holes);
        for unreported in [false, true] {
            for hole in &holes {
                let ended = (from..=to).contains(&hole.batch);
                if unreported == (ended || hole.batch == UNREPORTED) && !(ended && told) {
                    if unreported {
                        self.add_hole(*hole);
                    } else {
                        self.holes.push(*hole);
                    }
                }
            }
        }
    }

    /// The sealed batch of exactly that range.
    pub fn find_seal(&mut self, from: u64, to: u64) -> Option<&mut Seal> {
        self.seals.iter_mut().find(|seal| seal.spans(from, to))
    }

    /// The id of a sealed batch.
    #[must_use]
    pub fn batch_id(&self, seal: &Seal) -> String {
        batch_id(self.tab, seal.from, seal.to, seal.stamp)
    }

    /// The body of a batch, the same to the byte whenever and by whomever it is asked for.
    #[must_use]
    pub fn body(&self, seal: &Seal, holes_of: u64) -> String {
        let id = self.batch_id(seal);
        let events = self.entries.range(seal.from, seal.to);
        envelope::batch(&self.header, &id, seal.at, self.holes_of(holes_of), events)
    }

    /// Events in a range.
    #[inline(never)]
    #[must_use]
    pub fn count(&self, from: u64, to: u64) -> usize {
        self.entries.range(from, to).len()
    }

    /// The range is done with: delivered, or given up for `gave_up`. Returns how many events it
    /// still held. Seals that it cuts through are undone, to be cut anew.
    pub fn settle(&mut self, from: u64, to: u64, gave_up: Option<DropReason>) -> usize {
        let gone = self.count(from, to);
        let start = self.entries.index_after(from.saturating_sub(1));
        self.entries.remove(start, start + gone);
        if let Some(reason) = gave_up {
            // Not at once, if gaps were all there was to it.
            self.holes_wait = gone == 0;
            if gone > 0 {
                self.add_hole(Hole::new(from, to, reason));
            }
        }
        let mut index = 0;
        while let Some(seal) = self.seals.get(index).copied() {
            if seal.to < from || to < seal.from {
                index += 1;
            } else if seal.from < from || to < seal.to {
                self.sealed_to = seal.from - 1;
                self.seals.truncate(index);
                self.end_reports(seal.from, NO_HOLES, false);
            } else {
                self.seals.remove(index);
                self.end_reports(seal.from, seal.from, gave_up.is_none());
            }
        }
        gone
    }

    /// Gives up to `count` of the oldest unsealed events up; returns the first, the last, and how
    /// many there were.
    pub fn drop_oldest(&mut self, count: usize, reason: DropReason) -> Option<(u64, u64, usize)> {
        let unsealed = self.entries_after(self.sealed_to).as_slice();
        let oldest = unsealed.get(..count.min(unsealed.len()))?;
        let (from, to) = (oldest.first()?.seq, oldest.last()?.seq);
        Some((from, to, self.settle(from, to, Some(reason))))
    }

    /// Replaces a sealed batch of several events by its halves. A batch of one is left alone.
    pub fn split(&mut self, from: u64, to: u64) -> bool {
        let Some(index) = self.seals.iter().position(|seal| seal.spans(from, to)) else {
            return false;
        };
        let events = self.entries.range(from, to);
        let (left, right) = events.split_at(events.len() / 2);
        let ([.., left_end], [right, ..]) = (left, right) else {
            return false;
        };
        let (left_to, right_from) = (left_end.seq, right.seq);
        let at = self.seals.get(index).map_or(UnixMillis(0), |seal| seal.at);
        let right = self.sealing(right_from, to, at, NO_HOLES);
        let left = self.sealing(from, left_to, at, from);
        self.seals.insert(index + 1, right);
        if let Some(seal) = self.seals.get_mut(index) {
            *seal = left;
        }
        true
    }

    /// Adds an unreported hole. Past the bound the ranges of two reasons become one: coarser, but
    /// still accounted; a range that holds a living event would be a lie.
    fn add_hole(&mut self, hole: Hole) {
        let unreported = self.unreported();
        if let Some(last) = unreported.last() {
            let (from, to) = (last.from.min(hole.from), last.to.max(hole.to));
            let adjoins = last.reason == hole.reason && last.to + 1 == hole.from;
            let full = unreported.len() >= HOLES_MAX;
            if adjoins || full && self.count(from, to) == 0 {
                if let Some(last) = self.holes.last_mut() {
                    (last.from, last.to) = (from, to);
                }
                return;
            }
        }
        self.holes.push(Hole {
            batch: UNREPORTED,
            ..hole
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: CutLimits = CutLimits {
        events: 10,
        bytes: 60_000,
    };

    fn log(events: usize) -> Log {
        let mut log = Log::new(
            TabId::parse("00000000000000000001").unwrap(),
            "\"h\":1".into(),
        );
        (0..events).for_each(|_| log.push("{\"e\":1}".into()));
        log
    }

    fn seal(log: &mut Log, limits: CutLimits, at: UnixMillis) -> Option<()> {
        let from = log.first_unsealed();
        let to = log.cut(from, limits, false)?;
        let seal = log.sealing(from, to, at, UNREPORTED);
        log.adopt(seal);
        Some(())
    }

    fn body_of(log: &mut Log, from: u64, to: u64) -> String {
        let seal = *log.find_seal(from, to).unwrap();
        log.body(&seal, from)
    }

    fn ranges(log: &Log) -> Vec<(u64, u64)> {
        log.seals.iter().map(|seal| (seal.from, seal.to)).collect()
    }

    #[test]
    fn batches_are_cut_by_count_and_by_bytes() {
        let mut log = log(25);
        while seal(&mut log, LIMITS, UnixMillis(1)).is_some() {}
        assert_eq!(ranges(&log), [(1, 10), (11, 20), (21, 25)]);
        let small = CutLimits {
            events: 10,
            bytes: envelope::overhead_bytes("\"h\":1", 0) + 3 * 8,
        };
        let mut log = self::log(4);
        while seal(&mut log, small, UnixMillis(1)).is_some() {}
        assert_eq!(ranges(&log), [(1, 3), (4, 4)]);
        for seal in &log.seals {
            assert!(log.body(seal, seal.from).len() <= small.bytes);
        }
    }

    #[test]
    fn settling_out_of_order_keeps_count_and_offset() {
        let mut log = log(25);
        while seal(&mut log, LIMITS, UnixMillis(1)).is_some() {}
        assert_eq!(log.settle(11, 20, None), 10);
        assert_eq!((log.settled(), log.pending()), (0, 15));
        assert_eq!(
            log.settle(11, 20, None),
            0,
            "a second answer changes nothing"
        );
        assert_eq!(log.settle(1, 10, None), 10);
        assert_eq!((log.settled(), log.pending()), (20, 5));
        log.settle(21, 25, None);
        assert_eq!((log.settled(), log.pending(), log.bytes()), (25, 0, 0));
    }

    #[test]
    fn what_is_given_up_is_reported_by_the_next_batch_and_only_by_it() {
        let mut log = log(20);
        seal(&mut log, LIMITS, UnixMillis(1));
        let dropped = log.drop_oldest(4, DropReason::Overflow);
        assert_eq!(dropped, Some((11, 14, 4)));
        let dropped = log.drop_oldest(1, DropReason::Overflow);
        assert_eq!(dropped, Some((15, 15, 1)));
        assert!(log.has_unreported());
        seal(&mut log, LIMITS, UnixMillis(1)).unwrap();
        assert_eq!(ranges(&log), [(1, 10), (16, 20)]);
        let body = body_of(&mut log, 16, 20);
        assert!(
            body.contains(r#""dropped":[{"from":11,"to":15,"reason":"overflow"}]"#),
            "{body}"
        );
        assert!(!log.has_unreported());
        assert!(!body_of(&mut log, 1, 10).contains("dropped"));
        assert_eq!(
            log.drop_oldest(5, DropReason::Overflow),
            None,
            "sealed events stay"
        );
    }

    #[test]
    fn past_their_bound_gaps_wait_rather_than_cover_what_lives() {
        let mut log = log(2 * HOLES_MAX + 10);
        for seq in (1..=2 * HOLES_MAX as u64).step_by(2) {
            log.settle(seq, seq, Some(DropReason::Rejected));
        }
        log.settle(35, 35, Some(DropReason::Rejected));
        log.settle(36, 36, Some(DropReason::TooLarge));
        log.settle(39, 39, Some(DropReason::Rejected));
        while seal(&mut log, LIMITS, UnixMillis(1)).is_some() {}
        let mut told = Vec::new();
        for seal in &log.seals {
            let holes = log.holes_of(seal.from);
            assert!(holes.len() <= HOLES_MAX);
            assert!(holes.iter().all(|hole| log.count(hole.from, hole.to) == 0));
            told.extend(holes.iter().flat_map(|hole| hole.from..=hole.to));
        }
        let odd = (1..=31).step_by(2).chain([35, 36, 39]);
        assert_eq!(told, odd.collect::<Vec<_>>());
        assert!(!log.has_unreported());
    }

    #[test]
    fn a_split_batch_keeps_every_event_and_a_single_one_stays() {
        let mut log = log(5);
        seal(&mut log, LIMITS, UnixMillis(9));
        assert!(log.split(1, 5));
        assert_eq!(ranges(&log), [(1, 2), (3, 5)]);
        assert!(log.split(1, 2) && !log.split(1, 1) && !log.split(7, 9));
        assert_eq!(ranges(&log), [(1, 1), (2, 2), (3, 5)]);
    }

    #[test]
    fn settling_through_a_seal_undoes_it() {
        let mut log = log(20);
        while seal(&mut log, LIMITS, UnixMillis(1)).is_some() {}
        assert_eq!(log.settle(1, 15, None), 15);
        assert_eq!((ranges(&log), log.first_unsealed()), (vec![], 16));
    }
}
