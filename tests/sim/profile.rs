//! What kind of world a seed makes: how many tabs, which browser features, which destinations, which faults and how
//! often, which configuration. Each fault is a named number and is switched off in most worlds, so
//! that some seeds see one fault alone and others all of them together ("swarm testing").

use sendoff::engine::config::{Config, MultiTabMode};
use sendoff::intake::IdentityPolicy;

use crate::channel::LACKS;
use crate::faults::{Down, Faults, Net, Poison};
use crate::places::{PLACES, Site, site};
use crate::rng::Rng;
use crate::seed::{Scenario, Seed};
use crate::sites::sites;
use crate::weights::{self, Weights};

/// One world's constants.
#[derive(Clone, Debug)]
pub(crate) struct Profile {
    pub(crate) scenario: Scenario,
    pub(crate) config: Config,
    /// The configurations that pages are deployed with, one after the other.
    pub(crate) sites: Vec<Site>,
    /// The last of them, that of a healed world, lacks a destination that was there.
    pub(crate) forgets_place: bool,
    pub(crate) faults: Faults,
    /// By destination.
    pub(crate) nets: [Net; PLACES.len()],
    pub(crate) tabs_max: usize,
    /// Tabs opened in the same instant at the start.
    pub(crate) tabs_first: usize,
    pub(crate) processes_max: usize,
    pub(crate) chaos_ms: u64,
    pub(crate) gap_ms_max: u64,
    pub(crate) platform: Platform,
    /// Events that a collector never takes, out of a thousand.
    pub(crate) declines: u64,
    /// Events that a picky one wants again, out of a thousand.
    pub(crate) wants_again: u64,
    /// Bytes of padding in an event's properties at most.
    pub(crate) padding_max: u64,
    /// Pages of another project share the origin.
    pub(crate) two_projects: bool,
    /// Pages of an older build, out of a thousand, and what that lacks.
    pub(crate) older: u64,
    pub(crate) lacks: u32,
    /// The destination that is down for good in one of two runs, and how.
    pub(crate) ails: Option<(usize, Down)>,
    /// Nothing that a machine does takes now this long and now that long.
    pub(crate) steady: bool,
    /// Pages of a newer build say more than this one knows.
    pub(crate) newer: bool,
    /// How likely each action is, in the order of `script::ACTIONS`.
    pub(crate) weights: Weights,
}

/// What the browser has.
#[derive(Clone, Debug)]
pub(crate) struct Platform {
    pub(crate) has_channel: bool,
    pub(crate) has_deferred: bool,
    pub(crate) has_keepalive: bool,
    /// Whether storage is blocked.
    pub(crate) no_storage: bool,
    /// Whether the 64 KiB for deferred requests are shared by all tabs.
    pub(crate) deferred_shared: bool,
    /// Whether the browser counts beacons apart from keepalive requests, as some do: it then takes
    /// one where it has just refused the other.
    pub(crate) beacons_apart: bool,
    pub(crate) quota_bytes: usize,
}

impl Platform {
    fn random(rng: &mut Rng) -> Self {
        Self {
            has_channel: !rng.chance(60),
            has_deferred: rng.chance(400),
            has_keepalive: !rng.chance(60),
            no_storage: rng.chance(30),
            deferred_shared: rng.chance(300),
            beacons_apart: rng.chance(600),
            quota_bytes: if rng.chance(150) {
                rng.between(3_000, 60_000) as usize
            } else {
                5 << 20
            },
        }
    }

    /// One that has everything, and room for it.
    fn good(self) -> Self {
        Self {
            has_channel: true,
            has_keepalive: true,
            no_storage: false,
            quota_bytes: 5 << 20,
            ..self
        }
    }
}

impl Profile {
    /// What a seed makes.
    pub(crate) fn of(seed: Seed) -> Self {
        Self::new(seed.scenario, &mut seed.rng())
    }

    pub(crate) fn new(scenario: Scenario, rng: &mut Rng) -> Self {
        let general = Self::general(rng);
        match scenario {
            Scenario::General => general,
            Scenario::Single => Self {
                scenario,
                tabs_max: 1,
                tabs_first: 1,
                processes_max: 1,
                ..general
            },
            Scenario::Adoption => Self::adoption(general),
            Scenario::Calm => Self {
                scenario,
                weights: weights::calm_weights(),
                ..Self::adoption(general)
            },
            Scenario::Starved => Self::starved(general),
            Scenario::Left => Self {
                scenario,
                weights: weights::left_weights(),
                tabs_max: 6,
                chaos_ms: 25_000,
                gap_ms_max: 700,
                ..Self::adoption(general)
            },
            Scenario::Poison => Self::poison(general, rng),
            Scenario::Apart => Self::apart(general, rng),
            Scenario::Crowd => Self::crowd(general, rng),
        }
    }

    fn general(rng: &mut Rng) -> Self {
        let crowd = rng.chance(8);
        let config = config(rng);
        // An event that could never fit a batch is refused at the call. How much room the envelope
        // takes is the engine's business, so properties stay clear of the edge.
        let room = u64::from(config.max_payload_bytes) - 3_500;
        let tabs_max = if crowd {
            20
        } else {
            rng.between(1, 6) as usize
        };
        let faults = Faults::random(rng);
        let nets = PLACES.each_ref().map(|_| Net::random(rng));
        let mut weights = weights::weights(rng);
        if faults.blocked {
            // Only a long and busy session finds out that it is blocked.
            weights[1] = 10;
        }
        Self {
            scenario: Scenario::General,
            config,
            sites: sites(rng),
            forgets_place: rng.chance(100),
            tabs_max,
            tabs_first: if crowd {
                20
            } else {
                rng.between(1, tabs_max.min(3) as u64) as usize
            },
            processes_max: rng.between(1, 3) as usize,
            chaos_ms: match rng.weighted(&[80, 17, 3]) {
                _ if faults.blocked => rng.between(50_000, 90_000),
                0 => rng.between(1_000, 15_000),
                1 => rng.between(15_000, 60_000),
                _ => rng.between(60_000, 240_000),
            },
            gap_ms_max: [200, 900, 4_000][rng.weighted(&[2, 4, 2])],
            declines: if rng.chance(80) {
                rng.between(1, 300)
            } else {
                0
            },
            wants_again: if rng.chance(400) {
                rng.between(5, 300)
            } else {
                0
            },
            padding_max: [10, 120, 2_000, 20_000][rng.weighted(&[60, 60, 12, 2])].min(room),
            two_projects: rng.chance(80),
            older: if rng.chance(150) { 400 } else { 0 },
            lacks: LACKS[rng.below(2) as usize],
            newer: rng.chance(100),
            ails: None,
            steady: false,
            platform: Platform::random(rng),
            weights,
            faults,
            nets,
        }
    }

    fn adoption(general: Self) -> Self {
        Self {
            scenario: Scenario::Adoption,
            config: plain_config(),
            sites: general.sites.last().cloned().into_iter().collect(),
            forgets_place: false,
            faults: Faults::healthy(),
            nets: PLACES.each_ref().map(|_| Net {
                delay_ms_max: 100,
                ..Net::healthy()
            }),
            tabs_max: 4,
            tabs_first: 2,
            processes_max: 3,
            chaos_ms: 40_000,
            gap_ms_max: 2_500,
            platform: general.platform.good(),
            declines: 0,
            wants_again: 0,
            padding_max: 100,
            older: 0,
            weights: weights::adoption_weights(),
            ..general
        }
    }

    fn poison(general: Self, rng: &mut Rng) -> Self {
        let mut nets = PLACES.each_ref().map(|_| Net {
            delay_ms_max: 100,
            ..Net::healthy()
        });
        for net in &mut nets {
            let down = [Down::Refused, Down::Status(403)][rng.below(2) as usize];
            let rate = rng.between(0, 4);
            net.poison = Some(Poison { rate, down });
        }
        Self {
            scenario: Scenario::Poison,
            weights: weights::plain_weights(),
            nets,
            tabs_max: rng.between(1, 3) as usize,
            tabs_first: 1,
            chaos_ms: 20_000,
            gap_ms_max: 900,
            ..Self::adoption(general)
        }
    }

    fn apart(general: Self, rng: &mut Rng) -> Self {
        let tabs_max = rng.between(1, 3) as usize;
        let places = [[0, 1, 2], [1, 2, 0], [2, 0, 1]][rng.below(3) as usize];
        Self {
            scenario: Scenario::Apart,
            weights: weights::steady_weights(tabs_max == 1),
            sites: vec![site(&places)],
            ails: Some((rng.below(3) as usize, Down::random(rng))),
            steady: true,
            faults: Faults {
                storage_lag_ms_max: 0,
                timer_late_ms_max: 0,
                ..Faults::healthy()
            },
            nets: PLACES.each_ref().map(|_| Net {
                delay_ms_max: 30,
                ..Net::healthy()
            }),
            tabs_max,
            tabs_first: 1,
            gap_ms_max: 1_500,
            ..Self::adoption(general)
        }
    }

    fn crowd(general: Self, rng: &mut Rng) -> Self {
        let tabs = [2, 10, 20, 40][rng.below(4) as usize];
        Self {
            scenario: Scenario::Crowd,
            weights: weights::starved_weights(),
            two_projects: false,
            newer: false,
            tabs_max: tabs,
            tabs_first: tabs,
            processes_max: tabs,
            chaos_ms: crate::crowd::SERVED_MS,
            gap_ms_max: 100,
            ..Self::adoption(general)
        }
    }

    fn starved(general: Self) -> Self {
        Self {
            scenario: Scenario::Starved,
            weights: weights::starved_weights(),
            faults: Faults {
                channel_delay_ms_max: 1_000,
                storage_lag_ms_max: 200,
                timer_late_ms_max: 400,
                ..Faults::healthy()
            },
            nets: PLACES.each_ref().map(|_| Net {
                delay_ms_max: 600,
                ..Net::healthy()
            }),
            tabs_max: 12,
            processes_max: 12,
            chaos_ms: 12_000,
            gap_ms_max: 200,
            ..Self::adoption(general)
        }
    }
}

/// Today's defaults, and no call is refused for the sake of who the visitor is.
fn plain_config() -> Config {
    let mut config = Config::new("demo");
    config.intake.identity = IdentityPolicy::Allow;
    config
}

fn config(rng: &mut Rng) -> Config {
    let mut config = plain_config();
    if rng.chance(400) {
        config.flush_at = rng.between(1, 60) as u32;
        config.max_batch_size = rng.between(1, 60) as u32;
    }
    if rng.chance(200) {
        config.flush_interval_ms = rng.between(50, 8_000) as u32;
    }
    if rng.chance(150) {
        config.max_queue_size = rng.between(5, 200) as u32;
    }
    if rng.chance(100) {
        config.max_payload_bytes = rng.between(4_200, 9_000) as u32;
    }
    if rng.chance(120) {
        config.max_storage_bytes = rng.between(0, 40_000) as u32;
    }
    if rng.chance(100) {
        config.max_retries = rng.between(1, 6) as u32;
        config.retry_base_delay_ms = rng.between(1, 2_000) as u32;
        config.timeout_ms = rng.between(500, 8_000) as u32;
    }
    config.disable_timer = rng.chance(40);
    config.auto_flush_on_exit = !rng.chance(60);
    if rng.chance(100) {
        config.multi_tab_mode = MultiTabMode::Independent;
    }
    config
}
