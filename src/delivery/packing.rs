//! Which destinations get last words, in which order.

use super::{Delivery, Effect, Moment};
use crate::{
    delivery::{exit::Going, lane::Lane},
    journal::lot::Lot,
    model::{
        ids::TabId,
        request::{Means, Why},
        time::Instant,
    },
};

/// The last words of a page, being put together.
struct Words<'a, 'b, 'c> {
    at: &'a Moment<'b>,
    going: Going,
    lots: &'a mut [Lot<'c>],
    /// Tabs of whose streams something was sealed.
    sealed: Vec<TabId>,
    out: Vec<Effect>,
}

impl Delivery {
    /// Sends what goes out with the page: the destinations that work take turns, so that none takes all that there is of
    /// the budget. Those that fail, or leave requests unanswered, come after them and have one batch each: it is likely
    /// to be for nothing.
    pub fn pack(
        &mut self,
        at: &Moment<'_>,
        going: Going,
        lots: &mut [Lot<'_>],
        sends: impl Fn(&Lane) -> bool,
        out: &mut Vec<Effect>,
    ) {
        if !self.rules.flush_on_exit {
            return;
        }
        let (mut working, mut failing) = (Vec::new(), Vec::new());
        for index in 0..self.lanes.len() {
            if !self.lanes.get(index).is_some_and(&sends) || !self.may_pack(at, index, going, out) {
                continue;
            }
            if self.is_doubtful(index, at.now.mono) {
                failing.push(index);
            } else {
                working.push(index);
            }
        }
        if working.is_empty() {
            working = core::mem::take(&mut failing);
        }
        let mut words = Words {
            at,
            going,
            lots,
            sealed: Vec::new(),
            out: Vec::new(),
        };
        self.take_turns(&mut words, working);
        for index in failing {
            let room = self.flights.keepalive_room();
            self.pack_one(&mut words, index, 0, room);
        }
        out.extend(words.sealed.into_iter().map(Effect::Record));
        out.append(&mut words.out);
    }

    fn is_doubtful(&self, index: usize, now: Instant) -> bool {
        let lane = self.lanes.get(index);
        lane.is_some_and(|lane| lane.gate.has_failed()) || self.flights.keep_waiting(index, now)
    }

    /// A batch of each destination, and another, until nothing more fits. The first of each is no larger than its even
    /// share: a destination that hangs has not failed yet.
    fn take_turns(&mut self, words: &mut Words<'_, '_, '_>, lanes: Vec<usize>) {
        for (before, index) in lanes.iter().enumerate() {
            let share = self.flights.keepalive_room() / (lanes.len() - before);
            self.pack_one(words, *index, 0, share);
        }
        // Each with the first stream that may have more for it.
        let mut turns: Vec<(usize, usize)> = lanes.into_iter().map(|index| (index, 0)).collect();
        while !turns.is_empty() {
            turns.retain_mut(|(index, lot)| {
                let room = self.flights.keepalive_room();
                let packed = self.pack_one(words, *index, *lot, room);
                *lot = packed.unwrap_or(*lot);
                packed.is_some()
            });
        }
    }

    /// Sends the next batch of a destination, from the stream of that number on; which stream it was of.
    fn pack_one(
        &mut self,
        words: &mut Words<'_, '_, '_>,
        index: usize,
        from: usize,
        room: usize,
    ) -> Option<usize> {
        let Words { at, going, .. } = *words;
        for number in from..words.lots.len() {
            let lane = self.lanes.get(index)?;
            let lot = words.lots.get_mut(number)?;
            let next = super::exit::next_batch(
                going,
                lane,
                lot,
                &self.flights,
                room,
                at.due.batch_events,
                at.now.wall,
            );
            let Some((batch, sealed)) = next else {
                continue;
            };
            if sealed && !words.sealed.contains(&batch.tab) {
                words.sealed.push(batch.tab);
            }
            let why = match going {
                Going::Hidden => Why::Hidden,
                Going::Leaving => Why::LastWords,
            };
            self.send(
                at,
                words.lots,
                &batch,
                Means::Keepalive,
                why,
                &mut words.out,
            );
            return Some(number);
        }
        None
    }

    /// Whether a destination is to be sent last words. A pause that it asked for itself is respected even then.
    fn may_pack(
        &mut self,
        at: &Moment<'_>,
        lane: usize,
        going: Going,
        out: &mut Vec<Effect>,
    ) -> bool {
        let now = at.now.mono;
        let Some(gate) = self
            .lanes
            .get(lane)
            .filter(|lane| !lane.disabled)
            .map(|lane| &lane.gate)
        else {
            return false;
        };
        match going {
            Going::Hidden => gate.closed_until() <= now,
            Going::Leaving if gate.is_told_to_wait(now) => {
                self.withdraw(Some(lane), 0, u64::MAX, out);
                false
            }
            Going::Leaving => true,
        }
    }
}
