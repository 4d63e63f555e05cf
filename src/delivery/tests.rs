//! A delivery alone: lanes, requests and answers, without tabs, calls or a store.

use super::{
    Delivery, Effect, Moment, Rules,
    destination::Destination,
    exit::Going,
    flights::KEEPALIVE_BYTES_MAX,
    lane::{Due, Lane},
    retry::RetryRules,
    sizing::Sizing,
};
use crate::{
    journal::{
        log::Log,
        lot::{Lot, Rights},
        segments::Journal,
        stream::Stream,
    },
    model::{
        ids::TabId,
        request::{Gzip, Means, Nature, Outcome, Request, RequestId, Why},
        rng::Rng,
        time::{Instant, Now, UnixMillis},
    },
    wire::native::Native,
};

const WALL: u64 = 1_768_478_400_000;
const BATCH_BYTES: usize = 60_000;

/// Destinations in our own format, a stream of this tab's, and what time it is.
struct World {
    delivery: Delivery,
    own: Stream,
    rng: Rng,
    now: u64,
    due: Due,
}

impl World {
    fn new(names: &[&str]) -> Self {
        let destination = |name: &&str| Destination {
            name: (*name).to_owned(),
            format: Box::new(Native::new(&format!("/{name}"), "key")),
            only: Vec::new(),
            except: Vec::new(),
            marketing: false,
        };
        let lanes: Vec<Lane> = (0..)
            .zip(names.iter().map(destination))
            .map(|(index, one)| Lane::new(index, one, Sizing::new(BATCH_BYTES, 10_000)))
            .collect();
        let owed: Vec<_> = lanes.iter().map(|lane| lane.destination.owed()).collect();
        let tab = TabId::parse("00000000000000000001").unwrap();
        let log = Log::new(tab, "{}".into(), "{}".into());
        let rules = Rules {
            retry: RetryRules {
                attempts: 5,
                base_ms: 1_000,
            },
            flush_on_exit: true,
            has_deferred: true,
            has_keepalive: true,
            gzip: true,
        };
        Self {
            delivery: Delivery::new(lanes, rules),
            own: Stream::new(log, Journal::new("p", &tab.text(), 0), &owed),
            rng: Rng::new(1),
            now: 0,
            due: Due {
                go_to: 0,
                flush_at: 50,
                batch_events: 500,
            },
        }
    }

    /// So many events of about so many bytes.
    fn track(&mut self, events: usize, bytes: usize) {
        for _ in 0..events {
            let filling = "x".repeat(bytes);
            let text = format!("{{\"name\":\"n\",\"properties\":{{\"x\":\"{filling}\"}}}}");
            self.own.log.push(0, text);
        }
    }

    fn with<R>(
        &mut self,
        act: impl FnOnce(&mut Delivery, &mut Moment<'_>, &mut [Lot<'_>], &mut Vec<Effect>) -> R,
    ) -> Vec<Effect> {
        let mut out = Vec::new();
        let mut at = Moment {
            now: Now {
                mono: Instant(self.now),
                wall: UnixMillis(WALL + self.now),
            },
            leaving: false,
            due: self.due,
            rng: &mut self.rng,
        };
        let stream = &mut self.own;
        let rights = Rights::Own;
        act(
            &mut self.delivery,
            &mut at,
            &mut [Lot { stream, rights }],
            &mut out,
        );
        out
    }

    fn pump(&mut self) -> Vec<(usize, Request)> {
        let out = self.with(|delivery, at, lots, out| delivery.pump(at, lots, |_| true, out));
        sent(out)
    }

    fn pack(&mut self) -> Vec<(usize, Request)> {
        let out = self.with(|delivery, at, lots, out| {
            delivery.pack(at, Going::Leaving, lots, |_| true, out);
        });
        sent(out)
    }

    fn answer(&mut self, id: RequestId, outcome: &Outcome) -> Vec<Effect> {
        self.with(|delivery, at, lots, out| delivery.on_outcome(at, id, outcome, lots, out))
    }

    /// An answer that ends a batch of fifty events, for the stream as well.
    fn end(&mut self, id: RequestId, code: u16) {
        let effects = self.answer(id, &status(code));
        let [Effect::Ended(batch, ending, 50)] = &effects[..] else {
            panic!("{effects:?}")
        };
        self.own.settle(batch, ending, true);
    }

    fn deliver(&mut self, (_, request): &(usize, Request)) {
        self.end(request.id, 200);
    }
}

fn sent(out: Vec<Effect>) -> Vec<(usize, Request)> {
    let sent = out.into_iter().filter_map(|effect| match effect {
        Effect::Send { request, lane, .. } => Some((lane, request)),
        _ => None,
    });
    sent.collect()
}

fn status(code: u16) -> Outcome {
    Outcome::Status {
        code,
        retry_after: None,
        body: None,
        nature: Nature::Plain,
    }
}

/// Bytes of what was sent to a destination.
fn bytes(sent: &[(usize, Request)], to: usize) -> usize {
    let bodies = sent.iter().filter(|(lane, _)| *lane == to);
    bodies.map(|(_, request)| request.body.len()).sum()
}

#[test]
fn each_destination_has_one_request_under_way_and_none_waits_for_another() {
    let mut world = World::new(&["own", "crm"]);
    world.track(50, 10);
    let first = world.pump();
    assert_eq!(
        first.iter().map(|(lane, _)| *lane).collect::<Vec<_>>(),
        [0, 1]
    );
    assert!(first.iter().all(|(_, request)| request.why == Why::Due));
    let failed = world.answer(first[0].1.id, &status(503));
    assert!(failed.is_empty(), "one failure is no news: {failed:?}");
    world.deliver(&first[1]);
    assert!(
        world.pump().is_empty(),
        "one is closed, the other has nothing"
    );
    world.now = 60_000;
    let again = world.pump();
    assert_eq!(again.len(), 1);
    assert_eq!((again[0].0, &again[0].1.body), (0, &first[0].1.body));
}

#[test]
fn last_words_are_shared_by_the_destinations_that_work() {
    let mut world = World::new(&["own", "crm", "stats"]);
    world.track(100, 1_000);
    let sent = world.pack();
    assert!(
        sent.iter()
            .all(|(_, request)| request.means == Means::Keepalive)
    );
    let shares = [0, 1, 2].map(|lane| bytes(&sent, lane));
    assert!(shares.iter().all(|share| *share >= 19_000), "{shares:?}");
    let all: usize = shares.iter().sum();
    assert!((62_000..=KEEPALIVE_BYTES_MAX).contains(&all), "{shares:?}");
}

#[test]
fn one_that_works_alone_has_all_the_room() {
    let mut world = World::new(&["own", "crm"]);
    world.track(50, 1_000);
    let failed = world.pump();
    world.answer(failed[1].1.id, &status(503));
    world.deliver(&failed[0]);
    world.track(50, 1_000);
    let sent = world.pack();
    assert!(bytes(&sent, 0) > 50_000, "own has room for all of it");
    let failing = sent.iter().filter(|(lane, _)| *lane == 1);
    assert!(failing.count() <= 1, "the other has a batch at most");
    assert_eq!(sent[0].0, 0, "and comes last");
}

#[test]
fn one_that_leaves_requests_unanswered_comes_last() {
    let mut world = World::new(&["own", "crm"]);
    world.track(50, 100);
    let asked = world.pump();
    world.deliver(&asked[1]);
    world.track(40, 100);
    let order = |world: &mut World| {
        let sent = world.pack();
        sent.iter().map(|(lane, _)| *lane).collect::<Vec<_>>()
    };
    world.now = 1_000;
    assert_eq!(order(&mut world), [1, 0]);
}

#[test]
fn a_batch_that_is_too_large_is_halved() {
    let mut world = World::new(&["own"]);
    world.track(50, 10);
    let whole = world.pump();
    world.end(whole[0].1.id, 413);
    let half = world.pump();
    assert!(half[0].1.body.len() < whole[0].1.body.len() * 2 / 3);
}

#[test]
fn the_browser_holds_what_waits_and_gives_it_back_when_it_leaves() {
    let mut world = World::new(&["own"]);
    world.track(3, 10);
    let defer = |world: &mut World| {
        world.with(|delivery, at, lots, out| {
            let own = &mut *lots[0].stream;
            delivery.defer(at, own, out);
        })
    };
    let held = sent(defer(&mut world));
    assert_eq!((held.len(), held[0].1.means), (1, Means::Deferred));
    world.answer(held[0].1.id, &Outcome::Queued);
    assert_eq!(world.delivery.deferred_seals().len(), 1);
    world.due.go_to = 3;
    let out = world.with(|delivery, at, lots, out| delivery.pump(at, lots, |_| true, out));
    assert!(out.contains(&Effect::Cancel(held[0].1.id)), "{out:?}");
    assert_eq!(sent(out).len(), 1);
    assert!(world.delivery.deferred_seals().is_empty());
}

#[test]
fn a_body_may_be_gzipped_while_the_page_lives_and_never_as_its_last_words() {
    let mut world = World::new(&["a"]);
    world.track(50, 10);
    let sent = world.pump();
    assert_eq!(sent[0].1.gzip, Gzip::ByHeader);
    world.deliver(&sent[0]);
    world.track(10, 10);
    let words = world.pack();
    assert_eq!(
        (words.len(), words[0].1.gzip, words[0].1.means),
        (1, Gzip::No, Means::Keepalive)
    );
}
