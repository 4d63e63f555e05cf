//! What passes between this tab's own stream, the delivery, the other tabs and the books.
//!
//! No part knows another; what one says is passed on to the next here, and what it means for a stream is
//! carried out.

mod leaving;
mod others;
mod settling;

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
        report::{Figures, Stats},
    },
    journal::{
        cursor::Owed,
        lot::{Lot, Rights},
        seal::BatchRef,
        stream::Stream,
    },
    model::{
        drop_reason::DropReason,
        ids::TabId,
        rng::Rng,
        store::Store,
        time::{Instant, Now},
    },
    tabs::{Flying, Tabs, adopt::ALONE_MS, election::Role, replicas::Replicas},
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
    /// When this tab was opened.
    opened: Now,
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
            opened: now,
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
        let mut lots = lots(&mut self.own.stream, &mut self.tabs.replicas);
        let mut out = Vec::new();
        let result = act(&mut self.delivery, &mut at, &mut lots, &mut out);
        self.apply(out, store);
        result
    }

    /// Sends, or hands over, what is next.
    pub fn send(&mut self, store: &mut dyn Store) {
        self.give_up_late(store);
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

    /// Events were recorded: they are written down before anything else happens.
    pub fn on_recorded(&mut self, flush_at: usize, store: &mut dyn Store) {
        self.enforce_bounds(store);
        self.persist(store);
        // Another full batch is a reason to try again even after a failed go.
        self.delivery.on_recorded(&self.own.stream, flush_at);
    }

    /// Sends what goes out with the page.
    pub fn pack(&mut self, going: Going, store: &mut dyn Store) {
        self.give_up_late(store);
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
}

/// All streams, this tab's own first.
fn lots<'a>(own: &'a mut Stream, replicas: &'a mut Replicas) -> Vec<Lot<'a>> {
    let own = Lot {
        stream: own,
        rights: Rights::Own,
    };
    [own].into_iter().chain(replicas.lots()).collect()
}
