//! The journal: when it is written, what is found there, what is left alone, and what storage may do
//! to it.

use sendoff::engine::io::{Keeps, PageEvent};
use sendoff::model::drop_reason::DropReason;
use sendoff::model::store::{Store, StoreError};

use crate::collector::{Answer, Sent};
use crate::world::{WALL_START_MS, World};

const DAY_MS: u64 = 24 * 3_600_000;

/// A tab that crashed with `bursts` bursts of ten events that nobody has sent.
fn left_behind(bursts: usize) -> (World, usize) {
    let (mut world, tab) = World::with_tab(|_| {});
    world.page(tab, PageEvent::Offline);
    for _ in 0..bursts {
        world.burst(tab, 10);
    }
    world.crash(tab);
    (world, tab)
}

/// The next visit: long enough to find and to send everything.
fn visit(world: &mut World) -> usize {
    let tab = world.open();
    world.pass(20_000);
    tab
}

#[test]
fn a_burst_is_one_write_and_no_more() {
    let (mut world, tab) = World::with_tab(|_| {});
    world.track(tab, "the first one writes the header too");
    world.disk.reset();
    world.burst(tab, 40);
    let cost = world.disk.reset();
    assert_eq!((cost.writes, cost.removals, cost.listings), (1, 0, 0));
    assert!(cost.bytes_written < 40 * 300, "{cost:?}");
    assert_eq!(world.stats(tab).volatile, 0, "all of it is in the store");
}

#[test]
fn what_a_crash_left_is_delivered_by_the_next_visit_under_the_same_keys() {
    let (mut world, gone) = World::with_tab(|_| {});
    world.collector.script.push_back(Answer::Hang);
    world.burst(gone, 60);
    world.crash(gone);
    world.pass(60_000);
    let next = visit(&mut world);
    assert_eq!(world.stored(gone), (1..=60).collect::<Vec<_>>());
    assert_eq!(world.stats(next).adopted, 60);
    assert!(world.journal(gone).is_empty(), "and its keys are gone");
    let sealed: Vec<&Sent> = world
        .sent
        .iter()
        .filter(|sent| sent.batch_id() == world.sent[0].batch_id())
        .collect();
    assert_eq!(sealed.len(), 2);
    assert_eq!(
        sealed[0].body, sealed[1].body,
        "a sealed batch never changes"
    );
}

#[test]
fn what_had_arrived_is_not_sent_again_by_the_next_visit() {
    let (mut world, gone) = World::with_tab(|_| {});
    world.collector.script.push_back(Answer::Hang);
    world.burst(gone, 50);
    let sent = world.sent[0].clone();
    world.crash(gone);
    world.collector.store(&sent, &[]);
    visit(&mut world);
    assert!(world.sent[1].is_query(), "it asks what became of the batch");
    assert_eq!(world.sent.len(), 2);
    assert_eq!(
        (world.stored(gone).len(), world.collector.duplicates),
        (50, 0)
    );
}

#[test]
fn a_damaged_segment_costs_itself_is_set_aside_and_counted() {
    let (mut world, gone) = left_behind(3);
    let key = format!("sendoff:demo:{}:11-20", world.name(gone));
    let whole = world.disk.read(&key).unwrap();
    world.disk.plant(&key, &whole.replace("burst", "BURST"));
    let next = visit(&mut world);
    let stored = world.stored(gone);
    assert_eq!(stored, (1..=10).chain(21..=30).collect::<Vec<_>>());
    assert_eq!(world.drops(next), [(DropReason::Corrupt, 10)]);
    assert_eq!(world.errors(next), ["journal_damaged"]);
    let aside = world.disk.read("sendoff-damaged").unwrap();
    assert!(aside.starts_with(&key) && aside.contains("BURST"));
    assert!(world.journal(gone).is_empty());
}

#[test]
fn values_of_no_known_kind_do_no_harm() {
    let (mut world, gone) = left_behind(1);
    let name = world.name(gone).to_owned();
    let foreign = [
        (format!("sendoff:demo:{name}:o"), "\u{0}garbage".to_owned()),
        ("sendoff:demo:not a tab:1".to_owned(), "1 2 3".to_owned()),
        (
            "sendoff:other:00000000000000000009:1".to_owned(),
            "1".to_owned(),
        ),
        ("cart".to_owned(), "{\"items\":3}".to_owned()),
    ];
    for (key, value) in &foreign {
        world.disk.plant(key, value);
    }
    visit(&mut world);
    assert_eq!(world.stored(gone).len(), 10);
    for (key, value) in &foreign[1..] {
        assert_eq!(
            world.disk.read(key).as_ref(),
            Some(value),
            "{key} is not ours"
        );
    }
}

#[test]
fn keys_of_another_version_are_left_alone() {
    let (mut world, gone) = left_behind(1);
    let key = format!("sendoff:demo:{}:1-10", world.name(gone));
    let newer = world.disk.read(&key).unwrap().replacen('2', "3", 1);
    world.disk.plant(&key, &newer);
    let before = world.journal(gone);
    let next = visit(&mut world);
    assert_eq!(world.journal(gone), before);
    assert_eq!(world.disk.read(&key), Some(newer));
    assert_eq!(
        world.errors(next),
        ["journal_foreign_version"],
        "once, not at every look"
    );
    assert_eq!((world.stats(next).adopted, world.sent.len()), (0, 0));
}

#[test]
fn events_that_lay_too_long_are_given_up_and_explained() {
    let (mut world, gone) = left_behind(2);
    world.pass(8 * DAY_MS);
    let next = visit(&mut world);
    assert!(world.stored(gone).is_empty());
    assert_eq!(world.drops(next), [(DropReason::Expired, 20)]);
    assert_eq!(world.explained(gone), [(1, 20, "expired".to_owned())]);
    assert!(world.journal(gone).is_empty());
}

/// A tab that crashed with the events 1 to 10 sealed, 11 to 20 given up, 21 to 30 waiting.
fn left_with_a_gap() -> (World, usize) {
    let (mut world, tab) = World::with_tab(|opening| opening.config.max_queue_size = 20);
    world.collector.script.push_back(Answer::Hang);
    world.burst(tab, 10);
    world.flush(tab);
    world.burst(tab, 10);
    world.burst(tab, 10);
    world.crash(tab);
    // Long enough to be taken for gone at the first look.
    world.pass(5_000);
    (world, tab)
}

#[test]
fn a_gap_that_is_seen_late_along_with_later_events_is_explained() {
    let (mut world, gone) = left_with_a_gap();
    let late = ["o", "21-30"].map(|name| format!("sendoff:demo:{}:{name}", world.name(gone)));
    let values = late.each_ref().map(|key| world.disk.read(key).unwrap());
    for key in &late {
        world.disk.memory.remove(key);
    }
    world.collector.rule = Some(|_| Answer::Status(503));
    let next = world.open();
    world.pass(1_000);
    assert_eq!(world.stats(next).pending, 10, "it has the first ones");
    for (key, value) in late.iter().zip(&values) {
        world.disk.plant(key, value);
    }
    world.pass(3_000);
    world.collector.rule = None;
    world.pass(60_000);
    assert_eq!(
        world.stored(gone),
        (1..=10).chain(21..=30).collect::<Vec<_>>()
    );
    assert_eq!(world.explained(gone), [(11, 20, "overflow".to_owned())]);
    assert!(world.journal(gone).is_empty());
}

#[test]
fn a_gap_that_is_seen_when_all_else_is_delivered_is_explained() {
    let (mut world, gone) = left_with_a_gap();
    let record = format!("sendoff:demo:{}:o", world.name(gone));
    let value = world.disk.read(&record).unwrap();
    world.disk.memory.remove(&record);
    world.collector.script.push_back(Answer::Hang);
    let next = world.open();
    world.pass(1_000);
    assert!(
        world.sent.iter().all(|sent| sent.by == gone),
        "something is missing: it may be seen later"
    );
    world.pass(5_000);
    assert_eq!(
        world.sent.last().unwrap().by,
        next,
        "all it saw is on its way"
    );
    world.disk.plant(&record, &value);
    world.answer(next, &Answer::Ok);
    world.pass(20_000);
    assert_eq!(
        world.stored(gone),
        (1..=10).chain(21..=30).collect::<Vec<_>>()
    );
    assert_eq!(world.explained(gone), [(11, 20, "overflow".to_owned())]);
    assert!(world.journal(gone).is_empty());
}

#[test]
fn calls_of_a_page_that_never_got_its_engine_are_adopted() {
    let mut world = World::new();
    let early = "track\t1600000000000\t0\tname=\"early\"\nidentify\t1768478400001\t0\tuser=\"u1\"";
    let lost = "00000000000000000abc";
    let begun = world.time().wall.0;
    let key = format!("sendoff:demo:{lost}:e");
    world.disk.plant(&key, &format!("2 {begun}\n{early}"));
    let next = world.open();
    world.pass(4_000);
    assert_eq!(
        world.stats(next).adopted,
        0,
        "the page may live, and load its engine"
    );
    world.pass(8_000);
    assert_eq!(world.collector.seqs_of(lost), [1, 2]);
    assert!(world.disk.keys_of(lost).is_empty());
}

#[test]
fn a_journal_is_adopted_at_once_if_its_tab_said_goodbye_and_else_when_it_is_old() {
    for (says_goodbye, wait_ms) in [(true, 500), (false, 5_200)] {
        let (mut world, gone) =
            World::with_tab(|opening| opening.config.auto_flush_on_exit = false);
        world.page(gone, PageEvent::Offline);
        world.burst(gone, 10);
        if says_goodbye {
            world.close(gone);
        } else {
            world.crash(gone);
        }
        let next = world.open();
        world.pass(wait_ms - 500);
        let adopted = world.stats(next).adopted;
        assert_eq!(adopted, 0, "goodbye: {says_goodbye}");
        world.pass(500);
        let adopted = world.stats(next).adopted;
        assert_eq!(adopted, 10, "goodbye: {says_goodbye}");
    }
}

#[test]
fn what_is_tracked_after_the_goodbye_is_adopted_at_once_too() {
    let (mut world, gone) = World::with_tab(|opening| opening.config.auto_flush_on_exit = false);
    world.page(gone, PageEvent::Leaving);
    world.burst(gone, 10);
    world.crash(gone);
    let next = world.open();
    world.pass(500);
    assert_eq!(world.stats(next).adopted, 10);
}

#[test]
fn a_full_storage_gives_space_back_keeps_events_in_memory_and_recovers() {
    let (mut world, tab) = World::with_tab(|_| {});
    world.page(tab, PageEvent::Offline);
    for _ in 0..4 {
        world.burst(tab, 20);
    }
    let before = world.stats(tab).storage_bytes;
    world.disk.memory.quota_bytes = Some(world.disk.memory.used_bytes() + 100);
    world.burst(tab, 20);
    let stats = world.stats(tab);
    assert!(
        stats.storage_bytes <= before / 2,
        "half goes to the page, which needs it more"
    );
    assert_eq!(
        (stats.pending, world.errors(tab)),
        (100, vec!["storage_quota"])
    );
    assert!(stats.volatile >= 20);
    world
        .disk
        .set("page's own", &"x".repeat(before as usize / 3))
        .unwrap();

    world.disk.memory.quota_bytes = None;
    world.pass(120_000);
    world.track(tab, "and later it takes its share again");
    assert_eq!(world.stats(tab).volatile, 0);
    world.page(tab, PageEvent::Online);
    assert_eq!(world.stored(tab).len(), 101);
}

#[test]
fn blocked_storage_means_memory_said_once_and_delivered_all_the_same() {
    let (mut world, tab) = World::with_tab(|opening| opening.host.storage = Keeps::Nothing);
    world.burst(tab, 3);
    world.burst(tab, 3);
    let stats = world.stats(tab);
    assert_eq!(
        (stats.storage, stats.volatile, stats.storage_bytes),
        ("memory", 6, 0)
    );
    assert_eq!(world.errors(tab), ["storage_unavailable"]);
    world.flush(tab);
    assert_eq!(world.stored(tab).len(), 6);
}

#[test]
fn memory_that_was_asked_for_is_no_trouble() {
    let (mut world, tab) = World::with_tab(|opening| opening.host.storage = Keeps::WhileOpen);
    world.burst(tab, 3);
    assert_eq!(world.stats(tab).storage, "memory");
    world.flush(tab);
    assert_eq!(world.stored(tab).len(), 3);
    assert!(world.errors(tab).is_empty());
}

#[test]
fn storage_that_fails_later_means_memory_too() {
    let (mut world, tab) = World::with_tab(|_| {});
    world.disk.fails = Some(StoreError::Unavailable);
    world.burst(tab, 3);
    world.burst(tab, 3);
    assert_eq!(world.stats(tab).volatile, 6);
    assert_eq!(world.errors(tab), ["storage_unavailable"]);
    world.flush(tab);
    assert_eq!(world.stored(tab).len(), 6);
}

#[test]
fn storage_that_the_user_cleared_is_written_again() {
    let (mut world, tab) = World::with_tab(|_| {});
    world.page(tab, PageEvent::Offline);
    world.burst(tab, 10);
    world.disk.memory.entries.clear();
    world.track(tab, "next");
    assert_eq!(world.stats(tab).volatile, 0);
    world.crash(tab);
    visit(&mut world);
    assert_eq!(world.stored(tab), (1..=11).collect::<Vec<_>>());
}

#[test]
fn storage_that_the_user_cleared_is_written_again_when_the_page_is_hidden() {
    let (mut world, tab) = World::with_tab(|_| {});
    world.page(tab, PageEvent::Offline);
    world.burst(tab, 10);
    world.disk.memory.entries.clear();
    world.page(tab, PageEvent::Hidden);
    world.crash(tab);
    visit(&mut world);
    assert_eq!(world.stored(tab), (1..=10).collect::<Vec<_>>());
}

#[test]
fn the_cap_is_kept_and_what_is_beyond_it_stays_in_memory() {
    let (mut world, tab) = World::with_tab(|opening| opening.config.max_storage_bytes = 20_000);
    world.page(tab, PageEvent::Offline);
    for _ in 0..20 {
        world.burst(tab, 10);
        assert!(
            world.disk.memory.used_bytes() <= 20_000 + 100,
            "the identity is extra"
        );
    }
    let stats = world.stats(tab);
    assert!(stats.volatile > 0 && stats.pending == 200);
    world.page(tab, PageEvent::Online);
    assert_eq!(world.stored(tab).len(), 200);
}

#[test]
fn events_given_up_do_not_keep_newer_ones_out_of_storage() {
    let (mut world, tab) = World::with_tab(|opening| {
        opening.config.max_queue_size = 100;
        opening.config.max_storage_bytes = 60_000;
    });
    world.collector.rule = Some(|_| Answer::Status(503));
    // The first batch is sealed and stays at the front, whatever is dropped behind it.
    for _ in 0..100 {
        world.burst(tab, 10);
    }
    let stats = world.stats(tab);
    assert!(stats.pending <= 150);
    assert_eq!(
        stats.volatile, 0,
        "a hundred events fit into 60 KB: {stats:?}"
    );
}

#[test]
fn small_segments_are_merged_when_idle() {
    let (mut world, tab) = World::with_tab(|opening| opening.config.disable_timer = true);
    for _ in 0..30 {
        world.track(tab, "small");
    }
    assert!(world.journal(tab).len() >= 30);
    world.disk.reset();
    world.pass(10_000);
    assert!(world.journal(tab).len() <= 3, "{:?}", world.journal(tab));
    assert_eq!(world.disk.reset().writes, 1);
    world.pass(60_000);
    assert_eq!(
        world.disk.reset().accesses(),
        0,
        "and then there is nothing to do"
    );
    world.crash(tab);
    visit(&mut world);
    assert_eq!(world.stored(tab), (1..=30).collect::<Vec<_>>());
}

#[test]
fn a_crash_in_the_middle_of_a_merge_loses_and_doubles_nothing() {
    let (mut world, tab) = World::with_tab(|opening| opening.config.disable_timer = true);
    for _ in 0..30 {
        world.track(tab, "small");
    }
    let before = world.disk.memory.clone();
    world.pass(10_000);
    world.crash(tab);
    // The merged segment was written; of the old ones only some were removed.
    for (index, (key, value)) in before.entries.into_iter().enumerate() {
        if index % 3 != 0 && world.disk.read(&key).is_none() {
            world.disk.plant(&key, &value);
        }
    }
    assert!(world.journal(tab).len() > 10);
    let next = visit(&mut world);
    assert_eq!(world.stored(tab), (1..=30).collect::<Vec<_>>());
    assert_eq!(
        (world.stats(next).adopted, world.collector.duplicates),
        (30, 0)
    );
    assert!(world.journal(tab).is_empty());
}

#[test]
fn a_visitor_keeps_the_anonymous_id_and_the_user_over_visits() {
    let (mut world, tab) = World::with_tab(|_| {});
    world.calls(tab, &format!("identify\t{WALL_START_MS}\t0\tuser=\"u1\""));
    world.close(tab);
    let next = world.open_with(|opening| opening.host.anonymous_id = "somebody else".to_owned());
    world.pass(1_000);
    world.track(next, "again");
    world.flush(next);
    let body = world.sent.last().unwrap().json();
    assert_eq!(body["events"][0]["userId"], "u1");
    assert_eq!(body["events"][0]["anonymousId"], "visitor");
}
