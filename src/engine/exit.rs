//! Every way a page can end, and coming back: hidden, leaving, frozen, restored, and the requests
//! that the browser is left with in case this tab simply dies.

use super::{
    Engine, PageState,
    adopt::SETTLE_MS,
    election::Role,
    io::{Means, Outcome, Output, PageEvent, Request, RequestId},
    log::{CutLimits, Log, Seal, SealState},
    partition::BatchRef,
    pump::KEEPALIVE_BYTES_MAX,
    store::Store,
    time::{Instant, Timer},
};

/// Bytes of deferred requests at most. The quota is 64 KiB per reporting origin (Deferred fetch,
/// fetch.spec.whatwg.org "deferred-fetch quota"), and URL and headers count.
const DEFERRED_BYTES_MAX: usize = 60_000;
/// Batches sealed for others to send at most.
const DOUBTED_MAX: usize = 8;
/// Deferred requests at most.
const DEFERRED_MAX: usize = 8;
/// The deferred requests are refreshed this often at most, in milliseconds.
const REFRESH_MS: u64 = 1_000;
/// After the browser refused one, this long passes before the next try, in milliseconds.
const REFUSED_MS: u64 = 30_000;
/// Somebody heard this recently is taken to be there still when this page leaves, in milliseconds.
const HEARD_MS: u64 = 5_000;

/// Requests that the browser sends when this tab is gone.
#[derive(Debug, Default)]
pub(super) struct Deferred {
    slots: Vec<Slot>,
    /// Taken back a moment ago; one may turn out to have been sent.
    withdrawn: Vec<Slot>,
    not_before: Option<Instant>,
    seen: (u64, u64, usize),
    /// Beacons never say when they are done; until the page is back they count as in flight.
    pub(super) beacon_bytes: usize,
}

#[derive(Clone, Debug)]
struct Slot {
    id: RequestId,
    seal: Seal,
}

impl Slot {
    const fn range(&self) -> (u64, u64) {
        (self.seal.from, self.seal.to)
    }
}

impl Deferred {
    /// The deferred batches that are not sealed: whoever finds the journal must know of them.
    pub(super) fn unsealed(&self, log: &Log) -> Vec<Seal> {
        let first = log.first_unsealed().unwrap_or(u64::MAX);
        self.slots
            .iter()
            .filter(|slot| slot.seal.from >= first)
            .map(|slot| slot.seal.clone())
            .collect()
    }
}

impl Engine {
    pub(super) fn on_page(&mut self, event: PageEvent, store: &mut dyn Store) {
        match event {
            PageEvent::Hidden => self.on_hidden(store),
            PageEvent::Visible => {
                self.set_visible(true);
                self.go();
            }
            PageEvent::Leaving => self.leave(store),
            PageEvent::Frozen => self.freeze(store),
            PageEvent::Restored | PageEvent::Resumed => self.come_back(store),
            PageEvent::Online => {
                self.page.online = true;
                self.go();
            }
            PageEvent::Offline => self.page.online = false,
        }
    }

    fn set_visible(&mut self, visible: bool) {
        self.page.visible = visible;
        let settled = self.own.log.settled();
        self.election.on_visible(self.now.mono, visible, settled);
    }

    /// On phones this is often the last thing a page hears: everything that fits goes out at once,
    /// by requests that outlive the page and whose answers are still seen if it lives.
    fn on_hidden(&mut self, store: &mut dyn Store) {
        self.set_visible(false);
        if self.config.auto_flush_on_exit && !self.page.leaving {
            self.go();
            if self.sends_for_itself()
                && self.page.online
                && self.gate.closed_until(self.now.mono).is_none()
            {
                self.pack_out(store);
            }
        }
    }

    /// `pagehide`. The channel is closed last, since an open one would keep the page out of the
    /// back/forward cache in Firefox.
    fn leave(&mut self, store: &mut dyn Store) {
        if self.page.leaving {
            return;
        }
        self.page.leaving = true;
        self.persist_last(store);
        let mut sent = false;
        // Their tabs offer them anew to whoever leads next.
        self.tabs.offers.clear();
        if self.hands_over() {
            self.withdraw_deferred();
            self.doubt_tail();
            self.write_own_record(store);
        } else {
            sent = self.send_last(store);
        }
        self.release_all();
        self.say_bye(sent);
        self.account.output(Output::CloseChannel);
    }

    /// Events that others track while the page is leaving, after this tab has said goodbye.
    pub(super) fn last_words(&mut self, store: &mut dyn Store) {
        if self.own.log.first_unsealed().is_some() && !self.own.journal.is_complete(&self.own.log) {
            self.persist_last(store);
        }
        if self.page.leaving && !self.page.handed_over && !self.page.cut_off {
            self.send_last(store);
        }
    }

    fn send_last(&mut self, store: &mut dyn Store) -> bool {
        if self.gate.is_told_to_wait(self.now.mono) {
            self.withdraw_deferred();
            return false;
        }
        self.config.auto_flush_on_exit && self.pack_out(store)
    }

    /// Whether a living tab will take over what is in the journal.
    fn hands_over(&mut self) -> bool {
        let kept = self.host.has_storage && self.own.journal.is_complete(&self.own.log);
        let heard = matches!(self.election.role(), Role::Leader | Role::Follower)
            && self.election.heard_within(self.now.mono, HEARD_MS);
        self.page.handed_over = kept && heard;
        self.page.handed_over
    }

    /// Sends as much as the budget for requests that outlive the page allows; tells whether anything.
    fn pack_out(&mut self, store: &mut dyn Store) -> bool {
        let mut packed = Vec::new();
        while let Some(batch) = self.next_to_pack() {
            packed.push(batch);
            self.send_batch(batch, Means::Keepalive);
            if self.page.leaving
                && let Some(seal) = self.own.log.find_seal(batch.from, batch.to)
            {
                seal.maybe_sent = true;
            }
        }
        if !packed.is_empty() {
            self.write_own_record(store);
        }
        !packed.is_empty()
    }

    /// This tab's next batch that still fits into the budget, sealed.
    fn next_to_pack(&mut self) -> Option<BatchRef> {
        let room = KEEPALIVE_BYTES_MAX.checked_sub(self.keepalive_bytes())?;
        let leaving = self.page.leaving;
        let goes = |seal: &&Seal| match seal.state {
            SealState::Waiting => !(leaving && seal.maybe_sent && seal.sent),
            SealState::Offered => leaving,
            SealState::InFlight => false,
        };
        let range = match self.own.log.seals.iter().find(goes) {
            Some(seal) if self.own.log.body(seal).len() <= room => (seal.from, seal.to),
            Some(_) => return None,
            None => {
                let limits = self.cut_limits();
                let limits = CutLimits {
                    bytes: limits.bytes.min(room),
                    ..limits
                };
                self.seal_own(limits)?
            }
        };
        Some(BatchRef {
            tab: self.me,
            from: range.0,
            to: range.1,
        })
    }

    /// Seals this tab's next batch; if the browser already holds it as a deferred request, with the
    /// same bytes. Nothing when not even one event fits.
    pub(super) fn seal_own(&mut self, limits: CutLimits) -> Option<(u64, u64)> {
        let first = self.own.log.first_unsealed()?;
        let range = self.own.log.cut(first - 1, limits)?;
        let held = self
            .deferred
            .slots
            .iter()
            .find(|slot| slot.range() == range && slot.seal.holes == self.own.log.holes());
        let seal = match held {
            Some(slot) => slot.seal.clone(),
            None => {
                let holes = self.own.log.holes().to_vec();
                self.own.log.sealing(range.0, range.1, self.now.wall, holes)
            }
        };
        if self.own.log.body(&seal).len() > limits.bytes {
            return None;
        }
        self.own.log.adopt_seal(seal)?;
        Some(range)
    }

    /// `freeze`: no code runs until `resume`, if ever. Others take over; the journal has everything.
    fn freeze(&mut self, store: &mut dyn Store) {
        if !self.page.frozen && !self.page.leaving {
            self.persist_last(store);
            self.release_all();
            self.say_bye(!self.flights.is_empty());
            self.page.frozen = true;
        }
    }

    /// Back from the back/forward cache or from being frozen, with the same identity.
    fn come_back(&mut self, store: &mut dyn Store) {
        if !self.page.leaving && !self.page.frozen {
            return;
        }
        self.page = PageState {
            leaving: false,
            frozen: false,
            handed_over: false,
            cut_off: false,
            ..self.page
        };
        self.deferred.beacon_bytes = 0;
        self.doubt_flights();
        if self.own.journal.was_cleared(store) {
            // Somebody took the journal over and may have delivered it, or the user cleared it.
            self.doubt_tail();
            self.own.journal.start_over(store);
        } else {
            // Somebody may have taken it over and sealed batches of it, and be gone by now.
            for seal in self.own.journal.stored_seals(store) {
                if self.own.log.is_exact(&seal) {
                    self.own.log.adopt_seal(seal);
                }
            }
        }
        let newest = self
            .own
            .log
            .seals
            .iter()
            .map(|seal| seal.at.0)
            .max()
            .unwrap_or(0);
        self.own.probe_at =
            self.now.mono + SETTLE_MS.saturating_sub(self.now.wall.0.saturating_sub(newest));
        self.persist(store);
        self.write_own_record(store);
        if self.host.has_channel {
            self.account.output(Output::OpenChannel);
            self.join();
        }
        self.go();
    }

    /// Requests from before the pause: whether they arrived is for the collector to say.
    fn doubt_flights(&mut self) {
        for flight in core::mem::take(&mut self.flights) {
            self.account.output(Output::Cancel(flight.id));
            for batch in flight.batches {
                self.set_state(batch, SealState::Waiting);
                if let Some(seal) = self.own.log.find_seal(batch.from, batch.to) {
                    seal.maybe_sent |= batch.tab == self.me && !flight.asks;
                }
            }
        }
        self.release_all();
    }

    /// Seals what others will send in this tab's stead, so that it is the same batch whoever sends
    /// it; coming back, this tab asks after it. A long tail is left to be cut by them.
    fn doubt_tail(&mut self) {
        while self.own.log.seals.len() < DOUBTED_MAX && self.seal_own(self.cut_limits()).is_some() {
        }
        for seal in &mut self.own.log.seals {
            seal.maybe_sent = true;
        }
    }

    /// Keeps the browser supplied with what is to be sent if this tab dies without a word: what
    /// waits here and is not with the leader, at most once a second, and only if it changed.
    pub(super) fn update_deferred(&mut self, store: &mut dyn Store) {
        let idle = !self.host.has_deferred || !self.config.auto_flush_on_exit;
        if idle || self.page.leaving || self.page.frozen || self.gate.is_told_to_wait(self.now.mono)
        {
            return;
        }
        let waiting = self
            .own
            .log
            .seals
            .iter()
            .filter(|seal| seal.state == SealState::Waiting)
            .count();
        let seen = (self.own.log.next_seq(), self.own.log.settled(), waiting);
        if seen == self.deferred.seen {
            return;
        }
        if let Some(at) = self.deferred.not_before.filter(|at| *at > self.now.mono) {
            self.timers.set_if_unset(Timer::Deferred, at);
            return;
        }
        self.deferred.seen = seen;
        self.refresh_deferred(store);
    }

    fn refresh_deferred(&mut self, store: &mut dyn Store) {
        let wanted = self.wanted_deferred();
        let kept = |slot: &Slot| wanted.iter().any(|(seal, _)| *seal == slot.seal);
        let (kept, stale): (Vec<Slot>, Vec<Slot>) = self.deferred.slots.drain(..).partition(kept);
        self.deferred.slots = kept;
        self.withdraw(stale);
        let mut changed = false;
        for (seal, body) in wanted {
            if self.deferred.slots.iter().any(|slot| slot.seal == seal) {
                continue;
            }
            let id = self.next_request_id();
            self.deferred.slots.push(Slot { id, seal });
            self.account.output(Output::Send(Request {
                id,
                means: Means::Deferred,
                body,
                wants_body: false,
            }));
            changed = true;
        }
        if changed {
            self.deferred.not_before = Some(self.now.mono + REFRESH_MS);
            self.write_own_record(store);
        }
    }

    /// The batches to hold, as they would be sealed now, and their bytes, within the quota.
    fn wanted_deferred(&self) -> Vec<(Seal, String)> {
        let log = &self.own.log;
        let mut room = DEFERRED_BYTES_MAX;
        let mut wanted = Vec::new();
        let mut take = |seal: Seal| {
            let body = log.body(&seal);
            let fits = body.len() <= room && wanted.len() < DEFERRED_MAX;
            if fits {
                room -= body.len();
                wanted.push((seal, body));
            }
            fits
        };
        let sealed = log
            .seals
            .iter()
            .filter(|seal| seal.state == SealState::Waiting && !seal.maybe_sent);
        if !sealed.cloned().all(&mut take) {
            return wanted;
        }
        let mut after = log.first_unsealed().map_or(u64::MAX, |first| first - 1);
        let mut holes = log.holes().to_vec();
        while let Some((from, to)) = log.cut(after, self.cut_limits()) {
            let held = self
                .deferred
                .slots
                .iter()
                .find(|slot| slot.range() == (from, to));
            let holes = core::mem::take(&mut holes);
            let seal = match held.filter(|slot| slot.seal.holes == holes) {
                Some(slot) => slot.seal.clone(),
                None => log.sealing(from, to, self.now.wall, holes),
            };
            if !take(seal) {
                break;
            }
            after = to;
        }
        wanted
    }

    /// A batch is about to leave, or is done with: the browser must not send it as well.
    pub(super) fn withdraw_overlapping(&mut self, batch: BatchRef) {
        if batch.tab == self.me {
            let overlaps = |slot: &Slot| slot.seal.from <= batch.to && batch.from <= slot.seal.to;
            let (stale, kept) = self.deferred.slots.drain(..).partition(overlaps);
            self.deferred.slots = kept;
            self.withdraw(stale);
        }
    }

    /// What was just given up must not be sent by the browser after all.
    pub(super) fn withdraw_dropped(&mut self) {
        let (tab, Some(hole)) = (self.me, self.own.log.holes().last()) else {
            return;
        };
        self.withdraw_overlapping(BatchRef {
            tab,
            from: hole.from,
            to: hole.to,
        });
    }

    /// Takes back everything that the browser holds.
    pub(super) fn withdraw_deferred(&mut self) {
        let stale = core::mem::take(&mut self.deferred.slots);
        self.withdraw(stale);
    }

    fn withdraw(&mut self, stale: Vec<Slot>) {
        for slot in &stale {
            self.account.output(Output::Cancel(slot.id));
        }
        self.deferred.withdrawn.extend(stale);
        let excess = self.deferred.withdrawn.len().saturating_sub(DEFERRED_MAX);
        self.deferred.withdrawn.drain(..excess);
    }

    /// The browser took a deferred request, refused it, or has sent it.
    pub(super) fn on_deferred_response(
        &mut self,
        id: RequestId,
        outcome: &Outcome,
        store: &mut dyn Store,
    ) {
        if *outcome == Outcome::Queued {
            return;
        }
        let held = self.deferred.slots.iter().position(|slot| slot.id == id);
        let slot = match held {
            Some(index) => Some(self.deferred.slots.remove(index)),
            None => {
                let withdrawn = self
                    .deferred
                    .withdrawn
                    .iter()
                    .position(|slot| slot.id == id);
                withdrawn.map(|index| self.deferred.withdrawn.remove(index))
            }
        };
        let Some(Slot { seal, .. }) = slot else {
            return;
        };
        if *outcome == Outcome::Activated {
            match self.own.log.find_seal(seal.from, seal.to) {
                Some(sealed) => sealed.maybe_sent = true,
                None => {
                    _ = self.own.log.adopt_seal(Seal {
                        maybe_sent: true,
                        sent: true,
                        ..seal
                    })
                }
            }
            self.write_own_record(store);
        } else {
            self.deferred.not_before = Some(self.now.mono + REFUSED_MS);
        }
    }
}
