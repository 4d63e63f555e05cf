//! The other tabs: batches they offer, answers they are owed, journals that dead ones left.

use super::{
    Engine,
    election::{Event, Role},
    ids::TabId,
    io::Output,
    lists::remove_where,
    log::Seal,
    partition::{BatchRef, Partition, SETTLE_MS},
    peer::{Ended, Message, PeerVerdict, Says},
    pump::flies,
    report::Report,
    store::Store,
    time::{Instant, Timer, UnixMillis},
};

/// Batches whose end is remembered for a tab that missed it.
const DONE_MAX: usize = 512;
/// When storage is searched after a tab is gone, in milliseconds: what another process wrote may be
/// seen late.
const AFTER_GONE_MS: [u64; 3] = [50, 1_000, 4_000];
/// And after taking the lead, when the living have had time to say so.
const AFTER_CLAIM_MS: [u64; 3] = [500, 2_000, 6_000];
/// And when nobody answered this tab's hello.
const ALONE_MS: [u64; 3] = [0, 2_000, 6_000];

/// What is known of other tabs' events.
#[derive(Debug, Default)]
pub(super) struct Tabs {
    /// Logs taken over.
    pub(super) adopted: Vec<Partition>,
    /// Batches offered, one of each tab: the next one comes when this one is settled, so a message
    /// that got lost cannot put a tab's events out of order.
    pub(super) offers: Vec<Offer>,
    /// Oldest first.
    pub(super) done: Vec<(TabId, Ended)>,
    pub(super) scans: Vec<Instant>,
    /// A journal that was done with has grown.
    pub(super) look_again: bool,
    pub(super) seen: Vec<Seen>,
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

/// A journal that may have a living owner.
#[derive(Debug)]
pub(super) struct Seen {
    pub(super) tab: TabId,
    /// When it last changed.
    pub(super) newest_at: UnixMillis,
    /// Since when we know.
    pub(super) since: Instant,
}

impl Tabs {
    /// Whether anything of another tab waits here.
    pub(super) fn has_work(&self) -> bool {
        !self.offers.is_empty() || self.adopted.iter().any(|kept| !kept.log.is_done())
    }

    /// The offered batch of a tab.
    pub(super) fn offer_of(&self, tab: TabId) -> Option<&Offer> {
        self.offers.iter().find(|offer| offer.tab == tab)
    }

    /// The offered batch of that name.
    pub(super) fn offered(&mut self, batch: &BatchRef) -> Option<&mut Offer> {
        let mut offers = self.offers.iter_mut();
        offers.find(|offer| offer.seal.batch_of(offer.tab) == *batch)
    }

    /// Lets go of the offered batch of a tab.
    pub(super) fn forget_offer(&mut self, tab: TabId) {
        remove_where(&mut self.offers, |offer| offer.tab == tab);
    }

    fn remember_done(&mut self, tab: TabId, ended: Ended) {
        if self.done.len() >= DONE_MAX {
            self.done.remove(0);
        }
        self.done.push((tab, ended));
    }
}

impl Engine {
    /// Says hello, at start or back from wherever this tab was.
    pub(super) fn join(&mut self) {
        let settled = self.own.log.settled();
        self.election
            .join(self.now.mono, self.page.visible, settled, &mut self.rng);
    }

    /// Says goodbye. `sent`: some of what is in the journal may be on its way.
    pub(super) fn say_bye(&mut self, sent: bool) {
        if self.election.role() != Role::Alone {
            let left = self.host.has_storage && !self.own.log.is_done();
            let end = if left { self.own.log.next_seq() - 1 } else { 0 };
            self.election.leave(end, sent);
            for event in self.election.take_events() {
                if let Event::Post(says) = event {
                    self.post(says);
                }
            }
        }
    }

    pub(super) fn post(&mut self, says: Says<'_>) {
        let message = Message {
            from: self.me,
            term: self.election.term(),
            leads: self.election.role() == Role::Leader,
            visible: self.page.visible,
            says,
        };
        let text = message.encode();
        self.account.output(Output::Post(text));
    }

    /// Another tab said something.
    pub(super) fn on_peer(&mut self, text: &str, store: &mut dyn Store) {
        let Some(message) = Message::decode(text).filter(|message| message.from != self.me) else {
            return;
        };
        let from = message.from;
        // A frozen tab may still be handed messages; it has said goodbye and answers nobody.
        if self.page.frozen || self.page.leaving {
            return;
        }
        if !matches!(message.says, Says::Bye { .. }) {
            self.hand_back(from);
        }
        if let (Role::Leader, Says::Hello { settled } | Says::Ping { settled }) =
            (self.election.role(), &message.says)
        {
            // First of all: hearing it may make this tab yield, and then nobody could tell.
            self.repeat_done(from, *settled);
        }
        self.election
            .on_message(self.now.mono, &message, &mut self.rng);
        let leads = self.election.role() == Role::Leader;
        match message.says {
            Says::Ping { .. } if leads => {
                let held = self.tabs.offer_of(from).map_or(0, |offer| offer.seal.to);
                self.post(Says::Pong { to: from, held });
            }
            Says::Pong { to, held } if to == self.me => self.reoffer_unless(held),
            Says::Offer {
                from: first,
                to,
                count,
                stamp,
                maybe_sent,
                body,
            } if leads => {
                let seal = Seal {
                    stamp,
                    maybe_sent,
                    ..Seal::new(first, to, UnixMillis(0))
                };
                self.take_offer(Offer {
                    tab: from,
                    seal,
                    count,
                    body: body.to_owned(),
                });
            }
            Says::Settled { to, ended } if to == self.me => self.on_settled(ended, store),
            Says::Bye { end: 0, .. } => {}
            Says::Bye { .. } => self.plan_scans(&AFTER_GONE_MS),
            _ => {}
        }
    }

    /// Carries out what the election decided.
    pub(super) fn run_election(&mut self) {
        for event in self.election.take_events() {
            match event {
                Event::Post(says) => self.post(says),
                Event::Gone(_) => self.plan_scans(&AFTER_GONE_MS),
                Event::Changed => self.on_role_changed(),
            }
        }
    }

    fn on_role_changed(&mut self) {
        // What the old leader had may have been sent, or be on its way: the new one is to ask first,
        // and not at once.
        let mut offered = false;
        for seal in &mut self.own.log.seals {
            if seal.offered {
                (seal.offered, seal.maybe_sent, offered) = (false, true, true);
            }
        }
        if offered {
            self.own.probe_at = self.now.mono + SETTLE_MS;
        }
        if self.election.role() == Role::Leader {
            self.paused = false;
            let alone = self.election.members().next().is_none();
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
        if self.own.probe_at > self.now.mono && !self.own.log.seals.is_empty() {
            self.timers.set_if_unset(Timer::Retry, self.own.probe_at);
            return;
        }
        let offered = |seal: &Seal| seal.offered;
        if !self.own.log.seals.iter().any(offered) && !self.paused {
            if self.own.log.seals.is_empty() {
                self.seal_next(self.me, store);
            }
            self.offer_first();
        }
        self.election
            .set_waiting(self.now.mono, self.own.log.seals.iter().any(offered));
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
        let Seal {
            from,
            to,
            stamp,
            maybe_sent,
            ..
        } = seal;
        let body = self.own.log.body(&seal, from);
        let count = self.own.log.count(from, to) as u32;
        self.post(Says::Offer {
            from,
            to,
            count,
            stamp,
            maybe_sent,
            body: &body,
        });
    }

    /// The leader says what it holds: another batch than that must have got lost on the way.
    fn reoffer_unless(&mut self, held: u64) {
        for seal in &mut self.own.log.seals {
            seal.offered &= seal.to == held;
        }
    }

    fn take_offer(&mut self, offer: Offer) {
        let (to, seal) = (offer.tab, &offer.seal);
        for (tab, ended) in &self.tabs.done {
            let same = (ended.first, ended.last, ended.stamp) == (seal.from, seal.to, seal.stamp);
            if *tab == to && same {
                let ended = *ended;
                self.post(Says::Settled { to, ended });
                return;
            }
        }
        let held = self.tabs.offers.iter_mut().find(|held| held.tab == to);
        match held {
            Some(held)
                if held.seal.stamp == seal.stamp
                    || flies(&self.flights, &held.seal.batch_of(to)) => {}
            Some(held) => *held = offer,
            None => self.tabs.offers.push(offer),
        }
    }

    /// The leader settled one of our batches.
    fn on_settled(&mut self, ended: Ended, store: &mut dyn Store) {
        let batch = BatchRef {
            tab: self.me,
            from: ended.first,
            to: ended.last,
            stamp: ended.stamp,
        };
        // Another batch of the same range: cut anew since, or the one that reports it as a gap.
        let other = self.own.log.find_seal(ended.first, ended.last);
        let other = other.is_some_and(|seal| seal.stamp != ended.stamp);
        if ended.verdict == PeerVerdict::Kept {
            self.paused = true;
        } else if !other && self.own.log.count(ended.first, ended.last) as u64 <= ended.count {
            self.settle(&batch, ended.verdict, store);
        }
    }

    /// Tells a batch's tab how it ended, now and when it asks again.
    pub(super) fn tell_owner(&mut self, batch: &BatchRef, count: usize, verdict: PeerVerdict) {
        if batch.tab == self.me {
            return;
        }
        let ended = Ended {
            first: batch.from,
            last: batch.to,
            stamp: batch.stamp,
            count: count as u64,
            verdict,
        };
        if matches!(
            verdict,
            PeerVerdict::Delivered { .. } | PeerVerdict::Dropped(_)
        ) {
            self.tabs.remember_done(batch.tab, ended);
        }
        if self.election.knows(batch.tab) {
            self.post(Says::Settled {
                to: batch.tab,
                ended,
            });
        }
    }

    fn repeat_done(&mut self, tab: TabId, settled: u64) {
        for index in 0..self.tabs.done.len() {
            if let Some((to, ended)) = self.tabs.done.get(index).copied()
                && to == tab
                && ended.last > settled
            {
                self.post(Says::Settled { to, ended });
            }
        }
    }
}
