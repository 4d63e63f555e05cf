//! Journals as this version writes them lie in `tests/journal`, a folder a version of the format: every later build
//! has to read them. A story writes each; `UPDATE_JOURNALS=1` puts what it wrote there. A format that changes on purpose
//! gets a number and a folder of its own, and the old files stay.

use std::{collections::BTreeMap, path::PathBuf};

use sendoff::{
    engine::{config::DestinationConfig, io::PageEvent},
    model::store::Store,
};
use serde_json::{Value, json};

use crate::{
    collector::{Answer, Sent},
    world::{Opening, WALL_START_MS, World},
};

/// The version of the journal that is written today.
const WRITTEN: &str = "v2";

/// A story, and how the tab is configured that has it, and the one that finds what it left.
struct Fixture {
    name: &'static str,
    configure: fn(&mut Opening),
    leave: fn(&mut World, usize),
}

const FIXTURES: [Fixture; 7] = [
    Fixture {
        name: "unsent",
        configure: |_| {},
        leave: |world, tab| {
            world.page(tab, PageEvent::Offline);
            let record = world.record(
                "first \\\"sight\\\" \u{e9}",
                "{\"n\":1,\"deep\":{\"a\":[null,true,\"x\"]}}",
            );
            world.calls(tab, &record);
            world.pass(1_000);
            let at = WALL_START_MS + world.now;
            world.calls(
                tab,
                &format!("identify\t{at}\t0\tuser=\"user-17\"\tprops={{\"plan\":\"pro\"}}"),
            );
            world.calls(
                tab,
                &format!("register\t{at}\t0\tprops={{\"campus\":\"north\"}}"),
            );
            world.calls(tab, &format!("group\t{at}\t0\tgroup=\"acme\"\tprops={{}}"));
            world.calls(
                tab,
                &[&world.record("second", "{}"), "\tpage={\"url\":\"/next\"}"].concat(),
            );
            world.crash(tab);
        },
    },
    Fixture {
        name: "sealed",
        configure: |_| {},
        leave: |world, tab| {
            world.collector.rule = Some(|_| Answer::Hang);
            world.burst(tab, 5);
            world.pass(3_000);
            world.burst(tab, 2);
            world.crash(tab);
        },
    },
    Fixture {
        name: "partly-delivered",
        configure: |opening| opening.config.max_batch_size = 4,
        leave: |world, tab| {
            world.collector.rule = Some(|_| Answer::Hang);
            world.collector.script = [Answer::Ok, Answer::Ok].into();
            world.burst(tab, 11);
            world.flush(tab);
            world.crash(tab);
        },
    },
    Fixture {
        name: "gaps",
        configure: |opening| opening.config.max_queue_size = 6,
        leave: |world, tab| {
            world.page(tab, PageEvent::Offline);
            world.burst(tab, 10);
            world.burst(tab, 2);
            world.crash(tab);
        },
    },
    Fixture {
        name: "left",
        configure: |_| {},
        leave: |world, tab| {
            world.collector.rule = Some(|_| Answer::Network);
            world.burst(tab, 3);
            world.close(tab);
        },
    },
    Fixture {
        name: "two-destinations",
        configure: |opening| opening.config.destinations = ["own", "crm"].map(destination).into(),
        leave: |world, tab| {
            world.collector.rule = Some(|sent| {
                if is_for(sent, "crm") {
                    Answer::Hang
                } else {
                    Answer::Ok
                }
            });
            world.burst(tab, 3);
            world.flush(tab);
            world.pass(2_000);
            world.crash(tab);
        },
    },
    Fixture {
        name: "early-log",
        configure: |_| {},
        leave: |world, tab| {
            world.crash(tab);
            let records = [
                world.record("before the engine", "{}"),
                world.record("and again", "{\"n\":2}"),
            ];
            let key = format!("sendoff:demo:{:020x}:e", 0xea_u8);
            world
                .disk
                .plant(&key, &format!("2 {WALL_START_MS}\n{}", records.join("\n")));
        },
    },
];

fn destination(name: &str) -> DestinationConfig {
    DestinationConfig {
        name: name.to_owned(),
        format: "native".to_owned(),
        endpoint: format!("/{name}"),
        api_key: name.to_owned(),
        ..DestinationConfig::default()
    }
}

fn is_for(sent: &Sent, key: &str) -> bool {
    sent.json()["apiKey"] == key
}

/// What lies in the store when the story is over.
fn written(fixture: &Fixture) -> BTreeMap<String, String> {
    let (mut world, tab) = World::with_tab(fixture.configure);
    (fixture.leave)(&mut world, tab);
    let value = |key: String| (key.clone(), world.disk.read(&key).unwrap());
    world.disk.all_keys().into_iter().map(value).collect()
}

/// What the next visit makes of it: every event and every explanation that arrives, by destination, what the visitor
/// is taken for, and what is left in the store.
fn read(fixture: &Fixture, journal: &BTreeMap<String, String>) -> Value {
    let mut world = World::new();
    world.pass(60_000);
    for (key, value) in journal {
        world.disk.set(key, value).unwrap();
    }
    let next = world.open_with(|opening| {
        (fixture.configure)(opening);
        opening.host.tab = format!("{:020x}", 0xfeed);
    });
    world.pass(20_000);
    let mut arrived: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for sent in world.sent.iter().filter(|sent| !sent.is_query()) {
        let body = sent.json();
        let of = format!(
            "{} of {}",
            body["apiKey"].as_str().unwrap(),
            body["tab"].as_str().unwrap()
        );
        let items = arrived.entry(of).or_default();
        items.extend(body["dropped"].as_array().cloned().unwrap_or_default());
        items.extend(body["events"].as_array().unwrap().iter().cloned());
    }
    world.track(next, "who is it");
    world.flush(next);
    let who = world.sent.last().unwrap().json()["events"][0].clone();
    let of_the_dead = |key: &String| !key.contains(world.name(next)) && !key.ends_with(":identity");
    json!({
        "arrived": arrived,
        "user": who["userId"],
        "anonymous": who["anonymousId"],
        "properties": who["properties"],
        "left over": world.disk.all_keys().into_iter().filter(of_the_dead).collect::<Vec<_>>(),
    })
}

fn folder(version: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/journal")
        .join(version)
}

fn stored(version: &str, name: &str) -> Value {
    let path = folder(version).join(name).with_extension("json");
    let text = std::fs::read_to_string(&path)
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap()
}

#[test]
fn journals_are_written_as_they_were() {
    for fixture in &FIXTURES {
        let journal = written(fixture);
        if std::env::var_os("UPDATE_JOURNALS").is_some() {
            let read = read(fixture, &journal);
            let text =
                serde_json::to_string_pretty(&json!({"journal": journal, "read": read})).unwrap();
            let path = folder(WRITTEN).join(fixture.name).with_extension("json");
            std::fs::create_dir_all(folder(WRITTEN)).unwrap();
            std::fs::write(path, text + "\n").unwrap();
        }
        let before = &stored(WRITTEN, fixture.name)["journal"];
        assert_eq!(
            &json!(journal),
            before,
            "{}: a format that changes needs a version of its own",
            fixture.name
        );
    }
}

#[test]
fn journals_of_every_version_are_read() {
    for version in ["v2"] {
        for fixture in &FIXTURES {
            let file = stored(version, fixture.name);
            let journal = serde_json::from_value(file["journal"].clone()).unwrap();
            assert_eq!(
                read(fixture, &journal),
                file["read"],
                "{version}/{}",
                fixture.name
            );
        }
    }
}
