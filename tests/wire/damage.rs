//! What reaches the engine from outside may be damaged: storage, what other tabs say, what answers. Nothing of it may stop
//! the engine, make it lose count, or keep an event that is tracked after it from arriving.
//!
//! `PROPTEST_CASES` says how many cases (`make fuzz`).

use proptest::{collection::vec, prelude::*, sample::Index};
use sendoff::{
    engine::{
        config::Config,
        io::{Nature, Outcome, RetryAfter},
    },
    model::store::{MemoryStore, Store},
};
use serde_json::Value;

use crate::host::{Host, START_MS};

const CASES: u32 = 128;
/// After many refusals the next attempt is that far away.
const PATIENCE_MS: u64 = 2 * 3_600_000;
const NEXT_TAB: &str = "000000000000000000b2";
const BODIES: [&str; 4] = [
    r#"{"accepted":3,"duplicates":0,"duplicateBatch":false,"rejected":[]}"#,
    r#"{"accepted":1,"duplicates":1,"duplicateBatch":false,"rejected":[{"index":1,"error":"too_large","message":"no"}]}"#,
    r#"{"known":["000000000000000000a1:1-3.0badcafe"],"unknown":[]}"#,
    "<!doctype html><title>Sign in</title>",
];

/// One wound of a text that was right: from a place in it, so many characters give way to others.
#[derive(Clone, Debug)]
struct Wound(Index, usize, String);

fn wounds() -> impl Strategy<Value = Vec<Wound>> {
    let wound = (
        any::<Index>(),
        0_usize..40,
        "([0-9]{0,20}|[\\PC\\t\\n]{0,6})",
    );
    vec(
        wound.prop_map(|(at, taken, put)| Wound(at, taken, put)),
        1..4,
    )
}

fn wounded(text: &str, wounds: &[Wound]) -> String {
    let mut letters: Vec<char> = text.chars().collect();
    for Wound(at, taken, put) in wounds {
        let from = at.index(letters.len() + 1);
        let to = (from + taken).min(letters.len());
        letters.splice(from..to, put.chars());
    }
    letters.into_iter().collect()
}

fn config() -> Config {
    Config {
        max_batch_size: 3,
        ..Config::new("key")
    }
}

fn track(host: &mut Host, names: std::ops::Range<usize>) {
    for name in names {
        host.calls(&[&format!(
            "track\t{START_MS}\t0\tname=\"e{name}\"\tprops={{\"n\":{name}}}"
        )]);
    }
}

/// After all that the account is whole, and what is tracked now goes out to a collector that is well.
fn assert_sound(host: &mut Host) -> Result<(), TestCaseError> {
    host.outcome = Some(Outcome::Status {
        code: 200,
        retry_after: None,
        body: Some(BODIES[0].to_owned()),
        nature: Nature::Plain,
    });
    host.pass(PATIENCE_MS);
    track(host, 900..901);
    host.flush();
    host.pass(PATIENCE_MS);
    let stats = host.stats();
    prop_assert!(!stats.destinations.is_empty());
    for (_, figures) in &stats.destinations {
        let dropped: u64 = figures.dropped.iter().map(|drop| drop.count).sum();
        prop_assert_eq!(
            figures.accepted + figures.adopted,
            figures.delivered + figures.pending + figures.handed_back + dropped
        );
    }
    prop_assert!(host.bodies.iter().any(|body| body.contains("\"e900\"")));
    Ok(())
}

/// What was sent can be read. (What the facade and other tabs say is taken as it stands, as it is of the same page's making.)
fn assert_readable(host: &Host) -> Result<(), TestCaseError> {
    for body in &host.bodies {
        let parsed: Result<Value, _> = serde_json::from_str(body);
        prop_assert!(parsed.is_ok(), "{}", body);
    }
    Ok(())
}

/// What two tabs say to each other until one of them is gone.
fn conversation() -> Vec<String> {
    let mut one = Host::new(config());
    let mut two = one.next_visit(NEXT_TAB);
    let mut said = Vec::new();
    for round in 0..12 {
        track(&mut one, round..round + 1);
        track(&mut two, round..round + 2);
        let (from_one, from_two) = (one.take_posts(), two.take_posts());
        from_one.iter().for_each(|text| two.peer(text));
        from_two.iter().for_each(|text| one.peer(text));
        said.extend(from_one.into_iter().chain(from_two));
        one.pass(700);
        two.pass(700);
    }
    said.dedup();
    said
}

fn cases() -> ProptestConfig {
    let config = ProptestConfig::with_cases(CASES);
    // The variable is read by the default alone.
    let wanted = std::env::var_os("PROPTEST_CASES").map(|_| ProptestConfig::default().cases);
    ProptestConfig {
        cases: wanted.unwrap_or(config.cases),
        failure_persistence: None,
        ..config
    }
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn a_journal_that_was_damaged(tracked in 1_usize..12, damage in vec((any::<Index>(), wounds()), 1..5)) {
        let mut host = Host::new(config());
        host.hangs = true;
        track(&mut host, 0..tracked);
        host.pass(100);
        for (which, wounds) in &damage {
            let keys = host.store.keys("sendoff:");
            let key = which.get(&keys);
            let value = host.store.get(key).unwrap_or_default();
            _ = host.store.set(key, &wounded(&value, wounds));
        }
        let mut next = host.next_visit(NEXT_TAB);
        assert_sound(&mut next)?;
        assert_readable(&next)?;
    }

    #[test]
    fn keys_and_values_of_nobodys_making(values in vec(("[0-9a-f]{20}:([ohe]|[0-9]{1,20}-[0-9]{1,20}|\\PC{0,9})|identity|\\PC{0,9}", "(2 [0-9]{1,20}\\|)?\\PC{0,60}"), 1..6)) {
        let mut host = Host::new(config());
        for (key, value) in &values {
            _ = host.store.set(&format!("sendoff:demo:{key}"), value);
        }
        let mut next = host.next_visit(NEXT_TAB);
        assert_sound(&mut next)?;
        assert_readable(&next)?;
    }

    #[test]
    fn what_other_tabs_say(words in vec((any::<Index>(), wounds(), any::<bool>()), 1..20)) {
        let said = conversation();
        let mut host = Host::new(config());
        for (which, wounds, whole) in &words {
            let word = which.get(&said);
            host.peer(&if *whole { word.clone() } else { wounded(word, wounds) });
            track(&mut host, 0..1);
            host.pass(300);
        }
        // One who claims to lead is believed for a while: then it is gone.
        host.pass(60_000);
        assert_sound(&mut host)?;
    }

    #[test]
    fn what_answers(answers in vec((0_usize..BODIES.len(), wounds(), prop_oneof![Just(200_u16), 100_u16..600], any::<Option<u32>>(), 0_u8..4), 1..12)) {
        let mut host = Host::new(config());
        for (n, (body, wounds, code, wait, nature)) in (0..).zip(&answers) {
            host.outcome = Some(Outcome::Status {
                code: *code,
                retry_after: wait.map(|ms| RetryAfter::Millis(u64::from(ms % 5_000))),
                body: Some(wounded(BODIES[*body], wounds)),
                nature: [Nature::Plain, Nature::Html, Nature::Redirected, Nature::Opaque][usize::from(*nature)],
            });
            track(&mut host, n..n + 2);
            host.pass(3_000);
        }
        host.store = MemoryStore::default();
        host.pass(600_000);
        assert_sound(&mut host)?;
        assert_readable(&host)?;
    }

    #[test]
    fn calls_that_the_facade_never_made(records in vec(wounds(), 1..12)) {
        let mut host = Host::new(config());
        let edits = r#"[{"to":"sendoff","name":"n","properties":{"m":2},"without":["n"],"context":{"c":1}}]"#;
        let whole = format!("track\t{START_MS}\t0\tname=\"e\"\tprops={{\"n\":1}}\tvalue=3\tsample=0.5\tuser=\"u\"\tedits={edits}");
        for wounds in &records {
            host.calls(&[&wounded(&whole, wounds)]);
            host.pass(100);
        }
        assert_sound(&mut host)?;
    }
}
