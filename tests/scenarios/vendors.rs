//! All formats as destinations of one page, in worlds played from a seed: each of them is down in its turn, in its own way, and
//! refuses an event now and then, while tabs track events and numbers, come, go and die. Every vendor gets every event under one
//! key; what one of them does, or the place of the metrics, is felt by no other.

use std::collections::{BTreeMap, BTreeSet};

use sendoff::{
    engine::{config::DestinationConfig, io::RetryAfter},
    model::rng::Rng,
};
use serde_json::Value;

use crate::collector::{Answer, Sent};
use crate::form::json_of;
use crate::world::{Opening, WALL_START_MS, World};

const WORLDS: u64 = 50;
const STEPS: u64 = 120;
/// The flush interval, and what a full round of lanes may take beside it.
const PROMPT_MS: u64 = 2_000 + 100;
/// Where metrics go; they are no vendor's affair, but their place is down in its turn, too.
const METRICS: &str = "/metrics";
const OWN: &str = "own";

/// Format, the list of events in its body, the member that holds an event's key, and what it says when all is well.
const VENDORS: [(&str, &str, &str, &str); 8] = [
    ("posthog", "/batch", "uuid", r#"{"status":"Ok"}"#),
    ("mixpanel", "", "$insert_id", r#"{"error":null,"status":1}"#),
    ("amplitude", "/events", "insert_id", r#"{"code":200}"#),
    ("segment", "/batch", "messageId", r#"{"success":true}"#),
    ("rudderstack", "/batch", "messageId", "OK"),
    ("jitsu", "/batch", "messageId", r#"{"ok":true}"#),
    ("webhook", "", "idempotencyKey", ""),
    (
        "otlp",
        "/resourceLogs/0/scopeLogs/0/logRecords",
        "log.record.uid",
        "{}",
    ),
];

/// What a vendor does instead of taking a request.
#[derive(Clone, Copy, Debug)]
enum Down {
    Unreachable,
    Hanging,
    Failing,
    AskingForPatience,
}

const WAYS: [Down; 4] = [
    Down::Unreachable,
    Down::Hanging,
    Down::Failing,
    Down::AskingForPatience,
];

/// What the vendors have taken, and who of them is down.
#[derive(Default)]
pub(crate) struct Vendors {
    down: Option<(&'static str, Down)>,
    /// By vendor and event: when it came first, and under which key.
    taken: BTreeMap<(&'static str, u64), (u64, Option<String>)>,
}

impl Vendors {
    /// What somebody else than the collector answers.
    pub(crate) fn answer(&mut self, sent: &Sent) -> Option<Answer> {
        let vendor = VENDORS
            .iter()
            .find(|(name, ..)| sent.url.starts_with(&address(name)));
        let place = vendor.map_or(OWN, |(name, ..)| *name);
        let place = if sent.url.starts_with(METRICS) {
            METRICS
        } else {
            place
        };
        if let Some((_, how)) = self.down.filter(|(down, _)| *down == place) {
            return Some(match how {
                Down::Unreachable => Answer::Network,
                Down::Hanging => Answer::Hang,
                Down::Failing => Answer::Status(503),
                Down::AskingForPatience => Answer::After(429, RetryAfter::Millis(3_000)),
            });
        }
        let (name, list, key, words) = vendor?;
        let body: Value = serde_json::from_str(&json_of(&sent.body)).unwrap();
        let items = body.pointer(list).and_then(Value::as_array).unwrap();
        let mark = |item| find(item, "mark").and_then(number).unwrap();
        let marks: BTreeSet<u64> = items
            .iter()
            .filter(|item| find(item, "mark").is_some())
            .map(mark)
            .collect();
        if marks.iter().any(|mark| refuses(name, *mark)) {
            return Some(Answer::Says(400, ""));
        }
        for item in items.iter().filter(|item| find(item, "mark").is_some()) {
            let key = find(item, key).map(|key| key.as_str().unwrap().to_owned());
            let (_, known) = self
                .taken
                .entry((name, mark(item)))
                .or_insert_with(|| (sent.at, key.clone()));
            assert_eq!(
                *known,
                key,
                "{name}: event {} has another key now",
                mark(item)
            );
        }
        Some(Answer::Says(200, words))
    }
}

fn address(name: &str) -> String {
    format!("https://{name}.test")
}

/// One event in fifty is more than a vendor can take: another one at each.
fn refuses(vendor: &str, mark: u64) -> bool {
    let place = VENDORS.iter().position(|(name, ..)| *name == vendor);
    // These two say of a batch what they took of it, and not that it is bad.
    place.is_some_and(|place| mark % 50 == place as u64) && !matches!(vendor, "mixpanel" | "otlp")
}

/// The first member of that name at any depth, or the attribute as OTLP has it.
fn find<'a>(value: &'a Value, name: &str) -> Option<&'a Value> {
    match value {
        Value::Array(items) => items.iter().find_map(|item| find(item, name)),
        Value::Object(all) if all.get("key").and_then(Value::as_str) == Some(name) => {
            all.get("value")?.as_object()?.values().next()
        }
        Value::Object(all) => all
            .get(name)
            .or_else(|| all.values().find_map(|value| find(value, name))),
        _ => None,
    }
}

fn number(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.parse().ok())
}

fn opening(opening: &mut Opening) {
    let vendor = |name: &str| DestinationConfig {
        name: name.to_owned(),
        format: name.to_owned(),
        endpoint: address(name),
        api_key: "key".to_owned(),
        ..DestinationConfig::default()
    };
    let own = DestinationConfig {
        format: "native".to_owned(),
        endpoint: "/own".to_owned(),
        ..vendor(OWN)
    };
    opening.config.destinations = VENDORS
        .iter()
        .map(|(name, ..)| vendor(name))
        .chain([own])
        .collect();
    opening.config.metrics_endpoint = METRICS.to_owned();
    opening.config.max_batch_size = 500;
}

/// A seeded world: what was tracked when, and who was down when.
struct Play {
    world: World,
    rng: Rng,
    tabs: Vec<usize>,
    /// When each event was tracked.
    tracked: Vec<u64>,
    metrics: u64,
    /// From when to when each was down.
    outages: Vec<(&'static str, u64, u64)>,
}

impl Play {
    fn new(seed: u64) -> Self {
        let mut world = World::new();
        let mut rng = Rng::new(seed);
        let tabs = (0..1 + rng.below(3))
            .map(|_| world.open_with(opening))
            .collect();
        world.pass(300);
        Self {
            world,
            rng,
            tabs,
            tracked: Vec::new(),
            metrics: 0,
            outages: Vec::new(),
        }
    }

    fn any_tab(&mut self) -> usize {
        let index = self.rng.below(self.tabs.len() as u64) as usize;
        self.tabs[index]
    }

    fn track(&mut self) {
        let tab = self.any_tab();
        let records: Vec<String> = (0..=self.rng.below(12)).map(|_| self.record()).collect();
        self.world.calls(tab, &records.join("\n"));
    }

    fn record(&mut self) -> String {
        let (mark, at) = (self.tracked.len(), WALL_START_MS + self.world.now);
        self.tracked.push(self.world.now);
        if self.rng.below(30) == 0 {
            return format!("identify\t{at}\t0\tuser=\"u1\"\tprops={{\"mark\":{mark}}}");
        }
        format!("track\t{at}\t0\tname=\"bought\"\tprops={{\"mark\":{mark},\"total\":4.5}}")
    }

    fn measure(&mut self) {
        let (tab, at) = (self.any_tab(), WALL_START_MS + self.world.now);
        let value = self.metrics;
        self.metrics += 1;
        self.world
            .calls(tab, &format!("metric\t{at}\t0\tname=\"m\"\tvalue={value}"));
    }

    /// The next in turn is down from now on, or nobody is.
    fn turn(&mut self, round: u64) {
        let places: Vec<&'static str> = VENDORS
            .iter()
            .map(|(name, ..)| *name)
            .chain([OWN, METRICS])
            .collect();
        let now = self.world.now;
        if let Some(last) = self.outages.last_mut().filter(|(.., to)| *to == u64::MAX) {
            last.2 = now;
        }
        let way = WAYS[self.rng.below(WAYS.len() as u64) as usize];
        let next = places[round as usize % places.len()];
        self.world.collector.vendors.down = Some((next, way));
        self.outages.push((next, now, u64::MAX));
    }

    /// A tab dies, or is left, and another one comes.
    fn replace(&mut self) {
        let index = self.rng.below(self.tabs.len() as u64) as usize;
        let tab = self.tabs[index];
        if self.rng.below(2) == 0 {
            self.world.crash(tab);
        } else {
            self.world.close(tab);
        }
        self.tabs[index] = self.world.open_with(opening);
    }

    /// Was it down when that was tracked, or has it just been, or is it about to be?
    fn was_down(&self, place: &str, at: u64) -> bool {
        // What failed then waits for its turn: backoff, breaker, patience, a request that hangs.
        const AFTER_MS: u64 = 40_000;
        let mut outages = self.outages.iter();
        outages.any(|(down, from, to)| {
            *down == place && at + PROMPT_MS >= *from && at <= to.saturating_add(AFTER_MS)
        })
    }
}

fn play(seed: u64, calm: bool) -> Play {
    let mut play = Play::new(seed);
    for step in 0..STEPS {
        if step % 12 == 0 {
            play.turn(seed + step / 12);
        }
        match play.rng.below(10) {
            0 if !calm => play.replace(),
            0..=1 => play.measure(),
            _ => play.track(),
        }
        let ms = play.rng.below(4_000);
        play.world.pass(ms);
    }
    play.world.collector.vendors.down = None;
    for _ in 0..20 {
        play.world.pass(60_000);
    }
    play
}

/// Every vendor has every event that it did not refuse, once under one key, and the account says so.
fn assert_all_there(play: &Play, seed: u64) {
    let taken = &play.world.collector.vendors.taken;
    let mut keys: BTreeMap<u64, &String> = BTreeMap::new();
    for (name, ..) in VENDORS {
        for mark in 0..play.tracked.len() as u64 {
            let there = taken.get(&(name, mark));
            assert_eq!(
                there.is_some(),
                !refuses(name, mark),
                "seed {seed}: event {mark} at {name}"
            );
            if let Some((_, Some(key))) = there {
                assert_eq!(
                    *keys.entry(mark).or_insert(key),
                    key,
                    "seed {seed}: event {mark} at {name}"
                );
            }
        }
    }
    for tab in &play.tabs {
        for (name, figures) in play.world.stats(*tab).destinations {
            assert_eq!(figures.pending, 0, "seed {seed}: {name}");
            let rejected = figures.dropped.iter().all(|one| one.reason == "rejected");
            assert!(
                rejected,
                "seed {seed}: {name} dropped {:?}",
                figures.dropped
            );
        }
    }
}

#[test]
fn each_in_turn_is_down_and_no_other_feels_it() {
    for seed in 0..WORLDS {
        let play = play(seed, true);
        assert_all_there(&play, seed);
        let taken = &play.world.collector.vendors.taken;
        for ((name, mark), (at, _)) in taken {
            let tracked = play.tracked[*mark as usize];
            let late = at - tracked > PROMPT_MS;
            assert!(
                !late || play.was_down(name, tracked),
                "seed {seed}: event {mark}, tracked at {tracked}, came to {name} at {at}; {:?}",
                play.outages
            );
        }
        // Nobody dies here, so no number is lost, though its place has been down.
        let mut numbers: Vec<u64> = play
            .world
            .collector
            .metrics
            .values()
            .filter_map(Value::as_u64)
            .collect();
        numbers.sort_unstable();
        assert_eq!(
            numbers,
            (0..play.metrics).collect::<Vec<_>>(),
            "seed {seed}"
        );
    }
}

#[test]
fn each_in_turn_is_down_while_tabs_come_and_go_and_nothing_is_lost_anywhere() {
    for seed in 0..WORLDS {
        let play = play(seed, false);
        assert_all_there(&play, seed);
        let mut figures = play
            .world
            .collector
            .metrics
            .values()
            .filter_map(Value::as_u64);
        let mut seen = BTreeSet::new();
        assert!(
            figures.all(|value| value < play.metrics && seen.insert(value)),
            "seed {seed}"
        );
    }
}
