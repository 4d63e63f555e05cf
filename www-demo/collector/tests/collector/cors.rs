//! Which pages may talk to the collector and read its answers.

use serde_json::json;

use crate::support::{Collector, INGEST, Reply, agent, batch, refused_start};

const SHOP: &str = "https://shop.example";

fn preflight(collector: &Collector, path: &str, origin: &str) -> Reply {
    let request = ureq::http::Request::builder()
        .method("OPTIONS")
        .uri(collector.url(path))
        .header("origin", origin)
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "content-type, x-extra")
        .body(())
        .unwrap();
    let mut response = agent().run(request).unwrap();
    let body = response.body_mut().read_to_vec().unwrap();
    Reply {
        status: response.status().as_u16(),
        headers: response.headers().clone(),
        body,
    }
}

fn post_from(collector: &Collector, origin: &str) -> Reply {
    let body = batch(&["a"]).to_string();
    let headers = [
        ("origin", origin),
        ("content-type", "text/plain;charset=UTF-8"),
    ];
    collector.send(body.as_bytes(), &headers)
}

fn varies_by_origin(reply: &Reply) -> bool {
    reply
        .headers
        .get_all("vary")
        .iter()
        .any(|value| value == "Origin")
}

#[test]
fn a_listed_origin_may_preflight_and_read() {
    let collector = Collector::start(&["--origin", SHOP, "--origin", "http://localhost:5173"]);
    for path in [INGEST, "/api/v1/stats", "/api/v1/stream"] {
        let reply = preflight(&collector, path, SHOP);
        assert_eq!(reply.status, 204, "{path}");
        assert_eq!(reply.header("access-control-allow-origin"), Some(SHOP));
        assert_eq!(
            reply.header("access-control-allow-methods"),
            Some("GET, POST, DELETE, OPTIONS")
        );
        let allowed = reply.header("access-control-allow-headers");
        assert_eq!(allowed, Some("content-type, x-extra"));
        assert_eq!(
            reply.header("access-control-allow-credentials"),
            Some("true")
        );
        assert!(varies_by_origin(&reply));
    }
    let reply = post_from(&collector, SHOP);
    assert_eq!(reply.status, 200);
    assert_eq!(reply.header("access-control-allow-origin"), Some(SHOP));
    assert_eq!(
        reply.header("access-control-expose-headers"),
        Some("Retry-After")
    );
    assert!(varies_by_origin(&reply));
}

#[test]
fn an_error_can_be_read_too() {
    let collector = Collector::start(&["--origin", SHOP, "--faults"]);
    collector.fault(&json!({"mode": "status", "status": 429, "retryAfter": 7}));
    let reply = post_from(&collector, SHOP);
    assert_eq!(
        (reply.status, reply.header("retry-after")),
        (429, Some("7"))
    );
    assert_eq!(reply.header("access-control-allow-origin"), Some(SHOP));
    assert_eq!(
        reply.header("access-control-expose-headers"),
        Some("Retry-After")
    );
}

#[test]
fn other_origins_get_nothing() {
    let collector = Collector::start(&["--origin", SHOP]);
    for origin in [
        "https://evil.example",
        "https://shop.example.evil.example",
        "null",
    ] {
        let refused = preflight(&collector, INGEST, origin);
        assert_eq!(
            (refused.status, &refused.json()["error"]),
            (403, &json!("origin_not_allowed"))
        );
        for reply in [refused, post_from(&collector, origin)] {
            assert_eq!(
                reply.header("access-control-allow-origin"),
                None,
                "{origin}"
            );
            assert_eq!(
                reply.header("access-control-allow-credentials"),
                None,
                "{origin}"
            );
            assert!(
                varies_by_origin(&reply),
                "a cache must not serve this to {SHOP}"
            );
        }
    }
}

#[test]
fn any_origin_is_never_mixed_with_credentials() {
    let collector = Collector::start(&["--origin", "*"]);
    for reply in [
        preflight(&collector, INGEST, SHOP),
        post_from(&collector, SHOP),
    ] {
        assert_eq!(reply.header("access-control-allow-origin"), Some("*"));
        assert_eq!(reply.header("access-control-allow-credentials"), None);
        assert!(varies_by_origin(&reply));
    }
}

#[test]
fn the_same_origin_needs_no_configuration() {
    let collector = Collector::start(&[]);
    let own = collector.url("");
    let reply = post_from(&collector, &own);
    assert_eq!((reply.status, &reply.json()["accepted"]), (200, &json!(1)));
}

#[test]
fn an_origin_that_could_never_match_is_refused_at_the_start() {
    let told = refused_start(&["--origin", "https://shop.example/"]);
    assert!(told.contains("no slash at the end"), "{told}");
}
