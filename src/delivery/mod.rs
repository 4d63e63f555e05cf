//! Sending: what leaves when and by which means, and what becomes of it.
//!
//! A [`Delivery`] is the lanes of all destinations with the requests that are under way. It is handed the
//! streams of which something may be sent, changes their seals, and says what is to be done as [`Effect`]s.
//! It knows neither tabs nor calls nor figures.

mod answers;
pub mod breaker;
pub mod deferred;
pub mod destination;
pub mod exit;
pub mod flights;
pub mod flush;
pub mod lane;
mod packing;
pub mod retry;
mod sending;
pub mod sizing;
#[cfg(test)]
mod tests;
pub mod verdict;

use crate::{
    delivery::{
        deferred::Deferred,
        flights::Flights,
        lane::{Due, Lane, Next},
        retry::RetryRules,
    },
    journal::{
        cursor::{Cursor, GAPS_MAX},
        lot::{Lot, Rights},
        seal::{BatchRef, Seal},
        stream::{GAP_BYTES, Stream},
    },
    model::{
        drop_reason::DropReason,
        ending::Ending,
        ids::TabId,
        request::{Means, Request, RequestId, Why},
        rng::Rng,
        time::{Instant, Now, UnixMillis},
    },
    text::view::EventView,
};

/// What applies to all destinations alike.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// Of attempts.
    pub retry: RetryRules,
    /// Whether what waits is sent when the page is hidden or left.
    pub flush_on_exit: bool,
    /// Whether the browser has `fetchLater`.
    pub has_deferred: bool,
    /// Whether it honours `keepalive`.
    pub has_keepalive: bool,
    /// Whether bodies are gzipped where the destination takes that.
    pub gzip: bool,
}

/// The moment, and how the page is.
#[derive(Debug)]
pub struct Moment<'a> {
    /// What time it is.
    pub now: Now,
    /// The page is being left, or has been.
    pub leaving: bool,
    /// When this tab's own events are due.
    pub due: Due,
    /// For jitter.
    pub rng: &'a mut Rng,
}

/// Something to be done, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Write down what is settled and sealed of a tab's stream, before what follows.
    Record(TabId),
    /// Send a request.
    Send {
        /// Which.
        request: Request,
        /// To which destination.
        lane: usize,
        /// Its batch has been sent before.
        repeated: bool,
    },
    /// Give up on a request.
    Cancel(RequestId),
    /// A batch that a living tab handed over is under way.
    Flies(BatchRef),
    /// A batch, which had so many events, ended so.
    Ended(BatchRef, Ending, usize),
    /// A batch that a living tab handed over keeps failing: it is to see to it itself.
    HandBack(BatchRef),
    /// Attempts were in vain, or some events were refused: what the page is told.
    Failed {
        /// At which destination.
        lane: usize,
        /// HTTP status, 0 where there was none.
        status: u16,
        /// Events in the batch, or those that were refused.
        events: usize,
    },
    /// A request that was to outlive the page failed: what is left is for the next visit, not for trying again at once.
    Gone,
}

/// See the module.
pub struct Delivery {
    /// One for each destination of the configuration.
    pub lanes: Vec<Lane>,
    flights: Flights,
    deferred: Deferred,
    rules: Rules,
}

impl Delivery {
    /// Nothing has been sent yet.
    #[must_use]
    pub fn new(lanes: Vec<Lane>, rules: Rules) -> Self {
        Self {
            lanes,
            flights: Flights::default(),
            deferred: Deferred::default(),
            rules,
        }
    }

    /// A name for a request that is not of an event.
    pub const fn name(&mut self) -> RequestId {
        self.flights.name()
    }

    /// So many bytes of the budget that outlives the page are in flight elsewhere.
    pub const fn lend_keepalive(&mut self, bytes: usize) {
        self.flights.lend(bytes);
    }

    // What is asked.

    /// Requests under way.
    #[must_use]
    pub const fn flights(&self) -> &Flights {
        &self.flights
    }

    /// Batches that the browser holds, to be written down with this tab's stream.
    #[must_use]
    pub fn deferred_seals(&self) -> Vec<(usize, Seal)> {
        self.deferred.held()
    }

    /// Whether no destination is to be had for now: a pause between goes, or a gate that stays closed.
    #[must_use]
    pub fn is_hopeless(&self, own: &Stream, now: Instant, patience_ms: u64) -> bool {
        let waiting = self.lanes.iter().filter(|lane| own.pending(lane.index) > 0);
        let mut waiting = waiting.peekable();
        let hopeless = |lane: &Lane| {
            lane.paused
                || lane.disabled
                || lane.gate.closed_until() > now + patience_ms
                || lane.gate.breaker.open_until() > now
        };
        waiting.peek().is_some() && waiting.all(hopeless)
    }

    /// Which destinations nothing has ever got through to.
    #[must_use]
    pub fn blocked(&self) -> Vec<bool> {
        let blocked = self.lanes.iter().map(|lane| lane.gate.breaker.is_blocked());
        blocked.collect()
    }

    /// Whether all that was ever tried, at every destination, was in vain. Where one has asked for patience, that goes for
    /// all tabs.
    #[must_use]
    pub fn is_shut_out(&self, now: Instant) -> bool {
        let shut_out =
            |lane: &Lane| lane.gate.breaker.is_shut_out() && !lane.gate.is_told_to_wait(now);
        !self.lanes.is_empty() && self.lanes.iter().all(shut_out)
    }

    /// Bytes that a batch of this tab's has around its events at most, at any destination.
    #[must_use]
    pub fn overhead_bytes(&self, own: &Stream) -> usize {
        let overhead = self.lanes.iter().map(|lane| {
            let limits = lane.format().limits();
            limits.overhead_bytes + limits.event_overhead_bytes
        });
        let origin = own.log.sdk.len() + own.log.context.len();
        overhead.max().unwrap_or(0) + origin + GAPS_MAX * GAP_BYTES
    }

    // What happens.

    /// Which destinations an event goes to.
    #[must_use]
    pub fn takers(&self, event: &EventView<'_>) -> Vec<bool> {
        self.lanes.iter().map(|lane| lane.takes(event)).collect()
    }

    /// Events were recorded: another full batch is a reason to try again even after a failed go.
    pub fn on_recorded(&mut self, own: &Stream, flush_at: usize) {
        for lane in &mut self.lanes {
            let cursor = own.cursors.get(lane.index);
            lane.paused &= cursor.is_none_or(|cursor| cursor.unsealed(&own.log) < flush_at);
        }
    }

    /// The page pauses a destination, or lets it go on.
    pub fn disable(&mut self, name: &str, disabled: bool) {
        for lane in self
            .lanes
            .iter_mut()
            .filter(|lane| lane.destination.name == name)
        {
            lane.disabled = disabled;
        }
    }

    /// The leader's attempts at a destination are used up.
    pub fn pause(&mut self, lane: usize) {
        if let Some(lane) = self.lanes.get_mut(lane) {
            lane.paused = true;
        }
    }

    /// The leader does not send to a destination.
    pub fn decline(&mut self, lane: usize) {
        if let Some(lane) = self.lanes.get_mut(lane) {
            lane.declined = true;
        }
    }

    /// The browser says that there is no network, or that it is back.
    pub fn on_network_hint(&mut self, now: Instant, online: bool) {
        for lane in &mut self.lanes {
            lane.gate.on_network_hint(now, online);
        }
    }

    /// Marks what is not for a destination as settled there.
    pub fn pass_over(&self, stream: &mut Stream) {
        for lane in &self.lanes {
            let entries = stream.log.entries().iter();
            let other = entries.filter(|entry| !lane.takes(&EventView::of(&entry.text)));
            let other: Vec<u64> = other.map(|entry| entry.seq).collect();
            if let Some(cursor) = stream.cursors.get_mut(lane.index) {
                other.into_iter().for_each(|seq| cursor.pass_over(seq));
            }
        }
    }

    /// What waits here and destinations would lose without a word by now: it is to be given up, not sent. What is with the leader
    /// or under way has been judged.
    #[must_use]
    pub fn late(&self, wall: UnixMillis, lots: &[Lot<'_>]) -> Vec<(BatchRef, DropReason)> {
        let mut late = Vec::new();
        let ours = |lot: &&Lot<'_>| matches!(lot.rights, Rights::Own | Rights::Adopted);
        for Lot { stream, .. } in lots.iter().filter(ours) {
            for lane in &self.lanes {
                // Nearly always none: most formats lose nothing for its age.
                let found = stream.late(lane.index, lane.format(), wall);
                let seals = stream.cursors.get(lane.index).map(Cursor::seals);
                let away = |seal: &Seal| {
                    seal.way.offered || self.flights.carry(&seal.batch(stream.tab(), lane.index))
                };
                if found.is_empty() || seals.unwrap_or_default().iter().any(away) {
                    continue;
                }
                for (seq, reason) in found {
                    let alone = Seal::new(seq, seq, wall, 0);
                    late.push((alone.batch(stream.tab(), lane.index), reason));
                }
            }
        }
        late
    }

    /// Whatever waits is to go now: a pause between goes is over.
    pub fn go(&mut self) {
        self.lanes.iter_mut().for_each(|lane| lane.paused = false);
    }

    /// Sends what is next, at every destination that is free; when there may be more.
    pub fn pump(
        &mut self,
        at: &mut Moment<'_>,
        lots: &mut [Lot<'_>],
        sends: impl Fn(&Lane) -> bool,
        out: &mut Vec<Effect>,
    ) -> Instant {
        let mut later = Instant::NEVER;
        for index in 0..self.lanes.len() {
            let Some(lane) = self.lanes.get_mut(index).filter(|lane| sends(lane)) else {
                continue;
            };
            if self.flights.has(index) {
                continue;
            }
            match lane.next(at.now.mono, at.now.wall, &at.due, lots) {
                Next::Nothing => {}
                Next::Later(time) => later = later.min(time),
                Next::Ask(batches) => self.ask(at, lots, index, batches, out),
                Next::Send { batch, why, sealed } => {
                    if sealed {
                        out.push(Effect::Record(batch.tab));
                    }
                    self.send(at, lots, &batch, Means::Keepalive, why, out);
                }
            }
        }
        later
    }

    /// What of this tab's own is to be handed to the leader, one batch for each destination; when there may be more.
    pub fn hand_over(
        &mut self,
        at: &Moment<'_>,
        own: &mut Stream,
        out: &mut Vec<Effect>,
    ) -> (Vec<(usize, Seal)>, Instant) {
        let (mut handed, mut later) = (Vec::new(), Instant::NEVER);
        for lane in &mut self.lanes {
            let index = lane.index;
            let Some(cursor) = own
                .cursors
                .get(index)
                .filter(|_| !lane.declined && !lane.disabled)
            else {
                continue;
            };
            let idle = cursor.seals().is_empty();
            if !idle && own.probe_at > at.now.mono {
                later = later.min(own.probe_at);
                continue;
            }
            if lane.paused {
                continue;
            }
            if idle && lane.seal_own(at.now.wall, &at.due, own).is_some() {
                out.push(Effect::Record(own.tab()));
            }
            let Some(first) = own
                .cursors
                .get_mut(index)
                .and_then(|cursor| cursor.seals_mut().first_mut())
            else {
                continue;
            };
            if !first.way.offered && !self.flights.carry(&first.batch(own.log.tab, index)) {
                first.way.offered = true;
                handed.push((index, *first));
            }
        }
        for (lane, seal) in &handed {
            self.withdraw(Some(*lane), seal.from, seal.to, out);
        }
        (handed, later)
    }

    /// Requests from before a pause of the page: whether they arrived is for the destination to say.
    pub fn doubt_flights(&mut self, lots: &mut [Lot<'_>], out: &mut Vec<Effect>) {
        for flight in self.flights.take_all() {
            out.push(Effect::Cancel(flight.id));
            for batch in flight.batches() {
                // Given up now, so should the page be left again before anybody was asked, it goes again.
                answers::note(lots, batch, |seal| {
                    (seal.way.maybe_sent, seal.way.sent) = (true, false);
                });
            }
        }
    }

    /// Gives up on all requests, and takes back what the browser holds: nothing is to be sent any more.
    pub fn abort(&mut self, out: &mut Vec<Effect>) {
        for flight in self.flights.take_all() {
            out.push(Effect::Cancel(flight.id));
        }
        self.withdraw(None, 0, u64::MAX, out);
    }

    /// Takes back what the browser holds of a range that is about to leave, or is done with.
    pub fn withdraw(&mut self, lane: Option<usize>, from: u64, to: u64, out: &mut Vec<Effect>) {
        let back = self.deferred.withdraw(lane, from, to);
        out.extend(back.into_iter().map(Effect::Cancel));
    }

    /// Keeps the browser supplied with what is to be sent if this tab dies without a word: what waits here
    /// and is not with the leader, at most once a second, and only if it changed. When the next refresh is due.
    pub fn defer(&mut self, at: &Moment<'_>, own: &mut Stream, out: &mut Vec<Effect>) -> Instant {
        let Rules {
            has_deferred,
            flush_on_exit,
            ..
        } = self.rules;
        let now = at.now.mono;
        let told = self.lanes.iter().any(|lane| lane.gate.is_told_to_wait(now));
        if !has_deferred || !flush_on_exit || told {
            return Instant::NEVER;
        }
        match self.deferred.is_due(now, own, &self.lanes, &self.flights) {
            Err(later) => return later,
            Ok(false) => return Instant::NEVER,
            Ok(true) => {}
        }
        let (events, wall) = (at.due.batch_events, at.now.wall);
        let wanted = self
            .deferred
            .wanted(own, &self.lanes, &self.flights, events, wall);
        let (back, new) = self.deferred.refresh(wanted);
        out.extend(back.into_iter().map(Effect::Cancel));
        if new.is_empty() {
            return Instant::NEVER;
        }
        let mut requests = Vec::new();
        for one in new {
            let id = self.flights.name();
            self.deferred.hold(id, one.lane, one.seal, now);
            let why = Why::InCase;
            let request = self.request(at, id, one.lane, one.route, Means::Deferred, why, one.body);
            requests.extend(request);
        }
        out.push(Effect::Record(own.tab()));
        let sends = requests.into_iter().map(|(request, lane)| Effect::Send {
            request,
            lane,
            repeated: false,
        });
        out.extend(sends);
        Instant::NEVER
    }
}
