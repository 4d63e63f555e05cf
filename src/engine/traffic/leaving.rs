//! The way out, and back.

use super::{Presence, Traffic};
use crate::{
    engine::io::Output,
    model::{drop_reason::DropReason, store::Store},
};

impl Traffic {
    /// Says goodbye.
    pub fn say_bye(&mut self, store: &mut dyn Store) {
        self.own.stream.left = true;
        self.write_record(self.own.tab(), store);
        let told = self.tabs.leave(&self.own.stream);
        told.into_iter().for_each(|told| self.follow(told, store));
    }

    /// Lets go of everything that was taken over: another leader will find it.
    pub fn release_all(&mut self) {
        self.tabs.replicas.forget_offers(|_| false);
        self.tabs.replicas.release(None);
        self.release_streams();
    }

    /// Back from the back/forward cache or from being frozen, with the same identity.
    pub fn come_back(&mut self, store: &mut dyn Store) {
        self.presence = Presence::Here;
        self.own.stream.left = false;
        self.deliver(store, |delivery, _, lots, out| {
            delivery.doubt_flights(lots, out)
        });
        self.release_all();
        if !self.own.stream.journal.was_cleared(store) {
            // Somebody may have taken it over and sealed batches of it, and be gone by now.
            self.own.stream.reread_seals(store);
        }
        for seal in self
            .own
            .stream
            .cursors
            .iter_mut()
            .flat_map(|cursor| cursor.seals_mut())
        {
            // Somebody took the journal over and may have delivered it.
            (seal.way.offered, seal.way.flies, seal.way.maybe_sent) = (false, false, true);
        }
        let settling_ms = self.own.stream.settling_ms(self.now.wall);
        self.own.stream.probe_at = self.now.mono + settling_ms;
        self.persist(store);
        self.write_record(self.own.tab(), store);
        if self.terms.has_channel {
            self.join();
        }
        self.go();
    }

    /// The visitor does not want it: what waits is given up, requests are aborted, and every key of the project is removed,
    /// also those of tabs that are gone, unread.
    pub fn withdraw(&mut self, store: &mut dyn Store) {
        self.deliver(store, |delivery, _, _, out| delivery.abort(out));
        for lane in 0..self.owed.len() {
            let left = self.tabs.replicas.left_behind();
            let waiting = left
                .map(|replica| replica.stream.tracked(lane))
                .sum::<usize>();
            let own = self.own.stream.tracked(lane);
            self.account.drop(lane, DropReason::Consent, own + waiting);
        }
        self.own.stream.give_up_all();
        self.tabs.replicas.clear();
        let told = self.tabs.leave(&self.own.stream);
        told.into_iter().for_each(|told| self.follow(told, store));
        self.account.output(Output::CloseChannel);
        for key in store.keys(&self.terms.prefix) {
            store.remove(&key);
        }
        store.set_mirror("");
    }
}
