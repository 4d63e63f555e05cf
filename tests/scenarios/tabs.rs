//! Several tabs of one origin: one of them sends for all, and none of it depends on which.

use sendoff::engine::config::MultiTabMode;
use sendoff::engine::io::{PageEvent, RetryAfter};

use crate::collector::{Answer, Sent};
use crate::world::{JOINED_MS, World};

#[test]
fn a_tab_alone_leads_and_pays_nothing_for_it() {
    let (mut world, tab) = World::with_tab(|_| {});
    assert_eq!(world.role(tab), "leader");
    world.pass(10_000);
    world.disk.reset();
    let posts = world.posts;
    world.pass(3_600_000);
    assert_eq!(world.posts, posts, "no heartbeat");
    assert_eq!(world.disk.reset().accesses(), 0, "and none through storage");
}

#[test]
fn a_followers_batch_is_sent_by_the_leader_and_acknowledged() {
    let (mut world, leader, follower) = World::with_two_tabs();
    world.burst(follower, 3);
    world.burst(leader, 2);
    let flush = world.flush(follower);
    assert!(world.sent.iter().all(|sent| sent.by == leader));
    assert_eq!(world.stored(follower), [1, 2, 3]);
    assert_eq!(
        world.flushed(follower, flush),
        [(3, 0, 0)],
        "its own account knows"
    );
    assert!(world.journal(follower).is_empty());
    assert_eq!(world.sent[0].json()["tab"], world.name(follower));
}

#[test]
fn what_the_collector_refuses_of_a_follower_is_counted_by_the_follower() {
    let (mut world, _, follower) = World::with_two_tabs();
    let answers = [
        Answer::Status(413),
        Answer::Refusing(vec![0]),
        Answer::Status(400),
    ];
    world.collector.script.extend(answers);
    world.burst(follower, 4);
    world.flush(follower);
    let stats = world.stats(follower);
    assert_eq!((stats.delivered, stats.pending), (1, 0));
    assert_eq!(stats.dropped[0].count, 3);
    assert_eq!(stats.requests, 0);
}

#[test]
fn what_the_collector_refuses_of_a_follower_that_died_meanwhile_is_explained() {
    let (mut world, leader, follower) = World::with_two_tabs();
    world.collector.script.push_back(Answer::Hang);
    world.burst(follower, 10);
    world.flush(follower);
    world.burst(follower, 3);
    world.crash(follower);
    world.answer(leader, &Answer::Status(400));
    world.pass(60_000);
    assert_eq!(world.stored(follower), [11, 12, 13]);
    assert_eq!(world.explained(follower), [(1, 10, "rejected".to_owned())]);
    assert!(world.journal(follower).is_empty());
}

#[test]
fn every_tab_writes_its_own_keys_only() {
    let (mut world, leader, follower) = World::with_two_tabs();
    world.collector.rule = Some(|_| Answer::Hang);
    world.burst(follower, 60);
    let before: Vec<_> = world.journal(follower);
    world.burst(leader, 60);
    world.pass(3_000);
    assert_eq!(world.journal(follower), before);
    assert!(!world.journal(leader).is_empty());
}

#[test]
fn a_leader_that_dies_is_replaced_and_its_journal_sent_to_the_byte() {
    let (mut world, leader, follower) = World::with_two_tabs();
    world.collector.script.push_back(Answer::Hang);
    world.burst(leader, 70);
    let sealed = world.sent[0].clone();
    world.crash(leader);
    let mark = world.now;
    while world.stored(leader).len() < 70 {
        world.pass(100);
        assert!(
            world.now - mark <= 10_000,
            "within ten seconds, while any other tab lives"
        );
    }
    assert_eq!(world.leaders(), [follower]);
    assert_eq!(world.stats(follower).adopted, 70);
    let again: Vec<&Sent> = world
        .sent
        .iter()
        .skip(1)
        .filter(|sent| sent.batch_id() == sealed.batch_id())
        .collect();
    assert_eq!(again.len(), 1);
    assert_eq!(again[0].body, sealed.body);
    assert!(world.journal(leader).is_empty());
}

#[test]
fn a_batch_that_died_with_the_leader_is_asked_about_before_it_is_repeated() {
    let (mut world, leader, follower) = World::with_two_tabs();
    world.collector.script.push_back(Answer::Hang);
    world.burst(follower, 50);
    let sent = world.sent[0].clone();
    world.collector.store(&sent, &[]);
    world.crash(leader);
    world.pass(15_000);
    assert!(world.sent[1].is_query());
    assert_eq!(
        (world.stored(follower).len(), world.collector.duplicates),
        (50, 0)
    );
    assert_eq!(world.stats(follower).delivered, 50);
    assert!(world.journal(follower).is_empty());
}

#[test]
fn a_follower_that_dies_is_adopted_by_the_leader() {
    let (mut world, leader, follower) = World::with_two_tabs();
    world.burst(follower, 3);
    world.crash(follower);
    world.pass(10_000);
    assert_eq!(world.stored(follower), [1, 2, 3]);
    assert_eq!(world.stats(leader).adopted, 3);
    assert!(world.stats(leader).peers.is_empty());
}

#[test]
fn a_hidden_leader_yields_to_a_visible_tab_that_asks() {
    let (mut world, leader) = World::with_tab(|_| {});
    world.page(leader, PageEvent::Hidden);
    assert_eq!(world.leaders(), [leader]);
    let shown = world.open();
    world.pass(JOINED_MS);
    assert_eq!(world.leaders(), [shown]);
    assert_eq!(world.role(leader), "follower");
    world.track(leader, "from the background");
    world.flush(leader);
    assert!(world.sent.iter().all(|sent| sent.by == shown));
    assert_eq!(world.stored(leader), [1]);
}

#[test]
fn a_follower_that_is_shown_takes_the_lead_from_a_hidden_tab() {
    let (mut world, leader, follower) = World::with_two_tabs();
    world.page(follower, PageEvent::Hidden);
    world.page(leader, PageEvent::Hidden);
    assert_eq!(world.leaders(), [leader], "somebody has to");
    world.page(follower, PageEvent::Visible);
    world.pass(JOINED_MS);
    assert_eq!(world.leaders(), [follower]);
}

/// Two tabs that lead, the channel between them being cut.
fn two_leaders() -> (World, usize, usize) {
    let (mut world, first) = World::with_tab(|_| {});
    world.cut = true;
    let second = world.open();
    world.pass(JOINED_MS);
    assert_eq!(
        world.leaders(),
        [first, second],
        "neither knows of the other"
    );
    (world, first, second)
}

#[test]
fn two_leaders_that_hear_each_other_become_one_and_nothing_is_doubled() {
    let (mut world, first, second) = two_leaders();
    world.burst(first, 60);
    world.burst(second, 60);
    world.pass(20_000);
    assert_eq!(
        world.leaders(),
        [first, second],
        "and each sends for itself"
    );
    world.cut = false;
    world.burst(first, 60);
    world.burst(second, 60);
    world.pass(2_000);
    assert_eq!(world.leaders().len(), 1);
    world.pass(5_000);
    for tab in [first, second] {
        let all: Vec<u64> = (1..=120).collect();
        assert_eq!(world.stored(tab), all, "each event once in the data");
    }
}

#[test]
fn not_every_word_of_a_second_leader_is_answered_by_a_claim() {
    let (mut world, first, second) = two_leaders();
    // Of two with one term the lower id leads. The other has not heard of it yet.
    let mut pair = [first, second];
    pair.sort_by_key(|tab| world.name(*tab).to_owned());
    world.deaf.push((pair[0], pair[1]));
    world.cut = false;
    let claims = world.claims;
    for _ in 0..20 {
        // Both answer its hello, and hear each other's answers.
        world.open();
    }
    assert!(
        world.claims <= claims + 1,
        "{} claims",
        world.claims - claims
    );
}

#[test]
fn a_follower_offers_to_one_leader_only() {
    let (mut world, first, second) = two_leaders();
    // Both hear it, and it hears both; they do not hear each other.
    world.deaf.extend([(first, second), (second, first)]);
    world.cut = false;
    let third = world.open();
    world.pass(JOINED_MS);
    world.burst(third, 60);
    world.pass(5_000);
    assert_eq!(world.leaders(), [first, second]);
    assert_eq!(world.stored(third).len(), 60);
    assert_eq!(world.collector.duplicates, 0);
}

#[test]
fn an_offer_that_was_missed_is_repeated_at_the_leaders_next_word() {
    let (mut world, old, follower) = World::with_two_tabs();
    let leader = world.open();
    world.pass(JOINED_MS);
    world.collector.script.push_back(Answer::Hang);
    world.burst(follower, 50);
    world.page(old, PageEvent::Hidden);
    world.page(leader, PageEvent::Visible);
    assert_eq!(world.leaders(), [leader]);
    // Not what the follower waits to ask about any more.
    world.answer(old, &Answer::Ok);
    world.deaf.push((follower, leader));
    world.burst(follower, 50);
    world.deaf.clear();
    assert_eq!(world.stored(follower).len(), 50);
    world.page(follower, PageEvent::Visible);
    assert_eq!(world.stored(follower).len(), 100);
    assert_eq!(world.collector.duplicates, 0);
}

#[test]
fn a_tab_that_could_not_be_heard_keeps_its_journal() {
    let (mut world, slow) = World::with_tab(|_| {});
    world.page(slow, PageEvent::Offline);
    world.cut = true;
    let other = world.open();
    world.pass(10_000);
    world.burst(slow, 3);
    world.burst(other, 3);
    world.pass(4_000);
    world.cut = false;
    world.burst(other, 60);
    world.pass(2_000);
    world.page(slow, PageEvent::Online);
    world.pass(30_000);
    assert_eq!(world.stats(other).adopted, 0);
    assert_eq!(world.stored(slow), [1, 2, 3]);
    assert_eq!(world.collector.duplicates, 0);
}

/// That answer for the first tab, and a collector that works for all others.
fn first_gets(sent: &Sent, answer: Answer) -> Answer {
    if sent.by == 0 { answer } else { Answer::Ok }
}

#[test]
fn a_leader_that_is_shut_out_lets_another_tab_try() {
    // A service worker that hangs, an extension that answers for the collector, an address that only this page has wrong.
    let rules: [fn(&Sent) -> Answer; 5] = [
        |sent| first_gets(sent, Answer::Hang),
        |sent| first_gets(sent, Answer::Network),
        |sent| first_gets(sent, Answer::Status(403)),
        |sent| first_gets(sent, Answer::Status(404)),
        |sent| first_gets(sent, Answer::Status(503)),
    ];
    for (number, rule) in rules.into_iter().enumerate() {
        let (mut world, first, second) = World::with_two_tabs();
        assert_eq!((world.stats(first).role, first), ("leader", 0));
        world.collector.rule = Some(rule);
        world.burst(second, 10);
        world.burst(first, 3);
        world.pass(45_000);
        assert_eq!(world.stored(second).len(), 10, "{number}");
        assert_eq!(world.stored(first).len(), 3, "{number}");
    }
}

#[test]
fn a_collector_that_asks_for_patience_is_not_asked_by_another_tab() {
    let (mut world, first, second) = World::with_two_tabs();
    world.collector.rule =
        Some(|sent| first_gets(sent, Answer::After(503, RetryAfter::Millis(600_000))));
    world.burst(second, 10);
    world.burst(first, 3);
    world.pass(45_000);
    assert_eq!(world.stats(first).role, "leader");
    assert!(world.stored(second).is_empty());
}

#[test]
fn a_leader_that_falls_silent_is_replaced_before_it_is_taken_for_dead() {
    let (mut world, leader, follower) = World::with_two_tabs();
    world.page(leader, PageEvent::Offline);
    world.burst(leader, 5);
    world.pass(6_000);
    world.set_running(leader, false);
    while world.leaders() != [follower] {
        world.pass(100);
    }
    world.pass(1_500);
    world.set_running(leader, true);
    world.page(leader, PageEvent::Online);
    world.pass(10_000);
    assert_eq!(world.stats(follower).adopted, 0);
    assert_eq!(world.stored(leader), [1, 2, 3, 4, 5]);
    assert_eq!(world.collector.duplicates, 0);
}

#[test]
fn a_leader_that_slept_steps_down_and_gets_its_events_back() {
    let (mut world, leader, follower) = World::with_two_tabs();
    world.page(leader, PageEvent::Offline);
    world.burst(leader, 5);
    world.set_running(leader, false);
    world.pass(15_000);
    assert_eq!(world.leaders(), [follower]);
    assert_eq!(
        world.stored(leader),
        [1, 2, 3, 4, 5],
        "its journal did not wait for it"
    );

    world.set_running(leader, true);
    world.page(leader, PageEvent::Online);
    world.flush(leader);
    world.pass(10_000);
    assert_eq!(world.leaders().len(), 1);
    assert_eq!(world.stats(leader).pending, 0);
    assert_eq!(
        world.stored(leader),
        [1, 2, 3, 4, 5],
        "and once in the data"
    );
}

#[test]
fn twenty_tabs_opened_at_once_agree_on_one_and_lose_nothing() {
    let mut world = World::new();
    let tabs: Vec<usize> = (0..20).map(|_| world.open()).collect();
    for tab in &tabs {
        world.burst(*tab, 7);
    }
    world.pass(2_000);
    assert_eq!(world.leaders().len(), 1);
    world.pass(5_000);
    for tab in tabs {
        assert_eq!(world.stored(tab).len(), 7);
    }
    assert_eq!(world.collector.duplicates, 0);
}

#[test]
fn without_a_channel_each_tab_sends_for_itself_and_says_so() {
    let (mut world, first) = World::with_tab(|opening| opening.host.has_channel = false);
    let second = world.open_with(|opening| opening.host.has_channel = false);
    world.pass(JOINED_MS);
    assert_eq!(world.role(first), "independent");
    assert_eq!(world.errors(second), ["channel_unavailable"]);
    world.burst(first, 2);
    world.burst(second, 3);
    world.pass(30_000);
    assert_eq!(world.sent.len(), 2);
    assert_eq!(
        (world.stats(first).adopted, world.stats(second).adopted),
        (0, 0)
    );
    assert_eq!(
        (world.stored(first).len(), world.stored(second).len()),
        (2, 3)
    );
}

#[test]
fn independent_tabs_send_their_own_and_adopt_the_dead() {
    let alone = |world: &mut World| {
        world.open_with(|opening| opening.config.multi_tab_mode = MultiTabMode::Independent)
    };
    let mut world = World::new();
    let (first, second) = (alone(&mut world), alone(&mut world));
    world.pass(1_000);
    assert_eq!(world.role(first), "independent");
    for tab in [first, second] {
        world.burst(tab, 50);
        assert_eq!(world.sent.last().unwrap().by, tab);
    }
    world.page(first, PageEvent::Offline);
    world.burst(first, 4);
    world.crash(first);
    world.pass(10_000);
    assert_eq!(world.stored(first).len(), 54);
}

#[test]
fn tabs_share_the_storage_cap() {
    let (mut world, leader, follower) = World::with_two_tabs();
    for tab in [leader, follower] {
        world.page(tab, PageEvent::Offline);
        for _ in 0..50 {
            world.burst(tab, 100);
        }
    }
    let (one, other) = (world.stats(leader), world.stats(follower));
    assert!(one.storage_bytes + other.storage_bytes <= 2 * 1024 * 1024);
    assert!(
        other.storage_bytes <= 1024 * 1024,
        "half of it for each of two"
    );
    assert!(world.disk.memory.used_bytes() <= 2 * 1024 * 1024 + 1_024);
}
