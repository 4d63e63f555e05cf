//! Every way a page can end, and coming back.

use sendoff::engine::io::{Means, PageEvent, RetryAfter};

use crate::collector::{Answer, Sent};
use crate::world::World;

fn means(sent: &[Sent]) -> Vec<Means> {
    sent.iter().map(|sent| sent.means).collect()
}

#[test]
fn a_hidden_page_flushes_by_requests_that_outlive_it_and_sees_their_answers() {
    let (mut world, tab) = World::with_tab(|_| {});
    world.burst(tab, 3);
    world.page(tab, PageEvent::Hidden);
    assert_eq!(means(&world.sent), [Means::Keepalive]);
    assert_eq!(
        (world.stats(tab).delivered, world.stats(tab).pending),
        (3, 0)
    );
    assert!(world.journal(tab).is_empty());
}

#[test]
fn leaving_with_another_tab_alive_a_tab_speaks_its_own_last_words() {
    let (mut world, leader, follower) = World::with_two_tabs();
    world.pass(1_000);
    world.burst(follower, 3);
    world.page(follower, PageEvent::Leaving);
    world.burst(leader, 2);
    world.track(follower, "said while leaving");
    let mine = world.sent.iter().filter(|sent| sent.by == follower);
    assert_eq!(mine.count(), 2, "the other may be about to go, too");
    assert_eq!(world.stored(follower).len(), 4);
    world.pass(10_000);
    assert_eq!(
        (world.stored(follower).len(), world.stored(leader).len()),
        (4, 2)
    );
    assert_eq!(world.collector.duplicates, 0);
}

#[test]
fn leaving_alone_sends_by_keepalive_and_keeps_the_journal_until_somebody_knows() {
    let (mut world, tab) = World::with_tab(|_| {});
    world.collector.rule = Some(|_| Answer::Hang);
    world.burst(tab, 3);
    world.page(tab, PageEvent::Leaving);
    assert_eq!(means(&world.sent), [Means::Keepalive]);
    assert!(!world.journal(tab).is_empty(), "on its way is not there");
    assert_eq!(world.stats(tab).delivered, 0);
}

#[test]
fn a_refused_keepalive_falls_back_to_a_beacon() {
    let (mut world, tab) = World::with_tab(|_| {});
    world.browser.keepalive = false;
    world.burst(tab, 3);
    world.page(tab, PageEvent::Leaving);
    assert_eq!(means(&world.sent), [Means::Beacon]);
    assert_eq!(world.stored(tab), [1, 2, 3]);
    assert_eq!(
        world.stats(tab).delivered,
        0,
        "a beacon's answer is never seen"
    );
}

#[test]
fn a_keepalive_that_the_page_left_no_room_for_goes_without() {
    let (mut world, tab) = World::with_tab(|_| {});
    // The page's own keepalive requests fill the shared budget: ours reject like a lost network.
    world.browser.keepalive = false;
    world.burst(tab, 3);
    world.flush(tab);
    world.pass(5_000);
    assert_eq!(
        world.stored(tab),
        [1, 2, 3],
        "the page lives: a plain fetch will do"
    );
}

#[test]
fn a_refused_beacon_never_counts_as_sent() {
    let (mut world, tab) = World::with_tab(|_| {});
    (world.browser.keepalive, world.browser.beacons) = (false, false);
    world.burst(tab, 3);
    world.close(tab);
    assert!(world.sent.is_empty());
    (world.browser.keepalive, world.browser.beacons) = (true, true);
    world.open();
    world.pass(10_000);
    assert_eq!(world.stored(tab), [1, 2, 3]);
}

#[test]
fn events_tracked_by_later_pagehide_handlers_still_go() {
    let (mut world, tab) = World::with_tab(|_| {});
    world.track(tab, "first");
    world.page(tab, PageEvent::Leaving);
    world.track(tab, "last words");
    world.track(tab, "and another");
    assert_eq!(world.stored(tab), [1, 2, 3]);
    assert_eq!(
        world.stats(tab).volatile,
        0,
        "and are in the journal as well"
    );
    assert!(world.sent.iter().all(|sent| sent.means == Means::Keepalive));
}

#[test]
fn all_requests_of_a_leaving_page_share_64_kib() {
    let (mut world, tab) = World::with_tab(|_| {});
    world.collector.rule = Some(|_| Answer::Hang);
    let large = world.record("large", &format!("{{\"text\":\"{}\"}}", "x".repeat(4_000)));
    let records = vec![large.as_str(); 40].join("\n");
    world.calls(tab, &records);
    world.page(tab, PageEvent::Hidden);
    world.page(tab, PageEvent::Leaving);
    world.track(tab, "late");
    let used = world.keepalive_bytes(tab);
    assert!(
        (50_000..=64 * 1024).contains(&used),
        "well used, never over: {used}"
    );
    // What did not fit is not lost: the next visit has it.
    let arrived: Vec<Sent> = world.sent.clone();
    world.crash(tab);
    for sent in &arrived {
        world.collector.store(sent, &[]);
    }
    world.collector.rule = None;
    world.open();
    world.pass(10_000);
    assert_eq!(
        (world.stored(tab).len(), world.collector.duplicates),
        (41, 0)
    );
}

#[test]
fn beacons_count_against_the_same_budget() {
    let (mut world, tab) = World::with_tab(|_| {});
    world.browser.keepalive = false;
    let large = world.record("large", &format!("{{\"text\":\"{}\"}}", "x".repeat(4_000)));
    let records = vec![large.as_str(); 40].join("\n");
    world.page(tab, PageEvent::Offline);
    world.calls(tab, &records);
    world.page(tab, PageEvent::Leaving);
    assert!(world.sent.iter().all(|sent| sent.means == Means::Beacon));
    let bytes: usize = world.sent.iter().map(|sent| sent.body.len()).sum();
    assert!((50_000..=64 * 1024).contains(&bytes), "{bytes}");
}

#[test]
fn a_collector_that_asked_for_a_pause_is_not_bothered_by_last_words() {
    let (mut world, tab) = World::with_tab(|opening| opening.host.has_deferred = true);
    world
        .collector
        .script
        .push_back(Answer::After(429, RetryAfter::Millis(60_000)));
    world.track(tab, "patient");
    world.flush(tab);
    world.burst(tab, 3);
    world.close(tab);
    world.crash(tab);
    assert_eq!(world.sent.len(), 1);
    world.pass(60_000);
    world.open();
    world.pass(10_000);
    assert_eq!(world.stored(tab), [1, 2, 3, 4]);
}

#[test]
fn without_flush_on_exit_a_page_leaves_in_silence() {
    let (mut world, tab) = World::with_tab(|opening| opening.config.auto_flush_on_exit = false);
    world.burst(tab, 3);
    world.close(tab);
    assert!(world.sent.is_empty());
    world.open();
    world.pass(10_000);
    assert_eq!(world.stored(tab), [1, 2, 3]);
}

#[test]
fn a_restored_page_asks_for_receipts_instead_of_sending_again() {
    let (mut world, tab) = World::with_tab(|_| {});
    world.collector.script.push_back(Answer::Lost);
    world.browser.keepalive = false;
    world.burst(tab, 3);
    world.page(tab, PageEvent::Leaving);
    world.pass(60_000);
    world.page(tab, PageEvent::Restored);
    world.browser.keepalive = true;
    world.pass(3_000);
    assert_eq!(world.sent.len(), 2);
    assert!(world.sent[1].is_query());
    assert_eq!(
        (world.stats(tab).delivered, world.collector.duplicates),
        (3, 0)
    );
    world.track(tab, "and life goes on");
    world.flush(tab);
    assert_eq!(world.stored(tab), [1, 2, 3, 4]);
}

#[test]
fn a_page_whose_journal_was_taken_over_meanwhile_asks_before_it_sends() {
    let (mut world, leader, follower) = World::with_two_tabs();
    world.pass(1_000);
    world.burst(follower, 3);
    world.page(follower, PageEvent::Leaving);
    world.pass(10_000);
    assert_eq!(world.stored(follower), [1, 2, 3]);
    assert!(
        world.journal(follower).is_empty(),
        "the leader delivered it and cleared up"
    );
    world.page(follower, PageEvent::Restored);
    world.pass(10_000);
    assert_eq!(world.leaders(), [leader]);
    assert_eq!(
        (world.stats(follower).delivered, world.collector.duplicates),
        (3, 0)
    );
}

#[test]
fn what_the_collector_does_not_know_is_sent_again_with_the_same_bytes() {
    let (mut world, tab) = World::with_tab(|_| {});
    world.collector.script.push_back(Answer::Hang);
    world.burst(tab, 3);
    world.page(tab, PageEvent::Leaving);
    world.pass(60_000);
    world.page(tab, PageEvent::Restored);
    world.pass(3_000);
    assert!(world.sent[1].is_query());
    assert_eq!(world.sent[2].body, world.sent[0].body);
    assert_eq!(world.stored(tab), [1, 2, 3]);
}

#[test]
fn a_collector_that_knows_no_receipts_is_sent_the_batch() {
    fn third_party(sent: &Sent) -> Answer {
        if sent.is_query() {
            Answer::Status(400)
        } else {
            Answer::Ok
        }
    }
    let (mut world, tab) = World::with_tab(|_| {});
    world.collector.script.push_back(Answer::Lost);
    world.collector.rule = Some(third_party);
    world.browser.keepalive = false;
    world.burst(tab, 3);
    world.page(tab, PageEvent::Leaving);
    world.browser.keepalive = true;
    world.page(tab, PageEvent::Restored);
    world.pass(5_000);
    assert_eq!(
        (world.stats(tab).delivered, world.collector.duplicates),
        (3, 3)
    );
    assert!(
        world.drops(tab).is_empty(),
        "a refused question costs no event"
    );

    world.browser.keepalive = false;
    world.track(tab, "again");
    world.page(tab, PageEvent::Leaving);
    world.browser.keepalive = true;
    world.page(tab, PageEvent::Restored);
    world.pass(5_000);
    let asked = world.sent.iter().filter(|sent| sent.is_query());
    assert_eq!(asked.count(), 1, "it is not asked again");
    assert_eq!(world.stored(tab), [1, 2, 3, 4]);
}

#[test]
fn a_frozen_page_is_silent_and_goes_on_where_it_was() {
    let (mut world, tab) = World::with_tab(|_| {});
    world.track(tab, "before");
    world.page(tab, PageEvent::Hidden);
    world.track(tab, "hidden");
    world.page(tab, PageEvent::Frozen);
    let mark = world.sent.len();
    world.pass(3_600_000);
    assert_eq!(world.sent_since(mark).len(), 0);
    world.page(tab, PageEvent::Resumed);
    world.pass(5_000);
    assert_eq!(
        (world.stored(tab), world.collector.duplicates),
        (vec![1, 2], 0)
    );
}

#[test]
fn a_page_on_its_way_out_does_not_try_again_what_was_answered_in_vain() {
    for answer in [Answer::Status(503), Answer::Status(401)] {
        let (mut world, tab) = World::with_tab(|_| {});
        world.burst(tab, 3);
        world.collector.script = [answer.clone(), answer.clone(), answer.clone()].into();
        world.page(tab, PageEvent::Leaving);
        world.track(tab, "said by a handler that runs later");
        assert_eq!(world.sent.len(), 1, "{answer:?}");
        // It is for the next visit.
        world.crash(tab);
        world.collector.script.clear();
        let next = world.open();
        world.pass(10_000);
        assert_eq!(world.stored(tab), [1, 2, 3, 4], "{answer:?}");
        assert_eq!(world.stats(next).adopted, 4, "{answer:?}");
    }
}
