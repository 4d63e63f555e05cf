//! What an answer, or the lack of one, does to lanes and streams.

use super::{Delivery, Effect, Moment};
use crate::{
    delivery::{
        breaker::Failure,
        flights::{Cargo, Flight},
        lane::STUCK_FAILURES,
        verdict::{Judgement, judge},
    },
    journal::{
        lot::{Lot, Rights},
        seal::{BatchRef, Seal},
    },
    model::{
        drop_reason::DropReason,
        ending::Ending,
        request::{Means, Outcome, RequestId, Why},
    },
    wire::Verdict,
};

/// Times that others have to be taken before an event is set aside that the destination does not want.
const UNWELCOME_OVERTAKEN: u8 = 1;

/// And one on which the connection breaks: the network may have been at fault.
const BROKEN_OVERTAKEN: u8 = 4;

impl Delivery {
    /// An answer, or the lack of one.
    pub fn on_outcome(
        &mut self,
        at: &mut Moment<'_>,
        id: RequestId,
        outcome: &Outcome,
        lots: &mut [Lot<'_>],
        out: &mut Vec<Effect>,
    ) {
        if matches!(outcome, Outcome::Queued) {
            self.flights.hold(id);
            return;
        }
        let Some(flight) = self.flights.arrive(id) else {
            self.on_deferred(at, id, outcome, lots, out);
            return;
        };
        match &flight.cargo {
            Cargo::Question(batches) => self.on_receipts(at, &flight, batches, outcome, lots, out),
            Cargo::Batch(batch) => {
                if let Some(means) = next_means(at.leaving, flight.means, outcome) {
                    // Nothing counts as sent on the way.
                    self.send(at, lots, batch, means, Why::NextMeans, out);
                    return;
                }
                self.on_answer(at, &flight, batch, outcome, lots, out);
            }
        }
    }

    /// Requests whose answer is overdue count as failed and are given up.
    pub fn on_overdue(&mut self, at: &mut Moment<'_>, lots: &mut [Lot<'_>], out: &mut Vec<Effect>) {
        while let Some(id) = self.flights.overdue(at.now.mono) {
            out.push(Effect::Cancel(id));
            self.on_outcome(at, id, &Outcome::TimedOut, lots, out);
        }
    }

    pub(super) fn on_answer(
        &mut self,
        at: &mut Moment<'_>,
        flight: &Flight,
        batch: &BatchRef,
        outcome: &Outcome,
        lots: &mut [Lot<'_>],
        out: &mut Vec<Effect>,
    ) {
        let Some(lane) = self.lanes.get_mut(flight.lane) else {
            return;
        };
        let found = lots.iter().find(|lot| lot.stream.tab() == batch.tab);
        let is_here = found.is_some_and(|lot| lot.stream.seal_of(batch).is_some());
        let events = flight.seqs.len();
        let verdict = match judge(
            &*lane.destination.format,
            &mut lane.spoke,
            events,
            outcome,
            at.now.wall,
        ) {
            Judgement::Failed { failure, after_ms } => {
                if at.leaving {
                    out.push(Effect::Gone);
                }
                self.on_failure(at, flight, failure, after_ms, outcome.status(), lots, out);
                return;
            }
            Judgement::Decided(verdict) => verdict,
        };
        lane.sizing
            .on_answer(flight.bytes, at.now.mono.since_ms(flight.left_at));
        lane.on_taken(batch, lots);
        let halves = lane.halves(&verdict, events);
        let (ending, refused) = match verdict {
            Verdict::Partial { refused, again } => {
                let (refused, again) = (flight.numbers(&refused), flight.numbers(&again));
                if at.leaving && !again.is_empty() {
                    out.push(Effect::Gone);
                }
                let count = refused.len();
                (Ending::Delivered { refused, again }, count)
            }
            // It was cut anew since: what becomes of the pieces is judged with them.
            Verdict::TooLarge | Verdict::Rejected if !is_here => return,
            Verdict::TooLarge if events > 1 => (Ending::TooLarge, 0),
            Verdict::Rejected if halves => (Ending::TooLarge, 0),
            Verdict::TooLarge => (Ending::Dropped(DropReason::TooLarge), events),
            Verdict::Rejected => (Ending::Dropped(DropReason::Rejected), events),
            Verdict::Delivered | Verdict::Unwelcome | Verdict::Retry { .. } => {
                (Ending::delivered(), 0)
            }
        };
        if refused > 0 {
            out.push(Effect::Failed {
                lane: flight.lane,
                status: outcome.status(),
                events: refused,
            });
        }
        out.push(Effect::Ended(*batch, ending, events));
    }

    #[allow(clippy::too_many_arguments)]
    pub(super) fn on_failure(
        &mut self,
        at: &mut Moment<'_>,
        flight: &Flight,
        failure: Failure,
        after_ms: Option<u64>,
        status: u16,
        lots: &mut [Lot<'_>],
        out: &mut Vec<Effect>,
    ) {
        let Some(lane) = self.lanes.get_mut(flight.lane) else {
            return;
        };
        let (now, rules) = (at.now.mono, self.rules.retry);
        if failure == Failure::Late {
            lane.sizing.on_late(flight.bytes);
        }
        let over = lane.gate.on_failure(now, failure, after_ms, rules, at.rng);
        lane.paused |= over;
        let Cargo::Batch(batch) = &flight.cargo else {
            return;
        };
        lane.on_failed(*batch);
        note(lots, batch, |seal| fail(seal, failure));
        let found = lots.iter().find(|lot| lot.stream.tab() == batch.tab);
        let offered = found.is_some_and(|lot| lot.rights == Rights::Offered);
        let found = found.and_then(|lot| lot.stream.seal_of(batch));
        if offered
            && let Some((seal, events)) = found
            && seal.way.failures > STUCK_FAILURES + 1
        {
            // Its tab can halve it, and has others to overtake it.
            out.push(if events > 1 {
                Effect::Ended(*batch, Ending::TooLarge, events)
            } else {
                Effect::HandBack(*batch)
            });
        } else if let Some((seal, 1)) = found
            && is_to_blame(&seal, failure, status)
        {
            let (lane, events) = (flight.lane, 1);
            out.push(Effect::Failed {
                lane,
                status,
                events,
            });
            out.push(Effect::Ended(
                *batch,
                Ending::Dropped(DropReason::SetAside),
                1,
            ));
        } else if over {
            let (lane, events) = (flight.lane, found.map_or(0, |(_, events)| events));
            out.push(Effect::Failed {
                lane,
                status,
                events,
            });
            out.push(Effect::Ended(*batch, Ending::Kept, events));
        }
    }

    fn on_receipts(
        &mut self,
        at: &mut Moment<'_>,
        flight: &Flight,
        batches: &[BatchRef],
        outcome: &Outcome,
        lots: &mut [Lot<'_>],
        out: &mut Vec<Effect>,
    ) {
        let Some(lane) = self.lanes.get_mut(flight.lane) else {
            return;
        };
        let judgement = judge(
            &*lane.destination.format,
            &mut lane.spoke,
            0,
            outcome,
            at.now.wall,
        );
        if let Judgement::Failed { failure, after_ms } = judgement {
            self.on_failure(at, flight, failure, after_ms, outcome.status(), lots, out);
            return;
        }
        lane.gate.on_success();
        let body = match outcome {
            Outcome::Status { body, .. } => body.as_deref().unwrap_or(""),
            _ => "",
        };
        for batch in batches {
            match lane.format().knows(body, &batch.id()) {
                Some(true) => out.push(Effect::Ended(*batch, Ending::delivered(), 0)),
                known => {
                    // A collector that does not know the question is sent the batches; it has the keys.
                    lane.mute |= known.is_none();
                    note(lots, batch, |seal| seal.way.maybe_sent = false);
                }
            }
        }
    }

    /// The browser refused a deferred request, or has sent it.
    fn on_deferred(
        &mut self,
        at: &Moment<'_>,
        id: RequestId,
        outcome: &Outcome,
        lots: &mut [Lot<'_>],
        out: &mut Vec<Effect>,
    ) {
        if !matches!(outcome, Outcome::Activated) {
            self.deferred.on_refused(id, at.now.mono);
            return;
        }
        let Some((lane, mut seal)) = self.deferred.on_activated(id) else {
            return;
        };
        let Some(own) = lots.iter_mut().find(|lot| lot.rights == Rights::Own) else {
            return;
        };
        (seal.way.maybe_sent, seal.way.sent) = (true, true);
        let tab = own.stream.tab();
        if let Some((cursor, log)) = own.stream.lane(lane) {
            match cursor.find(&seal.batch(tab, lane)) {
                Some(sealed) => sealed.way.maybe_sent = true,
                None => _ = cursor.adopt_if_exact(log, seal),
            }
        }
        out.push(Effect::Record(tab));
    }
}

/// The next means after one that did not take the request: `fetch` without keepalive while the page lives, a
/// beacon when it is leaving. Over the budget a keepalive fetch rejects like any network error, so when
/// leaving that is worth a beacon, too.
const fn next_means(leaving: bool, means: Means, outcome: &Outcome) -> Option<Means> {
    match (means, outcome) {
        (Means::Keepalive, Outcome::Refused | Outcome::Network) if leaving => Some(Means::Beacon),
        (Means::Keepalive, Outcome::Refused) => Some(Means::Fetch),
        _ => None,
    }
}

/// Notes about a seal that an attempt at it failed.
const fn fail(seal: &mut Seal, failure: Failure) {
    let way = &mut seal.way;
    match failure {
        Failure::Late => (way.maybe_sent, way.slow) = (true, true),
        Failure::Unwelcome => {
            way.unwelcome = true;
            way.failures = if way.failures < STUCK_FAILURES {
                STUCK_FAILURES
            } else {
                way.failures.saturating_add(1)
            };
        }
        Failure::NoAnswer | Failure::Busy => way.failures = way.failures.saturating_add(1),
    }
}

/// Whether a single event, which has just failed in this way, has failed often enough while others were taken. That the key is
/// refused is never about an event.
const fn is_to_blame(seal: &Seal, failure: Failure, status: u16) -> bool {
    let way = &seal.way;
    let needed = match failure {
        Failure::Unwelcome => UNWELCOME_OVERTAKEN,
        Failure::NoAnswer | Failure::Late | Failure::Busy => BROKEN_OVERTAKEN,
    };
    let is_about_the_key = matches!(status, 401 | 402 | 407);
    way.failures >= STUCK_FAILURES && way.overtaken >= needed && !is_about_the_key
}

pub(super) fn note(lots: &mut [Lot<'_>], batch: &BatchRef, note: impl FnOnce(&mut Seal)) {
    if let Some(lot) = lots.iter_mut().find(|lot| lot.stream.tab() == batch.tab) {
        lot.stream.note(batch, note);
    }
}
