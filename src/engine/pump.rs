//! What is sent next, and what its answer means.

use super::{
    Engine,
    ids::{TabId, batch_id},
    io::{Means, Outcome, Output, Request, RequestId},
    log::{Seal, SealState},
    partition::{BatchRef, Partition, remove_where},
    peer::PeerVerdict,
    report::{DropReason, Report},
    retry::{Verdict, classify, status_of},
    store::Store,
    time::{Instant, Timer},
};
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
    means: Means,
    body_bytes: usize,
}

impl Engine {
    /// Sends the next request, if one may be sent. One at a time: order is kept per tab, and a
    /// failing collector is met by one request, not by many.
    pub(super) fn pump(&mut self, store: &mut dyn Store) {
        if !self.flights.is_empty() || !self.page.online {
            return;
        }
        if let Some(at) = self.gate.closed_until(self.now.mono) {
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
            self.send_batch(batch, Means::Keepalive);
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
            if offer.seal.is_unsure() {
                unsure.push(offer.seal.batch_of(offer.tab));
            }
        }
        unsure.truncate(PROBE_BATCHES_MAX);
        unsure
    }

    /// The next batch in turn: one of each tab that has something to send.
    fn next_batch(&mut self, store: &mut dyn Store) -> Option<BatchRef> {
        let mut tab = self.last_served;
        for _ in 0..=self.tabs.offers.len() + self.tabs.adopted.len() {
            tab = self.tab_after(tab);
            let batch = self.next_batch_of(tab, store);
            if batch.is_some() {
                self.last_served = tab;
                return batch;
            }
        }
        None
    }

    /// The next tab, in a circle, of which something may be here.
    fn tab_after(&self, last: TabId) -> TabId {
        let mut next = self.me;
        let offers = self.tabs.offers.iter().map(|offer| offer.tab);
        for tab in offers.chain(self.tabs.adopted.iter().map(|partition| partition.log.tab)) {
            if (tab <= last, tab) < (next <= last, next) {
                next = tab;
            }
        }
        next
    }

    fn next_batch_of(&mut self, tab: TabId, store: &mut dyn Store) -> Option<BatchRef> {
        if let Some(offer) = self.tabs.offer_of(tab) {
            return Some(offer.seal.batch_of(tab));
        }
        let (now, own) = (self.now, tab == self.me);
        let limits = self.cut_limits();
        let partition = self.partition_mut(tab).filter(|kept| !kept.release)?;
        let sealed = !partition.log.seals.is_empty();
        if partition.probe_at > now.mono && (sealed || !own) {
            let at = partition.probe_at;
            self.timers.set_if_unset(Timer::Retry, at);
            return None;
        }
        if own && !sealed {
            self.seal_next(store)?;
        } else if !sealed {
            if partition.log.seal(limits, now.wall).is_none() {
                partition.log.seal_holes(now.wall)?;
            }
            self.write_record_of(tab, store);
        }
        let seal = self.partition_mut(tab)?.log.seals.first()?;
        Some(seal.batch_of(tab))
    }

    /// Seals this tab's next batch, if it is full or asked for.
    pub(super) fn seal_next(&mut self, store: &mut dyn Store) -> Option<()> {
        let Some(first) = self.own.log.first_unsealed() else {
            self.own.log.seal_holes(self.now.wall)?;
            self.write_own_record(store);
            return Some(());
        };
        if first > self.go_to && self.own.log.unsealed() < self.config.flush_at as usize {
            return None;
        }
        self.seal_own(self.cut_limits())?;
        self.write_own_record(store);
        Some(())
    }

    fn write_record_of(&mut self, tab: TabId, store: &mut dyn Store) {
        if tab == self.me {
            self.write_own_record(store);
        } else if let Some(partition) = self.partition_mut(tab) {
            partition.journal.write_record(&partition.log, &[], store);
        }
    }

    pub(super) fn write_own_record(&mut self, store: &mut dyn Store) {
        if self.host.has_storage {
            let deferred = self.deferred.unsealed(&self.own.log);
            self.own
                .journal
                .write_record(&self.own.log, &deferred, store);
        }
    }

    fn send_probe(&mut self, batches: Vec<BatchRef>) {
        let ids: Vec<String> = batches.iter().map(|batch| self.id_of(*batch)).collect();
        let body = envelope::receipts(
            &self.own.log.header,
            self.now.wall,
            ids.iter().map(String::as_str),
        );
        // A plain fetch in flight would cost a page that leaves its back/forward cache in Firefox.
        let means = if self.gate.has_failed() {
            Means::Fetch
        } else {
            Means::Keepalive
        };
        self.send(batches, true, means, body);
    }

    /// Sends a sealed batch by the strongest means that the budget leaves.
    pub(super) fn send_batch(&mut self, batch: BatchRef, means: Means) {
        self.withdraw_overlapping(batch);
        let Some((body, repeated)) = self.body_of(batch) else {
            return;
        };
        if repeated {
            self.account.retries += 1;
        }
        // The budget is shared with the page's own requests, and over it a keepalive fetch rejects
        // like any network error: while the page lives, a repeat goes without.
        let fits = self.keepalive_bytes() + body.len() <= KEEPALIVE_BYTES_MAX;
        let means = if fits && (self.page.leaving || !repeated) {
            means
        } else {
            Means::Fetch
        };
        self.send(vec![batch], false, means, body);
    }

    fn send(&mut self, batches: Vec<BatchRef>, asks: bool, means: Means, body: String) {
        for batch in &batches {
            self.set_state(*batch, SealState::InFlight);
        }
        let id = self.next_request_id();
        let deadline = self.now.mono + self.config.timeout_ms.into();
        self.flights.push(Flight {
            id,
            batches,
            asks,
            deadline,
            means,
            body_bytes: body.len(),
        });
        self.account.requests += 1;
        self.gate.on_send(self.now.mono);
        self.election.on_activity(self.now.mono);
        self.account.output(Output::Send(Request {
            id,
            means,
            body,
            wants_body: true,
        }));
    }

    /// Names a request.
    pub(super) const fn next_request_id(&mut self) -> RequestId {
        self.last_request += 1;
        RequestId(self.last_request)
    }

    /// Bytes that this page has in flight under the shared budget.
    pub(super) fn keepalive_bytes(&self) -> usize {
        let mut bytes = self.deferred.beacon_bytes;
        for flight in &self.flights {
            if flight.means != Means::Fetch {
                bytes += flight.body_bytes;
            }
        }
        bytes
    }

    /// A batch's bytes, and whether it has been sent before.
    fn body_of(&mut self, batch: BatchRef) -> Option<(String, bool)> {
        let seal = self.seal_mut(batch)?;
        let repeated = core::mem::replace(&mut seal.sent, true);
        let kept = self.partition_mut(batch.tab);
        let body = match kept.and_then(|kept| kept.log.body_of(batch.from, batch.to)) {
            Some(body) => body,
            None => self.tabs.offered(batch)?.body.clone(),
        };
        Some((body, repeated))
    }

    fn stamp_of(&mut self, batch: BatchRef) -> u32 {
        self.seal_mut(batch).map_or(0, |seal| seal.stamp)
    }

    fn id_of(&mut self, batch: BatchRef) -> String {
        batch_id(batch.tab, batch.from, batch.to, self.stamp_of(batch))
    }

    /// How many events the batch still has.
    pub(super) fn count_of(&mut self, batch: BatchRef) -> usize {
        match self.partition_mut(batch.tab) {
            Some(partition) => partition.log.count(batch.from, batch.to),
            None => self
                .tabs
                .offered(batch)
                .map_or(0, |offer| offer.count as usize),
        }
    }

    /// The log of that tab, if it is kept here: this tab's own, or one taken over.
    pub(super) fn partition_mut(&mut self, tab: TabId) -> Option<&mut Partition> {
        if tab == self.me {
            return Some(&mut self.own);
        }
        let mut adopted = self.tabs.adopted.iter_mut();
        adopted.find(|partition| partition.log.tab == tab)
    }

    /// The sealed batch, in a log that is kept here or as its tab offered it.
    fn seal_mut(&mut self, batch: BatchRef) -> Option<&mut Seal> {
        let BatchRef { tab, from, to } = batch;
        let kept = self.partition_mut(tab);
        if kept.is_some_and(|kept| kept.log.find_seal(from, to).is_some()) {
            self.partition_mut(tab)?.log.find_seal(from, to)
        } else {
            let offer = self.tabs.offered_mut(batch)?;
            Some(&mut offer.seal)
        }
    }

    pub(super) fn set_state(&mut self, batch: BatchRef, state: SealState) {
        if let Some(seal) = self.seal_mut(batch) {
            seal.state = state;
        }
    }

    fn set_unsure(&mut self, batch: BatchRef, maybe_sent: bool) {
        if let Some(seal) = self.seal_mut(batch) {
            seal.maybe_sent = maybe_sent;
        }
    }

    /// An answer, or the lack of one.
    pub(super) fn on_response(&mut self, id: RequestId, outcome: &Outcome, store: &mut dyn Store) {
        let Some(index) = self.flights.iter().position(|flight| flight.id == id) else {
            self.on_deferred_response(id, outcome, store);
            return;
        };
        let flight = self.flights.remove(index);
        if flight.asks {
            self.on_receipts(&flight.batches, outcome, store);
        } else if let [batch] = flight.batches[..] {
            match outcome {
                Outcome::Queued => self.on_beacon_queued(batch, flight.body_bytes),
                Outcome::Refused | Outcome::Network
                    if self.falls_back(batch, flight.means, outcome) => {}
                _ => self.on_batch_outcome(batch, outcome, store),
            }
        }
        self.release_partitions();
    }

    /// The next means after one that did not take the request: `fetch` without keepalive while the
    /// page lives, a beacon when it is leaving. Nothing counts as sent on the way.
    fn falls_back(&mut self, batch: BatchRef, means: Means, outcome: &Outcome) -> bool {
        let next = match (means, outcome, self.page.leaving) {
            // Over the budget a keepalive fetch rejects like any network error, so when leaving
            // both are worth a beacon.
            (Means::Keepalive, _, true) => Means::Beacon,
            (Means::Keepalive, Outcome::Refused, false) => Means::Fetch,
            _ => return false,
        };
        self.send_batch(batch, next);
        true
    }

    fn on_beacon_queued(&mut self, batch: BatchRef, body_bytes: usize) {
        self.deferred.beacon_bytes += body_bytes;
        self.set_state(batch, SealState::Waiting);
        self.set_unsure(batch, true);
    }

    fn on_batch_outcome(&mut self, batch: BatchRef, outcome: &Outcome, store: &mut dyn Store) {
        self.set_state(batch, SealState::Waiting);
        self.page.cut_off |= self.page.leaving && status_of(outcome) == 0;
        match classify(outcome, self.now.wall) {
            Verdict::Delivered => {
                self.gate.on_success();
                let refused = self.refused_in(batch, outcome);
                self.settle(batch, PeerVerdict::Delivered { refused }, store);
            }
            Verdict::TooLarge => {
                self.gate.on_success();
                self.settle(batch, PeerVerdict::TooLarge, store);
            }
            Verdict::Rejected { status } => {
                self.gate.on_success();
                self.report_failed(batch, status);
                self.settle(batch, PeerVerdict::Dropped(DropReason::Rejected), store);
            }
            Verdict::Retry { after_ms } => {
                self.on_failure(Some(batch), after_ms, status_of(outcome))
            }
        }
    }

    fn on_failure(&mut self, batch: Option<BatchRef>, after_ms: Option<u64>, status: u16) {
        if self
            .gate
            .on_failure(self.now, after_ms, &self.config, &mut self.rng)
        {
            self.paused = true;
            if let Some(batch) = batch {
                self.report_failed(batch, status);
                self.tell_owner(batch, 0, 0, PeerVerdict::Kept);
            }
        }
    }

    /// How many events of a stored batch the collector refused one by one.
    fn refused_in(&mut self, batch: BatchRef, outcome: &Outcome) -> u32 {
        let Outcome::Status {
            code,
            body: Some(body),
            ..
        } = outcome
        else {
            return 0;
        };
        let refused = envelope::refused_events(body).min(self.count_of(batch)) as u32;
        if refused > 0 {
            self.account.report(Report::DeliveryFailed {
                status: *code,
                events: refused,
            });
        }
        refused
    }

    fn report_failed(&mut self, batch: BatchRef, status: u16) {
        let events = self.count_of(batch) as u32;
        self.account
            .report(Report::DeliveryFailed { status, events });
    }

    fn on_receipts(&mut self, batches: &[BatchRef], outcome: &Outcome, store: &mut dyn Store) {
        for batch in batches {
            self.set_state(*batch, SealState::Waiting);
        }
        let body = match outcome {
            Outcome::Status { body, .. } => body.as_deref(),
            _ => None,
        };
        let known = match classify(outcome, self.now.wall) {
            Verdict::Retry { after_ms } => {
                self.on_failure(None, after_ms, status_of(outcome));
                return;
            }
            Verdict::Delivered => body.and_then(envelope::known_receipts),
            Verdict::TooLarge | Verdict::Rejected { .. } => None,
        };
        self.gate.on_success();
        // A collector that does not know the question is sent the batches; it has the keys.
        self.receipts_unsupported |= known.is_none();
        let known = known.unwrap_or("");
        for batch in batches {
            if envelope::is_known(known, &self.id_of(*batch)) {
                self.settle(*batch, PeerVerdict::Delivered { refused: 0 }, store);
            } else {
                self.set_unsure(*batch, false);
            }
        }
    }

    /// A batch is done with, in the log it belongs to, and its tab is told if it is another's.
    pub(super) fn settle(&mut self, batch: BatchRef, verdict: PeerVerdict, store: &mut dyn Store) {
        let kept_here = self.partition_mut(batch.tab).is_some();
        let (count, stamp) = (self.count_of(batch), self.stamp_of(batch));
        if kept_here {
            self.settle_here(batch, verdict, store);
        }
        if batch.tab != self.me {
            remove_where(&mut self.tabs.offers, |offer| {
                offer.seal.batch_of(offer.tab) == batch
            });
            // The pieces of a log taken over are ours to cut: its tab has no say in them.
            if !(kept_here && verdict == PeerVerdict::TooLarge) {
                self.tell_owner(batch, stamp, count, verdict);
            }
        }
    }

    /// Applies a verdict to a log that is kept here.
    pub(super) fn settle_here(
        &mut self,
        batch: BatchRef,
        verdict: PeerVerdict,
        store: &mut dyn Store,
    ) {
        let BatchRef { tab, from, to } = batch;
        let own = tab == self.me;
        if own {
            self.withdraw_overlapping(batch);
        }
        let Some(partition) = self.partition_mut(tab) else {
            return;
        };
        let mut refused = 0;
        let gave_up = match verdict {
            PeerVerdict::Delivered { refused: some } => {
                refused = some as usize;
                None
            }
            PeerVerdict::Dropped(reason) => Some(reason),
            PeerVerdict::TooLarge if partition.log.split(from, to) => {
                self.write_record_of(tab, store);
                return;
            }
            PeerVerdict::TooLarge if partition.log.count(from, to) <= 1 => {
                Some(DropReason::TooLarge)
            }
            PeerVerdict::TooLarge | PeerVerdict::Kept => return,
        };
        let count = partition.log.settle(from, to, gave_up);
        if gave_up.is_some() {
            // The gap is written down before the events go.
            self.write_record_of(tab, store);
        }
        let Some(partition) = self.partition_mut(tab) else {
            return;
        };
        partition.journal.trim_segments(&partition.log, store);
        match gave_up {
            None => {
                self.account
                    .deliver(tab.text(), from, to, count - refused.min(count));
                self.account.drop(DropReason::Rejected, refused.min(count));
            }
            Some(reason) => self.account.drop(reason, count),
        }
        if own {
            self.own.journal.trim(&self.own.log, store);
        } else {
            self.forget_if_empty(tab, store);
        }
    }

    /// Requests whose answer is overdue count as failed and are given up.
    pub(super) fn on_request_timeout(&mut self, store: &mut dyn Store) {
        let now = self.now.mono;
        while let Some(flight) = self.flights.iter().find(|flight| flight.deadline <= now) {
            let id = flight.id;
            self.account.output(Output::Cancel(id));
            self.on_response(id, &Outcome::Network, store);
        }
    }
}
