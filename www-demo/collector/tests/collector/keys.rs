//! Keys open their own project and nothing else.

use serde_json::json;

use crate::support::{Collector, READ_KEY, batch};

#[test]
fn an_unknown_or_missing_key_is_401_and_stores_nothing() {
    let collector = Collector::start(&[]);
    let mut wrong = batch(&["a"]);
    wrong["apiKey"] = "wrong".into();
    let mut none = batch(&["b"]);
    none.as_object_mut().unwrap().remove("apiKey");
    for envelope in [wrong, none] {
        let reply = collector.ingest(&envelope);
        assert_eq!(
            (reply.status, &reply.json()["error"]),
            (401, &json!("unknown_key"))
        );
    }
    assert_eq!(collector.count("FROM events"), 0);
}

#[test]
fn the_key_may_come_by_header_or_query_when_the_envelope_has_none() {
    let collector = Collector::start(&[]);
    let body = json!({"events": [crate::support::event("a")]}).to_string();
    let reply = collector.send(body.as_bytes(), &[("authorization", "Bearer demo")]);
    assert_eq!(reply.status, 200);
    let agent = crate::support::agent();
    let url = collector.url("/api/v1/ingest/batch?key=demo");
    assert_eq!(
        crate::support::post(&agent, &url, body.as_bytes(), &[]).json()["duplicates"],
        1
    );
}

#[test]
fn projects_do_not_see_each_other() {
    let collector = Collector::start(&[
        "--key",
        "k1=shop",
        "--key",
        "k2=blog",
        "--key",
        "k3=shop",
        "--read-key",
        "shop=r1",
        "--read-key",
        "blog=r2",
    ]);
    for key in ["k1", "k2"] {
        let mut envelope = batch(&["same-key"]);
        envelope["apiKey"] = key.into();
        envelope["batchId"] = "same-batch".into();
        envelope["events"][0]["name"] = key.into();
        let answer = collector.ingest(&envelope).json();
        assert_eq!(
            answer["accepted"], 1,
            "the same key in another project is another event"
        );
        assert_eq!(answer["duplicateBatch"], false);
    }
    let mut more = batch(&["another"]);
    more["apiKey"] = "k2".into();
    assert_eq!(collector.ingest(&more).status, 200);
    for (key, project, name, count) in [("r1", "shop", "k1", 1), ("r2", "blog", "k2", 2)] {
        for (key, query) in [
            (key, String::new()),
            (READ_KEY, format!("?project={project}")),
        ] {
            let read = |path: &str| collector.get_with(key, &format!("{path}{query}")).json();
            let events = read("/api/v1/events");
            assert_eq!(events["events"].as_array().unwrap().len(), count);
            assert_eq!(events["events"][count - 1]["name"], name);
            assert_eq!(read("/api/v1/stats")["events"], count);
        }
    }
    assert_eq!(
        collector.get_with("demo", "/api/v1/stats").status,
        401,
        "no default key beside others"
    );
}
