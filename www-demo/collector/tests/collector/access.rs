//! Who may read: a read key, in a header, and nobody else; and where the key comes from.
//!
//! Not covered: that the comparison takes the same time for every key (it is `subtle`'s business),
//! and the end of the minute after too many failures (a unit test with a clock of its own has it).

use std::rc::Rc;

use serde_json::json;
use tempfile::TempDir;

use crate::support::{Collector, READ_KEY, agent, batch, post, refused_start, run};

const READS: [&str; 3] = ["/api/v1/events", "/api/v1/stats", "/api/v1/stream"];

fn launch(args: &[&str], env: &[(&str, &str)]) -> Collector {
    Collector::launch(Rc::new(TempDir::new().unwrap()), args, env)
}

#[test]
fn a_write_key_reads_nothing_and_no_key_is_taken_from_an_address() {
    let collector = Collector::start(&[]);
    collector.ingest(&batch(&["secret"]));
    for path in READS {
        let query = format!("{path}?key={READ_KEY}");
        let refused = [
            collector.get(path),
            collector.get(&query),
            collector.get(&format!("{path}?ticket=")),
            collector.get_with("demo", path),
            collector.get_with("", path),
            collector.get_with(&READ_KEY[1..], path),
        ];
        for reply in refused {
            assert_eq!(reply.status, 401, "{path}");
            assert_eq!(reply.header("www-authenticate"), Some("Bearer"));
            let said = String::from_utf8(reply.body).unwrap();
            assert!(!said.contains("checkout"), "{said}");
        }
    }
    assert_eq!(
        collector.read("/api/v1/events")["events"][0]["name"],
        "checkout"
    );
}

#[test]
fn a_read_key_writes_nothing() {
    let collector = Collector::start(&[]);
    let mut envelope = batch(&["a"]);
    envelope["apiKey"] = READ_KEY.into();
    assert_eq!(collector.ingest(&envelope).status, 401);
    assert_eq!(collector.count("FROM events"), 0);
}

#[test]
fn a_key_is_made_and_told_once_when_none_is_given() {
    let mut collector = launch(&[], &[]);
    let line = collector.line();
    let key = line.strip_prefix("read key: ").unwrap().trim();
    assert_eq!(key.len(), 64, "{line}");
    assert_eq!(collector.get_with(key, "/api/v1/stats").status, 200);
    let other = launch(&[], &[]);
    assert_eq!(
        other.get_with(key, "/api/v1/stats").status,
        401,
        "another one each time"
    );
}

#[test]
fn a_given_key_is_not_told() {
    let variable = ("SENDOFF_READ_KEY", "from-the-environment");
    for (args, env, key) in [
        (
            &["--read-key", "from-the-line"][..],
            &[][..],
            "from-the-line",
        ),
        (&[], &[variable], variable.1),
        (
            &["--read-key", "from-the-line"],
            &[variable],
            "from-the-line",
        ),
    ] {
        let mut collector = launch(args, env);
        assert_eq!(collector.get_with(key, "/api/v1/stats").status, 200);
        let wrong = collector.get_with("anything else", "/api/v1/stats");
        assert_eq!(
            (wrong.status, &wrong.json()["error"]),
            (401, &json!("unknown_read_key"))
        );
        collector.signal("TERM");
        assert_eq!(
            collector.line(),
            "",
            "the key does not belong on the terminal"
        );
    }
}

#[test]
fn a_key_of_one_project_reads_no_other() {
    let collector = launch(
        &[
            "--key",
            "a",
            "--key",
            "b",
            "--read-key",
            "a=ra",
            "--read-key",
            "all",
        ],
        &[],
    );
    let get = |key: &str, query: &str| collector.get_with(key, &format!("/api/v1/stats{query}"));
    assert_eq!(get("ra", "").status, 200);
    assert_eq!(get("ra", "?project=a").status, 200);
    let other = get("ra", "?project=b");
    assert_eq!(
        (other.status, &other.json()["error"]),
        (403, &json!("not_readable"))
    );
    assert_eq!(get("all", "?project=b").status, 200);
    assert_eq!(get("all", "?project=c").status, 403);
    let unsaid = get("all", "");
    assert_eq!(
        (unsaid.status, &unsaid.json()["error"]),
        (400, &json!("bad_query"))
    );
    assert!(
        unsaid.json()["message"].as_str().unwrap().contains("a, b"),
        "{unsaid:?}"
    );
}

#[test]
fn guessing_is_stopped_and_sending_is_not() {
    let collector = Collector::start(&[]);
    let mut statuses = Vec::new();
    for n in 0..25 {
        statuses.push(
            collector
                .get_with(&format!("guess-{n}"), "/api/v1/stats")
                .status,
        );
    }
    assert_eq!(statuses[..20], [401; 20]);
    assert_eq!(statuses[20..], [429; 5]);
    let right = collector.get_with(READ_KEY, "/api/v1/stats");
    assert_eq!(
        (right.status, &right.json()["error"]),
        (429, &json!("too_many_failures"))
    );
    let wait: u64 = right.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=60).contains(&wait), "{wait}");
    assert_eq!(
        collector.ingest(&batch(&["a"])).status,
        200,
        "other keys, other people"
    );
}

#[test]
fn reading_without_any_key_is_no_guess() {
    let collector = Collector::start(&[]);
    for _ in 0..30 {
        assert_eq!(collector.get("/api/v1/stats").status, 401);
    }
    assert_eq!(collector.stats()["events"], 0);
}

#[test]
fn a_write_key_as_read_key_is_refused_at_the_start() {
    let told = refused_start(&["--db", "never-opened.db", "--read-key", "demo"]);
    assert!(told.contains("demo is a write key"), "{told}");
}

fn demo_key(collector: &Collector, headers: &[(&str, &str)]) -> (u16, String) {
    let mut request = agent().get(collector.url("/_demo/read-key"));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let mut response = request.call().unwrap();
    let granted = response.headers().get("access-control-allow-origin");
    assert!(granted.is_none(), "no other origin may read it");
    let status = response.status().as_u16();
    (status, response.body_mut().read_to_string().unwrap())
}

#[test]
fn the_demo_page_gets_a_key_of_its_own() {
    let collector = Collector::start(&["--demo", "--origin", "*"]);
    let (status, body) = demo_key(&collector, &[("sec-fetch-site", "same-origin")]);
    assert_eq!(status, 200);
    let body: serde_json::Value = serde_json::from_str(&body).unwrap();
    let key = body["readKey"].as_str().unwrap();
    assert_ne!(key, READ_KEY);
    assert_eq!(collector.get_with(key, "/api/v1/stats").status, 200);
    assert_eq!(
        collector.stats()["events"],
        0,
        "the operator's works beside it"
    );
}

#[test]
fn other_pages_get_no_demo_key() {
    let collector = Collector::start(&["--demo", "--origin", "*"]);
    for headers in [
        [("sec-fetch-site", "cross-site")],
        [("sec-fetch-site", "same-site")],
        // A name of somebody's that was made to point here.
        [("host", "rebound.example")],
    ] {
        let (status, body) = demo_key(&collector, &headers);
        assert_eq!(status, 403, "{headers:?}");
        assert!(!body.contains("readKey"), "{body}");
    }
    let without = Collector::start(&[]);
    assert_eq!(demo_key(&without, &[]).0, 404);
}

#[test]
fn a_demo_that_others_can_reach_does_not_start() {
    let output = run(&["--demo", "--db", "never-opened.db", "--listen", "0.0.0.0:0"]);
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(
        !output.status.success() && told.contains("loopback"),
        "{told}"
    );
}

#[test]
fn the_ticket_endpoint_wants_a_key_too() {
    let collector = Collector::start(&[]);
    let url = collector.url("/api/v1/stream/ticket");
    assert_eq!(post(&agent(), &url, b"", &[]).status, 401);
    let write = [("authorization", "Bearer demo")];
    assert_eq!(post(&agent(), &url, b"", &write).status, 401);
}
