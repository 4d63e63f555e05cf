//! What the answer to a request means, and what becomes of the batch.

use crate::delivery::retry::{classify, pause_ms, status_of, text_of};
use crate::engine::Engine;
use crate::engine::exit::Presence;
use crate::engine::io::{Means, Outcome, Output, RequestId};
use crate::engine::partition::BatchRef;
use crate::engine::pump::Flight;
use crate::engine::report::{DropReason, Report};
use crate::model::store::Store;
use crate::model::time::Instant;
use crate::tabs::peer::PeerVerdict;
use crate::wire::envelope;

impl Engine {
    /// An answer, or the lack of one.
    pub(super) fn on_response(&mut self, id: RequestId, outcome: &Outcome, store: &mut dyn Store) {
        let index = self.flights.iter().position(|flight| flight.id == id);
        if matches!(outcome, Outcome::Queued) {
            // A beacon says no more: until the page is back, it counts as in flight.
            if let Some(flight) = index.and_then(|index| self.flights.get_mut(index)) {
                flight.deadline = Instant::NEVER;
            }
            return;
        }
        let Some(index) = index else {
            self.on_deferred_response(id, outcome, store);
            return;
        };
        let flight = self.flights.remove(index);
        self.on_answer(&flight, outcome, store);
        self.release_partitions();
    }

    fn on_answer(&mut self, flight: &Flight, outcome: &Outcome, store: &mut dyn Store) {
        let batch = flight.batches.first().filter(|_| !flight.asks);
        if let Some(batch) = batch {
            let leaving = self.page.is_leaving();
            match outcome {
                // The next means after one that did not take the request: `fetch` without keepalive
                // while the page lives, a beacon when it is leaving. Over the budget a keepalive
                // fetch rejects like any network error, so when leaving that is worth a beacon, too.
                // Nothing counts as sent on the way.
                Outcome::Refused | Outcome::Network
                    if flight.means == Means::Keepalive
                        && (leaving || matches!(outcome, Outcome::Refused)) =>
                {
                    let next = if leaving { Means::Beacon } else { Means::Fetch };
                    self.send_batch(batch, next);
                    return;
                }
                _ if leaving && status_of(outcome) == 0 => self.page.presence = Presence::Gone,
                _ => {}
            }
        }
        let status = status_of(outcome);
        let mut verdict = classify(status);
        if matches!(verdict, PeerVerdict::Kept) {
            self.on_failure(batch, pause_ms(outcome, self.now.wall), status);
            return;
        }
        self.gate.on_success();
        let Some(batch) = batch else {
            self.on_receipts(&flight.batches, outcome, store);
            return;
        };
        let count = self.count_of(batch);
        match &mut verdict {
            // The collector may have refused some of a stored batch, one by one.
            PeerVerdict::Delivered { refused } => {
                let some = envelope::refused_events(text_of(outcome)).min(count);
                *refused = some as u32;
                if some > 0 {
                    self.report_failed(status, some);
                }
            }
            PeerVerdict::Dropped(_) => self.report_failed(status, count),
            _ => {}
        }
        self.settle(batch, verdict, store);
    }

    fn on_failure(&mut self, batch: Option<&BatchRef>, after_ms: Option<u64>, status: u16) {
        if self
            .gate
            .on_failure(self.now, after_ms, &self.config, &mut self.rng)
        {
            self.paused = true;
            if let Some(batch) = batch {
                let count = self.count_of(batch);
                self.report_failed(status, count);
                self.tell_owner(batch, 0, PeerVerdict::Kept);
            }
        }
    }

    fn report_failed(&mut self, status: u16, events: usize) {
        let events = events as u32;
        self.account
            .report(Report::DeliveryFailed { status, events });
    }

    fn on_receipts(&mut self, batches: &[BatchRef], outcome: &Outcome, store: &mut dyn Store) {
        let known = envelope::known_receipts(text_of(outcome));
        // A collector that does not know the question is sent the batches; it has the keys.
        self.receipts_unsupported |= known.is_none();
        let known = known.unwrap_or("");
        for batch in batches {
            if envelope::is_known(known, &batch.id()) {
                self.settle(batch, PeerVerdict::Delivered { refused: 0 }, store);
            } else {
                self.set_unsure(batch, false);
            }
        }
    }

    /// A batch is done with, in the log it belongs to, and its tab is told if it is another's.
    pub(super) fn settle(&mut self, batch: &BatchRef, verdict: PeerVerdict, store: &mut dyn Store) {
        let (tab, count) = (batch.tab, self.count_of(batch));
        // One that is not here any more was settled before: this is not the answer to remember.
        let stamp = self.seal_mut(batch).map_or(0, |seal| seal.stamp);
        let kept_here = self.settle_here(batch, verdict, count, store);
        if self.tabs.offered(batch).is_some() {
            self.tabs.forget_offer(tab);
        }
        // The pieces of a log taken over are ours to cut: its tab has no say in them.
        if !(kept_here && matches!(verdict, PeerVerdict::TooLarge)) {
            self.tell_owner(&BatchRef { stamp, ..*batch }, count, verdict);
        }
    }

    /// Applies a verdict to a log, if it is kept here.
    fn settle_here(
        &mut self,
        batch: &BatchRef,
        verdict: PeerVerdict,
        count: usize,
        store: &mut dyn Store,
    ) -> bool {
        let BatchRef { tab, from, to, .. } = *batch;
        let own = tab == self.me;
        if own {
            self.withdraw(from, to);
        }
        let Some(partition) = self.partition_mut(tab) else {
            return false;
        };
        let mut refused = 0;
        let gave_up = match verdict {
            PeerVerdict::Delivered { refused: some } => {
                refused = some as usize;
                None
            }
            PeerVerdict::Dropped(reason) => Some(reason),
            PeerVerdict::TooLarge if count <= 1 => Some(DropReason::TooLarge),
            PeerVerdict::TooLarge => {
                partition.log.split(from, to);
                partition.write_record(store);
                return true;
            }
            PeerVerdict::Kept => return true,
        };
        let count = partition.log.settle(from, to, gave_up);
        if gave_up.is_some() {
            // The gap is written down before the events go.
            partition.write_record(store);
            refused = count;
        }
        let settled = partition.log.settled();
        partition.journal.trim(&partition.log, settled, store);
        refused = refused.min(count);
        self.account.deliver(tab, from, to, count - refused);
        self.account
            .drop(gave_up.unwrap_or(DropReason::Rejected), refused);
        if own {
            _ = self.own.journal.close_if_done(&self.own.log, store);
        } else {
            self.forget_if_empty(tab, store);
        }
        true
    }

    /// Requests whose answer is overdue count as failed and are given up.
    pub(super) fn on_request_timeout(&mut self, store: &mut dyn Store) {
        let now = self.now.mono;
        while let Some(flight) = self.flights.first()
            && flight.deadline <= now
        {
            let id = flight.id;
            self.account.output(Output::Cancel(id));
            self.on_response(id, &Outcome::Network, store);
        }
    }
}
