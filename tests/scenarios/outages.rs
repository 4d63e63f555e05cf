//! Collectors that are down, endpoints that are blocked, queues that overflow, networks that are gone.

use sendoff::engine::io::{PageEvent, RetryAfter};
use sendoff::engine::report::Report;
use sendoff::model::drop_reason::DropReason;

use crate::collector::Answer;
use crate::world::World;

/// Down from the start, with many attempts in a go, so that only breaker and backoff count.
fn unreachable() -> (World, usize) {
    let (mut world, tab) = World::with_tab(|opening| opening.config.max_retries = 20);
    world.collector.rule = Some(|_| Answer::Network);
    (world, tab)
}

#[test]
fn the_breaker_opens_after_five_failures_and_lets_one_probe_through_after_five_seconds() {
    let (mut world, tab) = unreachable();
    world.track(tab, "patient");
    world.flush(tab);
    while world.stats(tab).breaker == "closed" {
        world.pass(10);
    }
    assert_eq!(world.sent.len(), 5);
    let opened = world.sent[4].at;
    world.flush(tab);
    world.page(tab, PageEvent::Online);
    world.pass(opened + 4_999 - world.now);
    assert_eq!((world.sent.len(), world.stats(tab).breaker), (5, "open"));

    world.collector.script.push_back(Answer::Hang);
    // The sixth attempt's backoff may be longer than the breaker is open.
    while world.sent.len() == 5 {
        world.pass(10);
    }
    assert_eq!(world.stats(tab).breaker, "half_open");
    assert!(world.sent[5].at >= opened + 5_000);
    world.answer(tab, &Answer::Ok);
    assert_eq!(
        (world.stats(tab).breaker, world.stored(tab)),
        ("closed", vec![1])
    );
}

#[test]
fn a_failed_probe_opens_the_breaker_again() {
    let (mut world, tab) = World::with_tab(|opening| opening.config.retry_base_delay_ms = 1);
    world.track(tab, "first");
    world.flush(tab);
    world.collector.rule = Some(|_| Answer::Status(503));
    world.track(tab, "patient");
    world.pass(60_000);
    let times: Vec<u64> = world.sent.iter().skip(1).map(|sent| sent.at).collect();
    let probes: Vec<u64> = times
        .windows(2)
        .skip(4)
        .map(|pair| pair[1] - pair[0])
        .collect();
    assert!(probes.len() >= 5, "{probes:?}");
    assert!(
        probes.iter().all(|wait| (5_000..7_100).contains(wait)),
        "an endpoint that has worked is probed every five seconds, at a flush: {probes:?}"
    );
    assert!(!world.stats(tab).blocked);
}

#[test]
fn overflow_drops_the_oldest_once_warned_and_explained_to_the_collector() {
    let (mut world, tab) = World::with_tab(|opening| opening.config.max_queue_size = 5);
    world.page(tab, PageEvent::Offline);
    for _ in 0..8 {
        world.track(tab, "kept while there is room");
    }
    assert_eq!(world.stats(tab).pending, 5);
    assert_eq!(world.drops(tab).len(), 3);
    assert!(
        world
            .drops(tab)
            .iter()
            .all(|drop| *drop == (DropReason::Overflow, 1))
    );
    assert_eq!(
        world.errors(tab),
        ["queue_overflow"],
        "a warning is for reading: once"
    );
    world.page(tab, PageEvent::Online);
    assert_eq!(world.stored(tab), [4, 5, 6, 7, 8]);
    world.track(tab, "next");
    world.flush(tab);
    assert_eq!(
        world.explained(tab),
        [(1, 3, "overflow".to_owned())],
        "once"
    );
}

#[test]
fn offline_delays_an_attempt_and_online_everything_goes_at_once() {
    let (mut world, tab) = World::with_tab(|_| {});
    world.page(tab, PageEvent::Offline);
    world.burst(tab, 120);
    world.pass(4_900);
    assert!(world.sent.is_empty(), "an attempt would most likely fail");
    world.page(tab, PageEvent::Online);
    assert_eq!(world.stored(tab).len(), 120);
}

#[test]
fn a_browser_that_says_offline_for_good_does_not_keep_anything() {
    let (mut world, tab) = World::with_tab(|opening| opening.host.online = false);
    world.burst(tab, 20);
    world.pass(10_000);
    assert_eq!(world.stored(tab).len(), 20);
}

#[test]
fn a_page_that_is_looked_at_again_flushes() {
    let (mut world, tab) = World::with_tab(|opening| {
        opening.config.disable_timer = true;
        opening.config.auto_flush_on_exit = false;
    });
    world.page(tab, PageEvent::Hidden);
    world.track(tab, "in the background");
    world.pass(60_000);
    assert!(world.sent.is_empty());
    world.page(tab, PageEvent::Visible);
    assert_eq!(world.stored(tab), [1]);
}

#[test]
fn an_outage_ends_with_every_event_once_and_in_order() {
    let (mut world, tab) = World::with_tab(|_| {});
    world.track(tab, "before");
    world.flush(tab);
    world.collector.rule = Some(|_| Answer::Status(503));
    for _ in 0..30 {
        world.burst(tab, 10);
        world.pass(1_000);
    }
    assert!(
        world.sent.len() < 20,
        "a collector that is down is left alone: {}",
        world.sent.len()
    );
    world.collector.rule = None;
    world.pass(15_000);
    assert_eq!(world.stored(tab), (1..=301).collect::<Vec<_>>());
    assert_eq!(world.collector.duplicates, 0);
}

#[test]
fn an_endpoint_that_never_worked_shrinks_to_a_ring_and_recovers_by_itself() {
    let (mut world, tab) = unreachable();
    world.burst(tab, 3_000);
    world.flush(tab);
    while !world.stats(tab).blocked {
        world.pass(1_000);
    }
    world.burst(tab, 1);
    let stats = world.stats(tab);
    // The batch in sealed form stays; it may have arrived.
    assert!(stats.pending <= 1_000 + 50, "{}", stats.pending);
    // Segments go as a whole, and the one with the sealed batch stays.
    let bytes = stats.storage_bytes;
    assert!(bytes <= (256 + 64) * 1024, "shrunk from 750 KB: {bytes}");
    assert!(world.errors(tab).contains(&"endpoint_blocked"));
    assert!(
        world
            .drops(tab)
            .iter()
            .all(|(reason, _)| *reason == DropReason::Blocked)
    );

    let mark = world.sent.len();
    world.pass(3_600_000);
    let probes: Vec<u64> = world.sent_since(mark).iter().map(|sent| sent.at).collect();
    let last = probes.windows(2).last().unwrap();
    assert!(probes.len() < 20, "probes get rare: {probes:?}");
    assert!(
        (600_000..632_000).contains(&(last[1] - last[0])),
        "ten minutes: {probes:?}"
    );

    world.collector.rule = None;
    world.pass(640_000);
    assert_eq!(
        (world.stats(tab).blocked, world.stats(tab).pending),
        (false, 0)
    );
    assert!(world.stored(tab).contains(&3_001));
}

#[test]
fn while_blocked_storage_does_not_grow() {
    let (mut world, tab) = unreachable();
    world.track(tab, "first");
    world.flush(tab);
    while !world.stats(tab).blocked {
        world.pass(1_000);
    }
    for _ in 0..60 {
        world.burst(tab, 100);
        assert!(world.stats(tab).storage_bytes <= 256 * 1024);
        assert!(world.stats(tab).pending <= 1_001);
    }
    let on_disk: usize = world.disk.memory.used_bytes();
    assert!(on_disk <= 256 * 1024 + 1_024, "{on_disk}");
}

#[test]
fn a_flush_is_answered_when_there_is_nothing_to_wait_for() {
    let (mut world, tab) = World::with_tab(|_| {});
    world
        .collector
        .script
        .push_back(Answer::After(503, RetryAfter::Millis(3_600_000)));
    world.track(tab, "patient");
    let flush = world.flush(tab);
    assert_eq!(
        world.flushed(tab, flush),
        [(0, 1, 0)],
        "an hour is longer than a page waits"
    );
    let told = |report: &&Report| matches!(report, Report::Flushed { .. });
    assert_eq!(world.reports(tab).iter().filter(told).count(), 1);
}
