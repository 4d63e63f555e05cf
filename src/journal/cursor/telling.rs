//! The gaps that a destination is to be told of, and by which batch.

use super::{Cursor, GAPS_MAX, Telling, Told};
use crate::{
    journal::log::Log,
    model::{drop_reason::DropReason, gap::Gap},
};

impl Cursor {
    // What is to be told.

    /// The gaps that a batch tells, at most [`GAPS_MAX`].
    #[must_use]
    pub fn gaps_of(&self, telling: Telling) -> Vec<Gap> {
        let by = match telling {
            Telling::Of(batch) => Some(batch),
            Telling::Next => None,
            Telling::Nothing => return Vec::new(),
        };
        let told = self.gaps.iter().filter(|told| told.by == by);
        told.map(|told| told.gap).take(GAPS_MAX).collect()
    }

    /// All gaps, each with the batch that tells it.
    #[must_use]
    pub fn gaps(&self) -> &[Told] {
        &self.gaps
    }

    /// Whether some gaps are told by no batch yet.
    #[must_use]
    pub fn has_untold(&self) -> bool {
        self.gaps.last().is_some_and(|told| told.by.is_none())
    }

    /// Restores a gap.
    pub fn restore_gap(&mut self, gap: Gap, by: Option<u64>) {
        self.done.add(gap.from, gap.to);
        if self.tells_gaps {
            self.gaps.push(Told { gap, by });
        }
    }

    /// Restores an event as one given up.
    pub fn restore_given_up(&mut self, log: &Log, gap: Gap) {
        self.done.add(gap.from, gap.to);
        self.add_gap(log, gap);
    }

    /// An event counts again: gaps that wait may be told with it.
    pub const fn wake(&mut self) {
        self.gaps_wait = false;
    }

    /// Gives up events that are not sealed, for all destinations at once; how many were not settled.
    pub fn give_up(&mut self, log: &Log, from: u64, to: u64, reason: DropReason) -> usize {
        self.settle(log, from, to, Some(reason))
    }

    pub(super) fn tell_by(&mut self, batch: u64) {
        let untold = self.gaps.iter_mut().filter(|told| told.by.is_none());
        for told in untold.take(GAPS_MAX) {
            told.by = Some(batch);
        }
    }

    /// The batches that start in a range are no more. What they were to tell is told, or another one
    /// has to.
    pub(super) fn end_telling(&mut self, log: &Log, from: u64, to: u64, told: bool) {
        let ended = |one: &Told| one.by.is_some_and(|batch| (from..=to).contains(&batch));
        let all = core::mem::take(&mut self.gaps);
        let (kept, rest): (Vec<_>, Vec<_>) = all
            .into_iter()
            .partition(|one| one.by.is_some() && !ended(one));
        self.gaps = kept;
        for one in rest {
            if !(told && ended(&one)) {
                self.add_gap(log, one.gap);
            }
        }
    }

    /// Adds an untold gap. Past the bound the ranges of two reasons become one: coarser, but still
    /// accounted; a range that holds a living event would be a lie.
    pub(super) fn add_gap(&mut self, log: &Log, gap: Gap) {
        if !self.tells_gaps {
            return;
        }
        let untold = self.gaps.iter().filter(|told| told.by.is_none()).count();
        if let Some(last) = self.gaps.last().filter(|told| told.by.is_none()) {
            let (from, to) = (last.gap.from.min(gap.from), last.gap.to.max(gap.to));
            let joins =
                last.gap.goes_on_in(&gap) || untold >= GAPS_MAX && self.count(log, from, to) == 0;
            if joins && let Some(last) = self.gaps.last_mut() {
                (last.gap.from, last.gap.to) = (from, to);
                return;
            }
        }
        self.gaps.push(Told { gap, by: None });
    }
}
