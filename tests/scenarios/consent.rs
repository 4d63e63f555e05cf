//! What the visitor allows, and what becomes of everything when he does not.

use sendoff::engine::config::DestinationConfig;
use sendoff::engine::io::PageEvent;
use sendoff::engine::report::Report;
use sendoff::model::drop_reason::DropReason;

use crate::collector::{Answer, Sent};
use crate::world::{Opening, WALL_START_MS, World};

fn say(world: &mut World, tab: usize, analytics: &str) {
    let record =
        format!("consent\t{WALL_START_MS}\t0\tanalytics={analytics}\tmarketing={analytics}");
    world.calls(tab, &record);
}

#[test]
fn denied_nothing_is_kept_and_nothing_is_sent() {
    let (mut world, tab) = World::with_tab(|opening| opening.host.has_deferred = true);
    world.collector.rule = Some(|_| Answer::Hang);
    world.burst(tab, 10);
    world.flush(tab);
    world.burst(tab, 5);
    world.pass(5_000);
    say(&mut world, tab, "denied");
    assert_eq!(world.disk.all_keys(), [""; 0]);
    assert!(
        world.held(tab).is_empty(),
        "deferred requests are withdrawn"
    );
    assert_eq!(world.drops(tab), [(DropReason::Consent, 15)]);
    let sent = world.sent.len();
    world.burst(tab, 5);
    world.page(tab, PageEvent::Hidden);
    world.page(tab, PageEvent::Leaving);
    world.pass(600_000);
    assert_eq!((world.sent.len(), world.disk.all_keys().len()), (sent, 0));
}

#[test]
fn all_open_tabs_follow_at_once_and_journals_of_dead_ones_go_unread() {
    let (mut world, first, second) = World::with_two_tabs();
    world.collector.rule = Some(|_| Answer::Network);
    let gone = world.open();
    world.burst(gone, 3);
    world.crash(gone);
    world.burst(second, 3);
    say(&mut world, first, "denied");
    assert_eq!(world.disk.all_keys(), [""; 0]);
    world.track(second, "later");
    world.pass(60_000);
    assert_eq!(world.disk.all_keys(), [""; 0]);
    let told = world.reports(second).iter().filter(|report| {
        matches!(
            report,
            Report::Consent {
                analytics: "denied",
                ..
            }
        )
    });
    assert_eq!(told.count(), 1);
}

#[test]
fn granted_again_all_begins_anew_as_somebody_new() {
    let (mut world, tab) = World::with_tab(|_| {});
    world.burst(tab, 2);
    world.flush(tab);
    say(&mut world, tab, "denied");
    say(&mut world, tab, "granted");
    world.pass(1_000);
    world.track(tab, "again");
    world.flush(tab);
    assert_eq!(world.stored(tab), [1, 2, 3]);
    let body = world.sent.last().unwrap().json();
    assert_ne!(body["events"][0]["anonymousId"], "visitor");
    assert_eq!(world.role(tab), "leader");
}

fn own_and_ads(marketing: bool) -> Vec<DestinationConfig> {
    let one = |name: &str, marketing| DestinationConfig {
        name: name.to_owned(),
        format: "native".to_owned(),
        endpoint: format!("/{name}"),
        api_key: name.to_owned(),
        marketing,
        ..DestinationConfig::default()
    };
    vec![one("own", false), one("ads", marketing)]
}

/// What came to a destination, by name; no order between tabs.
fn names_at(world: &World, key: &str) -> Vec<String> {
    let to = |sent: &&Sent| sent.json()["apiKey"] == key && !sent.is_query();
    let mut names: Vec<String> = world.sent.iter().filter(to).flat_map(Sent::names).collect();
    names.sort();
    names
}

#[test]
fn what_a_destinations_function_has_turned_away_never_goes_there() {
    let open = |opening: &mut Opening| opening.config.destinations = own_and_ads(false);
    let (mut world, tab) = World::with_tab(open);
    world.track(tab, "wanted");
    let record = world.record("turned away", "{}");
    world.calls(tab, &format!("{record}\tnot=\"ads other\""));
    let figures = world.stats(tab).destinations;
    let accepted: Vec<u64> = figures.iter().map(|(_, one)| one.accepted).collect();
    assert_eq!(accepted, [2, 1]);
    // Nothing has left yet when the tab dies: whoever takes over knows no more than what is written.
    world.crash(tab);
    let heir = world.open_with(open);
    world.pass(6_000);
    world.flush(heir);
    assert_eq!(names_at(&world, "own"), ["turned away", "wanted"]);
    assert_eq!(names_at(&world, "ads"), ["wanted"]);
}

#[test]
fn what_a_destinations_hook_has_changed_is_for_it_alone_whoever_sends_it() {
    let open = |opening: &mut Opening| opening.config.destinations = own_and_ads(false);
    let (mut world, tab) = World::with_tab(open);
    world.calls(
        tab,
        &format!("register\t{WALL_START_MS}\t0\tprops={{\"plan\":\"pro\"}}"),
    );
    let record = world.record("bought", "{\"total\":3,\"margin\":1}");
    let edits = r#"[{"to":"ads","name":"conversion","properties":{"total":4},"without":["margin"],"context":{"via":"hook"}}]"#;
    world.calls(tab, &format!("{record}\tedits={edits}"));
    world.track(tab, "plain");
    // Nothing has left yet when the tab dies: whoever takes over knows no more than what is written.
    world.crash(tab);
    let heir = world.open_with(open);
    world.pass(6_000);
    world.flush(heir);
    assert_eq!(names_at(&world, "own"), ["bought", "plain"]);
    assert_eq!(names_at(&world, "ads"), ["conversion", "plain"]);
    let first = |key: &str| {
        let events = world
            .sent
            .iter()
            .map(Sent::json)
            .filter(|body| body["apiKey"] == key);
        let mut events =
            events.flat_map(|body| body["events"].as_array().cloned().unwrap_or_default());
        events.find(|event| event["seq"] == 1).unwrap()
    };
    let (own, ads) = (first("own"), first("ads"));
    assert_eq!(
        own["properties"],
        serde_json::json!({"total": 3, "margin": 1, "plan": "pro"})
    );
    assert_eq!(
        ads["properties"],
        serde_json::json!({"total": 4, "plan": "pro"})
    );
    assert_eq!(
        (&own["context"]["via"], &ads["context"]["via"]),
        (&serde_json::Value::Null, &"hook".into())
    );
    assert_eq!(own["idempotencyKey"], ads["idempotencyKey"]);
    assert!(!world.sent.iter().any(|sent| sent.body.contains("edits")));
}

#[test]
fn what_a_destinations_hook_has_made_is_judged_like_what_the_page_said() {
    let (mut world, tab) =
        World::with_tab(|opening| opening.config.destinations = own_and_ads(false));
    let record = world.record("n", "{}");
    let mut say =
        |edit: &str| world.calls(tab, &format!("{record}\tedits=[{{\"to\":\"ads\",{edit}}}]"));
    say(r#""name":"$mine""#);
    say(r#""properties":{"a":{"a":{"a":{"a":{"a":{"a":{"a":{"a":{}}}}}}}}}"#);
    say(r#""properties":[]"#);
    say(r#""properties":{"token":"a secret","mail":"jo@example.com"}"#);
    let refused: Vec<_> = world
        .stats(tab)
        .refused
        .iter()
        .map(|one| (one.reason, one.count))
        .collect();
    assert_eq!(refused.len(), 3, "{refused:?}");
    world.flush(tab);
    let bodies: String = world.sent.iter().map(|sent| sent.body.as_str()).collect();
    assert!(
        bodies.contains("[redacted:email]") && !bodies.contains("jo@example.com"),
        "{bodies}"
    );
    assert!(!bodies.contains("a secret"), "{bodies}");
}

#[test]
fn what_was_recorded_without_consent_to_marketing_never_goes_where_that_is_needed() {
    let say = |world: &mut World, tab, marketing: &str| {
        let record =
            format!("consent\t{WALL_START_MS}\t0\tanalytics=granted\tmarketing={marketing}");
        world.calls(tab, &record);
    };
    let (mut world, tab) =
        World::with_tab(|opening| opening.config.destinations = own_and_ads(true));
    world.track(tab, "wanted");
    say(&mut world, tab, "denied");
    world.track(tab, "withheld");
    // Nothing has left yet when the tab dies: whoever takes over knows no more than what is written.
    world.crash(tab);
    let heir = world.open_with(|opening| opening.config.destinations = own_and_ads(true));
    say(&mut world, heir, "granted");
    world.track(heir, "again");
    world.pass(60_000);
    assert_eq!(names_at(&world, "own"), ["again", "wanted", "withheld"]);
    assert_eq!(names_at(&world, "ads"), ["again", "wanted"]);
}
