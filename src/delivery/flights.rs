//! Requests under way: what they carry, when their answer is overdue, and the bytes that those which may
//! outlive the page have in flight together.

use crate::{
    journal::seal::BatchRef,
    model::{
        request::{Means, RequestId, Why},
        time::Instant,
    },
};

/// Bytes that all `keepalive` requests and beacons of a page may have in flight together (Fetch
/// standard, 4.5 "HTTP-network-or-cache fetch": 64 KiB), shared with the page's own.
pub const KEEPALIVE_BYTES_MAX: usize = 64 * 1024 - 1024;

/// Most destinations answer sooner than this, in milliseconds. One that does not may hang, long before that counts as a
/// failure.
const SLOW_MS: u64 = 1_000;

/// What a request carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cargo {
    /// A sealed batch.
    Batch(BatchRef),
    /// The question whether these have arrived.
    Question(Vec<BatchRef>),
}

/// A request that has not been answered.
#[derive(Clone, Debug)]
pub struct Flight {
    /// Its name.
    pub id: RequestId,
    /// For which destination.
    pub lane: usize,
    /// What it carries.
    pub cargo: Cargo,
    /// By which means.
    pub means: Means,
    /// Why it left.
    pub why: Why,
    /// When it left.
    pub left_at: Instant,
    /// When it counts as failed.
    pub deadline: Instant,
    /// Of the body.
    pub bytes: usize,
    /// Numbers of the events in it: a destination names them by their places.
    pub seqs: Vec<u64>,
}

impl Flight {
    /// The batches that it is about.
    #[must_use]
    pub fn batches(&self) -> &[BatchRef] {
        match &self.cargo {
            Cargo::Batch(batch) => core::slice::from_ref(batch),
            Cargo::Question(batches) => batches,
        }
    }

    /// The numbers of events that are named by their places.
    #[must_use]
    pub fn numbers(&self, places: &[usize]) -> Vec<u64> {
        let numbers = places.iter().filter_map(|place| self.seqs.get(*place));
        numbers.copied().collect()
    }

    const fn keepalive_bytes(&self) -> usize {
        match self.means {
            Means::Keepalive | Means::Beacon => self.bytes,
            Means::Fetch | Means::Deferred => 0,
        }
    }
}

/// See the module.
#[derive(Debug, Default)]
pub struct Flights {
    all: Vec<Flight>,
    last_id: u32,
    /// Bytes of requests that outlive the page and are not in this list.
    lent_bytes: usize,
}

impl Flights {
    /// A name for a request.
    pub const fn name(&mut self) -> RequestId {
        self.last_id += 1;
        RequestId(self.last_id)
    }

    /// A request has left.
    pub fn depart(&mut self, flight: Flight) {
        self.all.push(flight);
    }

    /// An answer has come; `None` for one that nobody waits for.
    pub fn arrive(&mut self, id: RequestId) -> Option<Flight> {
        let index = self.all.iter().position(|flight| flight.id == id)?;
        Some(self.all.remove(index))
    }

    /// A beacon says no more than that it was taken: until the page is back, it counts as in flight.
    pub fn hold(&mut self, id: RequestId) {
        if let Some(flight) = self.all.iter_mut().find(|flight| flight.id == id) {
            flight.deadline = Instant::NEVER;
        }
    }

    /// All of them are given up.
    pub fn take_all(&mut self) -> Vec<Flight> {
        core::mem::take(&mut self.all)
    }

    /// The next one whose answer is overdue.
    #[must_use]
    pub fn overdue(&self, now: Instant) -> Option<RequestId> {
        let overdue = self.all.iter().find(|flight| flight.deadline <= now);
        overdue.map(|flight| flight.id)
    }

    /// When the next answer is overdue.
    #[must_use]
    pub fn next_deadline(&self) -> Instant {
        let deadlines = self.all.iter().map(|flight| flight.deadline);
        deadlines.min().unwrap_or(Instant::NEVER)
    }

    /// Whether a request to that destination is under way.
    #[must_use]
    pub fn has(&self, lane: usize) -> bool {
        self.all.iter().any(|flight| flight.lane == lane)
    }

    /// Whether a destination has owed an answer for so long that it may have none to give.
    #[must_use]
    pub fn keep_waiting(&self, lane: usize, now: Instant) -> bool {
        let late = |flight: &Flight| {
            let awaited = matches!(flight.means, Means::Fetch | Means::Keepalive);
            awaited && flight.left_at + SLOW_MS <= now
        };
        self.all
            .iter()
            .any(|flight| flight.lane == lane && late(flight))
    }

    /// Whether one of them is about the batch.
    #[must_use]
    pub fn carry(&self, batch: &BatchRef) -> bool {
        self.all
            .iter()
            .any(|flight| flight.batches().contains(batch))
    }

    /// Whether one of them is about a batch that `is`.
    pub fn any_batch(&self, is: impl Fn(&BatchRef) -> bool) -> bool {
        self.all
            .iter()
            .any(|flight| flight.batches().iter().any(&is))
    }

    /// What the shared budget leaves.
    #[must_use]
    pub fn keepalive_room(&self) -> usize {
        let taken: usize = self.all.iter().map(Flight::keepalive_bytes).sum();
        KEEPALIVE_BYTES_MAX.saturating_sub(taken + self.lent_bytes)
    }

    /// So many bytes of the budget are in flight elsewhere.
    pub const fn lend(&mut self, bytes: usize) {
        self.lent_bytes = bytes;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ids::TabId;

    fn flight(flights: &mut Flights, means: Means, bytes: usize, deadline: u64) -> RequestId {
        let id = flights.name();
        let batch = BatchRef {
            tab: TabId::parse("00000000000000000001").unwrap(),
            lane: 0,
            from: 1,
            to: 2,
            stamp: id.0,
        };
        flights.depart(Flight {
            id,
            lane: 0,
            cargo: Cargo::Batch(batch),
            means,
            why: Why::Due,
            left_at: Instant(0),
            deadline: Instant(deadline),
            bytes,
            seqs: Vec::new(),
        });
        id
    }

    #[test]
    fn the_budget_is_what_may_outlive_the_page() {
        let mut flights = Flights::default();
        flight(&mut flights, Means::Fetch, 60_000, 1);
        assert_eq!(flights.keepalive_room(), KEEPALIVE_BYTES_MAX);
        let beacon = flight(&mut flights, Means::Beacon, 60_000, 1);
        flight(&mut flights, Means::Keepalive, 4_000, 1);
        assert_eq!(flights.keepalive_room(), 512);
        assert_eq!(flights.arrive(beacon).unwrap().bytes, 60_000);
        assert_eq!(flights.keepalive_room(), KEEPALIVE_BYTES_MAX - 4_000);
        assert!(flights.arrive(beacon).is_none());
        flights.lend(1_000);
        assert_eq!(flights.keepalive_room(), KEEPALIVE_BYTES_MAX - 5_000);
    }

    #[test]
    fn answers_are_overdue_one_by_one() {
        let mut flights = Flights::default();
        let (late, held) = (
            flight(&mut flights, Means::Fetch, 1, 20),
            flight(&mut flights, Means::Beacon, 1, 10),
        );
        assert_eq!(flights.next_deadline(), Instant(10));
        flights.hold(held);
        assert_eq!(flights.overdue(Instant(19)), None);
        assert_eq!(flights.overdue(Instant(20)), Some(late));
        flights.arrive(late);
        assert_eq!(flights.next_deadline(), Instant::NEVER);
        assert!(flights.has(0) && !flights.has(1));
    }
}
