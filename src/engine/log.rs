//! One tab's events in order: which wait, which are sealed into batches, which are settled.
//!
//! Positions are sequence numbers. From the front: everything up to `settled` is done with; then
//! come sealed batches, whose ranges and bytes are fixed; then events not sealed yet. Events are
//! given up only from the unsealed part, and leave a [`Hole`] that the next batch reports.

pub use super::entries::Entry;
use super::{
    entries::Entries,
    ids::{TabId, batch_id},
    map::Map,
    report::DropReason,
    time::UnixMillis,
};
use crate::wire::envelope;

/// A range of events, both ends included, that was given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hole {
    /// First.
    pub from: u64,
    /// Last.
    pub to: u64,
    /// Why.
    pub reason: DropReason,
}

/// Holes reported in one envelope at most; older neighbours are joined beyond it.
pub const HOLES_MAX: usize = 16;

/// A batch whose id and bytes are fixed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seal {
    /// First event.
    pub from: u64,
    /// Last event.
    pub to: u64,
    /// When it was sealed: the envelope's `sentAt`.
    pub at: UnixMillis,
    /// What it reports as given up.
    pub holes: Vec<Hole>,
    /// Part of its id: a hash over everything that its bytes depend on.
    pub stamp: u32,
    /// Where it is.
    pub state: SealState,
    /// It may have reached the collector without our seeing the answer: ask before repeating it.
    pub maybe_sent: bool,
    /// It has been sent before.
    pub sent: bool,
}

impl Seal {
    /// A batch that waits, and reports nothing.
    pub(super) const fn new(from: u64, to: u64, at: UnixMillis) -> Self {
        Self {
            from,
            to,
            at,
            holes: Vec::new(),
            stamp: 0,
            state: SealState::Waiting,
            maybe_sent: false,
            sent: false,
        }
    }
}

/// Where a sealed batch is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SealState {
    /// To be sent.
    Waiting,
    /// With the leader.
    Offered,
    /// In a request.
    InFlight,
}

/// Limits of a batch.
#[derive(Clone, Copy, Debug)]
pub struct CutLimits {
    /// Events.
    pub events: usize,
    /// Bytes of the whole body.
    pub bytes: usize,
}

/// FNV-1a, 32 bits.
struct Stamp(u32);

impl Default for Stamp {
    fn default() -> Self {
        Self(0x811c_9dc5)
    }
}

impl Stamp {
    fn byte(&mut self, byte: u8) {
        self.0 = (self.0 ^ u32::from(byte)).wrapping_mul(0x0100_0193);
    }

    fn text(&mut self, text: &str) {
        text.bytes().for_each(|byte| self.byte(byte));
    }

    fn number(&mut self, number: u64) {
        number
            .to_be_bytes()
            .iter()
            .for_each(|byte| self.byte(*byte));
    }
}

/// FNV-1a, 32 bits: against truncation and foreign hands, not against malice.
#[must_use]
pub fn checksum(text: &str) -> u32 {
    let mut stamp = Stamp::default();
    stamp.text(text);
    stamp.0
}

/// One tab's events, oldest first.
#[derive(Clone, Debug)]
pub struct Log {
    /// Whose.
    pub tab: TabId,
    /// The constant part of its envelopes.
    pub header: String,
    entries: Entries,
    next_seq: u64,
    sealed_to: u64,
    /// Sealed batches, in order.
    pub seals: Vec<Seal>,
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
            entries: Entries::default(),
            next_seq: 1,
            sealed_to: 0,
            seals: Vec::new(),
            holes: Vec::new(),
            holes_wait: false,
        }
    }

    /// Restores what a journal held. More of it may be seen later, so only what was seen counts as
    /// numbered.
    #[must_use]
    pub fn restore(
        tab: TabId,
        header: String,
        entries: Map<u64, Entry>,
        settled: u64,
        holes: Vec<Hole>,
    ) -> Self {
        let mut log = Self::new(tab, header);
        log.absorb(entries.into_iter().map(|(_, entry)| entry));
        log.next_seq = log.next_seq.max(settled + 1);
        log.holes = holes;
        log
    }

    /// Restores a sealed batch, in order. One whose contents are not all here any more, or are not
    /// what they were, is left to be cut anew.
    pub fn restore_seal(&mut self, seal: Seal) {
        if self.is_exact(&seal) {
            self.adopt_seal(seal);
        } else {
            // Perhaps it was reported already; telling it twice does no harm, not telling it does.
            self.add_holes(seal.holes);
        }
    }

    /// Whether a batch sealed elsewhere is to the byte what would be sealed here.
    #[must_use]
    pub fn is_exact(&self, seal: &Seal) -> bool {
        let here = self.sealing(seal.from, seal.to, seal.at, seal.holes.clone());
        here.stamp == seal.stamp && self.first_unsealed() == Some(seal.from)
    }

    /// Whether nothing is left to be told: no event, and no gap that a batch has yet to report.
    #[must_use]
    pub fn is_done(&self) -> bool {
        let told = self.holes.is_empty() || self.holes_wait;
        self.pending() == 0 && self.seals.is_empty() && told
    }

    /// Seals a batch of no events where gaps are all that is left to report.
    pub fn seal_holes(&mut self, at: UnixMillis) -> Option<()> {
        let from = self.holes.iter().map(|hole| hole.from).min()?;
        let to = self.holes.iter().map(|hole| hole.to).max()?;
        if self.pending() > 0 || !self.seals.is_empty() || self.holes_wait {
            return None;
        }
        let holes = core::mem::take(&mut self.holes);
        let seal = self.sealing(from, to, at, holes);
        self.seals.push(seal);
        Some(())
    }

    /// The number that the next event will get.
    #[must_use]
    pub const fn next_seq(&self) -> u64 {
        self.next_seq
    }

    /// Everything up to this number is settled.
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
    pub const fn bytes(&self) -> usize {
        self.entries.bytes()
    }

    /// Events given up that no batch has reported yet.
    #[must_use]
    pub fn holes(&self) -> &[Hole] {
        &self.holes
    }

    /// Events after number `seq`, oldest first.
    pub fn entries_after(&self, seq: u64) -> core::slice::Iter<'_, Entry> {
        self.entries.range(seq.saturating_add(1), u64::MAX).iter()
    }

    /// The first event that is not sealed.
    #[must_use]
    pub fn first_unsealed(&self) -> Option<u64> {
        let first = self.entries_after(self.sealed_to).next()?;
        Some(first.seq)
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
            text: text.into(),
        });
        self.next_seq += 1;
    }

    /// Adds events found later (a stale view of storage showed them late); known ones are skipped.
    pub fn absorb(&mut self, later: impl IntoIterator<Item = Entry>) -> usize {
        let before = self.pending();
        for entry in later {
            if entry.seq >= self.next_seq {
                self.next_seq = entry.seq + 1;
                self.entries.push(entry);
            }
        }
        self.pending() - before
    }

    /// The range of the next batch after number `after`, within `limits`. One event always fits:
    /// what could not was refused at the call.
    #[must_use]
    pub fn cut(&self, after: u64, limits: CutLimits) -> Option<(u64, u64)> {
        let mut bytes = envelope::overhead_bytes(&self.header, self.holes.len().min(HOLES_MAX));
        let mut range = None;
        for entry in self.entries_after(after).take(limits.events) {
            bytes += entry.text.len() + 1;
            if bytes > limits.bytes && range.is_some() {
                break;
            }
            range = Some((range.map_or(entry.seq, |(from, _)| from), entry.seq));
        }
        range
    }

    /// Seals the next batch within `limits` at `at`.
    pub fn seal(&mut self, limits: CutLimits, at: UnixMillis) -> Option<&mut Seal> {
        let (from, to) = self.cut(self.sealed_to, limits)?;
        let seal = self.sealing(from, to, at, self.holes.clone());
        self.adopt_seal(seal)
    }

    /// The seal that the range would get now.
    #[must_use]
    pub fn sealing(&self, from: u64, to: u64, at: UnixMillis, holes: Vec<Hole>) -> Seal {
        let mut stamp = Stamp::default();
        stamp.number(at.0);
        for hole in &holes {
            stamp.number(hole.from);
            stamp.number(hole.to);
            stamp.number(hole.reason as u64);
        }
        stamp.text(&self.header);
        self.entries
            .range(from, to)
            .iter()
            .for_each(|entry| stamp.text(&entry.text));
        Seal {
            holes,
            stamp: stamp.0,
            ..Seal::new(from, to, at)
        }
    }

    /// Makes `seal` the newest sealed batch; it must start at the first unsealed event.
    pub fn adopt_seal(&mut self, seal: Seal) -> Option<&mut Seal> {
        if self.first_unsealed() != Some(seal.from)
            || seal.to < seal.from
            || seal.to >= self.next_seq
        {
            return None;
        }
        self.holes.retain(|hole| !seal.holes.contains(hole));
        self.sealed_to = seal.to;
        self.seals.push(seal);
        self.seals.last_mut()
    }

    /// The sealed batch of exactly that range.
    pub fn find_seal(&mut self, from: u64, to: u64) -> Option<&mut Seal> {
        self.seals
            .iter_mut()
            .find(|seal| (seal.from, seal.to) == (from, to))
    }

    /// The id of a sealed batch.
    #[must_use]
    pub fn batch_id(&self, seal: &Seal) -> String {
        batch_id(self.tab, seal.from, seal.to, seal.stamp)
    }

    /// The body of the sealed batch of exactly that range.
    #[must_use]
    pub fn body_of(&self, from: u64, to: u64) -> Option<String> {
        let mut seals = self.seals.iter();
        let seal = seals.find(|seal| (seal.from, seal.to) == (from, to))?;
        Some(self.body(seal))
    }

    /// The body of a sealed batch, the same to the byte whenever and by whomever it is asked for.
    #[must_use]
    pub fn body(&self, seal: &Seal) -> String {
        let events = self
            .entries
            .range(seal.from, seal.to)
            .iter()
            .map(|entry| &*entry.text);
        let id = self.batch_id(seal);
        envelope::batch(&self.header, &id, seal.at, &seal.holes, events)
    }

    /// Events in a range.
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
        if let (Some(reason), true) = (gave_up, gone > 0) {
            self.add_hole(Hole { from, to, reason });
        }
        let cut_through = self.seals.iter().position(|seal| {
            seal.from <= to && from <= seal.to && !(from <= seal.from && seal.to <= to)
        });
        if let Some(index) = cut_through {
            let undone = self.seals.split_off(index);
            self.sealed_to = undone.first().map_or(0, |seal| seal.from - 1);
            for seal in undone {
                self.add_holes(seal.holes);
            }
        }
        let (lost, kept) = core::mem::take(&mut self.seals)
            .into_iter()
            .partition(|seal| from <= seal.to && seal.from <= to);
        self.seals = kept;
        // What a batch that was given up was to report, the next one has to; not at once, if that
        // was all there was to it.
        if gave_up.is_some() {
            self.holes_wait = gone == 0;
            let lost: Vec<Seal> = lost;
            lost.into_iter().for_each(|seal| self.add_holes(seal.holes));
        }
        gone
    }

    /// Gives up to `count` of the oldest unsealed events up; returns how many.
    pub fn drop_oldest(&mut self, count: usize, reason: DropReason) -> usize {
        let start = self.entries.index_after(self.sealed_to);
        let end = (start + count).min(self.pending());
        let oldest = self.entries.all().get(start..end).unwrap_or_default();
        let (Some(first), Some(last)) = (oldest.first(), oldest.last()) else {
            return 0;
        };
        let (from, to) = (first.seq, last.seq);
        self.add_hole(Hole { from, to, reason });
        self.entries.remove(start, end);
        end - start
    }

    /// Replaces a sealed batch of several events by its halves. A batch of one is left alone.
    pub fn split(&mut self, from: u64, to: u64) -> bool {
        let Some(index) = self
            .seals
            .iter()
            .position(|seal| (seal.from, seal.to) == (from, to))
        else {
            return false;
        };
        let events = self.entries.range(from, to);
        let (left, right) = events.split_at(events.len() / 2);
        let ([.., left_end], [right, ..]) = (left, right) else {
            return false;
        };
        let (left_to, right_from) = (left_end.seq, right.seq);
        let whole = self.seals.remove(index);
        let right = self.sealing(right_from, to, whole.at, Vec::new());
        let left = self.sealing(from, left_to, whole.at, whole.holes);
        self.seals.insert(index, right);
        self.seals.insert(index, left);
        true
    }

    fn add_holes(&mut self, holes: Vec<Hole>) {
        holes.into_iter().for_each(|hole| self.add_hole(hole));
    }

    fn add_hole(&mut self, hole: Hole) {
        if let Some(last) = self.holes.last_mut()
            && (last.reason == hole.reason && last.to + 1 == hole.from
                || self.holes.len() >= HOLES_MAX)
        {
            // Past the bound the ranges of two reasons become one: coarser, but still accounted.
            if let Some(last) = self.holes.last_mut() {
                last.to = last.to.max(hole.to);
                last.from = last.from.min(hole.from);
            }
            return;
        }
        self.holes.push(hole);
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

    fn ranges(log: &Log) -> Vec<(u64, u64)> {
        log.seals.iter().map(|seal| (seal.from, seal.to)).collect()
    }

    #[test]
    fn batches_are_cut_by_count_and_by_bytes() {
        let mut log = log(25);
        while log.seal(LIMITS, UnixMillis(1)).is_some() {}
        assert_eq!(ranges(&log), [(1, 10), (11, 20), (21, 25)]);
        let small = CutLimits {
            events: 10,
            bytes: envelope::overhead_bytes("\"h\":1", 0) + 3 * 8,
        };
        let mut log = self::log(4);
        while log.seal(small, UnixMillis(1)).is_some() {}
        assert_eq!(ranges(&log), [(1, 3), (4, 4)]);
        for seal in &log.seals {
            assert!(log.body(seal).len() <= small.bytes);
        }
    }

    #[test]
    fn settling_out_of_order_keeps_count_and_offset() {
        let mut log = log(25);
        while log.seal(LIMITS, UnixMillis(1)).is_some() {}
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
        log.seal(LIMITS, UnixMillis(1));
        assert_eq!(log.drop_oldest(4, DropReason::Overflow), 4);
        assert_eq!(log.drop_oldest(1, DropReason::Overflow), 1);
        let seal = log.seal(LIMITS, UnixMillis(1)).unwrap().clone();
        assert_eq!((seal.from, seal.to), (16, 20));
        assert_eq!(
            seal.holes,
            [Hole {
                from: 11,
                to: 15,
                reason: DropReason::Overflow
            }]
        );
        let body = log.body(&seal);
        assert!(
            body.contains(r#""dropped":[{"from":11,"to":15,"reason":"overflow"}]"#),
            "{body}"
        );
        assert!(log.holes().is_empty());
        assert_eq!(
            log.drop_oldest(5, DropReason::Overflow),
            0,
            "sealed events stay"
        );
    }

    #[test]
    fn a_split_batch_keeps_every_event_and_a_single_one_stays() {
        let mut log = log(5);
        log.seal(LIMITS, UnixMillis(9));
        assert!(log.split(1, 5));
        assert_eq!(ranges(&log), [(1, 2), (3, 5)]);
        assert!(log.split(1, 2) && !log.split(1, 1) && !log.split(7, 9));
        assert_eq!(ranges(&log), [(1, 1), (2, 2), (3, 5)]);
    }

    #[test]
    fn settling_through_a_seal_undoes_it() {
        let mut log = log(20);
        while log.seal(LIMITS, UnixMillis(1)).is_some() {}
        assert_eq!(log.settle(1, 15, None), 15);
        assert_eq!((ranges(&log), log.first_unsealed()), (vec![], Some(16)));
    }
}
