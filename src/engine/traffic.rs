//! What passes between this tab's own stream, the delivery, the other tabs and the books.
//!
//! No part knows another; what one says is passed on to the next here, and what it means for a stream is
//! carried out.

use crate::{
    delivery::{
        Delivery, Effect, Moment,
        exit::Going,
        flights::Flights,
        lane::{Due, Lane},
    },
    engine::{
        account::{Account, Notice},
        io::{Means, Output},
        own::Own,
        report::{Figures, Report, Stats},
    },
    journal::{
        cursor::Owed,
        lot::{Lot, Rights},
        reading::{Found, Reader},
        seal::BatchRef,
        stream::{SETTLE_MS, Stream},
    },
    model::{
        drop_reason::DropReason,
        ending::Ending,
        ids::TabId,
        rng::Rng,
        store::Store,
        time::{Instant, Now, UnixMillis},
    },
    tabs::{
        Around, Flying, Searched, Tabs, Told,
        adopt::{ALONE_MS, LOOK_AGAIN_MS},
        election::Role,
        peer::{Message, Says},
        replicas::Kind,
    },
};

/// What the traffic is to know of configuration and host.
#[derive(Clone, Debug)]
pub struct Terms {
    /// Prefix of the project's keys and the project itself.
    pub project: String,
    /// What every key of the project begins with.
    pub prefix: String,
    /// So many events are a full batch.
    pub flush_at: usize,
    /// Events in one batch at most.
    pub batch_events: usize,
    /// Bytes of storage at most.
    pub storage_bytes: usize,
    /// Events older than this are given up when they are found.
    pub max_age_ms: u64,
    /// Every tab sends its own events.
    pub independent: bool,
    /// Whether there is a channel.
    pub has_channel: bool,
    /// Whether storage outlives the page.
    pub has_storage: bool,
}

/// Whether the page is there: from the second one on no timers and no peers are heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Presence {
    /// It is.
    Here,
    /// No code runs until it is resumed, if ever.
    Frozen,
    /// After `pagehide`: only the last words, and no channel.
    Leaving,
    /// A request that was to outlive the page failed: the rest waits for the next visit.
    Gone,
}

/// What another tab said of the visitor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    /// Nothing.
    Nothing,
    /// His record has changed.
    Visitor,
    /// He has withdrawn his consent.
    Withdrawn,
}

/// See the module.
pub struct Traffic {
    /// When the input at hand came in.
    pub now: Now,
    /// Whether the page is there.
    pub presence: Presence,
    /// For jitter and ids.
    pub rng: Rng,
    /// This tab's own stream.
    pub own: Own,
    /// The lanes of all destinations.
    pub delivery: Delivery,
    /// This tab among the others.
    pub tabs: Tabs,
    /// The books, and what is to be done.
    pub account: Account,
    terms: Terms,
    owed: Vec<Owed>,
    /// When the delivery may have more to do.
    later: Instant,
}

impl Flying for Flights {
    fn batch(&self, batch: &BatchRef) -> bool {
        self.carry(batch)
    }

    fn tab(&self, tab: TabId) -> bool {
        self.any_batch(|batch| batch.tab == tab)
    }
}

impl Traffic {
    /// Nothing has happened yet.
    #[must_use]
    pub fn new(
        terms: Terms,
        owed: Vec<Owed>,
        (own, delivery, tabs): (Own, Delivery, Tabs),
        rng: Rng,
        now: Now,
    ) -> Self {
        Self {
            account: Account::new(owed.iter().map(|owed| owed.name.as_str())),
            presence: Presence::Here,
            later: Instant::NEVER,
            now,
            rng,
            own,
            delivery,
            tabs,
            terms,
            owed,
        }
    }

    /// Comes among the others, at the start or back from wherever this tab was.
    pub fn join(&mut self) {
        if self.terms.has_channel {
            self.account.output(Output::OpenChannel);
            self.tabs.election.join(self.now.mono, &mut self.rng);
        } else {
            self.account.notice(Notice::ChannelUnavailable);
            self.tabs.plan_searches(self.now.mono, &ALONE_MS);
        }
    }

    /// Whatever waits is to go now, and a pause between goes is over.
    pub fn go(&mut self) {
        self.own.go();
        self.delivery.go();
    }

    /// When there is something to do here.
    #[must_use]
    pub fn next_timeout(&self) -> Instant {
        let flights = self.delivery.flights().next_deadline();
        self.later.min(flights).min(self.tabs.next_timeout())
    }

    /// Whether anything waits to be sent, here or for others.
    #[must_use]
    pub fn has_work(&self) -> bool {
        !self.own.stream.is_done() || self.tabs.replicas.have_work()
    }

    /// This tab's role as the page knows it.
    #[must_use]
    pub const fn role_name(&self) -> &'static str {
        match self.tabs.election.role() {
            _ if self.terms.independent => "independent",
            Role::Joining => "joining",
            Role::Leader => "leader",
            Role::Follower => "follower",
            Role::Alone => "independent",
        }
    }

    /// The account of this client.
    #[must_use]
    pub fn stats(&self) -> Stats {
        let (own, election) = (&self.own.stream, &self.tabs.election);
        let left = || {
            self.tabs
                .replicas
                .left_behind()
                .map(|replica| &*replica.stream)
        };
        let figures = |lane: &Lane| Figures {
            pending: left()
                .map(|stream| stream.tracked(lane.index))
                .fold(own.tracked(lane.index), core::ops::Add::add) as u64,
            breaker: lane.gate.breaker.state(),
            blocked: lane.gate.breaker.is_blocked(),
            paused: lane.disabled,
            ..self.account.figures(lane.index)
        };
        let lanes = self.delivery.lanes.iter();
        let destinations = lanes.map(|lane| (lane.destination.name.clone(), figures(lane)));
        let stored = left().map(|stream| stream.journal.bytes()).sum::<usize>();
        Stats {
            volatile: own
                .journal
                .volatile(&own.log)
                .iter()
                .filter(|entry| entry.is_tracked())
                .count() as u64,
            storage_bytes: (own.journal.bytes() + stored) as u64,
            storage: if self.terms.has_storage {
                "local"
            } else {
                "memory"
            },
            role: self.role_name(),
            term: election.term(),
            leader: election.leader().map(TabId::text),
            tab: self.own.tab().text(),
            peers: election.members().map(TabId::text).collect(),
            last_seq: own.log.last_seq(),
            ..self.account.stats(destinations.collect())
        }
    }

    // The own stream.

    /// Writes what is only in memory to the journal.
    pub fn persist(&mut self, store: &mut dyn Store) {
        let tabs = self.tabs.election.tabs();
        let blocked = self.delivery.blocked().iter().all(|blocked| *blocked);
        match self.own.persist(self.now, tabs, blocked, store) {
            Some(notice) => self.account.notice(notice),
            None if self.own.has_news() => self.write_record(self.own.tab(), store),
            None => {}
        }
    }

    /// Gives up the oldest events over the bounds, and says so once.
    pub fn enforce_bounds(&mut self, store: &mut dyn Store) {
        let flights = self.delivery.flights();
        let lost = self
            .own
            .enforce_bounds(&self.delivery.blocked(), |batch| flights.carry(batch));
        if lost.is_empty() {
            return;
        }
        for one in lost {
            let (gap, mut out) = (one.gap, Vec::new());
            // The browser must not send them after all.
            self.delivery.withdraw(None, gap.from, gap.to, &mut out);
            self.apply(out, store);
            for (lane, count) in one.counts.iter().enumerate() {
                self.account.drop(lane, gap.reason, *count);
            }
            self.account.notice(match gap.reason {
                DropReason::Blocked => Notice::EndpointBlocked,
                _ => Notice::QueueOverflow,
            });
        }
        self.write_record(self.own.tab(), store);
        let Stream { journal, log, .. } = &mut self.own.stream;
        journal.trim(log, u64::MAX, store);
    }

    // Delivery.

    /// Lets the delivery act on all streams, and does what it says.
    pub fn deliver<R>(
        &mut self,
        store: &mut dyn Store,
        act: impl FnOnce(&mut Delivery, &mut Moment<'_>, &mut [Lot<'_>], &mut Vec<Effect>) -> R,
    ) -> R {
        let mut at = Moment {
            now: self.now,
            leaving: self.presence >= Presence::Leaving,
            due: Due {
                go_to: self.own.go_to,
                flush_at: self.terms.flush_at,
                batch_events: self.terms.batch_events,
            },
            rng: &mut self.rng,
        };
        let mut lots = vec![Lot {
            stream: &mut self.own.stream,
            rights: Rights::Own,
        }];
        lots.extend(self.tabs.replicas.lots());
        let mut out = Vec::new();
        let result = act(&mut self.delivery, &mut at, &mut lots, &mut out);
        self.apply(out, store);
        result
    }

    /// Sends, or hands over, what is next.
    pub fn send(&mut self, store: &mut dyn Store) {
        let all = self.sends_for_all();
        let own_only = self.terms.independent;
        self.later = self.deliver(store, |delivery, at, lots, out| {
            let sends = |lane: &Lane| all || own_only || lane.declined;
            let lots = if all {
                lots
            } else {
                lots.get_mut(..1).unwrap_or_default()
            };
            let sent = delivery.pump(at, lots, sends, out);
            let own = lots.first_mut().map(|own| &mut *own.stream);
            own.map_or(sent, |own| sent.min(delivery.defer(at, own, out)))
        });
        if !all && !own_only {
            self.hand_over(store);
        }
        let able = !self.delivery.is_shut_out(self.now.mono);
        self.tabs.election.set_able(self.now.mono, able);
    }

    /// Whether this tab sends the batches of all tabs.
    const fn sends_for_all(&self) -> bool {
        matches!(self.tabs.election.role(), Role::Leader | Role::Alone)
    }

    /// Hands this tab's batches to the leader.
    fn hand_over(&mut self, store: &mut dyn Store) {
        if self.tabs.election.role() != Role::Follower {
            return;
        }
        if !self.tabs.can_hand_over() {
            // An older build leads that takes no offers: this tab sends for itself.
            self.delivery
                .lanes
                .iter_mut()
                .for_each(|lane| lane.declined = true);
            return;
        }
        let (handed, later) =
            self.deliver(store, |delivery, at, lots, out| match lots.first_mut() {
                Some(own) => delivery.hand_over(at, own.stream, out),
                None => (Vec::new(), Instant::NEVER),
            });
        self.later = self.later.min(later);
        for (lane, seal) in handed {
            let says = self.tabs.hand_over(&self.own.stream, lane, &seal);
            says.into_iter().for_each(|says| self.post(says));
        }
        let mut seals = self
            .own
            .stream
            .cursors
            .iter()
            .flat_map(|cursor| cursor.seals());
        let waiting = seals.any(|seal| seal.way.offered);
        self.tabs.election.set_waiting(self.now.mono, waiting);
    }

    /// Sends what goes out with the page.
    pub fn pack(&mut self, going: Going, store: &mut dyn Store) {
        let all = self.sends_for_all();
        let own_only = self.terms.independent;
        self.deliver(store, |delivery, at, lots, out| {
            // A tab that lives on leaves it to the leader; one that goes trusts nobody.
            let sends = |lane: &Lane| all || own_only || lane.declined || going == Going::Leaving;
            let lots = if all {
                lots
            } else {
                lots.get_mut(..1).unwrap_or_default()
            };
            delivery.pack(at, going, lots, sends, out);
        });
    }

    fn apply(&mut self, effects: Vec<Effect>, store: &mut dyn Store) {
        for effect in effects {
            match effect {
                Effect::Record(tab) => self.write_record(tab, store),
                Effect::Send {
                    request,
                    lane,
                    repeated,
                } => {
                    if request.means != Means::Deferred {
                        self.account.send(lane, repeated);
                        self.tabs.election.on_activity(self.now.mono);
                    }
                    self.account.output(Output::Send(request));
                }
                Effect::Cancel(id) => self.account.output(Output::Cancel(id)),
                Effect::Flies(batch) => self.post(Tabs::sending(&batch, &self.name_of(batch.lane))),
                Effect::Ended(batch, ending, events) => self.settle(&batch, ending, events, store),
                Effect::HandBack(batch) => self.hand_back(&batch),
                Effect::Failed {
                    lane,
                    status,
                    events,
                } => self.account.fail(lane, status, events),
                Effect::Gone => self.presence = Presence::Gone,
            }
        }
    }

    /// A batch ended: what that means for its stream, and for its tab if that is another.
    fn settle(&mut self, batch: &BatchRef, ending: Ending, events: usize, store: &mut dyn Store) {
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
    fn hand_back(&mut self, batch: &BatchRef) {
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
    fn forget_if_done(&mut self, tab: TabId, store: &mut dyn Store) {
        let keys = store.keys(&self.terms.prefix);
        let Some(replica) = self
            .tabs
            .replicas
            .find(tab)
            .filter(|replica| replica.stream.is_done())
        else {
            return;
        };
        if replica.stream.journal.knows(&keys, store) {
            if !replica.stream.close_if_done(store) {
                // What is left is owed to a destination that is not configured here.
                replica.stream.write_record(&[], store);
            }
            replica.release = true;
            self.own.weigh_soon();
            self.release_streams();
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

    // The other tabs.

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

    fn follow(&mut self, told: Told, store: &mut dyn Store) {
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
        let expired = stream.cursors.iter().any(|cursor| cursor.has_untold());
        let tab = stream.tab();
        stream.probe_at = self.now.mono + stream.settling_ms(self.now.wall);
        let gaps = self.tabs.replicas.adopt(stream);
        self.pass_over(tab);
        if gaps || expired {
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

    // The way out, and back.

    /// Says goodbye. `sent`: some of what is in the journal may be on its way.
    pub fn say_bye(&mut self, sent: bool, store: &mut dyn Store) {
        self.own.stream.left = true;
        self.write_record(self.own.tab(), store);
        let told = self
            .tabs
            .leave(&self.own.stream, self.terms.has_storage, sent);
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
        let told = self.tabs.leave(&self.own.stream, false, false);
        told.into_iter().for_each(|told| self.follow(told, store));
        self.account.output(Output::CloseChannel);
        for key in store.keys(&self.terms.prefix) {
            store.remove(&key);
        }
        store.set_mirror("");
    }

    fn stream_mut(&mut self, tab: TabId) -> Option<&mut Stream> {
        if tab == self.own.tab() {
            return Some(&mut self.own.stream);
        }
        let replica = self.tabs.replicas.find(tab)?;
        Some(&mut replica.stream)
    }

    fn name_of(&self, lane: usize) -> String {
        self.owed
            .get(lane)
            .map(|owed| owed.name.clone())
            .unwrap_or_default()
    }

    /// The time of day.
    #[must_use]
    pub const fn wall(&self) -> UnixMillis {
        self.now.wall
    }
}
