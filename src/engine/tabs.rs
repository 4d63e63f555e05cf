//! The other tabs: batches they offer, answers they are owed, journals that dead ones left.

use super::{
    Engine, Partition,
    adopt::SETTLE_MS,
    election::{Event, Role},
    ids::TabId,
    io::Output,
    log::{Seal, SealState},
    map::Map,
    peer::{Ended, Message, PeerVerdict, Says},
    pump::BatchRef,
    report::Report,
    store::Store,
    time::{Instant, Timer, UnixMillis},
};

/// Batches per tab, and tabs, whose end is remembered for a tab that missed it.
const DONE_MAX: usize = 16;
const DONE_TABS_MAX: usize = 64;
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
    pub(super) adopted: Map<TabId, Partition>,
    /// Batches offered, one of each tab: the next one comes when this one is settled, so a message
    /// that got lost cannot put a tab's events out of order.
    pub(super) offers: Map<TabId, Offer>,
    pub(super) done: Map<TabId, Vec<Ended>>,
    pub(super) scans: Vec<Instant>,
    /// A journal that was done with has grown.
    pub(super) look_again: bool,
    /// Journals that may have a living owner: when they last changed, and since when we know.
    pub(super) seen: Map<TabId, (UnixMillis, Instant)>,
}

#[derive(Debug)]
pub(super) struct Offer {
    from: u64,
    to: u64,
    count: u32,
    stamp: u32,
    body: String,
    maybe_sent: bool,
    sent: bool,
    pub(super) in_flight: bool,
}

impl Offer {
    const fn is(&self, batch: BatchRef) -> bool {
        self.from == batch.from && self.to == batch.to
    }
}

impl Tabs {
    /// Whether anything of another tab waits here.
    pub(super) fn has_work(&self) -> bool {
        !self.offers.is_empty() || self.adopted.values().any(|p| !p.log.is_done())
    }

    /// Tabs of which something can be sent.
    pub(super) fn with_work(&self) -> Vec<TabId> {
        self.offers.keys().chain(self.adopted.keys()).collect()
    }

    /// The offered batch of a tab.
    pub(super) fn next_offer(&self, tab: TabId) -> Option<BatchRef> {
        let offer = self.offers.get(tab)?;
        Some(BatchRef {
            tab,
            from: offer.from,
            to: offer.to,
        })
    }

    /// Offered batches that may have arrived already.
    pub(super) fn unsure_offers(&self) -> impl Iterator<Item = BatchRef> {
        let unsure = self
            .offers
            .iter()
            .filter(|(_, offer)| offer.maybe_sent && !offer.in_flight);
        unsure.map(|(tab, offer)| BatchRef {
            tab,
            from: offer.from,
            to: offer.to,
        })
    }

    /// The offered batch of that range.
    pub(super) fn offer(&self, batch: BatchRef) -> Option<&Offer> {
        self.offers.get(batch.tab).filter(|offer| offer.is(batch))
    }

    fn offer_mut(&mut self, batch: BatchRef) -> Option<&mut Offer> {
        self.offers
            .get_mut(batch.tab)
            .filter(|offer| offer.is(batch))
    }

    /// An offered batch's bytes, and whether it has been sent from here before.
    pub(super) fn offer_body(&mut self, batch: BatchRef) -> Option<(String, bool)> {
        let offer = self.offer_mut(batch)?;
        Some((
            offer.body.clone(),
            core::mem::replace(&mut offer.sent, true),
        ))
    }

    pub(super) fn offer_count(&self, batch: BatchRef) -> usize {
        self.offer(batch).map_or(0, |offer| offer.count as usize)
    }

    pub(super) fn offer_stamp(&self, batch: BatchRef) -> u32 {
        self.offer(batch).map_or(0, |offer| offer.stamp)
    }

    pub(super) fn set_offer_in_flight(&mut self, batch: BatchRef, in_flight: bool) {
        if let Some(offer) = self.offer_mut(batch) {
            offer.in_flight = in_flight;
        }
    }

    pub(super) fn set_offer_unsure(&mut self, batch: BatchRef, maybe_sent: bool) {
        if let Some(offer) = self.offer_mut(batch) {
            offer.maybe_sent = maybe_sent;
        }
    }

    /// An offered batch is done with.
    pub(super) fn settle_offer(&mut self, batch: BatchRef) {
        if self.offer(batch).is_some() {
            self.offers.remove(batch.tab);
        }
    }

    fn remember_done(&mut self, tab: TabId, ended: Ended) {
        if self.done.len() >= DONE_TABS_MAX && !self.done.contains(tab) {
            self.done.remove_first();
        }
        let done = self.done.or_default(tab);
        done.push(ended);
        if done.len() > DONE_MAX {
            done.remove(0);
        }
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
                let held = self.tabs.offers.get(from).map_or(0, |offer| offer.to);
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
                let body = body.to_owned();
                let offer = Offer {
                    from: first,
                    to,
                    count,
                    stamp,
                    body,
                    maybe_sent,
                    sent: false,
                    in_flight: false,
                };
                self.take_offer(from, offer);
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
            if seal.state == SealState::Offered {
                (seal.state, seal.maybe_sent, offered) = (SealState::Waiting, true, true);
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
            self.tabs.offers.retain(|_, offer| offer.in_flight);
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
        let offered = |seal: &Seal| seal.state == SealState::Offered;
        if !self.own.log.seals.iter().any(offered) && !self.paused {
            if self.own.log.seals.is_empty() {
                self.seal_next(store);
            }
            self.offer_first();
        }
        self.election
            .set_waiting(self.now.mono, self.own.log.seals.iter().any(offered));
    }

    fn offer_first(&mut self) {
        let Some(seal) = self
            .own
            .log
            .seals
            .first()
            .filter(|s| s.state == SealState::Waiting)
            .cloned()
        else {
            return;
        };
        let Seal {
            from,
            to,
            stamp,
            maybe_sent,
            ..
        } = seal;
        let batch = BatchRef {
            tab: self.me,
            from,
            to,
        };
        self.withdraw_overlapping(batch);
        self.set_state(batch, SealState::Offered);
        let body = self.own.log.body(&seal);
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
            if seal.state == SealState::Offered && seal.to != held {
                seal.state = SealState::Waiting;
            }
        }
    }

    fn take_offer(&mut self, tab: TabId, offer: Offer) {
        let done = self.tabs.done.get(tab).into_iter().flatten();
        let same = |ended: &&Ended| {
            (ended.first, ended.last, ended.stamp) == (offer.from, offer.to, offer.stamp)
        };
        if let Some(ended) = done.clone().find(same).copied() {
            self.post(Says::Settled { to: tab, ended });
        } else if self
            .tabs
            .offers
            .get(tab)
            .is_none_or(|held| !held.in_flight && held.stamp != offer.stamp)
        {
            self.tabs.offers.insert(tab, offer);
        }
    }

    /// The leader settled one of our batches.
    fn on_settled(&mut self, ended: Ended, store: &mut dyn Store) {
        let batch = BatchRef {
            tab: self.me,
            from: ended.first,
            to: ended.last,
        };
        // Another batch of the same range: cut anew since, or the one that reports it as a gap.
        let other = self.own.log.find_seal(ended.first, ended.last);
        let other = other.is_some_and(|seal| seal.stamp != ended.stamp);
        if ended.verdict == PeerVerdict::Kept {
            self.paused = true;
        } else if !other && self.own.log.count(ended.first, ended.last) as u64 <= ended.count {
            self.settle_here(batch, ended.verdict, store);
        }
    }

    /// Tells a batch's tab how it ended, now and when it asks again.
    pub(super) fn tell_owner(
        &mut self,
        batch: BatchRef,
        stamp: u32,
        count: usize,
        verdict: PeerVerdict,
    ) {
        if batch.tab == self.me {
            return;
        }
        let ended = Ended {
            first: batch.from,
            last: batch.to,
            stamp,
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
        let done = self.tabs.done.get(tab).into_iter().flatten();
        let missed: Vec<_> = done.filter(|ended| ended.last > settled).copied().collect();
        for ended in missed {
            self.post(Says::Settled { to: tab, ended });
        }
    }
}
