//! The other tabs: batches they offer, answers they are owed, journals that dead ones left.

use crate::engine::Engine;
use crate::engine::io::Output;
use crate::engine::partition::{BatchRef, Partition, SETTLE_MS};
use crate::engine::pump::flies;
use crate::engine::report::Report;
use crate::journal::log::Seal;
use crate::model::ids::TabId;
use crate::model::lists::remove_where;
use crate::model::store::Store;
use crate::model::time::{Instant, Timer, UnixMillis};
use crate::tabs::election::Role;
use crate::tabs::peer::{Message, PeerVerdict, Says};
use crate::text::fields::owned;

/// Batches whose end is remembered for a tab that missed it.
const DONE_MAX: usize = 512;
/// When storage is searched after a tab is gone, in milliseconds: what another process wrote may be
/// seen late.
const AFTER_GONE_MS: [u64; 3] = [50, 1_000, 4_000];
/// And after taking the lead, when the living have had time to say so: the one that led before, if
/// only silence says that it is gone, has not had much.
const AFTER_CLAIM_MS: [u64; 2] = [2_000, 6_000];
/// And when nobody answered this tab's hello, or none can.
pub(super) const ALONE_MS: [u64; 3] = [0, 2_000, 6_000];

/// What is known of other tabs' events. What is boxed moves as a pointer when one before it goes.
#[derive(Debug, Default)]
#[allow(clippy::vec_box)]
pub(super) struct Tabs {
    /// Logs taken over.
    pub(super) adopted: Vec<Box<Partition>>,
    /// Batches offered, one of each tab: the next one comes when this one is settled, so a message
    /// that got lost cannot put a tab's events out of order.
    pub(super) offers: Vec<Box<Offer>>,
    /// Oldest first.
    pub(super) done: Vec<Ended>,
    /// When storage is to be searched.
    pub(super) scans: Vec<Instant>,
}

/// A batch that its tab hands to the leader.
#[derive(Debug)]
pub(super) struct Offer {
    pub(super) tab: TabId,
    /// As far as its tab tells.
    pub(super) seal: Seal,
    /// Events in it.
    pub(super) count: u32,
    pub(super) body: String,
}

/// How a batch ended, as its tab is told.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ended {
    pub(super) tab: TabId,
    /// Those of [`Says::Settled`].
    pub(super) numbers: [u64; 5],
    pub(super) verdict: &'static str,
}

impl Tabs {
    /// Whether anything of another tab waits here.
    pub(super) fn has_work(&self) -> bool {
        !self.offers.is_empty() || self.adopted.iter().any(|kept| !kept.log.is_done())
    }

    /// The offered batch of a tab.
    pub(super) fn offer_of(&self, tab: TabId) -> Option<&Offer> {
        let mut offers = self.offers.iter();
        offers.find(|offer| offer.tab == tab).map(AsRef::as_ref)
    }

    /// The offered batch of that name.
    pub(super) fn offered(&mut self, batch: &BatchRef) -> Option<&mut Offer> {
        let mut offers = self.offers.iter_mut();
        let offer = offers.find(|offer| offer.seal.batch_of(offer.tab) == *batch);
        offer.map(AsMut::as_mut)
    }

    /// Lets go of the offered batch of a tab.
    pub(super) fn forget_offer(&mut self, tab: TabId) {
        remove_where(&mut self.offers, |offer| offer.tab == tab);
    }

    fn remember_done(&mut self, ended: Ended) {
        if self.done.len() >= DONE_MAX {
            self.done.remove(0);
        }
        self.done.push(ended);
    }
}

impl Engine {
    /// Says hello, at start or back from wherever this tab was.
    pub(super) fn join(&mut self) {
        self.election.join(self.now.mono, &mut self.rng);
    }

    /// Says goodbye. `sent`: some of what is in the journal may be on its way.
    pub(super) fn say_bye(&mut self, sent: bool, store: &mut dyn Store) {
        self.own.log.left = true;
        self.own.write_record(store);
        if self.election.role() != Role::Alone {
            let left = self.host.has_storage && !self.own.log.is_done();
            let end = if left { self.own.log.next_seq() - 1 } else { 0 };
            self.election.leave();
            self.post_for_election();
            self.post(Says::Bye, self.me, [end, sent.into(), 0, 0, 0], "");
        }
    }

    fn post_for_election(&mut self) {
        while let Some(says) = self.election.next_post() {
            let to = self.election.heir();
            self.post(says, to, [self.own.log.settled(), 0, 0, 0, 0], "");
        }
    }

    fn post(&mut self, says: Says, to: TabId, numbers: [u64; 5], text: &str) {
        let message = Message {
            from: self.me,
            term: self.election.term(),
            leads: self.election.role() == Role::Leader,
            visible: self.election.visible,
            says,
            to,
            numbers,
            text,
        };
        let text = message.encode();
        self.account.output(Output::Post(text));
    }

    fn post_settled(&mut self, ended: &Ended) {
        self.post(Says::Settled, ended.tab, ended.numbers, ended.verdict);
    }

    /// Another tab said something.
    pub(super) fn on_peer(&mut self, text: &str, store: &mut dyn Store) {
        let Some(message) = Message::decode(text).filter(|message| message.from != self.me) else {
            return;
        };
        let from = message.from;
        // A frozen tab may still be handed messages; it has said goodbye and answers nobody.
        if self.page.is_away() {
            return;
        }
        let (says, [first, ..]) = (message.says, message.numbers);
        if says != Says::Bye {
            self.hand_back(from);
        }
        if self.election.role() == Role::Leader && matches!(says, Says::Hello | Says::Ping) {
            // First of all: hearing it may make this tab yield, and then nobody could tell.
            self.repeat_done(from, first + 1, None);
        }
        self.election
            .on_message(self.now.mono, &message, &mut self.rng);
        let leads = self.election.role() == Role::Leader;
        match says {
            Says::Ping if leads => {
                let held = self.tabs.offer_of(from).map_or(0, |offer| offer.seal.to);
                self.post(Says::Pong, from, [held, 0, 0, 0, 0], "");
            }
            Says::Offer if leads && message.to == self.me => self.take_offer(&message),
            Says::Pong if message.to == self.me => self.reoffer_unless(first),
            Says::Settled if message.to == self.me => self.on_settled(&message, store),
            _ => {}
        }
    }

    /// Carries out what the election decided.
    pub(super) fn run_election(&mut self) {
        self.post_for_election();
        if self.election.take_lost() {
            self.plan_scans(&AFTER_GONE_MS);
        }
        if self.election.take_changed() {
            self.on_role_changed();
        }
    }

    fn on_role_changed(&mut self) {
        // What the old leader had may have been sent, or be on its way: the new one is to ask first,
        // and not at once.
        if let Some(seal) = self.offered() {
            (seal.offered, seal.maybe_sent) = (false, true);
            self.own.probe_at = self.now.mono + SETTLE_MS;
        }
        if self.election.role() == Role::Leader {
            self.paused = false;
            let alone = self.election.term() == 1 && self.election.members().next().is_none();
            self.plan_scans(if alone { &ALONE_MS } else { &AFTER_CLAIM_MS });
        } else {
            let flights = &self.flights;
            remove_where(&mut self.tabs.offers, |offer| {
                !flies(flights, &offer.seal.batch_of(offer.tab))
            });
            self.release_all();
        }
        let report = Report::Role {
            role: self.role_name(),
            leader: self.election.leader().map(TabId::text),
            term: self.election.term(),
        };
        self.account.report(report);
    }

    /// Hands this tab's batches to the leader.
    pub(super) fn offer(&mut self, store: &mut dyn Store) {
        if self.election.role() != Role::Follower {
            return;
        }
        let idle = self.own.log.seals.is_empty();
        if self.own.probe_at > self.now.mono && !idle {
            self.timers.set_if_unset(Timer::Retry, self.own.probe_at);
            return;
        }
        if !self.paused {
            if idle {
                self.seal_next(self.me, store);
            }
            self.offer_first();
        }
        let waiting = self.offered().is_some();
        self.election.set_waiting(self.now.mono, waiting);
    }

    /// The batch that is with the leader: the first, if any.
    fn offered(&mut self) -> Option<&mut Seal> {
        let first = self.own.log.seals.first_mut();
        first.filter(|seal| seal.offered)
    }

    fn offer_first(&mut self) {
        let Some(seal) = self.own.log.seals.first().copied() else {
            return;
        };
        if !self.waits(&seal) {
            return;
        }
        self.withdraw(seal.from, seal.to);
        if let Some(seal) = self.own.log.seals.first_mut() {
            seal.offered = true;
        }
        let body = self.own.log.body(&seal, seal.from);
        let count = self.own.log.count(seal.from, seal.to) as u64;
        let (stamp, maybe_sent) = (seal.stamp.into(), seal.maybe_sent.into());
        let numbers = [seal.from, seal.to, count, stamp, maybe_sent];
        let leader = self.election.leader().unwrap_or(self.me);
        self.post(Says::Offer, leader, numbers, &body);
    }

    /// The leader says what it holds: another batch than that must have got lost on the way.
    fn reoffer_unless(&mut self, held: u64) {
        if let Some(seal) = self.offered().filter(|seal| seal.to != held) {
            seal.offered = false;
            // What was waited for before it was offered is over.
            self.own.probe_at = Instant::default();
        }
    }

    fn take_offer(&mut self, message: &Message<'_>) {
        let (tab, [from, to, count, stamp, maybe_sent]) = (message.from, message.numbers);
        if self.repeat_done(tab, to, Some(stamp)) {
            return;
        }
        let seal = Seal {
            stamp: stamp as u32,
            maybe_sent: maybe_sent != 0,
            ..Seal::new(from, to, UnixMillis(0))
        };
        if let Some(held) = self.tabs.offer_of(tab) {
            if held.seal.stamp == seal.stamp || flies(&self.flights, &held.seal.batch_of(tab)) {
                return;
            }
            self.tabs.forget_offer(tab);
        }
        self.tabs.offers.push(Box::new(Offer {
            tab,
            seal,
            count: count as u32,
            body: owned(message.text),
        }));
    }

    /// The leader settled one of our batches.
    fn on_settled(&mut self, message: &Message<'_>, store: &mut dyn Store) {
        let [from, to, stamp, count, refused] = message.numbers;
        let Some(verdict) = PeerVerdict::from_code(message.text, refused) else {
            return;
        };
        let tab = self.me;
        // Another batch of the same range: cut anew since, or the one that reports it as a gap.
        let other = self.own.log.find_seal(from, to);
        let other = other.is_some_and(|seal| u64::from(seal.stamp) != stamp);
        if matches!(verdict, PeerVerdict::Kept) {
            self.paused = true;
        } else if !other && self.own.log.count(from, to) as u64 <= count {
            let stamp = stamp as u32;
            self.settle(
                &BatchRef {
                    tab,
                    from,
                    to,
                    stamp,
                },
                verdict,
                store,
            );
        }
    }

    /// Tells a batch's tab how it ended, now and when it asks again.
    pub(super) fn tell_owner(&mut self, batch: &BatchRef, count: usize, verdict: PeerVerdict) {
        if batch.tab == self.me {
            return;
        }
        let BatchRef {
            tab,
            from,
            to,
            stamp,
        } = *batch;
        let ended = Ended {
            tab,
            numbers: [from, to, stamp.into(), count as u64, verdict.refused()],
            verdict: verdict.code(),
        };
        if !matches!(verdict, PeerVerdict::TooLarge | PeerVerdict::Kept) {
            self.tabs.remember_done(ended);
        }
        if self.election.knows(tab) {
            self.post_settled(&ended);
        }
    }

    /// Tells a tab again how its batches ended: those that end at an event or beyond, or the one of
    /// them with that stamp. Returns whether there was any.
    fn repeat_done(&mut self, tab: TabId, end: u64, only: Option<u64>) -> bool {
        let mut any = false;
        for index in 0..self.tabs.done.len() {
            if let Some(ended) = self.tabs.done.get(index).copied()
                && let [_, to, stamp, ..] = ended.numbers
                && ended.tab == tab
                && to >= end
                && only.is_none_or(|only| only == stamp)
            {
                self.post_settled(&ended);
                any = true;
            }
        }
        any
    }
}
