//! Bodies: their size, as sent and as inflated, and their encoding.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::json;

use crate::support::{Collector, batch, event};

const GZIP: (&str, &str) = ("content-encoding", "gzip");

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn gzip_bodies_are_inflated() {
    let collector = Collector::start(&[]);
    let body = gzip(batch(&["a", "b"]).to_string().as_bytes());
    assert_eq!(collector.send(&body, &[GZIP]).json()["accepted"], 2);
    let identity = ("content-encoding", "identity");
    let plain = batch(&["c"]).to_string();
    assert_eq!(
        collector.send(plain.as_bytes(), &[identity]).json()["accepted"],
        1
    );
}

#[test]
fn broken_gzip_is_told() {
    let collector = Collector::start(&[]);
    let whole = gzip(batch(&["a"]).to_string().as_bytes());
    let mut wrong_sum = whole.clone();
    let sum = wrong_sum.len() - 8;
    wrong_sum[sum] ^= 1;
    for broken in [
        &whole[..whole.len() - 1],
        &whole[..12],
        b"{}".as_slice(),
        &wrong_sum,
    ] {
        let reply = collector.send(broken, &[GZIP]);
        assert_eq!(
            (reply.status, &reply.json()["error"]),
            (400, &json!("bad_gzip"))
        );
    }
    assert_eq!(collector.count("FROM events"), 0);
}

#[test]
fn an_unknown_encoding_is_415() {
    let collector = Collector::start(&[]);
    let reply = collector.send(b"x", &[("content-encoding", "br")]);
    assert_eq!(
        (reply.status, &reply.json()["error"]),
        (415, &json!("unsupported_encoding"))
    );
}

#[test]
fn the_limit_is_exact() {
    let envelope = json!({"apiKey": "demo", "events": [event("a")]}).to_string();
    let limit = envelope.len().to_string();
    let collector = Collector::start(&["--max-body-bytes", &limit]);
    assert_eq!(collector.send(envelope.as_bytes(), &[]).status, 200);
    let over = format!("{envelope} ");
    let reply = collector.send(over.as_bytes(), &[]);
    assert_eq!(
        (reply.status, &reply.json()["error"]),
        (413, &json!("body_too_large"))
    );
    assert_eq!(
        collector.send(&gzip(envelope.as_bytes()), &[GZIP]).json()["duplicates"],
        1
    );
    assert_eq!(collector.send(&gzip(over.as_bytes()), &[GZIP]).status, 413);
}

#[test]
fn a_client_that_sends_far_too_much_still_reads_the_413() {
    let collector = Collector::start(&[]);
    let body = vec![b' '; 8 * 1024 * 1024];
    // Content-Length, and chunked, where the size is not known before.
    assert_eq!(collector.send(&body, &[]).status, 413);
    assert_eq!(
        collector
            .send(&body, &[("transfer-encoding", "chunked")])
            .status,
        413
    );
    assert_eq!(collector.ingest(&batch(&["a"])).status, 200);
}

#[test]
fn a_gzip_bomb_costs_no_memory() {
    let collector = Collector::start(&[]);
    collector.ingest(&batch(&["warm-up"]));
    let before = peak_kib(&collector);
    let one = gzip(&vec![b' '; 16 * 1024 * 1024]);
    // Members in a row inflate one after the other, as one body: 512 MiB from half a megabyte.
    let many = one.repeat(32);
    assert!(
        many.len() < 1024 * 1024,
        "the body itself is within the limit"
    );
    for bomb in [&one, &many] {
        let reply = collector.send(bomb, &[GZIP]);
        assert_eq!(reply.status, 413);
        assert!(
            reply.json()["message"]
                .as_str()
                .unwrap()
                .contains("inflates"),
            "{reply:?}"
        );
    }
    let grown = peak_kib(&collector) - before;
    assert!(grown < 8 * 1024, "inflating a bomb took {grown} KiB");
}

/// The most memory the collector ever had resident.
fn peak_kib(collector: &Collector) -> i64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", collector.pid())).unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmHWM:"))
        .unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}
