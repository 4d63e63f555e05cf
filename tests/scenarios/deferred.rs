//! `fetchLater`: requests that the browser holds, and sends when this tab is gone without a word.

use sendoff::engine::io::{Means, PageEvent};
use sendoff::model::drop_reason::DropReason;

use crate::collector::Sent;
use crate::world::World;

/// A tab for whose death the browser holds requests.
fn with_fetch_later() -> (World, usize) {
    World::with_tab(|opening| opening.host.has_deferred = true)
}

#[test]
fn with_fetch_later_a_crash_without_a_next_visit_still_delivers() {
    let (mut world, tab) = with_fetch_later();
    world.burst(tab, 20);
    world.crash(tab);
    assert_eq!(world.sent[0].means, Means::Deferred);
    assert_eq!(world.sent.len(), 1);
    assert_eq!(world.stored(tab).len(), 20);

    world.pass(60_000);
    world.open();
    world.pass(10_000);
    assert_eq!(
        world.collector.duplicates, 0,
        "a next visit asks before it repeats"
    );
    assert!(world.sent[1].is_query() && world.sent.len() == 2);
    assert!(world.journal(tab).is_empty());
}

#[test]
fn without_fetch_later_a_crash_waits_for_the_next_visit() {
    let (mut world, tab) = World::with_tab(|_| {});
    world.burst(tab, 20);
    world.crash(tab);
    assert!(world.sent.is_empty());
    world.open();
    world.pass(10_000);
    assert_eq!(world.stored(tab).len(), 20);
}

#[test]
fn the_deferred_request_is_refreshed_once_a_second_and_only_when_something_changed() {
    let (mut world, tab) = World::with_tab(|opening| {
        opening.host.has_deferred = true;
        opening.config.disable_timer = true;
    });
    for _ in 0..40 {
        world.track(tab, "steady");
        world.pass(100);
    }
    assert!(
        (3..=5).contains(&world.deferrals.len()),
        "{:?}",
        world.deferrals
    );
    let gaps = world.deferrals.windows(2).map(|pair| pair[1] - pair[0]);
    assert!(
        gaps.clone().all(|gap| gap >= 1_000),
        "{:?}",
        world.deferrals
    );
    world.pass(2_000);
    assert_eq!(world.held(tab)[0].seqs().len(), 40);
    let settled = world.deferrals.len();
    world.pass(600_000);
    assert_eq!(world.deferrals.len(), settled);
}

#[test]
fn the_deferred_request_is_withdrawn_when_its_events_are_acknowledged() {
    let (mut world, tab) = with_fetch_later();
    world.burst(tab, 20);
    assert_eq!(world.held(tab).len(), 1);
    world.flush(tab);
    assert!(world.held(tab).is_empty());
    world.crash(tab);
    assert_eq!(
        (world.stored(tab).len(), world.collector.duplicates),
        (20, 0)
    );
}

#[test]
fn shutdown_and_destroy_withdraw_it_too() {
    let (mut world, tab) = with_fetch_later();
    world.page(tab, PageEvent::Offline);
    world.burst(tab, 20);
    world.pass(2_000);
    assert_eq!(world.held(tab).len(), 1);
    world.destroy(tab);
    assert!(world.held(tab).is_empty());
}

#[test]
fn a_deferred_request_that_was_activated_is_not_sent_as_new() {
    let (mut world, tab) = with_fetch_later();
    world.page(tab, PageEvent::Offline);
    world.burst(tab, 20);
    world.page(tab, PageEvent::Frozen);
    world.activate(tab);
    assert_eq!(world.stored(tab).len(), 20);
    world.pass(60_000);
    world.page(tab, PageEvent::Resumed);
    world.page(tab, PageEvent::Online);
    world.pass(5_000);
    let new: Vec<bool> = world.sent_since(1).iter().map(Sent::is_query).collect();
    assert_eq!(new, [true], "it only asks");
    assert_eq!(
        (world.stats(tab).delivered, world.collector.duplicates),
        (20, 0)
    );
}

#[test]
fn events_given_up_are_not_sent_by_the_browser_after_all() {
    let (mut world, tab) = World::with_tab(|opening| {
        opening.host.has_deferred = true;
        opening.config.max_queue_size = 10;
    });
    world.page(tab, PageEvent::Offline);
    world.burst(tab, 10);
    world.pass(2_000);
    world.burst(tab, 5);
    assert_eq!(world.drops(tab), [(DropReason::Overflow, 5)]);
    world.crash(tab);
    let stored = world.stored(tab);
    assert!(stored.iter().all(|seq| *seq > 5), "{stored:?}");
}
