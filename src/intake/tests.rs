use super::*;
use crate::{intake::sampling::SamplingRule, model::ids::TabId};

const AT: u64 = 1_768_478_400_000;

struct World {
    intake: Intake,
    visitor: Visitor,
    rng: Rng,
    events: Vec<serde_json::Value>,
}

fn world(change: impl FnOnce(&mut IntakeConfig)) -> World {
    let mut config = IntakeConfig {
        sessions: true,
        ..IntakeConfig::default()
    };
    change(&mut config);
    let landing = (
        "https://shop.example/?utm_source=ad".into(),
        "https://news.example/".into(),
    );
    World {
        intake: Intake::new(config, Some(landing), "proposed", true),
        visitor: Visitor::new("anon_1"),
        rng: Rng::new(1),
        events: Vec::new(),
    }
}

impl World {
    fn say(&mut self, kind: &str, at: u64, tags: &str) -> Result<Taken, &'static str> {
        let record = format!(
            "{kind}\t{}\t{at}{}",
            AT + at,
            tags.split_whitespace()
                .map(|tag| format!("\t{tag}"))
                .collect::<String>()
        );
        let call = Call::parse(&record).map_err(CallError::code)?;
        let mut at = IntakeContext {
            visitor: &mut self.visitor,
            rng: &mut self.rng,
        };
        let taken = self.intake.take(&call, &mut at).map_err(CallError::code)?;
        for draft in &taken.drafts {
            let tab = TabId::parse("00000000000000000001").unwrap();
            let text = draft.encode(tab, self.events.len() as u64 + 1);
            self.events.push(serde_json::from_str(&text).unwrap());
        }
        Ok(taken)
    }

    fn names(&self) -> Vec<&str> {
        self.events
            .iter()
            .map(|event| event["name"].as_str().unwrap())
            .collect()
    }

    fn last(&self) -> &serde_json::Value {
        self.events.last().unwrap()
    }
}

#[test]
fn a_session_begins_with_an_event_of_its_own_that_says_where_the_visitor_came_from() {
    let mut world = world(|_| {});
    world
        .say("track", 0, "name=\"a\" page={\"url\":\"/in\"}")
        .unwrap();
    world.say("track", 1_000, "name=\"b\"").unwrap();
    assert_eq!(world.names(), ["$session", "a", "b"]);
    assert_eq!(world.events[0]["properties"]["reason"], "first");
    assert_eq!(world.events[0]["attribution"]["first"]["utm_source"], "ad");
    assert_eq!(
        world.events[0]["attribution"]["last"]["referrer"],
        "https://news.example/"
    );
    for (index, event) in (1..).zip(&world.events) {
        assert_eq!(
            (&event["sessionId"], &event["sessionSeq"]),
            (&"proposed".into(), &index.into())
        );
    }
    world
        .say("track", 31 * 60_000 + 1_000, "name=\"c\"")
        .unwrap();
    assert_eq!(world.names()[3..], ["$session", "c"]);
    assert_eq!(world.events[3]["properties"]["reason"], "timeout");
    assert_ne!(world.last()["sessionId"], "proposed");
    world.say("reset", 31 * 60_000 + 2_000, "").unwrap();
    assert_eq!(
        world.names()[5..],
        ["$session"],
        "with the reset, not with the next event"
    );
    assert_eq!(world.events[5]["properties"]["reason"], "reset");
    world
        .say("track", 31 * 60_000 + 3_000, "name=\"d\"")
        .unwrap();
    assert_eq!(world.names()[5..], ["$session", "d"]);
    assert_eq!(
        (&world.last()["sessionId"], &world.last()["sessionSeq"]),
        (&world.events[5]["sessionId"].clone(), &2.into())
    );
    // What the page was told before there was an engine.
    let told = "anon=\"anon_told\" session=\"told\"";
    world.say("reset", 31 * 60_000 + 4_000, told).unwrap();
    assert_eq!(
        (&world.last()["anonymousId"], &world.last()["sessionId"]),
        (&"anon_told".into(), &"told".into())
    );
}

#[test]
fn a_backfilled_event_belongs_to_the_session_that_was_open_and_changes_none() {
    let mut world = world(|_| {});
    world.say("track", 0, "name=\"a\"").unwrap();
    world.say("track", 9_000, "name=\"b\"").unwrap();
    let before = world.visitor.session.clone();
    world
        .say("track", 9_000, &format!("name=\"open\" ts={}", AT + 5_000))
        .unwrap();
    assert_eq!(world.last()["sessionId"], "proposed");
    world
        .say(
            "track",
            9_000,
            &format!("name=\"before\" ts={}", AT - 5_000),
        )
        .unwrap();
    assert!(world.last().get("sessionId").is_none());
    assert_eq!(world.visitor.session, before);
    assert_eq!(world.names().len(), 5);
}

#[test]
fn every_event_bears_the_identity_it_was_captured_under() {
    let mut world = world(|config| config.sessions = false);
    world.say("track", 0, "name=\"a\"").unwrap();
    world
        .say("identify", 0, "user=\"u1\" props={\"plan\":\"pro\"}")
        .unwrap();
    world.say("track", 0, "name=\"b\"").unwrap();
    world
        .say("track", 0, "name=\"c\" user=\"u9\" anon=\"x\"")
        .unwrap();
    assert_eq!(
        world.say("identify", 0, "user=\"u2\"").unwrap_err(),
        "identity_conflict"
    );
    world.say("alias", 0, "user=\"u2\"").unwrap();
    assert_eq!(world.last()["properties"]["previousId"], "u1");
    world.say("reset", 0, "").unwrap();
    world.say("track", 0, "name=\"d\"").unwrap();
    let users: Vec<_> = world
        .events
        .iter()
        .map(|event| event["userId"].as_str().unwrap_or("-"))
        .collect();
    assert_eq!(users, ["-", "u1", "u1", "u9", "u2", "-"]);
    assert_eq!(world.events[3]["anonymousId"], "x");
    assert!(
        world.last()["anonymousId"]
            .as_str()
            .unwrap()
            .starts_with("anon_")
    );
    assert_ne!(world.last()["anonymousId"], "anon_1");
}

#[test]
fn a_second_user_resets_or_stays_where_the_page_wants_it() {
    for (policy, same) in [
        (IdentityPolicy::Reset, false),
        (IdentityPolicy::Allow, true),
    ] {
        let mut world = world(|config| config.identity = policy);
        world.say("identify", 0, "user=\"u1\"").unwrap();
        world.say("identify", 0, "user=\"u2\"").unwrap();
        assert_eq!(world.last()["anonymousId"] == "anon_1", same, "{policy:?}");
    }
}

#[test]
fn super_properties_go_with_every_event_and_its_own_win() {
    let mut world = world(|config| config.sessions = false);
    world
        .say("register", 0, "props={\"plan\":\"pro\",\"ab\":1}")
        .unwrap();
    world
        .say(
            "register_once",
            0,
            "props={\"plan\":\"free\",\"once\":true}",
        )
        .unwrap();
    world.say("unregister", 0, "name=\"ab\"").unwrap();
    world
        .say("track", 0, "name=\"a\" props={\"plan\":\"own\"}")
        .unwrap();
    assert_eq!(
        world.last()["properties"],
        serde_json::json!({"plan": "own", "once": true})
    );
    world.say("track", 0, "name=\"b\"").unwrap();
    assert_eq!(
        world.last()["properties"],
        serde_json::json!({"plan": "pro", "once": true})
    );
}

#[test]
fn groups_travel_exposures_are_told_once_and_timers_measure() {
    let mut world = world(|config| config.sessions = false);
    world
        .say(
            "group",
            0,
            "group=\"acme\" type=\"company\" props={\"seats\":9}",
        )
        .unwrap();
    assert_eq!(
        world.last()["properties"],
        serde_json::json!({"groupType": "company", "groupId": "acme", "seats": 9})
    );
    for _ in 0..2 {
        world
            .say("exposure", 0, "name=\"button\" variant=\"red\"")
            .unwrap();
    }
    world.say("time", 500, "name=\"load\"").unwrap();
    world
        .say("track", 1_750, "name=\"load\" value=1.5 ctx={\"a\":1}")
        .unwrap();
    assert_eq!(world.names(), ["$group", "$exposure", "load"]);
    let last = world.last();
    assert_eq!(last["properties"]["durationMs"], 1_250);
    assert_eq!(
        (&last["groups"]["company"], &last["value"]),
        (&"acme".into(), &1.5.into())
    );
    assert_eq!(last["context"]["a"], 1);
}

#[test]
fn samples_say_their_rate_and_leave_whole_visitors_out() {
    let rule = SamplingRule {
        name: "view*".into(),
        rate: 0.25,
    };
    let (mut inside, mut outside) = (0, 0);
    for number in 0..400 {
        let mut world = world(|config| config.sampling = vec![rule.clone()]);
        world.visitor = Visitor::new(&format!("anon_{number}"));
        let outs = (0..3)
            .filter(|_| {
                world
                    .say("track", 0, "name=\"view_a\"")
                    .unwrap()
                    .sampled_out
            })
            .count();
        assert!(outs == 0 || outs == 3, "a visitor is in or out as a whole");
        if outs == 0 {
            inside += 1;
            assert_eq!(world.last()["sampleRate"], 0.25);
        } else {
            outside += 1;
        }
        world.say("track", 0, "name=\"other\"").unwrap();
        assert!(world.last().get("sampleRate").is_none());
    }
    assert!(
        (60..140).contains(&inside),
        "{inside} of {}",
        inside + outside
    );
}

#[test]
fn time_never_runs_backwards_unless_the_page_says_so() {
    let mut world = world(|config| config.sessions = false);
    world.say("track", 5_000, "name=\"a\"").unwrap();
    let record = format!("track\t{}\t6000\tname=\"set_back\"", AT - 3_600_000);
    let call = Call::parse(&record).unwrap();
    let mut at = IntakeContext {
        visitor: &mut world.visitor,
        rng: &mut world.rng,
    };
    let taken = world.intake.take(&call, &mut at).unwrap();
    assert_eq!(taken.drafts[0].at, UnixMillis(AT + 5_000));
}

#[test]
fn flat_properties_hold_nothing_nested_and_traits_may() {
    let mut world = world(|config| config.flat = true);
    let mut refused = |kind: &str, tags: &str| world.say(kind, 1, tags).err();
    let flat = "props={\"a\":\"[{\",\"b\":1,\"c\":true,\"d\":null}";
    assert_eq!(refused("track", &format!("name=\"n\" {flat}")), None);
    assert_eq!(refused("track", "name=\"n\""), None);
    let nested = Some("properties_not_flat");
    for props in ["{\"a\":{}}", "{\"a\":[]}"] {
        let tags = format!("name=\"n\" props={props}");
        assert_eq!(refused("track", &tags), nested, "{props}");
        assert_eq!(refused("register", &format!("props={props}")), nested);
        let traits = format!("user=\"u1\" props={props}");
        assert_eq!(refused("identify", &traits), None, "{props}");
    }
    let long = |bytes: usize| format!("name=\"n\" props={{\"a\":\"{}\"}}", "x".repeat(bytes - 8));
    assert_eq!(refused("track", &long(4_096)), None);
    assert_eq!(refused("track", &long(4_097)), nested);
}

#[test]
fn who_comes_in_anothers_place_has_the_ids_that_the_page_was_told() {
    let mut world = world(|config| config.identity = IdentityPolicy::Reset);
    world.say("identify", 0, "user=\"u1\"").unwrap();
    let told = "user=\"u2\" anon=\"anon_told\" session=\"told\"";
    world.say("identify", 1_000, told).unwrap();
    assert_eq!(
        (&world.last()["anonymousId"], &world.last()["sessionId"]),
        (&"anon_told".into(), &"told".into())
    );
    let begun = &world.events[world.events.len() - 2];
    assert_eq!(begun["properties"]["reason"], "reset");
}
