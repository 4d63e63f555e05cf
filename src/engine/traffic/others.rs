//! What other tabs say, and what those that are gone have left.

use super::{Heard, Presence, Traffic};
use crate::{
    engine::{account::Notice, io::Output, report::Report},
    journal::{
        reading::{Found, Reader},
        stream::SETTLE_MS,
    },
    model::{drop_reason::DropReason, ids::TabId, store::Store},
    tabs::{
        Around, Searched, Told,
        election::Role,
        peer::{Message, Says},
    },
};

impl Traffic {
    /// Another tab said something; what of it concerns the visitor is returned.
    pub fn hear(&mut self, text: &str, store: &mut dyn Store) -> Heard {
        let me = self.own.tab();
        // A frozen tab may still be handed messages; it has said goodbye and answers nobody.
        let Some(message) = Message::decode(text)
            .filter(|message| message.from != me && self.presence == Presence::Here)
        else {
            return Heard::Nothing;
        };
        let mut around = Around {
            now: self.now,
            owed: &self.owed,
            flies: self.delivery.flights(),
            rng: &mut self.rng,
        };
        let told = self.tabs.hear(&message, &mut self.own.stream, &mut around);
        self.release_streams();
        let heard = if told.contains(&Told::Withdrawn) {
            Heard::Withdrawn
        } else if told.contains(&Told::Visitor) {
            Heard::Visitor
        } else {
            Heard::Nothing
        };
        told.into_iter().for_each(|told| self.follow(told, store));
        heard
    }

    /// Carries out what the election decided, and searches the store if that is due. Streams whose early log is to
    /// be read are handed to `early`.
    pub fn run(&mut self, store: &mut dyn Store, early: impl FnMut(&mut Found)) {
        let mono = self.now.mono;
        let with_work = if self.tabs.wants_roll(mono) {
            self.tabs.with_work(&self.terms.prefix, store)
        } else {
            Vec::new()
        };
        let mut around = Around {
            now: self.now,
            owed: &self.owed,
            flies: self.delivery.flights(),
            rng: &mut self.rng,
        };
        let told = self
            .tabs
            .on_time(&mut self.own.stream, &mut around, &with_work);
        self.release_streams();
        told.into_iter().for_each(|told| self.follow(told, store));
        let reader = Reader {
            project: &self.terms.project,
            owed: &self.owed,
            wall: self.now.wall,
            max_age_ms: self.terms.max_age_ms,
            cap_bytes: self.terms.storage_bytes,
            sdk: &self.own.stream.log.sdk,
        };
        let searched = self.tabs.search(&self.terms.prefix, &reader, mono, store);
        self.release_streams();
        self.adopt(searched, store, early);
    }

    pub(super) fn follow(&mut self, told: Told, store: &mut dyn Store) {
        match told {
            Told::Post(says) => self.post(says),
            Told::Settle(batch, ending) => self.settle(&batch, ending, 0, store),
            Told::Kept(lane) => self.delivery.pause(lane),
            Told::Declined(lane) => self.delivery.decline(lane),
            Told::Visitor | Told::Withdrawn => {}
            Told::Role => self.on_role_changed(),
        }
    }

    fn on_role_changed(&mut self) {
        for lane in &mut self.delivery.lanes {
            lane.declined = false;
            lane.paused &= self.tabs.election.role() != Role::Leader;
        }
        let election = &self.tabs.election;
        self.account.report(Report::Role {
            role: self.role_name(),
            leader: election.leader().map(TabId::text),
            term: election.term(),
        });
    }

    /// Takes over what tabs that are gone have left.
    fn adopt(
        &mut self,
        searched: Searched,
        store: &mut dyn Store,
        mut early: impl FnMut(&mut Found),
    ) {
        if searched.other_version {
            self.account.notice(Notice::JournalForeignVersion);
        }
        for tab in searched.orphans {
            self.adopt_orphan(tab);
        }
        for mut found in searched.found {
            if found.corrupt > 0 {
                self.account.notice(Notice::JournalDamaged);
                found.set_aside(store);
            }
            if found.stream.is_owed_elsewhere() {
                self.account.notice(Notice::DestinationUnknown);
            }
            for (lane, expired) in found.expired.iter().enumerate() {
                self.account.adopt(lane, expired + found.corrupt);
                self.account.drop(lane, DropReason::Expired, *expired);
                self.account.drop(lane, DropReason::Corrupt, found.corrupt);
            }
            early(&mut found);
            self.keep(found, store);
        }
    }

    fn keep(&mut self, found: Found, store: &mut dyn Store) {
        let mut stream = found.stream;
        let untold = stream.has_untold();
        let tab = stream.tab();
        stream.probe_at = self.now.mono + stream.settling_ms(self.now.wall);
        let gaps = self.tabs.replicas.adopt(stream);
        self.pass_over(tab);
        if gaps || untold {
            // Written down before the events go, and so that the next one to look does not count again what
            // is too old.
            self.write_record(tab, store);
        }
        self.count_adopted(tab);
        self.forget_if_done(tab, store);
    }

    /// A living tab is gone and left nothing in the store: what it handed over is all there is of it, and it may
    /// have said it itself.
    fn adopt_orphan(&mut self, tab: TabId) {
        let probe_at = self.now.mono + SETTLE_MS;
        if let Some(replica) = self.tabs.replicas.find(tab) {
            replica.stream.probe_at = probe_at;
            for seal in replica
                .stream
                .cursors
                .iter_mut()
                .flat_map(|cursor| cursor.seals_mut())
            {
                (seal.way.offered, seal.way.maybe_sent) = (false, true);
            }
        }
        self.pass_over(tab);
        self.count_adopted(tab);
    }

    /// What is not for a destination counts as settled there.
    fn pass_over(&mut self, tab: TabId) {
        if let Some(replica) = self.tabs.replicas.find(tab) {
            self.delivery.pass_over(&mut replica.stream);
        }
    }

    fn count_adopted(&mut self, tab: TabId) {
        for lane in 0..self.owed.len() {
            let Some(replica) = self.tabs.replicas.find(tab) else {
                continue;
            };
            self.account.adopt(lane, replica.stream.tracked(lane));
            if replica.stream.pending(lane) > 0
                && let Some(lane) = self.delivery.lanes.get_mut(lane)
            {
                lane.paused = false;
            }
        }
    }

    /// Says something to every other tab.
    pub fn post(&mut self, says: Says) {
        let message = Message {
            from: self.own.tab(),
            standing: self.tabs.election.standing(),
            says,
        };
        self.account.output(Output::Post(message.encode()));
    }
}
