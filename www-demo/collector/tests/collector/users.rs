//! Who is whom, and what he did: timelines and sessions over all the ids of a person.

use serde_json::{Value, json};

use crate::support::{Collector, READ_KEY, alias, envelope, event_of, keys_of, sequence};

fn filled(events: &[Value]) -> Collector {
    let collector = Collector::start(&[]);
    let answer = collector.ingest(&envelope(events)).json();
    assert_eq!(answer["accepted"], events.len(), "{answer}");
    collector
}

fn timeline(collector: &Collector, id: &str) -> Value {
    collector.read(&format!("/api/v1/users/{id}/timeline"))
}

#[track_caller]
fn assert_person(collector: &Collector, ids: &[&str], keys: &[&str]) {
    for id in ids {
        let found = timeline(collector, id);
        assert_eq!(found["ids"], json!(ids), "asked for {id}");
        assert_eq!(keys_of(&found["events"]), keys, "asked for {id}");
    }
}

#[test]
fn the_anonymous_past_belongs_to_the_user() {
    let collector = filled(&[
        event_of("view", "view", json!(null), "anon-1", 1),
        event_of("identify", "$identify", json!("ada"), "anon-1", 2),
        event_of("buy", "buy", json!("ada"), "anon-1", 3),
        event_of("other", "view", json!(null), "anon-2", 4),
        event_of("bob", "view", json!("bob"), "anon-3", 5),
    ]);
    assert_person(&collector, &["ada", "anon-1"], &["view", "identify", "buy"]);
    assert_person(&collector, &["anon-2"], &["other"]);
    assert_person(&collector, &["bob"], &["bob"]);
}

#[test]
fn two_visitors_of_one_user_are_one_person() {
    let collector = filled(&[
        event_of("a", "view", json!(null), "anon-1", 1),
        event_of("b", "view", json!(null), "anon-2", 2),
        event_of("c", "$identify", json!("ada"), "anon-1", 3),
        event_of("d", "$identify", json!("ada"), "anon-2", 4),
    ]);
    assert_person(
        &collector,
        &["ada", "anon-1", "anon-2"],
        &["a", "b", "c", "d"],
    );
}

#[test]
fn chains_and_cycles_of_aliases_are_one_person() {
    let collector = filled(&[
        event_of("a", "view", json!(null), "anon-1", 1),
        alias("b", "anon-1", "u1", 2),
        alias("c", "u1", "u2", 3),
        alias("d", "u2", "u3", 4),
        event_of("e", "view", json!("u3"), "anon-9", 5),
    ]);
    let ids = ["anon-1", "u1", "u2", "u3"];
    assert_person(&collector, &ids, &["a", "b", "c", "d", "e"]);
    collector.ingest(&envelope(&[
        alias("f", "u3", "u1", 6),
        alias("g", "u2", "u2", 7),
    ]));
    assert_person(&collector, &ids, &["a", "b", "c", "d", "e", "f", "g"]);
}

#[test]
fn an_alias_without_a_previous_id_means_its_visitor() {
    let mut bare = event_of("b", "$alias", json!("ada"), "anon-1", 2);
    bare["properties"] = json!({"previousId": null});
    let collector = filled(&[event_of("a", "view", json!(null), "anon-1", 1), bare]);
    assert_person(&collector, &["ada", "anon-1"], &["a", "b"]);
}

#[test]
fn two_users_of_one_device_stay_two_people() {
    let collector = filled(&[
        event_of("a", "view", json!(null), "shared", 1),
        event_of("b", "$identify", json!("ada"), "shared", 2),
        // No reset in between: the anonymous past is ada's.
        event_of("c", "$identify", json!("bob"), "shared", 3),
        event_of("d", "view", json!("bob"), "shared", 4),
    ]);
    assert_person(&collector, &["ada", "shared"], &["a", "b"]);
    assert_person(&collector, &["bob"], &["c", "d"]);
    // What came late may have been first: order is by time, not by arrival.
    collector.ingest(&envelope(&[event_of(
        "0",
        "$identify",
        json!("eve"),
        "shared",
        0,
    )]));
    assert_person(&collector, &["eve", "shared"], &["0", "a"]);
    assert_person(&collector, &["ada"], &["b"]);
}

#[test]
fn other_projects_join_nothing() {
    let collector = Collector::start(&["--key", "demo", "--key", "other"]);
    let mut theirs = envelope(&[alias("a", "anon-1", "ada", 1)]);
    theirs["apiKey"] = "other".into();
    collector.ingest(&theirs);
    collector.ingest(&envelope(&[event_of(
        "a",
        "view",
        json!(null),
        "anon-1",
        1,
    )]));
    let found = collector.read("/api/v1/users/anon-1/timeline?project=demo");
    assert_eq!(
        (&found["ids"], keys_of(&found["events"])),
        (&json!(["anon-1"]), vec!["a"])
    );
}

#[test]
fn a_timeline_is_read_in_pages_and_in_stretches() {
    let collector = Collector::start(&[]);
    // All in one millisecond, and stored out of order: the numbers of the tab decide.
    for (from, to) in [(4, 7), (1, 3)] {
        collector.ingest(&sequence("t", from, to));
    }
    let mut seen = Vec::new();
    let mut after = String::new();
    for _ in 0..4 {
        let page = collector.read(&format!("/api/v1/users/anon-1/timeline?limit=3{after}"));
        seen.extend(keys_of(&page["events"]).iter().map(|key| (*key).to_owned()));
        let Some(next) = page["next"].as_str() else {
            break;
        };
        after = format!("&after={next}");
    }
    assert_eq!(seen, ["t-1", "t-2", "t-3", "t-4", "t-5", "t-6", "t-7"]);
    let of = |query: &str| {
        let found = collector.read(&format!("/api/v1/users/anon-1/timeline{query}"));
        found["events"].as_array().unwrap().len()
    };
    assert_eq!(
        of("?from=2026-01-15T12:00:00.000Z&to=2026-01-15T12:00:00.001Z"),
        7
    );
    assert_eq!(of("?to=2026-01-15T12:00:00.000Z"), 0);
    let end = collector.read("/api/v1/users/anon-1/timeline?order=latest&limit=2");
    assert_eq!(keys_of(&end["events"]), ["t-7", "t-6"]);
    assert_eq!(end["next"], json!(null));
    for query in [
        "order=size",
        "order=latest&after=2026-01-15T12:00:00.000Z_1_1",
        "after=x",
        "after=2026-01-15T12:00:00.000Z_1",
        "limit=0",
        "from=then",
    ] {
        let path = format!("/api/v1/users/anon-1/timeline?{query}");
        assert_eq!(collector.get_with(READ_KEY, &path).status, 400, "{query}");
    }
}

#[test]
fn an_id_may_be_any_text() {
    let id = "a/b?c=%41 ü'\"";
    let collector = filled(&[event_of("a", "view", json!(id), "anon-1", 1)]);
    let found = timeline(&collector, "a%2Fb%3Fc=%2541%20%C3%BC'%22");
    assert_eq!(
        (&found["ids"], keys_of(&found["events"])),
        (&json!([id]), vec!["a"])
    );
}

fn in_session(session: &str, mut event: Value) -> Value {
    event["sessionId"] = session.into();
    event
}

fn session_start(
    key: &str,
    session: &str,
    visitor: &str,
    second: u32,
    attribution: Value,
) -> Value {
    let mut event = in_session(
        session,
        event_of(key, "$session", json!(null), visitor, second),
    );
    event["properties"] = json!({"reason": "first"});
    event["attribution"] = attribution;
    event
}

#[test]
fn sessions_have_their_events_and_say_where_the_visitor_came_from() {
    let touch = |source: &str| json!({"source": source});
    let both = |first: &str, last: &str| json!({"first": touch(first), "last": touch(last)});
    let mut sampled = in_session("s1", event_of("b", "view", json!(null), "anon-1", 2));
    sampled["sampleRate"] = json!(0.25);
    let collector = filled(&[
        session_start("a", "s1", "anon-1", 1, both("news", "news")),
        sampled,
        in_session("s1", event_of("c", "$identify", json!("ada"), "anon-1", 3)),
        session_start("d", "s2", "anon-1", 10, both("news", "search")),
        // A direct visit, on another device: it says nothing of a source.
        session_start("e", "s3", "anon-2", 20, json!(null)),
        in_session("s3", event_of("f", "$identify", json!("ada"), "anon-2", 21)),
        event_of("g", "backfill", json!("ada"), "anon-2", 22),
        session_start("h", "s4", "stranger", 23, both("ads", "ads")),
    ]);
    let found = collector.read("/api/v1/users/ada/sessions");
    assert_eq!(found["ids"], json!(["ada", "anon-1", "anon-2"]));
    assert_eq!(
        (&found["firstTouch"], &found["lastTouch"]),
        (&touch("news"), &touch("search"))
    );
    assert_eq!(found["truncated"], false);
    let sessions = found["sessions"].as_array().unwrap();
    let brief: Vec<Value> = sessions
        .iter()
        .map(|s| {
            json!([
                s["sessionId"],
                keys_of(&s["events"]),
                s["eventCount"],
                s["estimatedEvents"]
            ])
        })
        .collect();
    assert_eq!(
        brief,
        [
            json!(["s3", ["e", "f"], 2, 2.0]),
            json!(["s2", ["d"], 1, 1.0]),
            json!(["s1", ["a", "b", "c"], 3, 6.0]),
        ],
        "the latest first"
    );
    let first = &sessions[2];
    assert_eq!(first["startedAt"], "2026-01-15T12:00:01.000Z");
    assert_eq!(first["endedAt"], "2026-01-15T12:00:03.000Z");
    assert_eq!(first["properties"]["reason"], "first");
    assert_eq!(
        (&first["firstTouch"], &first["lastTouch"]),
        (&touch("news"), &touch("news"))
    );
    assert_eq!(sessions[0]["firstTouch"], json!(null));
    let some = collector.read("/api/v1/users/ada/sessions?limit=1&to=2026-01-15T12:00:20.000Z");
    assert_eq!(some["sessions"].as_array().unwrap().len(), 1);
    assert_eq!(some["sessions"][0]["sessionId"], "s2");
}

#[test]
fn nobody_reads_of_people_without_a_read_key() {
    let collector = filled(&[event_of("a", "view", json!("ada"), "anon-1", 1)]);
    for what in ["timeline", "sessions", "export"] {
        let path = format!("/api/v1/users/ada/{what}");
        assert_eq!(collector.get(&path).status, 401, "{what}");
        assert_eq!(collector.get_with("demo", &path).status, 401, "{what}");
        assert_eq!(collector.get_with(READ_KEY, &path).status, 200, "{what}");
    }
    assert_eq!(
        collector.delete_with("demo", "/api/v1/users/ada").status,
        401
    );
    assert_eq!(collector.count("FROM events"), 1);
}

#[test]
fn an_export_holds_everything_of_a_person_and_nothing_else() {
    let collector = Collector::start(&[]);
    // More than are read at once.
    for from in [1, 601] {
        collector.ingest(&sequence("t", from, from + 599));
    }
    collector.ingest(&envelope(&[
        event_of("identify", "$identify", json!("ada"), "anon-1", 1),
        event_of("other", "view", json!("bob"), "anon-1", 1),
    ]));
    let reply = collector.get_with(READ_KEY, "/api/v1/users/ada/export");
    assert_eq!(reply.header("content-type"), Some("application/json"));
    assert_eq!(reply.header("cache-control"), Some("no-store"));
    let export = reply.json();
    assert_eq!(
        (&export["project"], &export["ids"]),
        (&json!("demo"), &json!(["ada", "anon-1"]))
    );
    let keys = keys_of(&export["events"]);
    assert_eq!(keys.len(), 1201);
    assert_eq!(
        (keys[0], keys[1199], keys[1200]),
        ("t-1", "t-1200", "identify")
    );
    assert_eq!(export["events"][0]["properties"], json!({"total": 3}));
    let nobody = collector.read("/api/v1/users/nobody/export");
    assert_eq!(
        (&nobody["ids"], &nobody["events"]),
        (&json!(["nobody"]), &json!([]))
    );
}
