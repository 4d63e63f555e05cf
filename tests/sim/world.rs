//! One world: a virtual clock, a queue of what happens next, and everything in it. A run has three
//! phases: chaos (the script acts, faults are on), heal (every fault ends, one visible tab is there)
//! and drain (the world must become quiet in bounded time and steps, with everything accounted for).

use std::collections::{BTreeMap, BTreeSet};

use sendoff::engine::io::Outcome;

use crate::bodies::Body;
use crate::channel::Message;
use crate::collector::Collector;
use crate::coverage::Coverage;
use crate::faults::{Faults, Net};
use crate::model::Model;
use crate::network::Network;
use crate::places::{PLACES, Site};
use crate::profile::Profile;
use crate::rng::{Rng, mix};
use crate::seed::{Scenario, Seed};
use crate::storage::Storage;
use crate::summary::Summary;
use crate::tab::Tab;

/// 2026-01-15T12:00:00Z: where every world's wall clock starts.
const WALL_START_MS: u64 = 1_768_478_400_000;
/// How long a healed world may take to become quiet, in simulated milliseconds: the rarest probe of
/// a client that never got through comes every ten minutes, and then everything is sent.
const DRAIN_MS_MAX: u64 = 700_000;
/// How many things may happen meanwhile.
const DRAIN_STEPS_MAX: u64 = 200_000;
/// How many things may happen within one simulated second.
const SECOND_STEPS_MAX: u64 = 100_000;
/// Events that follow those that are disliked for good, and the time between two of them.
const BEATS: u64 = 150;
const BEAT_MS: u64 = 2_000;
/// How long a quiet world is watched.
const SETTLE_MS: u64 = 15_000;

/// Something that will happen.
#[derive(Clone, Debug)]
pub(crate) enum Event {
    /// The script's next action.
    Act,
    /// A tab's timer; the number tells a re-armed one from the old.
    Wake(usize, u32),
    Message(Message),
    /// A request reaches the collector.
    Arrive(u64),
    /// An answer reaches the browser.
    Answer(u64, Outcome),
    /// A page's engine is ready.
    Load(usize),
    /// The facade removes its early log.
    ForgetEarly(usize),
    /// Every page flushes: where the timer is off, somebody has to.
    FlushAll,
    /// A page of a window that is closed one by one.
    Close(usize),
    /// What a page had when it was left must have arrived.
    LastWords(usize, Vec<(usize, u64)>),
    /// A navigation or reload has ended in a new page, in this process.
    NewPage(usize),
}

/// See the top of this file.
pub(crate) struct World {
    pub(crate) seed: Seed,
    pub(crate) profile: Profile,
    pub(crate) faults: Faults,
    /// By destination.
    pub(crate) nets: [Net; PLACES.len()],
    /// The configuration of pages that are opened now.
    pub(crate) site: Site,
    /// For what users and pages do.
    pub(crate) rng: Rng,
    /// For what becomes of what engines do: so that the one does not depend on the other.
    pub(crate) dice: Rng,
    pub(crate) now: u64,
    pub(crate) wall_ahead_ms: u64,
    /// Some answer says when to ask again as a date.
    pub(crate) dated_until: u64,
    pub(crate) online: bool,
    pub(crate) healed: bool,
    pub(crate) healed_at: u64,
    pub(crate) tabs: Vec<Tab>,
    pub(crate) processes: Vec<usize>,
    pub(crate) storage: Storage,
    pub(crate) network: Network,
    /// By destination.
    pub(crate) collectors: [Collector; PLACES.len()],
    pub(crate) model: Model,
    pub(crate) coverage: Coverage,
    pub(crate) channel_order: BTreeMap<(usize, usize), u64>,
    /// Bodies already read, by hash.
    pub(crate) bodies: BTreeMap<u64, std::rc::Rc<Body>>,
    /// Hash of the body of every batch id ever sent.
    pub(crate) batches: BTreeMap<String, u64>,
    pub(crate) leaders: BTreeSet<usize>,
    /// Pairs of leaders that have heard each other, and since when.
    pub(crate) overlaps: BTreeMap<(usize, usize), u64>,
    /// Tabs that crashed in a healthy world, and when their events must have arrived.
    pub(crate) orphans: Vec<(usize, u64)>,
    pub(crate) posts: u64,
    pub(crate) requests: u64,
    queue: BTreeMap<(u64, u64), Event>,
    queued: u64,
    pub(crate) steps: u64,
    second_began_at_step: u64,
    pub(crate) hash: u64,
    pub(crate) verbose: bool,
}

impl World {
    /// `ailing`: one of its destinations is down for good, where the scenario has that.
    pub(crate) fn new(seed: Seed, ailing: bool, verbose: bool) -> Self {
        let mut rng = seed.rng();
        let mut profile = Profile::new(seed.scenario, &mut rng);
        if ailing && let Some((place, down)) = profile.ails {
            profile.nets[place].outage = Some((u64::MAX, down));
        }
        Self {
            seed,
            faults: profile.faults.clone(),
            nets: profile.nets.clone(),
            site: profile.sites[0].clone(),
            now: 0,
            wall_ahead_ms: WALL_START_MS,
            dated_until: 0,
            online: true,
            healed: false,
            healed_at: u64::MAX,
            tabs: Vec::new(),
            processes: Vec::new(),
            storage: Storage::new(profile.platform.quota_bytes),
            network: Network::default(),
            collectors: PLACES.each_ref().map(|_| Collector {
                declines: profile.declines,
                wants_again: profile.wants_again,
                ..Collector::default()
            }),
            model: Model::default(),
            coverage: Coverage::default(),
            channel_order: BTreeMap::new(),
            bodies: BTreeMap::new(),
            batches: BTreeMap::new(),
            leaders: BTreeSet::new(),
            overlaps: BTreeMap::new(),
            orphans: Vec::new(),
            posts: 0,
            requests: 0,
            queue: BTreeMap::new(),
            queued: 0,
            steps: 0,
            second_began_at_step: 0,
            hash: seed.number,
            verbose,
            profile,
            dice: Rng::new(rng.next()),
            rng,
        }
    }

    /// Runs the world to its end; panics where an invariant is broken.
    pub(crate) fn run(mut self) -> Summary {
        self.begin();
        self.run_until(self.profile.chaos_ms);
        if self.profile.scenario == Scenario::Crowd {
            self.check_crowd();
        }
        let arrivals = self.arrivals();
        self.heal();
        self.beat();
        self.drain();
        // Leaders that lost every word of each other only meet when they have something to do.
        for tab in self.running() {
            self.track(tab, 1);
        }
        if self.profile.config.disable_timer {
            self.at(0, Event::FlushAll);
        }
        self.drain();
        self.check_end();
        self.into_summary(arrivals)
    }

    /// Where events are disliked for good, others have to follow them for anybody to find out.
    fn beat(&mut self) {
        let beats = if self.profile.scenario == Scenario::Poison {
            BEATS
        } else {
            0
        };
        for _ in 0..beats {
            for tab in self.running() {
                self.track(tab, 1);
            }
            self.run_until(self.now + BEAT_MS);
        }
    }

    fn begin(&mut self) {
        if self.verbose {
            eprintln!("{:#?}", self.profile);
        }
        self.storage.notes.writes = self.verbose.then(Vec::new);
        self.cover_profile();
        self.plant_foreign_keys();
        for _ in 0..self.profile.tabs_first {
            self.open_tab(None);
        }
        self.at(0, Event::Act);
    }

    fn cover_profile(&mut self) {
        if !self.profile.platform.has_channel {
            self.coverage.hit("no channel");
        }
        if self.profile.config.multi_tab_mode == sendoff::engine::config::MultiTabMode::Independent
        {
            self.coverage.hit("independent");
        }
        if self.profile.tabs_first == 20 {
            self.coverage.hit("twenty tabs");
        }
        if self.profile.sites.iter().any(|site| site.len() > 2) {
            self.coverage.hit("three destinations");
        }
    }

    /// Until nothing is left to do, and then some seconds in which nothing is sent: what a leader
    /// still holds of a tab that is gone cannot be seen from outside.
    fn drain(&mut self) {
        let (deadline, steps) = (self.now + DRAIN_MS_MAX, self.steps + DRAIN_STEPS_MAX);
        let (mut quiet_since, mut requests) = (self.now, self.requests);
        loop {
            let quiet = self.is_quiet() && self.requests == requests;
            if quiet && self.now >= quiet_since + SETTLE_MS {
                return;
            }
            if self.now >= deadline || self.steps > steps {
                self.fail_drain(self.steps > steps);
            }
            if !quiet {
                (quiet_since, requests) = (self.now, self.requests);
            }
            self.step_before((quiet_since + SETTLE_MS).min(deadline));
        }
    }

    /// Lets time pass.
    pub(crate) fn run_until(&mut self, end: u64) {
        while self.now < end && self.step_before(end) {}
        self.now = self.now.max(end);
    }

    /// Lets the next thing happen, unless it lies beyond `end`; then the clock moves to `end`.
    fn step_before(&mut self, end: u64) -> bool {
        let Some((at, number)) = self.queue.first_key_value().map(|(key, _)| *key) else {
            self.now = end;
            return false;
        };
        if at > end {
            self.now = end;
            return false;
        }
        if at / 1_000 != self.now / 1_000 {
            self.second_began_at_step = self.steps;
        }
        self.now = at;
        if let Some(event) = self.queue.remove(&(at, number)) {
            self.steps += 1;
            if self.steps - self.second_began_at_step > SECOND_STEPS_MAX {
                self.fail(16, "the world is busy without end");
            }
            self.perform_event(event);
            self.check_overlaps();
            self.check_orphans();
        }
        true
    }

    fn perform_event(&mut self, event: Event) {
        match event {
            Event::Act => {
                self.check_storage();
                self.check_prompt();
                self.act();
            }
            Event::Wake(tab, number) => self.wake(tab, number),
            Event::Message(message) => self.hear(message),
            Event::Arrive(number) => self.arrive(number),
            Event::Answer(number, outcome) => self.answer(number, outcome),
            Event::Load(tab) => self.start_engine(tab),
            Event::ForgetEarly(tab) => self.forget_early(tab),
            Event::FlushAll => self
                .running()
                .into_iter()
                .for_each(|tab| self.ask_flush(tab)),
            Event::Close(tab) => {
                if !self.healed && self.running().contains(&tab) {
                    self.close(tab);
                }
            }
            Event::LastWords(tab, owed) => self.check_last_words(tab, &owed),
            Event::NewPage(process) => {
                let process = self.processes.contains(&process).then_some(process);
                self.open_tab(process);
            }
        }
    }

    /// A wait of so many milliseconds at most; in a steady world always of so many.
    pub(crate) fn upto(&mut self, ms: u64) -> u64 {
        if self.profile.steady {
            return ms;
        }
        self.dice.below(ms + 1)
    }

    /// Schedules `event` in `delay` milliseconds.
    pub(crate) fn at(&mut self, delay: u64, event: Event) {
        self.queued += 1;
        self.queue.insert((self.now + delay, self.queued), event);
    }

    /// What the wall clock of the machine shows.
    pub(crate) const fn wall(&self) -> u64 {
        self.now + self.wall_ahead_ms
    }

    /// Tabs whose engine can be called now.
    pub(crate) fn running(&self) -> Vec<usize> {
        (0..self.tabs.len())
            .filter(|tab| self.tabs[*tab].runs() && !self.tabs[*tab].stopped)
            .collect()
    }

    /// Adds a line to the trace: to its hash always, to the screen when a seed is replayed.
    pub(crate) fn log(
        &mut self,
        what: &str,
        tab: usize,
        detail: u64,
        text: impl FnOnce() -> String,
    ) {
        let word = (what.len() as u64) << 48 ^ u64::from(what.as_bytes()[0]) << 40 ^ tab as u64;
        self.hash = mix(self.hash ^ mix(self.now ^ word.rotate_left(20)) ^ detail);
        if self.verbose {
            let name = self.tabs.get(tab).map_or("", |tab| tab.short());
            eprintln!(
                "{:>9} {tab:>3} {name:<4} {what:<10} {detail:>6} {}",
                self.now,
                text()
            );
        }
    }
}
