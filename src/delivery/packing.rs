//! Which destinations get last words, in which order.

use super::{Delivery, Effect, Moment};
use crate::{
    delivery::{exit::Going, lane::Lane},
    journal::lot::Lot,
    model::request::{Means, Why},
};

impl Delivery {
    /// Sends what goes out with the page.
    pub fn pack(
        &mut self,
        at: &mut Moment<'_>,
        going: Going,
        lots: &mut [Lot<'_>],
        sends: impl Fn(&Lane) -> bool,
        out: &mut Vec<Effect>,
    ) {
        if !self.rules.flush_on_exit {
            return;
        }
        let (mut packed, mut touched) = (Vec::new(), Vec::new());
        let (order, failing) = self.packing_order();
        for index in order {
            let probes_only = failing.contains(&index);
            if !self.lanes.get(index).is_some_and(&sends) || !self.may_pack(at, index, going, out) {
                continue;
            }
            for number in 0..lots.len() {
                while let Some(lane) = self.lanes.get(index)
                    && let Some(lot) = lots.get_mut(number)
                    && let Some((batch, sealed)) = super::exit::next_batch(
                        going,
                        lane,
                        lot,
                        &self.flights,
                        at.due.batch_events,
                        at.now.wall,
                    )
                {
                    if sealed && !touched.contains(&batch.tab) {
                        touched.push(batch.tab);
                    }
                    let why = match going {
                        Going::Hidden => Why::Hidden,
                        Going::Leaving => Why::LastWords,
                    };
                    self.send(at, lots, &batch, Means::Keepalive, why, &mut packed);
                    if probes_only {
                        break;
                    }
                }
            }
        }
        out.extend(touched.into_iter().map(Effect::Record));
        out.append(&mut packed);
    }

    /// The destinations in the order in which they get last words: as configured, but those that fail come after those that
    /// work, and have one batch each. They would take what there is of the budget, for nothing.
    fn packing_order(&self) -> (Vec<usize>, Vec<usize>) {
        let all = 0..self.lanes.len();
        let fails = |index: &usize| {
            let lane = self.lanes.get(*index);
            lane.is_some_and(|lane| lane.gate.has_failed())
        };
        let (failing, working): (Vec<usize>, Vec<usize>) = all.partition(fails);
        if working.is_empty() {
            return (failing, Vec::new());
        }
        (
            working.into_iter().chain(failing.iter().copied()).collect(),
            failing,
        )
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
