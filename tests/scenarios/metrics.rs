//! Numbers, which travel beside the events and never in their way.

use sendoff::engine::io::{Means, PageEvent};
use sendoff::engine::report::Report;

use crate::collector::Answer;
use crate::world::{WALL_START_MS, World};

fn record(world: &mut World, tab: usize, value: usize) {
    let at = WALL_START_MS + world.now;
    let line = format!("metric\t{at}\t0\tname=\"lcp\"\tvalue={value}\ttype=\"timing\"");
    world.calls(tab, &line);
}

/// The values that were stored, in order of their numbers.
fn stored(world: &World) -> Vec<u64> {
    let values = world.collector.metrics.values();
    values.map(|value| value.as_u64().unwrap()).collect()
}

#[test]
fn they_go_in_one_request_a_period_to_their_own_place_and_are_in_the_account() {
    let (mut world, tab) = World::with_tab(|_| {});
    for value in 1..=40 {
        record(&mut world, tab, value);
        world.pass(100);
    }
    assert!(world.sent.is_empty());
    world.pass(30_000);
    assert_eq!((world.sent.len(), stored(&world).len()), (1, 40));
    let figures = world.stats(tab).metrics;
    assert_eq!((figures.recorded, figures.delivered), (40, 40));
    assert_eq!(world.stats(tab).accepted, 0, "they are no events");
}

#[test]
fn an_outage_of_metrics_delays_no_event_and_one_of_events_no_metric() {
    for (hangs, done) in [
        ("metrics", (vec![1], vec![])),
        ("events", (vec![], vec![7])),
    ] {
        let (mut world, tab) = World::with_tab(|_| {});
        world.collector.rule = Some(if hangs == "metrics" {
            |sent| {
                if sent.is_metrics() {
                    Answer::Hang
                } else {
                    Answer::Ok
                }
            }
        } else {
            |sent| {
                if sent.is_metrics() {
                    Answer::Ok
                } else {
                    Answer::Status(503)
                }
            }
        });
        record(&mut world, tab, 7);
        world.flush(tab);
        world.track(tab, "event");
        world.flush(tab);
        world.pass(100);
        assert_eq!((world.stored(tab), stored(&world)), done, "{hangs} hang");
    }
}

#[test]
fn they_leave_with_the_page_after_the_events() {
    let (mut world, tab) = World::with_tab(|_| {});
    world.burst(tab, 3);
    record(&mut world, tab, 5);
    world.close(tab);
    let kinds: Vec<(bool, Means)> = world
        .sent
        .iter()
        .map(|sent| (sent.is_metrics(), sent.means))
        .collect();
    assert_eq!(kinds, [(false, Means::Keepalive), (true, Means::Keepalive)]);
    assert_eq!(stored(&world), [5]);
}

#[test]
fn what_found_no_way_out_goes_with_the_next_visit_and_counts_once() {
    let (mut world, tab) = World::with_tab(|_| {});
    world.collector.rule = Some(|_| Answer::Lost);
    record(&mut world, tab, 5);
    world.page(tab, PageEvent::Hidden);
    assert_eq!(stored(&world), [5], "it arrived, and nobody knows");
    record(&mut world, tab, 6);
    world.page(tab, PageEvent::Leaving);
    world.crash(tab);
    assert!(
        world
            .disk
            .all_keys()
            .iter()
            .any(|key| key.contains(":metrics:"))
    );
    world.collector.rule = None;
    world.open();
    world.pass(60_000);
    assert_eq!(stored(&world), [5, 6]);
    assert!(
        !world
            .disk
            .all_keys()
            .iter()
            .any(|key| key.contains(":metrics:"))
    );
}

#[test]
fn without_consent_they_are_neither_kept_nor_sent() {
    let (mut world, tab) = World::with_tab(|_| {});
    world.collector.rule = Some(|_| Answer::Hang);
    record(&mut world, tab, 1);
    world.flush(tab);
    record(&mut world, tab, 2);
    world.page(tab, PageEvent::Hidden);
    let denied = format!("consent\t{WALL_START_MS}\t0\tanalytics=denied\tmarketing=denied");
    world.calls(tab, &denied);
    let sent = world.sent.len();
    record(&mut world, tab, 3);
    world.page(tab, PageEvent::Leaving);
    world.pass(600_000);
    assert_eq!((world.sent.len(), world.disk.all_keys().len()), (sent, 0));
    let figures = world.stats(tab).metrics;
    assert_eq!(
        (figures.recorded, figures.pending, figures.dropped),
        (2, 0, 2)
    );
}

#[test]
fn one_that_is_none_is_refused_by_its_name_and_one_without_a_span_is_kept() {
    let (mut world, tab) = World::with_tab(|_| {});
    let at = WALL_START_MS;
    world.calls(tab, &format!("metric\t{at}\t0\tname=\"bad\"\tvalue={{}}"));
    world.calls(
        tab,
        &format!("metric\t{at}\t0\tname=\"good\"\tvalue=1\tparent=\"00-0-0-00\""),
    );
    world.calls(
        tab,
        &format!("metric\t{at}\t0\tname=\"mail\"\tvalue=2\ttags={{\"to\":\"ann@example.com\"}}"),
    );
    world.calls(
        tab,
        &format!("metric\t{at}\t0\tname=\"of ann@example.com\"\tvalue=3"),
    );
    let told: Vec<(&str, bool)> = world
        .reports(tab)
        .iter()
        .filter_map(|report| match report {
            Report::Error { code, message } => Some((*code, message.contains("recordMetric(bad)"))),
            _ => None,
        })
        .collect();
    assert_eq!(
        told,
        [("metric_invalid", true), ("metric_parent_invalid", false)]
    );
    world.flush(tab);
    let body = &world.sent.last().unwrap().body;
    assert!(
        body.contains("[redacted:email]") && !body.contains("ann@"),
        "{body}"
    );
    assert_eq!(stored(&world), [1, 2, 3]);
}
