//! Runs worlds: the entry points of the test.

#![allow(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "a world that hangs is told by the real clock; nothing in a world reads it"
)]

use std::{
    cell::RefCell,
    collections::BTreeMap,
    panic::{self, AssertUnwindSafe},
    sync::{
        Mutex, Once,
        atomic::{AtomicU64, Ordering},
    },
    thread::ScopedJoinHandle,
    time::{Duration, Instant},
};

use crate::coverage::{Coverage, LAST_WORDS};
use crate::faults::Down;
use crate::places::PLACES;
use crate::profile::Profile;
use crate::seed::{Scenario, Seed};
use crate::summary::Summary;
use crate::world::World;

/// Threads that share the work of a large run.
const THREADS: usize = 2;
/// No world takes longer than this, or its engine hangs.
const STUCK_AFTER: Duration = Duration::from_secs(60);
/// A run stops after this many failing seeds.
const FAILURES_MAX: usize = 40;

thread_local! {
    /// The message and place of the last panic in this thread's world.
    static LAST_PANIC: RefCell<Option<String>> = const { RefCell::new(None) };
    static IN_WORLD: RefCell<bool> = const { RefCell::new(false) };
}

/// What many worlds saw together.
#[derive(Default)]
struct Total {
    coverage: Coverage,
    worlds: u64,
    steps: u64,
    tracked: u64,
    stored: u64,
    duplicates: u64,
    avoidable: u64,
    native: u64,
    /// Failing seeds by number, with their messages.
    failures: BTreeMap<u64, String>,
}

/// Runs one world; a broken invariant or a panic of the engine comes back as text.
fn run(seed: Seed, verbose: bool) -> Result<Summary, String> {
    if seed.scenario == Scenario::Apart {
        return run_apart(seed, verbose);
    }
    play(seed, false, verbose)
}

/// A destination that is down for good delays no other by more than so many milliseconds.
const APART_MS_MAX: u64 = 100;

/// The flush interval, and the way there.
const TICK_MS: u64 = 2_000 + 60;

/// Plays a world with all destinations well and once more with one down for good, which is to make no difference to
/// the others (25).
fn run_apart(seed: Seed, verbose: bool) -> Result<Summary, String> {
    let well = play(seed, false, verbose)?;
    if verbose {
        eprintln!("--- ailing");
    }
    let ailing = play(seed, true, verbose)?;
    let (ails, _) = Profile::of(seed).ails.unwrap_or((usize::MAX, Down::Hangs));
    for (event, (tracked, at)) in &well.arrivals {
        let (tab, seq, place) = event;
        // It may go with an earlier or a later tick of the same clock.
        let latest = APART_MS_MAX + at.max(&(tracked + TICK_MS));
        if *place == ails || well.arrivals_end <= latest {
            continue;
        }
        let late = ailing.arrivals.get(event).map(|(_, at)| *at);
        if late.is_none_or(|late| late > latest) {
            let (name, down) = (PLACES[*place].name, PLACES[ails].name);
            let what = format!(
                "event {seq} of tab {tab}, tracked at {tracked} ms, arrives at {name} at {at} ms"
            );
            return Err(format!(
                "seed {seed}:\ninvariant 25 is broken: {what}, and with {down} down at {late:?}"
            ));
        }
    }
    Ok(ailing)
}

/// Plays one world.
fn play(seed: Seed, ailing: bool, verbose: bool) -> Result<Summary, String> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let default = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if IN_WORLD.with_borrow(|inside| *inside) {
                LAST_PANIC.set(Some(info.to_string()));
            } else {
                default(info);
            }
        }));
    });
    IN_WORLD.set(true);
    let result = panic::catch_unwind(AssertUnwindSafe(|| World::new(seed, ailing, verbose).run()));
    IN_WORLD.set(false);
    result.map_err(|_| {
        let text = LAST_PANIC.take().unwrap_or_default();
        format!("seed {seed}: {text}\n  replay: SIM_SEED={seed} cargo test --test sim")
    })
}

/// The seed to replay, if the environment names one: then nothing else is run.
fn replayed() -> Option<Seed> {
    let text = std::env::var("SIM_SEED").ok()?;
    Some(Seed::parse(&text).unwrap_or_else(|| panic!("SIM_SEED={text} is not a seed")))
}

fn run_many(scenario: Scenario, first: u64, count: u64) -> Total {
    let (next, total) = (AtomicU64::new(first), Mutex::new(Total::default()));
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..THREADS)
            .map(|_| scope.spawn(|| work(scenario, first + count, FAILURES_MAX, &next, &total)))
            .collect();
        watch(&workers, &next);
    });
    total.into_inner().expect("no world panics outside its run")
}

fn work(scenario: Scenario, end: u64, failures_max: usize, next: &AtomicU64, total: &Mutex<Total>) {
    loop {
        let number = next.fetch_add(1, Ordering::Relaxed);
        if number >= end {
            return;
        }
        let result = run(Seed { scenario, number }, false);
        let mut total = total.lock().expect("no world panics outside its run");
        total.add(number, result);
        if total.failures.len() >= failures_max {
            return;
        }
    }
}

/// An engine that loops within one call cannot be stopped from outside; it can only be named.
fn watch(workers: &[ScopedJoinHandle<'_, ()>], next: &AtomicU64) {
    let (mut seen, mut since) = (0, Instant::now());
    while workers.iter().any(|worker| !worker.is_finished()) {
        std::thread::park_timeout(Duration::from_millis(20));
        let number = next.load(Ordering::Relaxed);
        if number != seen {
            (seen, since) = (number, Instant::now());
        } else if since.elapsed() > STUCK_AFTER {
            eprintln!("a world just below seed {number} does not end; run them one by one");
            std::process::abort();
        }
    }
}

/// The numbers of the worlds that a known defect breaks.
fn known_to_fail(scenario: Scenario) -> Vec<u64> {
    include_str!("known-failures.txt")
        .lines()
        .map(|line| line.split('#').next().unwrap_or("").trim())
        .filter(|text| !text.is_empty())
        .map(|text| Seed::parse(text).unwrap_or_else(|| panic!("known-failures.txt: {text}?")))
        .filter(|seed| seed.scenario == scenario)
        .map(|seed| seed.number)
        .collect()
}

impl Total {
    fn add(&mut self, number: u64, result: Result<Summary, String>) {
        self.worlds += 1;
        match result {
            Ok(summary) => {
                self.coverage.merge(&summary.coverage);
                self.steps += summary.steps;
                self.tracked += summary.tracked;
                self.stored += summary.stored;
                self.duplicates += summary.duplicates;
                self.avoidable += summary.avoidable;
                self.native += summary.native;
            }
            Err(text) => _ = self.failures.insert(number, text),
        }
    }

    /// At most one in fifty is sent to the native destination again where nothing but an engine is to blame.
    fn is_thrifty(&self) {
        let (twice, stored) = (self.avoidable, self.native);
        assert!(
            twice * 50 <= stored,
            "{twice} of {stored} events were sent again"
        );
    }

    /// Fails for a world that fails and is not known to, and for one that is known to fail and does not.
    fn report(&self, name: &str, known: &[u64]) {
        let Self {
            worlds,
            steps,
            tracked,
            stored,
            duplicates,
            avoidable,
            native,
            ..
        } = self;
        eprintln!(
            "{name}: {worlds} worlds, {steps} steps, {tracked} events tracked, {stored} stored, \
             {duplicates} duplicates on the wire ({avoidable} avoidable at the native one, of {native})"
        );
        for (number, text) in &self.failures {
            let line = text.lines().nth(1).unwrap_or(text);
            eprintln!("  {number}: {line:.220}");
        }
        let new: Vec<_> = self
            .failures
            .iter()
            .filter(|(number, _)| !known.contains(number))
            .collect();
        assert!(
            new.is_empty(),
            "{} of {worlds} seeds failed that are not known to, the first of them:\n{}",
            new.len(),
            new.first().map_or("", |(_, text)| text.as_str()),
        );
        let well: Vec<_> = known
            .iter()
            .filter(|number| **number < *worlds && !self.failures.contains_key(number))
            .collect();
        assert!(
            well.is_empty(),
            "{name} seeds {well:?} pass: take them out of known-failures.txt"
        );
    }
}

/// `SIM_SEED=4711 cargo test --test sim` runs that seed and prints its trace.
#[test]
fn replay() {
    let Some(seed) = replayed() else { return };
    match run(seed, true) {
        Ok(summary) => eprintln!("seed {seed} passes, trace {:016x}", summary.hash),
        Err(text) => panic!("{text}"),
    }
}

#[test]
fn ten_thousand_seeds() {
    if replayed().is_some() {
        return;
    }
    let count = std::env::var("SIM_COUNT")
        .ok()
        .and_then(|text| text.parse().ok());
    let total = run_many(Scenario::General, 0, count.unwrap_or(10_000));
    if std::env::var("SIM_COVERAGE").is_ok() {
        eprintln!("{}", total.coverage.table());
    }
    total.report("general", &known_to_fail(Scenario::General));
    total.is_thrifty();
    assert_eq!(
        total.coverage.missing(),
        [""; 0],
        "cases that no world has met"
    );
}

#[test]
fn single_tab_thousand_seeds() {
    if replayed().is_none() {
        run_many(Scenario::Single, 0, 1_000).report("single", &known_to_fail(Scenario::Single));
    }
}

#[test]
fn orphans_are_adopted_in_time() {
    if replayed().is_none() {
        run_many(Scenario::Adoption, 0, 300).report("adoption", &known_to_fail(Scenario::Adoption));
    }
}

/// On a calm day nothing waits for long, and next to nothing is sent twice.
#[test]
fn calm_days_are_prompt_and_thrifty() {
    if replayed().is_none() {
        let total = run_many(Scenario::Calm, 0, 300);
        total.report("calm", &known_to_fail(Scenario::Calm));
        total.is_thrifty();
    }
}

/// What a page had when it was left arrives without a later visit, whatever other tabs do.
#[test]
fn pages_that_are_left_speak_their_last_words() {
    if replayed().is_none() {
        let total = run_many(Scenario::Left, 0, 300);
        total.report("left", &known_to_fail(Scenario::Left));
        total.is_thrifty();
        assert!(total.coverage.of(LAST_WORDS) > 1_000);
    }
}

#[test]
fn disliked_events_are_set_aside_alone() {
    if replayed().is_none() {
        run_many(Scenario::Poison, 0, 150).report("poison", &known_to_fail(Scenario::Poison));
    }
}

#[test]
fn destinations_keep_apart() {
    if replayed().is_none() {
        run_many(Scenario::Apart, 0, 200).report("apart", &known_to_fail(Scenario::Apart));
    }
}

#[test]
fn crowds_are_served_and_keep_quiet() {
    if replayed().is_none() {
        run_many(Scenario::Crowd, 0, 60).report("crowd", &known_to_fail(Scenario::Crowd));
    }
}

/// Where nobody fails and nobody goes, nothing is sent twice, however late everything is.
#[test]
fn starved_machines_send_nothing_twice() {
    if replayed().is_none() {
        run_many(Scenario::Starved, 0, 80).report("starved", &known_to_fail(Scenario::Starved));
    }
}

#[test]
fn committed_seeds_pass() {
    if replayed().is_some() {
        return;
    }
    for line in include_str!("seeds.txt").lines() {
        let text = line.split('#').next().unwrap_or("").trim();
        if text.is_empty() {
            continue;
        }
        let seed = Seed::parse(text).unwrap_or_else(|| panic!("seeds.txt: {text} is not a seed"));
        if let Err(text) = run(seed, false) {
            panic!("{text}");
        }
    }
}

/// The same seed gives the same world, to the last step.
#[test]
fn worlds_are_deterministic() {
    if replayed().is_some() {
        return;
    }
    for number in 0..200 {
        let seed = Seed {
            scenario: Scenario::General,
            number,
        };
        let hashes = [run(seed, false), run(seed, false)].map(|run| run.map(|run| run.hash));
        assert_eq!(hashes[0], hashes[1], "seed {seed} ran in two ways");
    }
}

/// `SIM_WORLDS=apart:0-199 cargo test --test sim chosen -- --ignored` runs these until one fails: for `make bugs`.
#[test]
#[ignore = "runs what SIM_WORLDS names"]
fn chosen_worlds() {
    let text = std::env::var("SIM_WORLDS").unwrap_or_default();
    let chosen = text.split_once('-').and_then(|(first, last)| {
        let last: u64 = last.parse().ok()?;
        Some((Seed::parse(first)?, last))
    });
    let Some((first, last)) = chosen else {
        panic!("SIM_WORLDS={text} is no range of seeds, like single:0-99 or general:5-7");
    };
    let (next, total) = (AtomicU64::new(first.number), Mutex::new(Total::default()));
    std::thread::scope(|scope| {
        let run = || work(first.scenario, last + 1, 1, &next, &total);
        let workers: Vec<_> = (0..THREADS).map(|_| scope.spawn(run)).collect();
        watch(&workers, &next);
    });
    let total = total.into_inner().expect("no world panics outside its run");
    total.report(&text, &[]);
}

/// `SIM_SOAK=1 cargo test --test sim soak -- --ignored --nocapture` runs new seeds until one fails.
/// A number other than 1 is the first seed.
#[test]
#[ignore = "runs until it finds a failing seed"]
fn soak() {
    let first = std::env::var("SIM_SOAK")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(1);
    let mut first = if first > 1 { first } else { 1_000_000 };
    loop {
        for (scenario, name) in Scenario::ALL {
            let count = if scenario == Scenario::General {
                10_000
            } else {
                500
            };
            run_many(scenario, first, count).report(name, &[]);
        }
        first += 10_000;
        eprintln!("all seeds below {first} pass");
    }
}
