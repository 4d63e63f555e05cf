use super::*;
use crate::{
    delivery::retry::RetryRules,
    model::{
        request::Nature,
        store::{MemoryStore, Store},
    },
    wire::native_metrics::NativeMetrics,
};

const ROOM: usize = 60_000;

fn metrics(queue_max: usize) -> Metrics {
    let config = MetricsConfig {
        format: Box::new(NativeMetrics::new("/in/metrics", "key")),
        sdk: "{}".to_owned(),
        context: "{}".to_owned(),
        prefix: "sendoff:p:".to_owned(),
        queue_max,
        interval_ms: 30_000,
        retry: RetryRules {
            attempts: 3,
            base_ms: 300,
        },
        has_keepalive: true,
        storage_bytes: 1 << 20,
    };
    let tab = TabId::parse("00000000000000000001").unwrap();
    Metrics::new(config, tab, Sizing::new(ROOM, 5_000))
}

const fn at(ms: u64) -> Now {
    Now {
        mono: Instant(ms),
        wall: UnixMillis(1_768_478_400_000 + ms),
    }
}

fn sample(name: &str) -> String {
    format!("{{\"name\":\"{name}\"}}")
}

fn status(code: u16, body: &str) -> Outcome {
    Outcome::Status {
        code,
        retry_after: None,
        body: Some(body.to_owned()),
        nature: Nature::Plain,
    }
}

fn next(metrics: &mut Metrics, ms: u64) -> Option<Request> {
    metrics.next(at(ms), ROOM, || RequestId(ms as u32))
}

fn answer(metrics: &mut Metrics, ms: u64, request: &Request, outcome: &Outcome) {
    let mut rng = Rng::new(1);
    assert!(metrics.on_outcome(at(ms), request.id, outcome, &mut rng));
}

fn seqs(body: &str) -> Vec<u64> {
    let body: serde_json::Value = serde_json::from_str(body).unwrap();
    let all = body["metrics"].as_array().unwrap().iter();
    all.map(|one| one["seq"].as_u64().unwrap()).collect()
}

fn balanced(metrics: &Metrics) -> MetricsFigures {
    let figures = metrics.figures();
    let sum = figures.delivered + figures.pending + figures.dropped;
    assert_eq!(figures.recorded, sum, "{figures:?}");
    figures
}

#[test]
fn one_request_a_period_has_all_of_it() {
    let mut metrics = metrics(500);
    metrics.record(Instant(0), sample("a"));
    metrics.record(Instant(20_000), sample("b"));
    assert_eq!(metrics.next_timeout(), Instant(30_000));
    assert!(next(&mut metrics, 29_999).is_none());
    let request = next(&mut metrics, 30_000).unwrap();
    assert_eq!(
        (request.means, seqs(&request.body)),
        (Means::Keepalive, vec![1, 2])
    );
    assert!(request.url.starts_with("/in/metrics?sentAt="));
    metrics.record(Instant(30_001), sample("c"));
    assert!(next(&mut metrics, 90_000).is_none(), "one at a time");
    answer(
        &mut metrics,
        90_000,
        &request,
        &status(200, "{\"accepted\":2}"),
    );
    assert_eq!(metrics.next_timeout(), Instant(120_000));
    assert_eq!(
        balanced(&metrics),
        MetricsFigures {
            recorded: 3,
            delivered: 2,
            pending: 1,
            dropped: 0
        }
    );
}

#[test]
fn the_oldest_go_when_there_are_too_many_and_that_is_told() {
    let mut metrics = metrics(3);
    for name in ["a", "b", "c", "d", "e"] {
        metrics.record(Instant(0), sample(name));
    }
    assert_eq!(balanced(&metrics).dropped, 2);
    let request = next(&mut metrics, 30_000).unwrap();
    assert_eq!(seqs(&request.body), [3, 4, 5]);
    let gap = "\"dropped\":[{\"from\":1,\"to\":2,\"reason\":\"overflow\"}]";
    assert!(request.body.contains(gap), "{}", request.body);
    // What failed is told again, with what was given up since.
    metrics.record(Instant(30_001), sample("f"));
    answer(&mut metrics, 30_010, &request, &Outcome::Network);
    assert_eq!(balanced(&metrics).dropped, 3);
    let again = next(&mut metrics, 60_000).unwrap();
    assert_eq!(seqs(&again.body), [4, 5, 6]);
    assert!(again.body.contains("\"from\":1,\"to\":3"), "{}", again.body);
}

#[test]
fn a_failure_waits_and_a_refusal_is_counted() {
    let mut metrics = metrics(500);
    metrics.record(Instant(0), sample("a"));
    metrics.record(Instant(0), sample("b"));
    metrics.go(Instant(0));
    let request = next(&mut metrics, 0).unwrap();
    answer(&mut metrics, 10, &request, &status(503, ""));
    let wait = metrics.next_timeout();
    assert!(wait > Instant(10) && wait <= Instant(10 + 300), "{wait:?}");
    let request = next(&mut metrics, 1_000).unwrap();
    assert_eq!(request.why, Why::Retry);
    let body = "{\"accepted\":1,\"rejected\":[{\"index\":1}]}";
    answer(&mut metrics, 1_010, &request, &status(200, body));
    assert_eq!(
        (balanced(&metrics).delivered, balanced(&metrics).dropped),
        (1, 1)
    );
    // A web page is no answer: it is kept.
    metrics.record(Instant(2_000), sample("c"));
    metrics.go(Instant(2_000));
    let request = next(&mut metrics, 2_000).unwrap();
    answer(&mut metrics, 2_010, &request, &status(200, "<html>"));
    assert_eq!(balanced(&metrics).pending, 1);
    let request = next(&mut metrics, 40_000).unwrap();
    answer(&mut metrics, 40_010, &request, &status(400, "{}"));
    assert_eq!(balanced(&metrics).dropped, 2);
}

#[test]
fn what_is_too_large_is_cut_and_goes_on_at_once() {
    let mut metrics = metrics(500);
    for _ in 0..400 {
        metrics.record(Instant(0), sample(&"x".repeat(200)));
    }
    let first = next(&mut metrics, 30_000).unwrap();
    assert!(first.body.len() <= ROOM);
    answer(&mut metrics, 30_010, &first, &status(413, ""));
    let half = next(&mut metrics, 30_010).unwrap();
    assert!(
        half.body.len() <= first.body.len() / 2,
        "{}",
        half.body.len()
    );
    answer(
        &mut metrics,
        30_020,
        &half,
        &status(200, "{\"accepted\":1}"),
    );
    let rest = next(&mut metrics, 30_020).unwrap();
    assert_eq!(
        seqs(&rest.body).first().copied(),
        Some(seqs(&half.body).len() as u64 + 1)
    );
    balanced(&metrics);
}

#[test]
fn what_comes_after_a_flush_waits_for_its_time() {
    let mut metrics = metrics(500);
    metrics.go(Instant(0));
    metrics.record(Instant(1), sample("a"));
    assert!(next(&mut metrics, 30_000).is_none());
    assert!(next(&mut metrics, 30_001).is_some());
}

#[test]
fn an_overdue_answer_is_none() {
    let mut metrics = metrics(500);
    metrics.record(Instant(0), sample("a"));
    metrics.go(Instant(0));
    let request = next(&mut metrics, 0).unwrap();
    assert_eq!(metrics.next_timeout(), Instant(5_000));
    let mut rng = Rng::new(1);
    assert!(metrics.on_overdue(at(4_999), &mut rng).is_empty());
    assert_eq!(metrics.on_overdue(at(5_000), &mut rng), [request.id]);
    assert_eq!(balanced(&metrics).pending, 1);
    assert!(
        !metrics.on_outcome(
            at(5_001),
            request.id,
            &status(200, "{\"accepted\":1}"),
            &mut rng
        ),
        "nobody waits for it any more"
    );
}

#[test]
fn what_does_not_fit_out_with_the_page_is_kept_for_the_next() {
    let mut store = MemoryStore::default();
    let mut first = metrics(500);
    for _ in 0..20 {
        first.record(Instant(0), sample(&"x".repeat(500)));
    }
    let mut ids = 0..;
    let mut id = || RequestId(ids.next().unwrap());
    let sent = first.pack(at(1), true, 10_000, &mut id);
    assert_eq!((sent.len(), sent[0].why), (1, Why::LastWords));
    assert!(sent[0].body.len() <= 10_000);
    first.keep(at(1).wall, &mut store);
    let went = seqs(&sent[0].body);
    let mut second = metrics(500);
    second.tab = TabId::parse("00000000000000000002").unwrap();
    second.find(Instant(0), &mut store);
    assert!(store.entries.is_empty(), "it is the other's now");
    let request = next(&mut second, 30_000).unwrap();
    assert_eq!(went.len() + seqs(&request.body).len(), 20);
    assert!(request.body.contains("\"tab\":\"00000000000000000001\""));
    // It never gets through here: left for the one after.
    answer(&mut second, 30_010, &request, &Outcome::Network);
    second.keep(at(30_020).wall, &mut store);
    assert_eq!(store.entries.len(), 1);
    let request = next(&mut second, 90_000).unwrap();
    answer(
        &mut second,
        90_010,
        &request,
        &status(200, "{\"accepted\":1}"),
    );
    second.keep(at(90_020).wall, &mut store);
    assert!(store.entries.is_empty());
}

#[test]
fn a_plain_request_ends_with_the_page_and_a_beacon_is_doubted_when_it_is_back() {
    let mut metrics = metrics(500);
    metrics.config.has_keepalive = false;
    metrics.record(Instant(0), sample("a"));
    metrics.go(Instant(0));
    assert_eq!(next(&mut metrics, 0).unwrap().means, Means::Fetch);
    let sent = metrics.pack(at(1), true, ROOM, || RequestId(7));
    assert_eq!((sent.len(), sent[0].means), (1, Means::Beacon));
    assert_eq!(metrics.keepalive_bytes(), sent[0].body.len());
    answer(&mut metrics, 2, &sent[0], &Outcome::Queued);
    metrics.on_restored(Instant(100));
    assert_eq!(seqs(&next(&mut metrics, 30_100).unwrap().body), [1]);
}

#[test]
fn withdrawn_consent_leaves_nothing() {
    let mut store = MemoryStore::default();
    let mut metrics = metrics(500);
    metrics.record(Instant(0), sample("a"));
    metrics.go(Instant(0));
    let request = next(&mut metrics, 0).unwrap();
    metrics.record(Instant(1), sample("b"));
    assert_eq!(metrics.abort(), [request.id]);
    assert_eq!(balanced(&metrics).dropped, 2);
    metrics.keep(at(2).wall, &mut store);
    assert!(store.entries.is_empty());
    assert!(next(&mut metrics, 90_000).is_none());
}

#[test]
fn without_room_in_the_store_nothing_is_kept() {
    let mut store = MemoryStore::default();
    let mut metrics = metrics(500);
    metrics.config.storage_bytes = 0;
    metrics.record(Instant(0), sample("a"));
    metrics.keep(at(0).wall, &mut store);
    assert!(store.entries.is_empty());
}

#[test]
fn what_another_dialect_left_has_no_receiver_here() {
    let mut store = MemoryStore::default();
    let key = "sendoff:p:metrics:00000000000000000009";
    store.set(key, "otlp-metrics/1\n{}").unwrap();
    let mut metrics = metrics(500);
    metrics.find(Instant(0), &mut store);
    assert!(store.entries.is_empty());
    assert!(next(&mut metrics, 90_000).is_none());
}
