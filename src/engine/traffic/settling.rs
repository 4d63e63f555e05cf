//! What the end of a batch means for its stream, and for its tab.

use super::{Traffic, lots};
use crate::{
    journal::seal::BatchRef,
    model::{ending::Ending, ids::TabId, store::Store, time::UnixMillis},
    tabs::{Flying, adopt::LOOK_AGAIN_MS, peer::Says, replicas::Kind},
};

impl Traffic {
    /// Gives up what destinations would lose by now without a word. How late it is both clocks have to say: a wall clock that was set
    /// years ahead makes nothing old.
    pub(super) fn give_up_late(&mut self, store: &mut dyn Store) {
        let lived_ms = self.now.mono.since_ms(self.opened.mono);
        let wall = UnixMillis(self.opened.wall.0 + lived_ms).min(self.now.wall);
        let lots = lots(&mut self.own.stream, &mut self.tabs.replicas);
        for (batch, reason) in self.delivery.late(wall, &lots) {
            self.settle(&batch, Ending::Dropped(reason), 1, store);
        }
    }

    /// A batch ended: what that means for its stream, and for its tab if that is another.
    pub(super) fn settle(
        &mut self,
        batch: &BatchRef,
        ending: Ending,
        events: usize,
        store: &mut dyn Store,
    ) {
        let own = batch.tab == self.own.tab();
        if own {
            let mut out = Vec::new();
            self.delivery
                .withdraw(Some(batch.lane), batch.from, batch.to, &mut out);
            self.apply(out, store);
        }
        let kind = self
            .tabs
            .replicas
            .find(batch.tab)
            .map(|replica| replica.kind);
        let ours = own || kind == Some(Kind::LeftBehind);
        let mut count = events;
        if let Some(stream) = self.stream_mut(batch.tab) {
            count = count.max(stream.count(batch));
            let settled = stream.settle(batch, &ending, ours);
            if ours && ending != Ending::Kept {
                // A gap, or how it was cut, is written down before the events go.
                if !matches!(ending, Ending::Delivered { .. }) {
                    self.write_record(batch.tab, store);
                }
                let range = (batch.from, batch.to);
                self.account
                    .deliver(batch.lane, batch.tab, range, settled.delivered);
                self.account
                    .drop(batch.lane, settled.reason, settled.given_up);
                self.tidy(batch.tab, store);
            }
        }
        // The pieces of a stream that was left behind are ours to cut: its tab has no say in them.
        if !(own || ours && ending == Ending::TooLarge) {
            let name = self.name_of(batch.lane);
            let says = self.tabs.on_ended(batch, &name, count as u64, ending);
            says.into_iter().for_each(|says| self.post(says));
        }
    }

    /// A batch that a living tab handed over is that tab's affair again.
    pub(super) fn hand_back(&mut self, batch: &BatchRef) {
        if let Some(replica) = self.tabs.replicas.find(batch.tab)
            && let Some((cursor, log)) = replica.stream.lane(batch.lane)
        {
            cursor.unseal(log);
        }
        let destination = self.name_of(batch.lane);
        self.post(Says::Declined {
            to: batch.tab,
            destination,
        });
    }

    /// Removes what is done with from the store.
    fn tidy(&mut self, tab: TabId, store: &mut dyn Store) {
        let own = tab == self.own.tab();
        let Some(stream) = self.stream_mut(tab) else {
            return;
        };
        stream.trim(store);
        if own {
            stream.close_if_done(store);
        } else {
            self.forget_if_done(tab, store);
        }
    }

    /// Lets go of a stream that was left behind and is delivered.
    pub(super) fn forget_if_done(&mut self, tab: TabId, store: &mut dyn Store) {
        let Some(replica) = self
            .tabs
            .replicas
            .find(tab)
            .filter(|replica| replica.stream.is_done())
        else {
            return;
        };
        // Its own alone: where many tabs left something, all keys would be listed for each of them.
        let keys = store.keys(&replica.stream.journal.key(""));
        if replica.stream.journal.knows(&keys, store) {
            if replica.stream.close_if_done(store) {
                replica.release = true;
                self.own.weigh_soon();
                self.release_streams();
            } else {
                // What is left is owed to a destination that is not configured here. It stays in hand: let go of, it would
                // be found and read again by every search, and where there are many of them nothing else would.
                replica.stream.write_record(&[], store);
            }
        } else {
            // Something that was not there to be read before: its last words, seen late.
            self.tabs.plan_searches(self.now.mono, &[LOOK_AGAIN_MS]);
        }
    }

    /// Lets go of streams that were only kept for an answer.
    pub fn release_streams(&mut self) {
        let flights = self.delivery.flights();
        for replica in self.tabs.replicas.take_released(|tab| flights.tab(tab)) {
            for lane in 0..self.owed.len() {
                self.account.hand_back(lane, replica.stream.tracked(lane));
            }
        }
    }

    /// Writes down what is settled and sealed of a stream that is ours to write.
    pub fn write_record(&mut self, tab: TabId, store: &mut dyn Store) {
        if tab == self.own.tab() {
            let deferred = self.delivery.deferred_seals();
            self.own.stream.write_record(&deferred, store);
        } else if let Some(replica) = self
            .tabs
            .replicas
            .find(tab)
            .filter(|one| one.kind == Kind::LeftBehind)
        {
            replica.stream.write_record(&[], store);
        }
    }
}
