//! What is sent next, and by which means.

use crate::engine::Engine;
use crate::engine::io::{Means, Output, Request, RequestId};
use crate::engine::partition::{BatchRef, Partition};
use crate::engine::tabs::Tabs;
use crate::journal::log::{NO_EVENT, Seal};
use crate::model::ids::TabId;
use crate::model::store::Store;
use crate::model::time::{Instant, Timer};
use crate::text::fields::owned;
use crate::wire::envelope;

/// Bytes that all `keepalive` requests and beacons of a page may have in flight together (Fetch
/// standard, 4.5 "HTTP-network-or-cache fetch": 64 KiB), shared with the page's own.
pub(super) const KEEPALIVE_BYTES_MAX: usize = 64 * 1024 - 1024;
/// Batches that one receipt query asks about at most.
const PROBE_BATCHES_MAX: usize = 64;

/// A request that has not been answered.
#[derive(Debug)]
pub(super) struct Flight {
    pub(super) id: RequestId,
    /// It carries the first of them, or asks whether these have arrived.
    pub(super) batches: Vec<BatchRef>,
    pub(super) asks: bool,
    pub(super) deadline: Instant,
    pub(super) means: Means,
    /// What it takes of the shared budget.
    budget_bytes: usize,
}

/// Whether a request about the batch has not been answered.
pub(super) fn flies(flights: &[Flight], batch: &BatchRef) -> bool {
    let mut flights = flights.iter();
    flights.any(|flight| flight.batches.contains(batch))
}

impl Engine {
    /// Sends the next request, if one may be sent. One at a time: order is kept per tab, and a
    /// failing collector is met by one request, not by many.
    pub(super) fn pump(&mut self, store: &mut dyn Store) {
        if !self.flights.is_empty() || !self.page.online {
            return;
        }
        let at = self.gate.closed_until();
        if at > self.now.mono {
            self.timers.set(Timer::Retry, at);
            return;
        }
        if self.paused {
            return;
        }
        let unsure = self.unsure_batches();
        if !unsure.is_empty() && !self.receipts_unsupported {
            self.send_probe(unsure);
        } else if let Some(batch) = self.next_batch(store) {
            self.send_batch(&batch, Means::Keepalive);
        }
    }

    /// Batches that may have arrived already.
    fn unsure_batches(&mut self) -> Vec<BatchRef> {
        let mut unsure = Vec::new();
        let mut wait = self.own.push_unsure(self.now.mono, &mut unsure);
        for partition in &self.tabs.adopted {
            wait = wait.min(partition.push_unsure(self.now.mono, &mut unsure));
        }
        self.timers.set_if_unset(Timer::Retry, wait);
        for offer in &self.tabs.offers {
            if offer.seal.maybe_sent {
                unsure.push(offer.seal.batch_of(offer.tab));
            }
        }
        unsure.truncate(PROBE_BATCHES_MAX);
        unsure
    }

    /// The next batch in turn: one of each tab that has something to send.
    fn next_batch(&mut self, store: &mut dyn Store) -> Option<BatchRef> {
        let others = self.tabs.adopted.len() + self.tabs.offers.len();
        for _ in 0..=others {
            // Downwards, so that a tab's next offer, which comes in last, waits for the next round.
            self.turn = self.turn.wrapping_sub(1).min(others);
            let tab = self.tab_in_turn();
            let batch = self.next_batch_of(tab, store);
            if batch.is_some() {
                return batch;
            }
        }
        None
    }

    /// The tab whose turn it is: of the logs taken over, the offers, and this one.
    fn tab_in_turn(&self) -> TabId {
        let Tabs {
            adopted, offers, ..
        } = &self.tabs;
        if let Some(partition) = adopted.get(self.turn) {
            partition.log.tab
        } else if let Some(offer) = offers.get(self.turn - adopted.len()) {
            offer.tab
        } else {
            self.me
        }
    }

    fn next_batch_of(&mut self, tab: TabId, store: &mut dyn Store) -> Option<BatchRef> {
        if let Some(offer) = self.tabs.offer_of(tab) {
            return Some(offer.seal.batch_of(tab));
        }
        let (now, own) = (self.now.mono, tab == self.me);
        let partition = self.partition_mut(tab).filter(|kept| !kept.release)?;
        let sealed = !partition.log.seals.is_empty();
        if partition.probe_at > now && (sealed || !own) {
            let at = partition.probe_at;
            self.timers.set_if_unset(Timer::Retry, at);
            return None;
        }
        if !sealed {
            self.seal_next(tab, store)?;
        }
        let seal = self.partition_mut(tab)?.log.seals.first()?;
        Some(seal.batch_of(tab))
    }

    /// Seals a tab's next batch; this one's own if it is full or asked for.
    pub(super) fn seal_next(&mut self, tab: TabId, store: &mut dyn Store) -> Option<()> {
        let log = &self.own.log;
        if tab == self.me
            && (self.go_to + 1..NO_EVENT).contains(&log.first_unsealed())
            && log.unsealed() < self.config.flush_at as usize
        {
            return None;
        }
        let (limits, wall) = (self.cut_limits(), self.now.wall);
        let partition = self.partition_mut(tab)?;
        partition.seal_next(limits, false, wall)?;
        partition.write_record(store);
        Some(())
    }

    fn send_probe(&mut self, batches: Vec<BatchRef>) {
        let ids = batches.iter().map(BatchRef::id);
        let body = envelope::receipts(&self.own.log.header, self.now.wall, ids);
        // A plain fetch in flight would cost a page that leaves its back/forward cache in Firefox.
        let means = if self.gate.has_failed() {
            Means::Fetch
        } else {
            Means::Keepalive
        };
        self.send(batches, true, means, body);
    }

    /// Sends a sealed batch by the strongest means that the budget leaves.
    pub(super) fn send_batch(&mut self, batch: &BatchRef, means: Means) {
        if batch.tab == self.me {
            self.withdraw(batch.from, batch.to);
        }
        let Some((body, repeated)) = self.body_of(batch) else {
            return;
        };
        if repeated {
            self.account.retries += 1;
        }
        // The budget is shared with the page's own requests, and over it a keepalive fetch rejects
        // like any network error: while the page lives, a repeat goes without.
        let fits = self.keepalive_bytes() + body.len() <= KEEPALIVE_BYTES_MAX;
        let means = if fits && (self.page.is_leaving() || !repeated) {
            means
        } else {
            Means::Fetch
        };
        self.send(vec![*batch], false, means, body);
    }

    fn send(&mut self, batches: Vec<BatchRef>, asks: bool, means: Means, body: String) {
        let budget_bytes = if means == Means::Fetch { 0 } else { body.len() };
        let id = self.request(means, body);
        let deadline = self.now.mono + self.config.timeout_ms.into();
        self.flights.push(Flight {
            id,
            batches,
            asks,
            deadline,
            means,
            budget_bytes,
        });
        self.account.requests += 1;
        self.gate.on_send(self.now.mono);
        self.election.on_activity(self.now.mono);
    }

    /// Names a request and gives it to the host.
    pub(super) fn request(&mut self, means: Means, body: String) -> RequestId {
        self.last_request += 1;
        let id = RequestId(self.last_request);
        self.account
            .output(Output::Send(Request { id, means, body }));
        id
    }

    /// Bytes that this page has in flight under the shared budget.
    pub(super) fn keepalive_bytes(&self) -> usize {
        let mut bytes = 0;
        for flight in &self.flights {
            bytes += flight.budget_bytes;
        }
        bytes
    }

    /// A batch's bytes, and whether it has been sent before.
    fn body_of(&mut self, batch: &BatchRef) -> Option<(String, bool)> {
        let leaving = self.page.is_leaving();
        let seal = self.seal_mut(batch)?;
        // Of what is sent now nobody may be there to see the answer.
        seal.maybe_sent |= leaving;
        let repeated = core::mem::replace(&mut seal.sent, true);
        let seal = *seal;
        let body = match self.tabs.offered(batch) {
            Some(offer) => owned(&offer.body),
            None => self.partition_mut(batch.tab)?.log.body(&seal, batch.from),
        };
        Some((body, repeated))
    }

    /// Whether a sealed batch of this tab's own is neither with the leader nor in a request.
    pub(super) fn waits(&self, seal: &Seal) -> bool {
        !seal.offered && !flies(&self.flights, &seal.batch_of(self.me))
    }

    /// How many events the batch still has.
    pub(super) fn count_of(&mut self, batch: &BatchRef) -> usize {
        if let Some(offer) = self.tabs.offered(batch) {
            return offer.count as usize;
        }
        let kept = self.partition_mut(batch.tab);
        kept.map_or(0, |kept| kept.log.count(batch.from, batch.to))
    }

    /// The log of that tab, if it is kept here: this tab's own, or one taken over.
    pub(super) fn partition_mut(&mut self, tab: TabId) -> Option<&mut Partition> {
        if tab == self.me {
            return Some(&mut self.own);
        }
        let mut adopted = self.tabs.adopted.iter_mut();
        let kept = adopted.find(|kept| kept.log.tab == tab)?;
        Some(kept)
    }

    /// The sealed batch, as its tab offered it or in a log that is kept here.
    pub(super) fn seal_mut(&mut self, batch: &BatchRef) -> Option<&mut Seal> {
        if self.tabs.offered(batch).is_some() {
            let offer = self.tabs.offered(batch)?;
            Some(&mut offer.seal)
        } else {
            let kept = self.partition_mut(batch.tab)?;
            kept.log.find_seal(batch.from, batch.to)
        }
    }

    pub(super) fn set_unsure(&mut self, batch: &BatchRef, maybe_sent: bool) {
        if let Some(seal) = self.seal_mut(batch) {
            seal.maybe_sent = maybe_sent;
        }
    }
}
