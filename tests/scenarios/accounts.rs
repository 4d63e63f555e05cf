//! What is in the account is what the page did. The start of a session is an event of the SDK's own: it is stored as
//! any other, but no account counts it, and it takes nobody's place.

use sendoff::{
    engine::{io::PageEvent, report::Stats},
    model::drop_reason::DropReason,
};

use crate::collector::{Answer, Sent};
use crate::world::{Opening, World};

const DAY_MS: u64 = 86_400_000;

fn with_sessions(opening: &mut Opening) {
    opening.config.intake.sessions = true;
    opening.config.max_queue_size = 5;
}

/// Accepted and adopted, delivered, waiting, given up.
fn figures(stats: &Stats) -> (u64, u64, u64, u64) {
    let dropped = stats.dropped.iter().map(|dropped| dropped.count).sum();
    assert_eq!(
        stats.accepted + stats.adopted,
        stats.delivered + stats.pending + stats.handed_back + dropped
    );
    (
        stats.accepted + stats.adopted,
        stats.delivered,
        stats.pending,
        dropped,
    )
}

#[test]
fn the_start_of_a_session_takes_nobodys_place_in_a_full_queue() {
    let (mut world, tab) = World::with_tab(with_sessions);
    world.page(tab, PageEvent::Offline);
    world.burst(tab, 5);
    let stats = world.stats(tab);
    assert_eq!(figures(&stats), (5, 0, 5, 0));
    assert_eq!((stats.last_seq, stats.volatile), (6, 0));
    world.page(tab, PageEvent::Online);
    assert_eq!(world.stored(tab), [1, 2, 3, 4, 5, 6]);
    assert_eq!(figures(&world.stats(tab)), (5, 5, 0, 0));
}

#[test]
fn one_event_more_than_may_wait_costs_one() {
    let (mut world, tab) = World::with_tab(with_sessions);
    world.page(tab, PageEvent::Offline);
    world.burst(tab, 5);
    assert_eq!(world.drops(tab), []);
    world.burst(tab, 1);
    assert_eq!(figures(&world.stats(tab)), (6, 0, 5, 1));
    assert_eq!(world.drops(tab), [(DropReason::Overflow, 1)]);
    world.page(tab, PageEvent::Online);
    assert_eq!(world.stored(tab), [3, 4, 5, 6, 7]);
}

#[test]
fn what_is_refused_or_adopted_is_counted_without_it() {
    let (mut world, tab) = World::with_tab(with_sessions);
    world.collector.rule = Some(|_| Answer::Status(400));
    world.burst(tab, 3);
    world.flush(tab);
    assert_eq!(figures(&world.stats(tab)), (3, 0, 0, 3));
    assert_eq!(world.drops(tab), [(DropReason::Rejected, 3)]);

    let (mut world, gone) = World::with_tab(with_sessions);
    world.page(gone, PageEvent::Offline);
    world.burst(gone, 4);
    world.crash(gone);
    world.pass(60_000);
    let next = world.open();
    world.pass(10_000);
    assert_eq!(world.stored(gone), [1, 2, 3, 4, 5]);
    let stats = world.stats(next);
    assert_eq!((stats.adopted, figures(&stats)), (4, (4, 4, 0, 0)));
}

#[test]
fn what_lay_too_long_is_counted_without_it_and_explained_with_it() {
    let (mut world, gone) = World::with_tab(with_sessions);
    world.page(gone, PageEvent::Offline);
    world.burst(gone, 4);
    world.crash(gone);
    world.pass(8 * DAY_MS);
    let next = world.open();
    world.pass(10_000);
    assert_eq!(world.drops(next), [(DropReason::Expired, 4)]);
    assert_eq!(world.explained(gone), [(1, 5, "expired".to_owned())]);
    assert_eq!(figures(&world.stats(next)), (4, 0, 0, 4));
    world.crash(next);
    world.pass(60_000);
    let later = world.open();
    world.pass(10_000);
    assert_eq!(figures(&world.stats(later)), (0, 0, 0, 0));
}

/// Mixpanel takes events of the last five days, answers 200 to older ones, and drops them.
#[cfg(feature = "destinations")]
fn own_and_mixpanel(opening: &mut Opening) {
    let destination = |format: &str| sendoff::engine::config::DestinationConfig {
        name: format.to_owned(),
        format: format.to_owned(),
        endpoint: format!("/{format}"),
        api_key: "key".to_owned(),
        ..Default::default()
    };
    opening.config.destinations = ["native", "mixpanel"].map(destination).into();
}

#[cfg(feature = "destinations")]
fn is_vendors(sent: &Sent) -> bool {
    sent.body.starts_with("data=")
}

/// The vendor says so with a number.
#[cfg(feature = "destinations")]
fn takes_all(sent: &Sent) -> Answer {
    if is_vendors(sent) {
        Answer::Status(200)
    } else {
        Answer::Ok
    }
}

/// What a destination is told to have got, and what was given up there.
#[cfg(feature = "destinations")]
fn fate_at(world: &World, tab: usize, name: &str) -> (u64, u64, Vec<(&'static str, u64)>) {
    let destinations = world.stats(tab).destinations;
    let (_, figures) = destinations
        .iter()
        .find(|(known, _)| known == name)
        .unwrap();
    let dropped = figures.dropped.iter().map(|one| (one.reason, one.count));
    (figures.delivered, figures.pending, dropped.collect())
}

#[cfg(feature = "destinations")]
#[test]
fn what_has_waited_for_so_long_that_a_vendor_would_lose_it_is_given_up_there_alone() {
    // In a living tab: the network is gone for six days, some of it sealed when that began, and some is tracked after it.
    let (mut world, tab) = World::with_tab(own_and_mixpanel);
    world.collector.rule = Some(|_| Answer::Network);
    world.burst(tab, 60);
    for _ in 0..6 {
        world.pass(DAY_MS);
    }
    world.burst(tab, 3);
    world.collector.rule = Some(takes_all);
    world.page(tab, PageEvent::Online);
    world.pass(700_000);
    assert_eq!(fate_at(&world, tab, "native"), (63, 0, vec![]));
    assert_eq!(
        fate_at(&world, tab, "mixpanel"),
        (3, 0, vec![("expired", 60)])
    );

    // A clock that is set ahead makes nothing old.
    let (mut world, tab) = World::with_tab(own_and_mixpanel);
    world.collector.rule = Some(|_| Answer::Network);
    world.burst(tab, 3);
    world.pass(10_000);
    world.ahead_ms = 365 * DAY_MS;
    world.collector.rule = Some(takes_all);
    world.page(tab, PageEvent::Online);
    world.pass(700_000);
    assert_eq!(fate_at(&world, tab, "mixpanel"), (3, 0, vec![]));

    // And found by the next visit.
    let (mut world, gone) = World::with_tab(own_and_mixpanel);
    world.collector.rule = Some(|_| Answer::Network);
    world.burst(gone, 60);
    world.pass(10_000);
    world.burst(gone, 3);
    world.crash(gone);
    world.pass(6 * DAY_MS);
    world.collector.rule = Some(takes_all);
    let next = world.open_with(own_and_mixpanel);
    world.track(next, "today");
    world.pass(700_000);
    assert_eq!(fate_at(&world, next, "native"), (64, 0, vec![]));
    assert_eq!(
        fate_at(&world, next, "mixpanel"),
        (1, 0, vec![("expired", 63)])
    );
    let mut vendors = world.sent.iter().filter(|sent| is_vendors(sent)).peekable();
    assert!(vendors.peek().is_some());
    assert!(
        vendors
            .skip_while(|sent| sent.at < 6 * DAY_MS)
            .all(|sent| sent.body.contains("today"))
    );
}

#[cfg(feature = "destinations")]
#[test]
fn what_a_vendor_would_lose_without_a_word_is_given_up_here_and_goes_to_the_others() {
    let (mut world, tab) = World::with_tab(own_and_mixpanel);
    let at = crate::world::WALL_START_MS;
    let old = at - 6 * 24 * 3_600_000;
    world.calls(tab, &format!("track\t{at}\t0\tname=\"old\"\tts={old}"));
    let figures = world.stats(tab).destinations;
    let of = |name: &str| figures.iter().find(|(known, _)| known == name).unwrap();
    let (own, vendor) = (&of("native").1, &of("mixpanel").1);
    assert_eq!((own.accepted, own.pending, own.dropped.len()), (1, 1, 0));
    assert_eq!((vendor.accepted, vendor.pending), (1, 0));
    assert_eq!(
        (vendor.dropped[0].reason, vendor.dropped[0].count),
        ("expired", 1)
    );
}

#[cfg(feature = "destinations")]
#[test]
fn one_event_that_a_vendor_refuses_takes_no_other_along_and_one_that_refuses_all_is_not_asked_about_each()
 {
    let world_of = || {
        World::with_tab(|opening| {
            opening.config.destinations = vec![sendoff::engine::config::DestinationConfig {
                name: "vendor".to_owned(),
                format: "posthog".to_owned(),
                endpoint: "/vendor".to_owned(),
                api_key: "key".to_owned(),
                ..Default::default()
            }];
            opening.config.max_batch_size = 500;
        })
    };
    let counts = |world: &World, tab| {
        let figures = &world.stats(tab).destinations[0].1;
        let dropped = figures.dropped.iter().map(|one| (one.reason, one.count));
        (figures.delivered, dropped.collect::<Vec<_>>())
    };
    let (mut world, tab) = world_of();
    world.collector.rule = Some(|sent| {
        Answer::Status(if sent.body.contains("poison") {
            400
        } else {
            200
        })
    });
    world.burst(tab, 200);
    world.track(tab, "poison");
    world.burst(tab, 200);
    world.pass(60_000);
    assert_eq!(counts(&world, tab), (400, vec![("rejected", 1)]));
    assert!(world.sent.len() <= 25, "{} requests", world.sent.len());

    let (mut world, tab) = world_of();
    world.collector.rule = Some(|_| Answer::Status(400));
    world.burst(tab, 2_000);
    world.pass(60_000);
    assert_eq!(counts(&world, tab), (0, vec![("rejected", 2_000)]));
    assert!(world.sent.len() <= 100, "{} requests", world.sent.len());
}
