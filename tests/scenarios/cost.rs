//! What an event costs does not depend on how many are waiting: counted in accesses to storage and
//! bytes written, at an empty queue, at a thousand and at nine thousand waiting events.

use crate::collector::{Answer, Sent};
use crate::disk::Cost;
use crate::world::World;

/// Waiting events at which the cost is taken.
const DEPTHS: [usize; 3] = [0, 1_000, 9_000];
/// A record of what is settled holds a few numbers; each may have four digits more in a long queue.
const DIGITS: usize = 64;

/// A tab with so many waiting events, stored in segments of a hundred.
fn with_waiting(events: usize) -> (World, usize) {
    let (mut world, tab) = World::with_tab(|opening| {
        opening.config.max_storage_bytes = 5_000_000;
        opening.config.disable_timer = true;
    });
    // A fresh tab's first searches for what others left are no cost of an event.
    world.pass(20_000);
    world.set_paused(tab, true);
    for _ in 0..events / 100 {
        world.burst(tab, 100);
    }
    world.pass(20_000);
    assert_eq!(world.stats(tab).volatile, 0);
    world.disk.reset();
    (world, tab)
}

#[test]
fn tracking_costs_the_same_however_much_is_waiting() {
    let mut costs = Vec::new();
    for depth in DEPTHS {
        let (mut world, tab) = with_waiting(depth);
        world.track(tab, "the first into an empty journal writes its header");
        world.disk.reset();
        world.track(tab, "event");
        costs.push(world.disk.reset());
    }
    for cost in &costs {
        let Cost {
            writes,
            removals,
            listings,
            reads,
            ..
        } = *cost;
        assert_eq!((writes, removals, listings), (1, 0, 0), "{costs:?}");
        assert!(reads <= 3, "{costs:?}");
        assert!(
            cost.bytes_written <= costs[0].bytes_written + DIGITS,
            "{costs:?}"
        );
    }
}

#[test]
fn delivering_costs_the_same_however_much_is_waiting() {
    let mut costs = Vec::new();
    for depth in DEPTHS {
        // A thousand more than the depth: the cost of delivering those is taken.
        let (mut world, tab) = with_waiting(depth + 1_000);
        world.collector.rule = Some(|_| Answer::Hang);
        world.set_paused(tab, false);
        world.flush(tab);
        for _ in 0..20 {
            world.answer(tab, &Answer::Ok);
        }
        assert_eq!(world.stats(tab).delivered, 1_000);
        assert_eq!(world.stats(tab).pending, depth as u64);
        costs.push(world.disk.reset());
    }
    let batches = 20;
    for cost in &costs {
        assert!(cost.accesses() <= costs[0].accesses() + 2, "{costs:?}");
        assert!(cost.accesses() <= 4 * batches, "a few per batch: {costs:?}");
        assert!(
            cost.bytes_written <= costs[0].bytes_written + batches * DIGITS,
            "{costs:?}"
        );
        assert_eq!(cost.listings, 0, "{costs:?}");
    }
}

#[test]
fn a_batch_is_as_large_at_the_end_of_a_long_queue_as_at_its_start() {
    let (mut world, tab) = with_waiting(9_000);
    world.set_paused(tab, false);
    world.flush(tab);
    assert_eq!(world.sent.len(), 180);
    let sizes: Vec<usize> = world.sent.iter().map(|sent| sent.body.len()).collect();
    let (first, last) = (sizes[0], sizes[179]);
    assert!(
        last <= first + 50 * 4,
        "only the numbers grow: {first}, {last}"
    );
    let order: Vec<u64> = world.sent.iter().flat_map(Sent::seqs).collect();
    assert_eq!(order, (1..=9_000).collect::<Vec<_>>());
}

#[test]
fn the_request_held_for_a_crash_does_not_grow_with_the_queue() {
    let (mut world, tab) = World::with_tab(|opening| {
        opening.host.has_deferred = true;
        opening.config.disable_timer = true;
    });
    world.collector.rule = Some(|_| Answer::Network);
    for _ in 0..50 {
        world.burst(tab, 100);
        world.pass(1_000);
        let held: usize = world.held(tab).iter().map(|sent| sent.body.len()).sum();
        assert!((1..=60_000).contains(&held), "{held}");
    }
}
