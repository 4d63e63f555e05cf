//! What the answer to a request means, and what becomes of the batch.

use super::{
    Engine,
    io::{Means, Outcome, Output, RequestId},
    lists::remove_where,
    log::SealState,
    partition::BatchRef,
    peer::PeerVerdict,
    report::{DropReason, Report},
    retry::{Verdict, classify, status_of},
    store::Store,
};
use crate::wire::envelope;

impl Engine {
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
            if !(kept_here && matches!(verdict, PeerVerdict::TooLarge)) {
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
        let settled = partition.log.settled();
        partition.journal.trim(&partition.log, settled, store);
        match gave_up {
            None => {
                self.account
                    .deliver(tab.text(), from, to, count - refused.min(count));
                self.account.drop(DropReason::Rejected, refused.min(count));
            }
            Some(reason) => self.account.drop(reason, count),
        }
        if own {
            _ = self.own.journal.close_if_done(&self.own.log, store);
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
