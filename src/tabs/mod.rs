//! The tabs of one origin: who leads, what they say to each other, and the streams of others.
//!
//! A [`Tabs`] is this tab among the others. It is handed what others say with this tab's own stream, and
//! says what follows from it as [`Told`]. It knows neither requests nor formats.

pub mod adopt;
pub mod election;
pub mod peer;
pub mod replicas;
pub mod shipping;

use crate::{
    journal::{
        cursor::Owed,
        reading::{Found, OtherVersion, Reader},
        seal::{BatchRef, Seal},
        stream::{SETTLE_MS, Stream},
    },
    model::{
        ending::Ending,
        ids::TabId,
        rng::Rng,
        store::Store,
        time::{Instant, Now},
    },
    tabs::{
        adopt::{
            ADOPTED_AT_ONCE_MAX, AFTER_CLAIM_MS, AFTER_GONE_MS, ALONE_MS, BLIND_MS, LOOK_AGAIN_MS,
            Searches, UNHEARD_MS, tabs_in,
        },
        election::{Election, Role, Word},
        peer::{Message, Named, Offer, Says, TAKES_OFFERS},
        replicas::{Ended, Kind, Replicas, Reply, name},
        shipping::{Shipping, holds},
    },
};

/// Something that follows from what happened among tabs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    /// Say this to the others.
    Post(Says),
    /// The leader has settled a batch of this tab's.
    Settle(BatchRef, Ending),
    /// The leader keeps what it has of a destination; its attempts are used up.
    Kept(usize),
    /// The leader does not send to a destination: this tab is to.
    Declined(usize),
    /// The visitor record has changed.
    Visitor,
    /// The visitor has withdrawn his consent.
    Withdrawn,
    /// This tab's role, or the leader that it knows, has changed.
    Role,
}

/// What there is to know beside the tabs.
pub struct Around<'a> {
    /// What time it is.
    pub now: Now,
    /// The destinations of the configuration.
    pub owed: &'a [Owed],
    /// The requests that are under way.
    pub flies: &'a dyn Flying,
    /// For the election.
    pub rng: &'a mut Rng,
}

/// What is under way.
pub trait Flying {
    /// Whether the batch is.
    fn batch(&self, batch: &BatchRef) -> bool;
    /// Whether anything of a tab is.
    fn tab(&self, tab: TabId) -> bool;
}

/// What a search of the store brought to light.
#[derive(Debug, Default)]
pub struct Searched {
    /// Journals of tabs that are gone.
    pub found: Vec<Found>,
    /// Some journal is of another version.
    pub other_version: bool,
    /// What living tabs handed over is all that is left of these.
    pub orphans: Vec<TabId>,
}

/// See the module.
#[derive(Debug)]
pub struct Tabs {
    me: TabId,
    /// Who leads.
    pub election: Election,
    /// The streams of others.
    pub replicas: Replicas,
    searches: Searches,
    shipping: Shipping,
}

impl Tabs {
    /// A tab that knows of no other.
    #[must_use]
    pub fn new(me: TabId, visible: bool, project: &str) -> Self {
        Self {
            me,
            election: Election::alone(me, visible),
            replicas: Replicas::new(project),
            searches: Searches::default(),
            shipping: Shipping::default(),
        }
    }

    /// Whether this tab sends for all.
    #[must_use]
    pub fn leads(&self) -> bool {
        matches!(self.election.role(), Role::Leader | Role::Alone)
    }

    /// Plans searches of the store, so many milliseconds from now.
    pub fn plan_searches(&mut self, now: Instant, after_ms: &[u64]) {
        self.searches.plan(now, after_ms);
    }

    /// When something is due here.
    #[must_use]
    pub fn next_timeout(&self) -> Instant {
        self.election.next_timeout().min(self.searches.next())
    }

    /// What is mine and settled, for those who may have settled more of it.
    fn settled(own: &Stream) -> Vec<(String, u64)> {
        let cursors = own.cursors.iter();
        let settled = cursors.map(|cursor| (cursor.destination.clone(), cursor.settled(&own.log)));
        settled.collect()
    }

    /// What the election wants to be said.
    fn words(&mut self, own: &Stream, told: &mut Vec<Told>) {
        for word in self.election.take_words() {
            let settled = || Self::settled(own);
            told.push(Told::Post(match word {
                Word::Hello => Says::Hello { settled: settled() },
                Word::Here => Says::Here { tabs: self.count() },
                Word::Claim => Says::Claim,
                Word::Ping => Says::Ping { settled: settled() },
                Word::Who(to) => Says::Who { to },
                Word::Yield(to) => Says::Yield { to },
            }));
        }
    }

    /// How many tabs there are; 0 from whoever does not lead.
    fn count(&self) -> u32 {
        if self.election.role() == Role::Leader {
            self.election.tabs() as u32
        } else {
            0
        }
    }

    /// Another tab said something.
    pub fn hear(
        &mut self,
        message: &Message,
        own: &mut Stream,
        around: &mut Around<'_>,
    ) -> Vec<Told> {
        // What was due when this came in goes first: hearing it may move a deadline.
        self.on_due(around);
        let mut told = Vec::new();
        let (from, leads) = (message.from, self.election.role() == Role::Leader);
        if !matches!(message.says, Says::Bye { .. }) {
            self.replicas.release(Some(from));
        }
        // First of all: hearing it may make this tab yield, and then nobody could tell.
        if leads && let Says::Hello { settled } | Says::Ping { settled } = &message.says {
            self.repeat_ended(from, settled, &mut told);
        }
        self.election
            .on_message(around.now.mono, message, around.rng);
        let leads = self.election.role() == Role::Leader;
        let to_me = message.says.to() == Some(self.me);
        match &message.says {
            Says::Ping { .. } if leads => told.push(Told::Post(Says::Pong {
                to: from,
                tabs: self.count(),
                held: self.replicas.held_of(from),
            })),
            Says::Offer { offer, .. } if leads && to_me => {
                self.on_offer(from, offer, around, &mut told);
            }
            Says::Pong { held, .. } if to_me => reoffer(own, |seal, name| !holds(held, name, seal)),
            Says::Missing { batch, .. } if to_me => {
                let lane = lane_of(own, &batch.destination);
                let missed = lane.and_then(|lane| self.shipping.on_missing(lane, batch.stamp));
                if let Some(in_vain) = missed {
                    reoffer(own, |seal, _| seal.stamp == batch.stamp);
                    told.extend(lane.filter(|_| in_vain).map(Told::Declined));
                }
            }
            Says::Declined { destination, .. } if to_me => {
                reoffer(own, |_, name| name == destination);
                told.extend(lane_of(own, destination).map(Told::Declined));
            }
            Says::Sending { batch, .. } if to_me => note(own, batch, |seal| seal.way.flies = true),
            Says::Settled {
                batch,
                count,
                verdict,
                ..
            } if to_me => told.extend(self.on_settled(own, batch, *count, verdict)),
            Says::Visitor => told.push(Told::Visitor),
            Says::Withdrawn => told.push(Told::Withdrawn),
            _ => {}
        }
        told
    }

    fn on_offer(&mut self, from: TabId, offer: &Offer, around: &Around<'_>, told: &mut Vec<Told>) {
        let destination = offer.batch.destination.clone();
        match self
            .replicas
            .take_offer(from, offer, around.owed, |batch| around.flies.batch(batch))
        {
            Reply::Held | Reply::Busy => {}
            Reply::Ended => {
                let stamp = offer.batch.stamp;
                let ended = self.replicas.ended_of(from, |ended| {
                    ended.batch.stamp == stamp && ended.batch.destination == destination
                });
                told.extend(ended.map(|ended| Told::Post(settled_word(ended))));
            }
            Reply::Missing => {
                // It may be that this tab has settled some of it, and its word got lost.
                let (from_seq, to_seq) = (offer.batch.from, offer.batch.to);
                let ended = self.replicas.ended_of(from, |ended| {
                    ended.batch.destination == destination
                        && ended.batch.from <= to_seq
                        && from_seq <= ended.batch.to
                });
                told.extend(ended.map(|ended| Told::Post(settled_word(ended))));
                told.push(Told::Post(Says::Missing {
                    to: from,
                    batch: offer.batch.clone(),
                }));
            }
            Reply::Declined => told.push(Told::Post(Says::Declined {
                to: from,
                destination,
            })),
        }
    }

    fn on_settled(
        &mut self,
        own: &mut Stream,
        batch: &Named,
        count: u64,
        ending: &Ending,
    ) -> Option<Told> {
        let lane = lane_of(own, &batch.destination)?;
        self.shipping.on_settled();
        if *ending == Ending::Kept {
            note(own, batch, |seal| seal.way.flies = false);
            return Some(Told::Kept(lane));
        }
        let cursor = own.cursors.get(lane)?;
        if !batch.is_all_of(cursor, &own.log, count) {
            return None;
        }
        // A partial word that is repeated finds its batch cut anew, and all it names already open again: taken twice,
        // it would undo the new seal, whose offer would bring the word once more, and so on.
        if !batch.is_sealed_in(cursor)
            && let Ending::Delivered { again, .. } = ending
            && !again.is_empty()
        {
            let open = cursor.events(&own.log, batch.from, batch.to);
            if open.iter().all(|entry| again.contains(&entry.seq)) {
                return None;
            }
        }
        let batch = BatchRef {
            tab: self.me,
            lane,
            from: batch.from,
            to: batch.to,
            stamp: batch.stamp,
        };
        Some(Told::Settle(batch, ending.clone()))
    }

    /// Tells a tab again how its batches ended that go beyond what it knows to be settled.
    fn repeat_ended(&self, tab: TabId, settled: &[(String, u64)], told: &mut Vec<Told>) {
        let beyond = |ended: &Ended| {
            let known = settled
                .iter()
                .find(|(name, _)| *name == ended.batch.destination);
            known.is_none_or(|(_, upto)| ended.batch.to > *upto)
        };
        let ended = self.replicas.ended_of(tab, beyond);
        told.extend(ended.map(|ended| Told::Post(settled_word(ended))));
    }

    /// A batch of another tab ended: it is told, now and when it asks again.
    pub fn on_ended(
        &mut self,
        batch: &BatchRef,
        destination: &str,
        count: u64,
        ending: Ending,
    ) -> Option<Says> {
        let ended = Ended {
            tab: batch.tab,
            batch: Named {
                destination: destination.to_owned(),
                from: batch.from,
                to: batch.to,
                stamp: batch.stamp,
            },
            count,
            ending,
        };
        let says = self.election.knows(batch.tab).then(|| settled_word(&ended));
        if !matches!(ended.ending, Ending::TooLarge | Ending::Kept) {
            self.replicas.remember(ended);
        }
        says
    }

    /// Says that a batch that was handed over is under way.
    #[must_use]
    pub fn sending(batch: &BatchRef, destination: &str) -> Says {
        let seal = Seal::new(batch.from, batch.to, Default::default(), batch.stamp);
        Says::Sending {
            to: batch.tab,
            batch: name(destination, &seal),
        }
    }

    /// Whether the leader takes what this tab would hand over.
    #[must_use]
    pub fn can_hand_over(&self) -> bool {
        self.election.role() == Role::Follower && self.election.leader_can() & TAKES_OFFERS != 0
    }

    /// Hands a sealed batch to the leader.
    pub fn hand_over(&mut self, own: &Stream, lane: usize, seal: &Seal) -> Option<Says> {
        let to = self.election.leader()?;
        let offer = self.shipping.offer(own, to, lane, seal)?;
        let offer = Box::new(offer);
        Some(Says::Offer { to, offer })
    }

    /// Time has passed, or something was heard: what the election makes of it.
    pub fn on_time(
        &mut self,
        own: &mut Stream,
        around: &mut Around<'_>,
        with_work: &[TabId],
    ) -> Vec<Told> {
        let now = around.now.mono;
        self.on_due(around);
        if self.election.take_roll_call() {
            self.election.call_roll(now, with_work);
        }
        let mut told = Vec::new();
        self.words(own, &mut told);
        if self.election.take_lost() {
            self.searches.plan(now, &AFTER_GONE_MS);
        }
        if self.election.take_changed() {
            self.on_role_changed(own, around);
            told.push(Told::Role);
        }
        told
    }

    fn on_due(&mut self, around: &mut Around<'_>) {
        if self.election.next_timeout() <= around.now.mono {
            self.election.on_timeout(around.now.mono, around.rng);
        }
    }

    /// Whether the election wants to know whose work waits, for its next roll call.
    #[must_use]
    pub fn wants_roll(&self, now: Instant) -> bool {
        self.election.wants_roll(now)
    }

    fn on_role_changed(&mut self, own: &mut Stream, around: &Around<'_>) {
        let now = around.now.mono;
        // What the old leader had may have been sent, or be on its way: the new one is to ask first, and not at
        // once.
        for seal in own.cursors.iter_mut().flat_map(|cursor| cursor.seals_mut()) {
            if seal.way.offered {
                (seal.way.offered, seal.way.flies, seal.way.maybe_sent) = (false, false, true);
                own.probe_at = now + SETTLE_MS;
            }
        }
        if self.election.role() == Role::Leader {
            let alone = self.election.term() == 1 && self.election.members().next().is_none();
            self.searches
                .plan(now, if alone { &ALONE_MS } else { &AFTER_CLAIM_MS });
        } else {
            self.replicas.forget_offers(|tab| around.flies.tab(tab));
            self.replicas.release(None);
        }
    }

    /// Says goodbye: what is left in the journal, and whether some of it may be on its way.
    pub fn leave(&mut self, own: &Stream, has_storage: bool, sent: bool) -> Vec<Told> {
        if self.election.role() == Role::Alone {
            return Vec::new();
        }
        let mut told = Vec::new();
        self.words(own, &mut told);
        self.election.leave();
        let left = has_storage && !own.is_done();
        let end = if left { own.log.last_seq() } else { 0 };
        told.push(Told::Post(Says::Bye { end, sent }));
        told
    }

    /// Tabs that have something in the store, or here, that is not done with.
    #[must_use]
    pub fn with_work(&self, prefix: &str, store: &dyn Store) -> Vec<TabId> {
        let mut tabs = tabs_in(&store.keys(prefix), prefix);
        tabs.extend(self.replicas.live_with_work());
        tabs
    }

    /// Searches the store for journals whose tab is gone, if that is due.
    pub fn search(
        &mut self,
        prefix: &str,
        reader: &Reader<'_>,
        now: Instant,
        store: &dyn Store,
    ) -> Searched {
        let mut searched = Searched::default();
        if !self.searches.take_due(now) || !self.leads() {
            return searched;
        }
        let keys = store.keys(prefix);
        let tabs = tabs_in(&keys, prefix);
        for tab in &tabs {
            if *tab == self.me || self.election.knows(*tab) || self.is_known(*tab, &keys, store) {
                continue;
            }
            if searched.found.len() >= ADOPTED_AT_ONCE_MAX {
                self.searches.plan(now, &[0]);
                break;
            }
            self.read(*tab, &keys, reader, now, store, &mut searched);
        }
        let gone = |tab: &TabId| !self.election.knows(*tab) && !tabs.contains(tab);
        searched.orphans = self.replicas.unseen(gone);
        searched
    }

    fn is_known(&mut self, tab: TabId, keys: &[String], store: &dyn Store) -> bool {
        let kept = self
            .replicas
            .find(tab)
            .filter(|kept| kept.kind == Kind::LeftBehind);
        kept.is_some_and(|kept| kept.stream.journal.knows(keys, store))
    }

    fn read(
        &mut self,
        tab: TabId,
        keys: &[String],
        reader: &Reader<'_>,
        now: Instant,
        store: &dyn Store,
        searched: &mut Searched,
    ) {
        // Seen before, and now there is more of it: it is let go of and read anew, once no answer is
        // awaited for it.
        if self
            .replicas
            .find(tab)
            .is_some_and(|kept| kept.kind == Kind::LeftBehind)
        {
            self.replicas.release(Some(tab));
            self.searches.plan(now, &[LOOK_AGAIN_MS]);
            return;
        }
        let found = match Found::read(tab, keys, reader, store) {
            Ok(found) => found,
            Err(OtherVersion) => {
                searched.other_version = true;
                return;
            }
        };
        // One whose tab did not say goodbye counts as left only after a while. Clocks jump: a date far
        // in the future is as old as one in the past.
        let patience = if self.election.role() == Role::Alone {
            BLIND_MS
        } else {
            UNHEARD_MS
        };
        let age = reader.wall.0.abs_diff(found.newest_at.0);
        if age < patience && !found.stream.left {
            self.searches.plan(now, &[patience - age]);
            return;
        }
        searched.found.push(found);
    }
}

fn settled_word(ended: &Ended) -> Says {
    Says::Settled {
        to: ended.tab,
        batch: ended.batch.clone(),
        count: ended.count,
        verdict: ended.ending.clone(),
    }
}

fn lane_of(own: &Stream, destination: &str) -> Option<usize> {
    own.cursors
        .iter()
        .position(|cursor| cursor.destination == destination)
}

/// Batches that were handed over and have to be again: they must have got lost on the way.
fn reoffer(own: &mut Stream, is_lost: impl Fn(&Seal, &str) -> bool) {
    for cursor in &mut own.cursors {
        let destination = cursor.destination.clone();
        for seal in cursor.seals_mut() {
            if seal.way.offered && is_lost(seal, &destination) {
                (seal.way.offered, seal.way.flies) = (false, false);
                // What was waited for before it was handed over is over.
                own.probe_at = Instant::default();
            }
        }
    }
}

fn note(own: &mut Stream, batch: &Named, note: impl FnOnce(&mut Seal)) {
    let tab = own.tab();
    if let Some(lane) = lane_of(own, &batch.destination) {
        let batch = BatchRef {
            tab,
            lane,
            from: batch.from,
            to: batch.to,
            stamp: batch.stamp,
        };
        own.note(&batch, note);
    }
}
