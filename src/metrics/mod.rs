//! Metrics: the second stream. Numbered by itself, in memory, one request a period to an address of its own.
//!
//! Events never wait for metrics, nor the other way round: of the delivery of events it shares nothing but the budget of
//! bytes that outlive the page. It is written to storage only when the page is hidden or left and something did not
//! fit out; whoever starts next sends it. A receiver knows a metric by tab and number, so what is sent twice counts once.

mod answers;
mod config;
mod keeping;
pub mod sample;

use std::collections::VecDeque;

pub use config::{MetricsConfig, MetricsFigures};

use crate::{
    delivery::{retry::Gate, sizing::Sizing},
    model::{
        drop_reason::DropReason,
        event::Entry,
        gap::Gap,
        ids::TabId,
        request::{Means, Outcome, Request, RequestId, Why},
        rng::Rng,
        time::{Instant, Now, UnixMillis},
    },
    text::{fields::join, json::push_u64},
    wire::{self, Batch, Route, Source},
};

/// Gaps that wait to be told at most; neighbours are one.
const GAPS_MAX: usize = 50;
/// Bytes of one gap in a request at most.
const GAP_BYTES: usize = 64;

/// What a request carries.
#[derive(Debug)]
enum Cargo {
    /// Metrics of this tab, and the gaps told with them.
    Own(Vec<Entry>, Vec<Gap>),
    /// What was found in storage, as it was.
    Found(String),
}

impl Cargo {
    /// How many metrics of this tab.
    const fn count(&self) -> usize {
        match self {
            Self::Own(samples, _) => samples.len(),
            Self::Found(_) => 0,
        }
    }
}

#[derive(Debug)]
struct Flight {
    id: RequestId,
    cargo: Cargo,
    /// Something did not fit beside it.
    more: bool,
    means: Means,
    why: Why,
    bytes: usize,
    left_at: Instant,
    deadline: Instant,
}

/// See the module.
pub struct Metrics {
    config: MetricsConfig,
    /// The receiver has answered in its own dialect.
    spoke: bool,
    tab: TabId,
    last_seq: u64,
    ring: VecDeque<Entry>,
    gaps: Vec<Gap>,
    found: Vec<String>,
    flights: Vec<Flight>,
    gate: Gate,
    sizing: Sizing,
    /// When the next request is due.
    due: Instant,
    /// Something is in the store.
    kept: bool,
    /// Last words failed: the rest waits for the next visit.
    gone: bool,
    figures: MetricsFigures,
}

impl Metrics {
    /// Nothing has been recorded yet.
    #[must_use]
    pub fn new(config: MetricsConfig, tab: TabId, sizing: Sizing) -> Self {
        Self {
            config,
            spoke: false,
            tab,
            last_seq: 0,
            ring: VecDeque::new(),
            gaps: Vec::new(),
            found: Vec::new(),
            flights: Vec::new(),
            gate: Gate::default(),
            sizing,
            due: Instant::NEVER,
            kept: false,
            gone: false,
            figures: MetricsFigures::default(),
        }
    }

    // What is asked.

    /// What became of all that was recorded here.
    #[must_use]
    pub fn figures(&self) -> MetricsFigures {
        let flying = self.flights.iter().map(|flight| flight.cargo.count());
        MetricsFigures {
            pending: (self.ring.len() + flying.sum::<usize>()) as u64,
            ..self.figures
        }
    }

    /// When there is something to do here.
    #[must_use]
    pub fn next_timeout(&self) -> Instant {
        let deadlines = self.flights.iter().map(|flight| flight.deadline);
        let overdue = deadlines.min().unwrap_or(Instant::NEVER);
        if self.is_empty() || !self.flights.is_empty() {
            return overdue;
        }
        self.due.max(self.gate.closed_until())
    }

    /// Bytes in flight of requests that outlive the page.
    #[must_use]
    pub fn keepalive_bytes(&self) -> usize {
        let lasting = self.flights.iter().filter(|one| one.means != Means::Fetch);
        lasting.map(|flight| flight.bytes).sum()
    }

    fn is_empty(&self) -> bool {
        self.ring.is_empty() && self.found.is_empty()
    }

    // What happens.

    /// A metric was recorded.
    pub fn record(&mut self, now: Instant, text: String) {
        self.last_seq += 1;
        self.figures.recorded += 1;
        self.ring.push_back(Entry {
            seq: self.last_seq,
            page: 0,
            text,
        });
        self.enforce_bound();
        self.wake(now);
    }

    /// All that waits is to go now.
    pub fn go(&mut self, now: Instant) {
        if !self.is_empty() {
            self.due = self.due.min(now);
        }
    }

    fn wake(&mut self, now: Instant) {
        if self.due == Instant::NEVER {
            self.due = now + self.config.interval_ms;
        }
    }

    fn enforce_bound(&mut self) {
        while self.ring.len() > self.config.queue_max
            && let Some(oldest) = self.ring.pop_front()
        {
            self.give_up(oldest.seq, DropReason::Overflow);
        }
    }

    fn give_up(&mut self, seq: u64, reason: DropReason) {
        self.figures.dropped += 1;
        if let Some(last) = self.gaps.last_mut()
            && last.to + 1 == seq
            && last.reason == reason
        {
            last.to = seq;
        } else if self.gaps.len() < GAPS_MAX {
            self.gaps.push(Gap {
                from: seq,
                to: seq,
                reason,
            });
        }
    }

    /// The next request, if one is due. `room`: what the budget of bytes that outlive the page leaves.
    pub fn next(
        &mut self,
        now: Now,
        room: usize,
        id: impl FnOnce() -> RequestId,
    ) -> Option<Request> {
        let closed = self.due.max(self.gate.closed_until()) > now.mono;
        if closed || self.is_empty() || !self.flights.is_empty() {
            return None;
        }
        let why = if self.gate.has_failed() {
            Why::Retry
        } else {
            Why::Due
        };
        let load = self.load_up(now.wall, self.sizing.bytes(), false)?;
        let lasts = self.config.has_keepalive && load.1.len() <= room;
        let means = if lasts {
            Means::Keepalive
        } else {
            Means::Fetch
        };
        Some(self.depart(now, load, means, why, id()))
    }

    /// What goes out with the page, as much as there is room for.
    pub fn pack(
        &mut self,
        now: Now,
        leaving: bool,
        mut room: usize,
        mut id: impl FnMut() -> RequestId,
    ) -> Vec<Request> {
        let mut out = Vec::new();
        if leaving {
            // A plain request ends with the page.
            self.call_back(Means::Fetch);
        }
        let (means, why) = match (self.config.has_keepalive, leaving) {
            (true, true) => (Means::Keepalive, Why::LastWords),
            (false, true) => (Means::Beacon, Why::LastWords),
            (true, false) => (Means::Keepalive, Why::Hidden),
            (false, false) => (Means::Fetch, Why::Hidden),
        };
        let closed = self.gone || self.gate.is_told_to_wait(now.mono);
        while !closed
            && let Some(load) = self.load_up(now.wall, room.min(self.sizing.bytes()), true)
        {
            room = room.saturating_sub(load.1.len());
            out.push(self.depart(now, load, means, why, id()));
        }
        out
    }

    fn depart(
        &mut self,
        now: Now,
        (cargo, body): (Cargo, String),
        means: Means,
        why: Why,
        id: RequestId,
    ) -> Request {
        self.flights.push(Flight {
            id,
            cargo,
            more: !self.is_empty(),
            means,
            why,
            bytes: body.len(),
            left_at: now.mono,
            deadline: now.mono + self.sizing.timeout_ms(),
        });
        self.gate.on_send(now.mono);
        let format = &*self.config.format;
        wire::request(format, Route::default(), now.wall, (id, means, why), body)
    }

    /// As many metrics as fit; when there are none, what was found. Not `strict`: one at least.
    fn load_up(&mut self, at: UnixMillis, room: usize, strict: bool) -> Option<(Cargo, String)> {
        let fit = self
            .fit(self.ring.iter(), room)
            .max(usize::from(!strict))
            .min(self.ring.len());
        if fit > 0 {
            let samples: Vec<Entry> = self.ring.drain(..fit).collect();
            let gaps = core::mem::take(&mut self.gaps);
            let body = self.encode(at, &gaps, &samples);
            return Some((Cargo::Own(samples, gaps), body));
        }
        let body = self.found.pop_if(|body| !strict || body.len() <= room)?;
        Some((Cargo::Found(body.clone()), body))
    }

    /// How many of them fit into a body of so many bytes.
    fn fit<'a>(&self, samples: impl Iterator<Item = &'a Entry>, room: usize) -> usize {
        let limits = self.config.format.limits();
        let (sdk, context) = (self.config.sdk.len(), self.config.context.len());
        let mut bytes = limits.overhead_bytes + sdk + context + GAPS_MAX * GAP_BYTES;
        let fit = samples.take_while(|sample| {
            bytes += sample.text.len() + limits.event_overhead_bytes + 1;
            bytes <= room.min(limits.bytes)
        });
        fit.take(limits.events).count()
    }

    fn encode(&self, at: UnixMillis, gaps: &[Gap], samples: &[Entry]) -> String {
        let mut id = join(&[&self.tab.text(), ":m"]);
        push_u64(&mut id, samples.first().map_or(0, |first| first.seq));
        id.push('-');
        push_u64(&mut id, samples.last().map_or(0, |last| last.seq));
        self.config.format.encode(&Batch {
            id: &id,
            source: Source {
                tab: self.tab,
                sdk: &self.config.sdk,
                context: &self.config.context,
                pages: &[],
            },
            sealed_at: at,
            sent_at: at,
            route: Route::default(),
            gaps,
            events: samples,
        })
    }

    /// Requests whose answer is overdue count as failed: they are to be given up.
    pub fn on_overdue(&mut self, now: Now, rng: &mut Rng) -> Vec<RequestId> {
        let overdue = self.flights.iter().filter(|one| one.deadline <= now.mono);
        let overdue: Vec<RequestId> = overdue.map(|flight| flight.id).collect();
        for id in &overdue {
            self.on_outcome(now, *id, &Outcome::TimedOut, rng);
        }
        overdue
    }

    fn put_back(&mut self, cargo: Cargo) {
        match cargo {
            Cargo::Own(samples, gaps) => {
                for sample in samples.into_iter().rev() {
                    self.ring.push_front(sample);
                }
                let since = core::mem::replace(&mut self.gaps, gaps);
                self.gaps.extend(since);
                self.gaps.truncate(GAPS_MAX);
                self.enforce_bound();
            }
            Cargo::Found(body) => self.found.push(body),
        }
    }

    /// The page is back: what a beacon took may or may not have arrived, and goes again.
    pub fn on_restored(&mut self, now: Instant) {
        self.gone = false;
        self.call_back(Means::Beacon);
        if !self.is_empty() {
            self.wake(now);
        }
    }

    /// What was sent by that means waits again.
    fn call_back(&mut self, means: Means) {
        let flights = core::mem::take(&mut self.flights).into_iter();
        let (back, stay): (Vec<_>, Vec<_>) = flights.partition(|flight| flight.means == means);
        self.flights = stay;
        for flight in back {
            self.put_back(flight.cargo);
        }
    }

    /// Nothing is to be sent or kept any more: the requests to be given up.
    pub fn abort(&mut self) -> Vec<RequestId> {
        self.figures.dropped = self.figures.recorded - self.figures.delivered;
        self.ring.clear();
        self.gaps.clear();
        self.found.clear();
        self.kept = false;
        let flights = core::mem::take(&mut self.flights);
        flights.iter().map(|flight| flight.id).collect()
    }
}

#[cfg(test)]
mod tests;
