//! One destination, on the tab that sends to it: what goes next.
//!
//! A lane has a gate, sizes and a turn of its own, so that a destination that fails delays no other. One request at
//! a time: order is kept per tab, and a failing destination is met by one request, not by many.
//!
//! A batch that keeps failing may be to blame itself: a firewall dislikes one event in it, a proxy closes the
//! connection on it. Then another batch overtakes it. If that is taken, the destination works, and what fails is
//! halved until one event is left, which is set aside if others go on being taken; if not, it is the
//! destination that fails, and nobody is given up.

use crate::{
    delivery::{destination::Destination, retry::Gate, sizing::Sizing},
    journal::{
        lot::{Lot, Rights},
        seal::{BatchRef, Seal},
        stream::{Cut, Stream},
    },
    model::{
        ids::TabId,
        request::Why,
        time::{Instant, UnixMillis},
    },
    text::view::EventView,
    wire::{Format, Verdict},
};

/// Batches that one question asks about at most.
const QUESTION_BATCHES_MAX: usize = 64;
/// Streams that are remembered to have failed at most.
const FAILED_MAX: usize = 64;
/// Failures of the same bytes after which another batch may overtake them.
pub const STUCK_FAILURES: u8 = 3;

/// A request costs the page more than the events in it, so those that nobody waits for are not sent more often than this, however fast
/// they come: what has come meanwhile goes in one.
const PACE_MS: u64 = 250;

/// When this tab's own events are due.
#[derive(Clone, Copy, Debug)]
pub struct Due {
    /// Events up to here are to go without waiting for a full batch.
    pub go_to: u64,
    /// So many events are a full batch.
    pub flush_at: usize,
    /// Events in one batch at most.
    pub batch_events: usize,
}

/// What a lane wants to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// Nothing.
    Nothing,
    /// Nothing before that time.
    Later(Instant),
    /// To ask whether these have arrived.
    Ask(Vec<BatchRef>),
    /// To send a sealed batch. `sealed`: just now, so that it is to be written down first.
    Send {
        /// Which.
        batch: BatchRef,
        /// Why now.
        why: Why,
        /// Whether its stream's record has changed.
        sealed: bool,
    },
}

/// See the module.
pub struct Lane {
    /// Its place in the configuration.
    pub index: usize,
    /// Its name, and the events that go there.
    pub destination: Destination,
    /// When the next request may leave.
    pub gate: Gate,
    /// How large it may be.
    pub sizing: Sizing,
    /// This go's attempts are used up; the next flush starts another.
    pub paused: bool,
    /// The page wants nothing to be sent there for now.
    pub disabled: bool,
    /// The leader does not send to this destination: this tab does.
    pub declined: bool,
    /// It has spoken its dialect.
    pub spoke: bool,
    /// It does not understand the question for receipts.
    pub mute: bool,
    /// What is only due because it is enough for a batch waits until then.
    paced_until: Instant,
    /// Batches that it has refused as a whole since it last took one.
    refused: u8,
    /// Whose turn it was last.
    turn: Option<TabId>,
    /// Batches that have failed since one was taken, one of each stream.
    failed: Vec<Failed>,
}

/// Refusals in a row until a batch is no longer halved: more than it takes to find one event among a thousand.
const REFUSED_MAX: u8 = 12;

/// See [`Lane::failed`].
#[derive(Clone, Copy, Debug)]
struct Failed {
    batch: BatchRef,
    /// Another one of its stream went in its place since.
    overtaken: bool,
}

impl Lane {
    /// A lane that nothing has gone through yet.
    #[must_use]
    pub fn new(index: usize, destination: Destination, sizing: Sizing) -> Self {
        Self {
            index,
            destination,
            gate: Gate::default(),
            sizing,
            paused: false,
            disabled: false,
            declined: false,
            spoke: false,
            mute: false,
            paced_until: Instant(0),
            refused: 0,
            turn: None,
            failed: Vec::new(),
        }
    }

    /// Its dialect.
    #[must_use]
    pub fn format(&self) -> &dyn Format {
        &*self.destination.format
    }

    /// Whether an event goes there.
    #[must_use]
    pub fn takes(&self, event: &EventView<'_>) -> bool {
        let filtered = !self.destination.only.is_empty() || !self.destination.except.is_empty();
        (!filtered || self.destination.takes(event.name())) && self.format().route(event).is_some()
    }

    /// What goes next, at `now`.
    pub fn next(
        &mut self,
        now: Instant,
        wall: UnixMillis,
        due: &Due,
        lots: &mut [Lot<'_>],
    ) -> Next {
        if self.disabled {
            return Next::Nothing;
        }
        let open_at = self.gate.closed_until();
        if open_at > now {
            return Next::Later(open_at);
        }
        if self.paused {
            return Next::Nothing;
        }
        let mut later = Instant::NEVER;
        let asks = self.unsure(now, lots, &mut later);
        if !asks.is_empty() {
            return Next::Ask(asks);
        }
        let start = lots
            .iter()
            .position(|lot| Some(lot.stream.tab()) == self.turn);
        let start = start.map_or(0, |at| at + 1);
        for step in 0..lots.len() {
            let Some(lot) = lots.get_mut((start + step) % lots.len()) else {
                continue;
            };
            if let Some(next) = self.next_of(now, wall, due, lot, &mut later) {
                self.turn = Some(lot.stream.tab());
                return next;
            }
        }
        if later == Instant::NEVER {
            Next::Nothing
        } else {
            Next::Later(later)
        }
    }

    /// Batches that may have arrived already, and that there is a way to ask about.
    fn unsure(&self, now: Instant, lots: &mut [Lot<'_>], later: &mut Instant) -> Vec<BatchRef> {
        let mut unsure = Vec::new();
        for lot in lots.iter_mut().filter(|lot| lot.rights != Rights::None) {
            let (tab, probe_at) = (lot.stream.tab(), lot.stream.probe_at);
            let Some((cursor, _)) = lot.stream.lane(self.index) else {
                continue;
            };
            for seal in cursor
                .seals_mut()
                .iter_mut()
                .filter(|seal| seal.way.maybe_sent)
            {
                if lot.rights == Rights::Offered && !seal.way.offered {
                    continue;
                }
                if probe_at > now && lot.rights != Rights::Offered {
                    *later = probe_at.min(*later);
                    break;
                }
                if self.mute {
                    seal.way.maybe_sent = false;
                } else {
                    unsure.push(seal.batch(tab, self.index));
                }
            }
        }
        unsure.truncate(QUESTION_BATCHES_MAX);
        unsure
    }

    fn next_of(
        &mut self,
        now: Instant,
        wall: UnixMillis,
        due: &Due,
        lot: &mut Lot<'_>,
        later: &mut Instant,
    ) -> Option<Next> {
        let cursor = lot.stream.cursors.get(self.index)?;
        let has_seals = !cursor.seals().is_empty();
        match lot.rights {
            Rights::None => return None,
            Rights::Offered => {}
            Rights::Own | Rights::Adopted => {
                let waits =
                    lot.stream.probe_at > now && (has_seals || lot.rights == Rights::Adopted);
                if waits && !lot.stream.is_done() {
                    *later = lot.stream.probe_at.min(*later);
                    return None;
                }
            }
        }
        let mut sealed = false;
        if !has_seals {
            if self.is_paced(now, due, lot) {
                *later = self.paced_until.min(*later);
                return None;
            }
            self.seal(wall, due, lot, true)?;
            sealed = true;
        }
        let (seal, why, changed) = self.pick(wall, due, lot)?;
        let batch = seal.batch(lot.stream.tab(), self.index);
        let sealed = sealed || changed;
        Some(Next::Send { batch, why, sealed })
    }

    /// Which of a stream's sealed batches is to go: the first, unless that keeps failing.
    fn pick(
        &mut self,
        wall: UnixMillis,
        due: &Due,
        lot: &mut Lot<'_>,
    ) -> Option<(Seal, Why, bool)> {
        let tab = lot.stream.tab();
        let seals = lot.stream.cursors.get(self.index)?.seals();
        let offered = |seal: &&Seal| lot.rights != Rights::Offered || seal.way.offered;
        let first = *seals.iter().find(offered)?;
        let name = first.batch(tab, self.index);
        let failures = first.way.failures.min(STUCK_FAILURES);
        if lot.rights != Rights::Offered {
            if first.way.slow && self.halve(lot, &name, failures) {
                return self.first_of(lot, Why::Retry);
            }
            if first.way.failures >= STUCK_FAILURES {
                return self.pick_around(wall, due, lot, first);
            }
        }
        let why = if first.way.sent { Why::Retry } else { Why::Due };
        Some((first, why, false))
    }

    /// The first batch keeps failing: right after it failed, one behind it goes; then it has another try, in
    /// halves if it may be to blame.
    fn pick_around(
        &mut self,
        wall: UnixMillis,
        due: &Due,
        lot: &mut Lot<'_>,
        first: Seal,
    ) -> Option<(Seal, Why, bool)> {
        let name = first.batch(lot.stream.tab(), self.index);
        if self.may_overtake(&name)
            && let Some((other, changed)) = self.overtaker(wall, due, lot)
        {
            return Some((other, Why::Overtakes, changed));
        }
        let alone = lot.stream.cursors.get(self.index)?.seals().len() < 2;
        let again = first.way.failures > STUCK_FAILURES + 1;
        // In an outage the first batch is cut up for nothing, which costs a request for each halving.
        let to_blame = first.way.overtaken > 0 || again || first.way.unwelcome && alone;
        if to_blame && self.halve(lot, &name, STUCK_FAILURES) {
            return self.first_of(lot, Why::Retry);
        }
        Some((first, Why::Retry, false))
    }

    /// Whether another one is to go in place of a batch: once each time that it has failed.
    fn may_overtake(&mut self, batch: &BatchRef) -> bool {
        let failed = self.failed.iter_mut().find(|one| one.batch == *batch);
        failed.is_some_and(|one| !core::mem::replace(&mut one.overtaken, true))
    }

    /// Cuts a batch in two, each of which has failed so often already.
    fn halve(&self, lot: &mut Lot<'_>, batch: &BatchRef, failures: u8) -> bool {
        let Some((cursor, log)) = lot.stream.lane(self.index) else {
            return false;
        };
        let way = cursor.find(batch).map(|seal| seal.way).unwrap_or_default();
        if !cursor.split(log, batch) {
            if let Some(seal) = cursor.find(batch) {
                seal.way.slow = false;
            }
            return false;
        }
        let halves = cursor.seals_mut().iter_mut();
        for half in halves.filter(|seal| batch.from <= seal.from && seal.to <= batch.to) {
            half.way.sent = true;
            half.way.unwelcome = way.unwelcome;
            half.way.failures = failures;
        }
        true
    }

    fn first_of(&self, lot: &Lot<'_>, why: Why) -> Option<(Seal, Why, bool)> {
        let first = lot.stream.cursors.get(self.index)?.seals().first();
        first.map(|seal| (*seal, why, true))
    }

    /// What goes in place of a stream's first batch, and whether that changes its record: the first one behind it that does
    /// not keep failing, too. Where all of them do, each has an event in it that is to blame: one is halved.
    fn overtaker(&self, wall: UnixMillis, due: &Due, lot: &mut Lot<'_>) -> Option<(Seal, bool)> {
        let works = |lot: &Lot<'_>| {
            let mut behind = lot.stream.cursors.get(self.index)?.seals().iter().skip(1);
            behind
                .find(|seal| seal.way.failures < STUCK_FAILURES)
                .copied()
        };
        if let Some(seal) = works(lot) {
            return Some((seal, false));
        }
        if let Some(seal) = self.seal(wall, due, lot, false) {
            return Some((seal, true));
        }
        let tab = lot.stream.tab();
        let behind: Vec<Seal> = lot
            .stream
            .cursors
            .get(self.index)?
            .seals()
            .iter()
            .skip(1)
            .copied()
            .collect();
        let mut names = behind.iter().map(|seal| seal.batch(tab, self.index));
        if names.any(|name| self.halve(lot, &name, 0)) {
            return works(lot).map(|seal| (seal, true));
        }
        behind.first().map(|seal| (*seal, false))
    }

    /// A request has left.
    pub fn on_send(&mut self, now: Instant) {
        self.gate.on_send(now);
        self.paced_until = now + PACE_MS;
    }

    /// Whether this tab's own events are to wait for more: enough for a batch, but not asked for, and not all that fits into one.
    fn is_paced(&self, now: Instant, due: &Due, lot: &Lot<'_>) -> bool {
        // A reading of the clock that was far ahead paces nothing.
        let wait_ms = self.paced_until.since_ms(now);
        if lot.rights != Rights::Own || !(1..=PACE_MS).contains(&wait_ms) {
            return false;
        }
        let (log, cursor) = (&lot.stream.log, lot.stream.cursors.get(self.index));
        cursor.is_some_and(|cursor| {
            let waiting = cursor.unsealed(log);
            let asked = cursor
                .first_unsealed(log)
                .is_some_and(|first| first <= due.go_to);
            let full = waiting >= due.batch_events || log.bytes() >= self.sizing.bytes();
            waiting >= due.flush_at && !asked && !full
        })
    }

    /// Seals a stream's next batch; this tab's own if it is full or asked for.
    fn seal(&self, wall: UnixMillis, due: &Due, lot: &mut Lot<'_>, gaps: bool) -> Option<Seal> {
        let cursor = lot.stream.cursors.get(self.index)?;
        let first = cursor.first_unsealed(&lot.stream.log);
        match lot.rights {
            Rights::Offered | Rights::None => return None,
            Rights::Own if first.is_some_and(|first| first > due.go_to) => {
                if cursor.unsealed(&lot.stream.log) < due.flush_at {
                    return None;
                }
            }
            Rights::Own | Rights::Adopted => {}
        }
        if first.is_none() && !gaps {
            return None;
        }
        lot.stream
            .seal_next(self.index, &self.cut(due.batch_events), wall, &[])
    }

    /// Seals the next batch of this tab's own stream, if it is due.
    pub fn seal_own(&self, wall: UnixMillis, due: &Due, own: &mut Stream) -> Option<Seal> {
        let mut lot = Lot {
            stream: own,
            rights: Rights::Own,
        };
        self.seal(wall, due, &mut lot, true)
    }

    /// How its batches are cut.
    #[must_use]
    pub fn cut(&self, events: usize) -> Cut<'_> {
        Cut {
            format: self.format(),
            events,
            bytes: self.sizing.bytes(),
            strict: false,
        }
    }

    /// A batch was taken: whatever failed before it may be to blame itself.
    pub fn on_taken(&mut self, batch: &BatchRef, lots: &mut [Lot<'_>]) {
        self.gate.on_success();
        let failed = core::mem::take(&mut self.failed);
        for Failed { batch: failed, .. } in failed.iter().filter(|one| one.batch != *batch) {
            for lot in lots.iter_mut().filter(|lot| lot.stream.tab() == failed.tab) {
                lot.stream.note(failed, |seal| {
                    seal.way.overtaken = seal.way.overtaken.saturating_add(1);
                });
            }
        }
    }

    /// A batch was decided upon; whether it is to be halved, because one event in it may be to blame for all. Where nothing is
    /// ever taken none of them is.
    pub fn halves(&mut self, verdict: &Verdict, events: usize) -> bool {
        if *verdict != Verdict::Rejected {
            self.refused = 0;
            return false;
        }
        self.refused = self.refused.saturating_add(1);
        events > 1 && self.refused <= REFUSED_MAX && self.format().refuses_all_for_one()
    }

    /// An attempt at a batch failed.
    pub fn on_failed(&mut self, batch: BatchRef) {
        self.failed.retain(|one| one.batch.tab != batch.tab);
        if self.failed.len() >= FAILED_MAX {
            self.failed.remove(0);
        }
        self.failed.push(Failed {
            batch,
            overtaken: false,
        });
    }
}
