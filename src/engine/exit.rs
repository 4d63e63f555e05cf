//! Every way a page can end, and coming back: hidden, leaving, frozen, restored.

use crate::engine::Engine;
use crate::engine::io::{Means, Output, PageEvent};
use crate::engine::partition::BatchRef;
use crate::engine::pump::{KEEPALIVE_BYTES_MAX, flies};
use crate::journal::log::CutLimits;
use crate::model::store::Store;
use crate::tabs::election::Role;

/// Batches sealed for others to send at most.
const DOUBTED_MAX: usize = 8;
/// Somebody heard this recently is taken to be there still when this page leaves, in milliseconds.
const HEARD_MS: u64 = 5_000;

/// What the page is doing.
#[derive(Clone, Copy, Debug)]
pub(super) struct PageState {
    pub(super) online: bool,
    pub(super) presence: Presence,
}

/// Whether the page is there: from the second one on no timers and no peers are heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Presence {
    Here,
    Frozen,
    /// After `pagehide`: only the last words, and no channel.
    Leaving,
    /// It left without more words: another tab has what it left behind, or a request that was to
    /// outlive it failed, and the rest waits for the next visit.
    Gone,
}

impl PageState {
    /// Whether it is frozen or has left.
    pub(super) fn is_away(self) -> bool {
        self.presence > Presence::Here
    }

    /// Whether it has left.
    pub(super) fn is_leaving(self) -> bool {
        self.presence >= Presence::Leaving
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
        self.election.on_visible(self.now.mono, visible);
    }

    /// On phones this is often the last thing a page hears: everything that fits goes out at once,
    /// by requests that outlive the page and whose answers are still seen if it lives.
    fn on_hidden(&mut self, store: &mut dyn Store) {
        self.set_visible(false);
        if self.page.is_leaving() {
            return;
        }
        // All of it, should somebody have cleared the storage since the last call.
        self.persist(store);
        if self.config.auto_flush_on_exit {
            self.go();
            if self.sends_for_itself()
                && self.page.online
                && self.gate.closed_until() <= self.now.mono
                && self.pack_out()
            {
                self.own.write_record(store);
            }
        }
    }

    /// `pagehide`. The channel is closed last, since an open one would keep the page out of the
    /// back/forward cache in Firefox.
    fn leave(&mut self, store: &mut dyn Store) {
        if self.page.is_leaving() {
            return;
        }
        self.page.presence = Presence::Leaving;
        self.persist_last(store);
        let mut sent = false;
        // Their tabs offer them anew to whoever leads next.
        self.tabs.offers.clear();
        if self.hands_over() {
            self.page.presence = Presence::Gone;
            self.withdraw(0, u64::MAX);
            self.doubt_tail();
        } else {
            sent = self.send_last();
        }
        self.release_all();
        self.say_bye(sent, store);
        self.account.output(Output::CloseChannel);
    }

    /// Events that others track while the page is leaving, after this tab has said goodbye.
    pub(super) fn last_words(&mut self, store: &mut dyn Store) {
        if self.own.log.unsealed() > 0 && !self.own.journal.is_complete(&self.own.log) {
            self.persist_last(store);
        }
        if self.page.presence == Presence::Leaving && self.send_last() {
            self.own.write_record(store);
        }
    }

    fn send_last(&mut self) -> bool {
        if self.gate.is_told_to_wait(self.now.mono) {
            self.withdraw(0, u64::MAX);
            return false;
        }
        self.config.auto_flush_on_exit && self.pack_out()
    }

    /// Whether a living tab will take over what is in the journal.
    fn hands_over(&self) -> bool {
        let kept = self.host.has_storage && self.own.journal.is_complete(&self.own.log);
        let heard = matches!(self.election.role(), Role::Leader | Role::Follower)
            && self.election.heard_within(self.now.mono, HEARD_MS);
        kept && heard
    }

    /// Sends as much as the budget for requests that outlive the page allows; tells whether anything.
    /// Then the record is to be written.
    fn pack_out(&mut self) -> bool {
        let mut packed = false;
        while let Some(batch) = self.next_to_pack() {
            packed = true;
            self.send_batch(&batch, Means::Keepalive);
        }
        packed
    }

    /// This tab's next batch that still fits into the budget, sealed.
    fn next_to_pack(&mut self) -> Option<BatchRef> {
        let room = KEEPALIVE_BYTES_MAX.checked_sub(self.keepalive_bytes())?;
        let leaving = self.page.is_leaving();
        for seal in &self.own.log.seals {
            let batch = seal.batch_of(self.me);
            let goes = if seal.offered {
                leaving
            } else {
                !(leaving && seal.maybe_sent && seal.sent)
            };
            if goes && !flies(&self.flights, &batch) {
                let fits = self.own.log.body(seal, seal.from).len() <= room;
                return fits.then_some(batch);
            }
        }
        let CutLimits { events, bytes } = self.cut_limits();
        let bytes = bytes.min(room);
        self.own
            .seal_next(CutLimits { events, bytes }, true, self.now.wall)?;
        let seal = self.own.log.seals.last()?;
        Some(seal.batch_of(self.me))
    }

    /// `freeze`: no code runs until `resume`, if ever. Others take over; the journal has everything.
    fn freeze(&mut self, store: &mut dyn Store) {
        if !self.page.is_away() {
            self.persist_last(store);
            self.release_all();
            self.say_bye(!self.flights.is_empty(), store);
            self.page.presence = Presence::Frozen;
        }
    }

    /// Back from the back/forward cache or from being frozen, with the same identity.
    fn come_back(&mut self, store: &mut dyn Store) {
        if !self.page.is_away() {
            return;
        }
        self.page.presence = Presence::Here;
        self.own.log.left = false;
        self.doubt_flights();
        if self.own.journal.was_cleared(store) {
            // Somebody took the journal over and may have delivered it, or the user cleared it.
            self.doubt_tail();
        } else {
            // Somebody may have taken it over and sealed batches of it, and be gone by now.
            for seal in self.own.journal.stored_seals(&self.own.log, store) {
                self.own.log.adopt_if_exact(seal);
            }
        }
        self.own.probe_at = self.now.mono + self.own.settling_ms(self.now.wall);
        self.persist(store);
        self.own.write_record(store);
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
            // Those that it asks after were in doubt before.
            for batch in &flight.batches {
                self.set_unsure(batch, true);
            }
        }
        self.release_all();
    }

    /// Seals what others will send in this tab's stead, so that it is the same batch whoever sends
    /// it; coming back, this tab asks after it. A long tail is left to be cut by them.
    fn doubt_tail(&mut self) {
        let limits = self.cut_limits();
        while self.own.log.seals.len() < DOUBTED_MAX
            && self.own.seal_next(limits, false, self.now.wall).is_some()
        {}
        for seal in &mut self.own.log.seals {
            seal.maybe_sent = true;
        }
    }
}
