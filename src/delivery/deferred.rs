//! Deferred requests (`fetchLater`): what the browser is left with in case this tab simply dies.

use crate::{
    delivery::{flights::Flights, lane::Lane},
    journal::{
        cursor::{Cursor, Telling},
        seal::Seal,
        stream::Stream,
    },
    model::{
        request::RequestId,
        time::{Instant, UnixMillis},
    },
    wire::{NO_SEND_TIME, Route},
};

/// Bytes of deferred requests at most. The quota is 64 KiB per reporting origin (Deferred fetch,
/// fetch.spec.whatwg.org "deferred-fetch quota"), and URL and headers count.
const BYTES_MAX: usize = 60_000;
/// Deferred requests at most.
const SLOTS_MAX: usize = 8;
/// With those that were taken back and may yet turn out to have been sent.
const REMEMBERED_MAX: usize = 2 * SLOTS_MAX;
/// The deferred requests are refreshed this often at most, in milliseconds.
const REFRESH_MS: u64 = 1_000;
/// After the browser refused one, this long passes before the next try, in milliseconds.
const REFUSED_MS: u64 = 30_000;

/// What this tab has left with the browser.
#[derive(Debug, Default)]
pub struct Deferred {
    slots: Vec<Slot>,
    not_before: Instant,
    /// What it was chosen from.
    seen: Option<Seen>,
}

/// What changes with everything tracked, settled, sealed or handed over.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Seen {
    next_seq: u64,
    lanes: Vec<(u64, usize)>,
}

/// One request that the browser holds.
#[derive(Clone, Copy, Debug)]
struct Slot {
    id: RequestId,
    lane: usize,
    seal: Seal,
    /// Or it was taken back a moment ago, and may turn out to have been sent.
    held: bool,
}

/// A batch to be left with the browser.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// For which destination.
    pub lane: usize,
    /// As it would be sealed now.
    pub seal: Seal,
    /// How it goes.
    pub route: Route,
    /// Its bytes.
    pub body: String,
}

impl Deferred {
    /// What the browser holds, to be written down with the stream.
    #[must_use]
    pub fn held(&self) -> Vec<(usize, Seal)> {
        let held = self.slots.iter().filter(|slot| slot.held);
        held.map(|slot| (slot.lane, slot.seal)).collect()
    }

    /// Whether something has changed since the last refresh; if it is too early for another, when it will not be.
    pub fn is_due(
        &mut self,
        now: Instant,
        own: &Stream,
        lanes: &[Lane],
        flights: &Flights,
    ) -> Result<bool, Instant> {
        let seen = Seen {
            next_seq: own.log.next_seq(),
            lanes: lanes
                .iter()
                .map(|lane| {
                    let waiting = waiting(own, lane, flights).len();
                    let cursor = own.cursors.get(lane.index);
                    (cursor.map_or(0, |cursor| cursor.settled(&own.log)), waiting)
                })
                .collect(),
        };
        if self.seen.as_ref() == Some(&seen) {
            return Ok(false);
        }
        if self.not_before > now {
            return Err(self.not_before);
        }
        self.seen = Some(seen);
        Ok(true)
    }

    /// Compares what the browser holds with what it should: returns the requests to take back, and the batches
    /// that are new.
    pub fn refresh(&mut self, wanted: Vec<Wanted>) -> (Vec<RequestId>, Vec<Wanted>) {
        let mut back = Vec::new();
        for slot in &mut self.slots {
            let still =
                |wanted: &Wanted| wanted.lane == slot.lane && wanted.seal.is_same(&slot.seal);
            if slot.held && !wanted.iter().any(still) {
                slot.held = false;
                back.push(slot.id);
            }
        }
        let slots = &self.slots;
        let held = |one: &Wanted| {
            let same =
                |slot: &Slot| slot.held && slot.lane == one.lane && slot.seal.is_same(&one.seal);
            slots.iter().any(same)
        };
        let new = wanted.into_iter().filter(|one| !held(one)).collect();
        (back, new)
    }

    /// A batch was left with the browser.
    pub fn hold(&mut self, id: RequestId, lane: usize, seal: Seal, now: Instant) {
        if self.slots.len() >= REMEMBERED_MAX
            && let Some(index) = self.slots.iter().position(|slot| !slot.held)
        {
            self.slots.remove(index);
        }
        self.slots.push(Slot {
            id,
            lane,
            seal,
            held: true,
        });
        self.not_before = now + REFRESH_MS;
    }

    /// Takes back what the browser holds of a range that is about to leave, or is done with: of one
    /// destination, or of all.
    pub fn withdraw(&mut self, lane: Option<usize>, from: u64, to: u64) -> Vec<RequestId> {
        let mut back = Vec::new();
        for slot in &mut self.slots {
            let meant = lane.is_none_or(|lane| lane == slot.lane);
            if meant && slot.held && slot.seal.from <= to && from <= slot.seal.to {
                slot.held = false;
                back.push(slot.id);
            }
        }
        back
    }

    /// The browser has sent one: which, if it is one of these.
    pub fn on_activated(&mut self, id: RequestId) -> Option<(usize, Seal)> {
        let index = self.slots.iter().position(|slot| slot.id == id)?;
        let slot = self.slots.remove(index);
        Some((slot.lane, slot.seal))
    }

    /// The browser refused one.
    pub fn on_refused(&mut self, id: RequestId, now: Instant) {
        if let Some(index) = self.slots.iter().position(|slot| slot.id == id) {
            self.slots.remove(index);
            self.not_before = now + REFUSED_MS;
        }
    }

    /// The seals under which the browser holds batches of a destination.
    #[must_use]
    pub fn seals(&self, lane: usize) -> Vec<Seal> {
        let held = self
            .slots
            .iter()
            .filter(|slot| slot.held && slot.lane == lane);
        held.map(|slot| slot.seal).collect()
    }

    /// The batches to hold, as they would be sealed now, and their bytes, within the quota: destinations in
    /// configured order.
    #[must_use]
    pub fn wanted(
        &self,
        own: &Stream,
        lanes: &[Lane],
        flights: &Flights,
        batch_events: usize,
        wall: UnixMillis,
    ) -> Vec<Wanted> {
        let (mut room, mut wanted) = (BYTES_MAX, Vec::new());
        for lane in lanes.iter().filter(|lane| !lane.disabled) {
            let held = self.seals(lane.index);
            for (seal, telling) in plan(own, lane, flights, batch_events, wall, &held) {
                let body = own.body(lane.index, &seal, telling, lane.format(), NO_SEND_TIME);
                if body.len() > room || wanted.len() >= SLOTS_MAX {
                    return wanted;
                }
                room -= body.len();
                wanted.push(Wanted {
                    lane: lane.index,
                    route: own.route(lane.index, &seal, lane.format()),
                    seal,
                    body,
                });
            }
        }
        wanted
    }
}

/// Sealed batches of this tab's own that are neither with the leader nor in a request.
fn waiting(own: &Stream, lane: &Lane, flights: &Flights) -> Vec<Seal> {
    let seals = own.cursors.get(lane.index).map_or(&[][..], Cursor::seals);
    let waits =
        |seal: &&Seal| !seal.way.offered && !flights.carry(&seal.batch(own.tab(), lane.index));
    seals.iter().filter(waits).copied().collect()
}

/// The batches that one destination's waiting events make, at most [`SLOTS_MAX`].
fn plan(
    own: &Stream,
    lane: &Lane,
    flights: &Flights,
    batch_events: usize,
    wall: UnixMillis,
    held: &[Seal],
) -> Vec<(Seal, Telling)> {
    let mut plan: Vec<(Seal, Telling)> = Vec::new();
    for seal in waiting(own, lane, flights) {
        if !seal.way.maybe_sent && plan.len() < SLOTS_MAX {
            plan.push((seal, Telling::Of(seal.from)));
        }
    }
    let Some(cursor) = own.cursors.get(lane.index) else {
        return plan;
    };
    let (mut next, mut telling) = (cursor.first_unsealed(&own.log), Telling::Next);
    while plan.len() < SLOTS_MAX
        && let Some(from) = next
        && let Some(to) = own.cut(lane.index, from, &lane.cut(batch_events))
        && let Some(seal) = own.sealing(lane.index, (from, to), wall, telling, held)
    {
        plan.push((seal, telling));
        telling = Telling::Nothing;
        next = cursor.first_after(&own.log, to);
    }
    plan
}
