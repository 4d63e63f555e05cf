//! The tabs of one origin: who leads, what they say to each other, and the streams of others.
//!
//! A [`Tabs`] is this tab among the others. It is handed what others say with this tab's own stream, and
//! says what follows from it as [`Told`]. It knows neither requests nor formats.

pub mod adopt;
pub mod election;
mod finding;
mod hearing;
pub mod peer;
pub mod replicas;
pub mod shipping;

use crate::{
    journal::{
        cursor::Owed,
        reading::Found,
        seal::{BatchRef, Seal},
        stream::{SETTLE_MS, Stream},
    },
    model::{
        ending::Ending,
        ids::TabId,
        rng::Rng,
        time::{Instant, Now},
    },
    tabs::{
        adopt::{AFTER_CLAIM_MS, AFTER_GONE_MS, ALONE_MS, Holed, Searches},
        election::{Election, Role, Word},
        finding::Sweep,
        peer::{Named, Says, TAKES_OFFERS},
        replicas::{Ended, Replicas, name},
        shipping::Shipping,
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
    sweep: Option<Sweep>,
    holed: Holed,
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
            sweep: None,
            holed: Holed::default(),
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
        let goes_on_at = self.sweep.as_ref().map(|sweep| sweep.goes_on_at);
        let searches = self
            .searches
            .next()
            .min(goes_on_at.unwrap_or(Instant::NEVER));
        self.election.next_timeout().min(searches)
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

    /// Says goodbye.
    pub fn leave(&mut self, own: &Stream) -> Vec<Told> {
        if self.election.role() == Role::Alone {
            return Vec::new();
        }
        let mut told = Vec::new();
        self.words(own, &mut told);
        self.election.leave();
        told.push(Told::Post(Says::Bye {
            settled: Self::settled(own),
        }));
        told
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
