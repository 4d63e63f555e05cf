//! Sending: what leaves when and by which means, and what becomes of it.
//!
//! A [`Delivery`] is the lanes of all destinations with the requests that are under way. It is handed the
//! streams of which something may be sent, changes their seals, and says what is to be done as [`Effect`]s.
//! It knows neither tabs nor calls nor figures.

pub mod breaker;
pub mod deferred;
pub mod destination;
pub mod exit;
pub mod flights;
pub mod flush;
pub mod lane;
pub mod retry;
pub mod sizing;
pub mod verdict;

use crate::{
    delivery::{
        breaker::Failure,
        deferred::Deferred,
        exit::Going,
        flights::{Cargo, Flight, Flights},
        lane::{Due, Lane, Next, STUCK_FAILURES},
        retry::RetryRules,
        verdict::{Judgement, judge},
    },
    journal::{
        cursor::{GAPS_MAX, Telling},
        lot::{Lot, Rights},
        seal::{BatchRef, Seal},
        stream::{GAP_BYTES, Stream},
    },
    model::{
        drop_reason::DropReason,
        ending::Ending,
        ids::TabId,
        request::{Means, Outcome, Request, RequestId, Why},
        rng::Rng,
        time::{Instant, Now},
    },
    text::view::EventView,
    wire::{NO_SEND_TIME, Route, Verdict},
};

/// Times that others have to be taken before an event is set aside that the destination does not want.
const UNWELCOME_OVERTAKEN: u8 = 1;
/// And one on which the connection breaks: the network may have been at fault.
const BROKEN_OVERTAKEN: u8 = 4;

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
    /// A request that was to outlive the page failed.
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

    /// Sends what goes out with the page.
    pub fn pack(
        &mut self,
        at: &mut Moment<'_>,
        going: Going,
        lots: &mut [Lot<'_>],
        sends: impl Fn(&Lane) -> bool,
        out: &mut Vec<Effect>,
    ) {
        if !self.rules.flush_on_exit {
            return;
        }
        let (mut packed, mut touched) = (Vec::new(), Vec::new());
        let (order, failing) = self.packing_order();
        for index in order {
            let probes_only = failing.contains(&index);
            if !self.lanes.get(index).is_some_and(&sends) || !self.may_pack(at, index, going, out) {
                continue;
            }
            for number in 0..lots.len() {
                while let Some(lane) = self.lanes.get(index)
                    && let Some(lot) = lots.get_mut(number)
                    && let Some((batch, sealed)) = exit::next_batch(
                        going,
                        lane,
                        lot,
                        &self.flights,
                        at.due.batch_events,
                        at.now.wall,
                    )
                {
                    if sealed && !touched.contains(&batch.tab) {
                        touched.push(batch.tab);
                    }
                    let why = match going {
                        Going::Hidden => Why::Hidden,
                        Going::Leaving => Why::LastWords,
                    };
                    self.send(at, lots, &batch, Means::Keepalive, why, &mut packed);
                    if probes_only {
                        break;
                    }
                }
            }
        }
        out.extend(touched.into_iter().map(Effect::Record));
        out.append(&mut packed);
    }

    /// The destinations in the order in which they get last words: as configured, but those that fail come after those that
    /// work, and have one batch each. They would take what there is of the budget, for nothing.
    fn packing_order(&self) -> (Vec<usize>, Vec<usize>) {
        let all = 0..self.lanes.len();
        let fails = |index: &usize| {
            let lane = self.lanes.get(*index);
            lane.is_some_and(|lane| lane.gate.has_failed())
        };
        let (failing, working): (Vec<usize>, Vec<usize>) = all.partition(fails);
        if working.is_empty() {
            return (failing, Vec::new());
        }
        (
            working.into_iter().chain(failing.iter().copied()).collect(),
            failing,
        )
    }

    /// Whether a destination is to be sent last words. A pause that it asked for itself is respected even then.
    fn may_pack(
        &mut self,
        at: &Moment<'_>,
        lane: usize,
        going: Going,
        out: &mut Vec<Effect>,
    ) -> bool {
        let now = at.now.mono;
        let Some(gate) = self
            .lanes
            .get(lane)
            .filter(|lane| !lane.disabled)
            .map(|lane| &lane.gate)
        else {
            return false;
        };
        match going {
            Going::Hidden => gate.closed_until() <= now,
            Going::Leaving if gate.is_told_to_wait(now) => {
                self.withdraw(Some(lane), 0, u64::MAX, out);
                false
            }
            Going::Leaving => true,
        }
    }

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
                if at.leaving && outcome.status() == 0 {
                    out.push(Effect::Gone);
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

    /// Requests from before a pause of the page: whether they arrived is for the destination to say.
    pub fn doubt_flights(&mut self, lots: &mut [Lot<'_>], out: &mut Vec<Effect>) {
        for flight in self.flights.take_all() {
            out.push(Effect::Cancel(flight.id));
            for batch in flight.batches() {
                // Given up now, so should the page be left again before anybody was asked, it goes again.
                note(lots, batch, |seal| {
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

    // How.

    fn ask(
        &mut self,
        at: &Moment<'_>,
        lots: &[Lot<'_>],
        index: usize,
        batches: Vec<BatchRef>,
        out: &mut Vec<Effect>,
    ) {
        let Some(own) = lots.iter().find(|lot| lot.rights == Rights::Own) else {
            return;
        };
        let Some(lane) = self.lanes.get_mut(index) else {
            return;
        };
        let ids: Vec<String> = batches.iter().map(BatchRef::id).collect();
        let Some(body) = lane
            .format()
            .ask(&own.stream.log.source(), at.now.wall, &ids)
        else {
            // The dialect has no such question: what is in doubt is sent again, under the same keys.
            lane.mute = true;
            return;
        };
        // A plain fetch in flight would cost a page that leaves its back/forward cache in Firefox.
        let means = if lane.gate.has_failed() || !self.rules.has_keepalive {
            Means::Fetch
        } else {
            Means::Keepalive
        };
        let cargo = (Cargo::Question(batches), Vec::new());
        self.depart(
            at,
            index,
            Route::default(),
            cargo,
            (means, Why::Asks),
            body,
            false,
            out,
        );
    }

    /// Sends a sealed batch by the strongest means that the budget leaves.
    fn send(
        &mut self,
        at: &Moment<'_>,
        lots: &mut [Lot<'_>],
        batch: &BatchRef,
        means: Means,
        why: Why,
        out: &mut Vec<Effect>,
    ) {
        let Some(lot) = lots.iter_mut().find(|lot| lot.stream.tab() == batch.tab) else {
            return;
        };
        let Some((seal, _)) = lot.stream.seal_of(batch) else {
            return;
        };
        lot.stream.note(batch, |seal| {
            // Of what is sent now nobody may be there to see the answer.
            seal.way.maybe_sent |= at.leaving;
            seal.way.sent = true;
        });
        let Some(lane) = self.lanes.get(batch.lane) else {
            return;
        };
        let telling = Telling::Of(batch.from);
        let body = lot
            .stream
            .body(batch.lane, &seal, telling, lane.format(), at.now.wall);
        let route = lot.stream.route(batch.lane, &seal, lane.format());
        let rights = lot.rights;
        if rights == Rights::Own {
            self.withdraw(Some(batch.lane), batch.from, batch.to, out);
        }
        let repeated = seal.way.sent && why != Why::NextMeans;
        let means = self.means(at, means, &body, seal.way.sent);
        let cargo = (Cargo::Batch(*batch), lot.stream.seqs_of(batch));
        self.depart(
            at,
            batch.lane,
            route,
            cargo,
            (means, why),
            body,
            repeated,
            out,
        );
        if rights == Rights::Offered {
            out.push(Effect::Flies(*batch));
        }
    }

    /// The budget is shared with the page's own requests, and over it a keepalive fetch rejects like any network
    /// error: while the page lives, a repeat goes without.
    fn means(&self, at: &Moment<'_>, wanted: Means, body: &str, repeated: bool) -> Means {
        let fits = body.len() <= self.flights.keepalive_room();
        match wanted {
            _ if !fits || repeated && !at.leaving => Means::Fetch,
            // A browser that does not know it ends such a request with the page (Firefox 79 to 132).
            Means::Keepalive if !self.rules.has_keepalive && at.leaving => Means::Beacon,
            Means::Keepalive if !self.rules.has_keepalive => Means::Fetch,
            wanted => wanted,
        }
    }

    #[allow(clippy::too_many_arguments)]
    fn depart(
        &mut self,
        at: &Moment<'_>,
        lane: usize,
        route: Route,
        (cargo, seqs): (Cargo, Vec<u64>),
        (means, why): (Means, Why),
        body: String,
        repeated: bool,
        out: &mut Vec<Effect>,
    ) {
        let (id, bytes) = (self.flights.name(), body.len());
        let Some((request, lane)) = self.request(at, id, lane, route, means, why, body) else {
            return;
        };
        let timeout_ms = self.lanes.get_mut(lane).map_or(0, |lane| {
            lane.gate.on_send(at.now.mono);
            lane.sizing.timeout_ms()
        });
        self.flights.depart(Flight {
            id,
            lane,
            cargo,
            means,
            why,
            left_at: at.now.mono,
            deadline: at.now.mono + timeout_ms,
            bytes,
            seqs,
        });
        out.push(Effect::Send {
            request,
            lane,
            repeated,
        });
    }

    #[allow(clippy::too_many_arguments)]
    fn request(
        &self,
        at: &Moment<'_>,
        id: RequestId,
        lane: usize,
        route: Route,
        means: Means,
        why: Why,
        body: String,
    ) -> Option<(Request, usize)> {
        // The browser sends a deferred request when it likes.
        let sent_at = if means == Means::Deferred {
            NO_SEND_TIME
        } else {
            at.now.wall
        };
        let format = self.lanes.get(lane)?.format();
        let target = format.target(route, sent_at);
        let request = Request {
            id,
            means,
            why,
            url: target.url,
            content_type: target.content_type,
            authorization: format.authorization().unwrap_or_default().to_owned(),
            body,
        };
        Some((request, lane))
    }

    fn on_answer(
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
    fn on_failure(
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

fn note(lots: &mut [Lot<'_>], batch: &BatchRef, note: impl FnOnce(&mut Seal)) {
    if let Some(lot) = lots.iter_mut().find(|lot| lot.stream.tab() == batch.tab) {
        lot.stream.note(batch, note);
    }
}
