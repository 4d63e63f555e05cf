//! What an answer means for the metrics that were sent.

use super::{Cargo, Flight, Metrics};
use crate::{
    delivery::verdict::{Judgement, judge},
    model::{
        drop_reason::DropReason,
        request::{Outcome, RequestId, Why},
        rng::Rng,
        time::{Instant, Now},
    },
    wire::Verdict,
};

impl Metrics {
    /// An answer, or the lack of one; whether the request was one of these.
    pub fn on_outcome(
        &mut self,
        now: Now,
        id: RequestId,
        outcome: &Outcome,
        rng: &mut Rng,
    ) -> bool {
        let Some(index) = self.flights.iter().position(|flight| flight.id == id) else {
            return false;
        };
        if matches!(outcome, Outcome::Queued) {
            // A beacon says no more than that it was taken: should the page come back, it goes again.
            return true;
        }
        let flight = self.flights.remove(index);
        let count = flight.cargo.count();
        let format = &*self.config.format;
        let judged = judge(format, &mut self.spoke, count, outcome, now.wall);
        match judged {
            Judgement::Failed { failure, after_ms } => {
                if matches!(outcome, Outcome::TimedOut) {
                    self.sizing.on_late(flight.bytes);
                }
                self.gone |= flight.why == Why::LastWords;
                let rules = self.config.retry;
                let over = self
                    .gate
                    .on_failure(now.mono, failure, after_ms, rules, rng);
                self.put_back(flight.cargo);
                if over {
                    self.due = now.mono + self.config.interval_ms;
                }
            }
            Judgement::Decided(verdict) => {
                self.gate.on_success();
                let took = now.mono.since_ms(flight.left_at);
                self.sizing.on_answer(flight.bytes, took);
                self.on_verdict(now.mono, flight, verdict);
            }
        }
        true
    }

    fn on_verdict(&mut self, now: Instant, flight: Flight, verdict: Verdict) {
        self.due = Instant::NEVER;
        let mut more = flight.more;
        if let Cargo::Own(samples, gaps) = flight.cargo {
            match verdict {
                Verdict::TooLarge if samples.len() > 1 => {
                    self.sizing.on_too_large(flight.bytes);
                    self.put_back(Cargo::Own(samples, gaps));
                    more = true;
                }
                Verdict::TooLarge | Verdict::Rejected => {
                    self.put_back(Cargo::Own(Vec::new(), gaps));
                    for sample in samples {
                        self.give_up(sample.seq, DropReason::Rejected);
                    }
                }
                Verdict::Partial { refused, .. } => {
                    self.figures.delivered += (samples.len() - refused.len()) as u64;
                    for place in refused {
                        if let Some(sample) = samples.get(place) {
                            self.give_up(sample.seq, DropReason::Rejected);
                        }
                    }
                }
                Verdict::Delivered | Verdict::Unwelcome | Verdict::Retry { .. } => {
                    self.figures.delivered += samples.len() as u64;
                }
            }
        }
        if !self.is_empty() {
            // What did not fit goes on at once; what has come since waits for its time.
            self.due = if more {
                now
            } else {
                now + self.config.interval_ms
            };
        }
    }
}
