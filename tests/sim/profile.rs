//! What kind of world a seed makes: how many tabs, which browser features, which faults and how
//! often, which configuration. Each fault is a named number and is switched off in most worlds, so
//! that some seeds see one fault alone and others all of them together ("swarm testing").

use core::fmt;

use sendoff::engine::config::{Config, MultiTabMode};

use crate::rng::Rng;

/// Which family of worlds a seed belongs to; part of its written form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scenario {
    /// Anything may happen.
    General,
    /// One tab at a time and a faulty collector.
    Single,
    /// A healthy network; tabs crash beside a visible one.
    Adoption,
    /// A healthy network; pages come and go in every way.
    Calm,
    /// A machine that hardly gets anything done: many pages open, and everything takes its time.
    Starved,
}

/// Names one world, for example `4711` or `single:12`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Seed {
    pub(crate) scenario: Scenario,
    pub(crate) number: u64,
}

/// The faults in force. Rates are out of a thousand; times are upper bounds in milliseconds.
#[derive(Clone, Debug)]
pub(crate) struct Faults {
    pub(crate) delay_ms_max: u64,
    pub(crate) refused: u64,
    pub(crate) status_503: u64,
    pub(crate) status_429: u64,
    pub(crate) status_408: u64,
    pub(crate) status_400: u64,
    /// Neither processed nor answered.
    pub(crate) hang: u64,
    /// Processed, never answered.
    pub(crate) lost: u64,
    /// Processed, then the connection breaks.
    pub(crate) reset: u64,
    pub(crate) late: u64,
    pub(crate) twice: u64,
    /// Nothing gets through at all, as behind an ad blocker.
    pub(crate) blocked: bool,
    pub(crate) max_events: usize,
    pub(crate) max_body_bytes: usize,
    pub(crate) channel_delay_ms_max: u64,
    pub(crate) channel_loss: u64,
    pub(crate) storage_lag_ms_max: u64,
    pub(crate) timer_late_ms_max: u64,
    /// Bytes of the keepalive budget that the host page itself is using.
    pub(crate) host_keepalive_bytes: usize,
}

/// One world's constants.
#[derive(Clone, Debug)]
pub(crate) struct Profile {
    pub(crate) scenario: Scenario,
    pub(crate) config: Config,
    pub(crate) faults: Faults,
    pub(crate) tabs_max: usize,
    /// Tabs opened in the same instant at the start.
    pub(crate) tabs_first: usize,
    pub(crate) processes_max: usize,
    pub(crate) chaos_ms: u64,
    pub(crate) gap_ms_max: u64,
    pub(crate) has_channel: bool,
    pub(crate) has_deferred: bool,
    /// Whether storage is blocked.
    pub(crate) no_storage: bool,
    /// Whether the 64 KiB for deferred requests are shared by all tabs.
    pub(crate) deferred_shared: bool,
    /// Whether the browser counts beacons apart from keepalive requests, as some do: it then takes
    /// one where it has just refused the other.
    pub(crate) beacons_apart: bool,
    pub(crate) quota_bytes: usize,
    /// Events that the collector never takes, out of a thousand.
    pub(crate) declines: u64,
    /// Bytes of padding in an event's properties at most.
    pub(crate) padding_max: u64,
    /// How likely each action is, in the order of `script::ACTIONS`.
    pub(crate) weights: [u64; crate::script::ACTIONS.len()],
}

impl Faults {
    /// The network, channel and storage of a good day.
    pub(crate) const fn healthy() -> Self {
        Self {
            delay_ms_max: 60,
            refused: 0,
            status_503: 0,
            status_429: 0,
            status_408: 0,
            status_400: 0,
            hang: 0,
            lost: 0,
            reset: 0,
            late: 0,
            twice: 0,
            blocked: false,
            max_events: usize::MAX,
            max_body_bytes: 1 << 20,
            channel_delay_ms_max: 8,
            channel_loss: 0,
            storage_lag_ms_max: 20,
            timer_late_ms_max: 4,
            host_keepalive_bytes: 0,
        }
    }

    fn random(rng: &mut Rng) -> Self {
        let rate = |rng: &mut Rng, max| {
            if rng.chance(300) {
                rng.between(5, max)
            } else {
                0
            }
        };
        let mut faults = Self {
            delay_ms_max: [20, 100, 400, 1_500][rng.weighted(&[4, 4, 2, 1])],
            refused: rate(rng, 300),
            status_503: rate(rng, 300),
            status_429: rate(rng, 150),
            status_408: rate(rng, 60),
            status_400: rate(rng, 20),
            hang: rate(rng, 100),
            lost: rate(rng, 200),
            reset: rate(rng, 150),
            late: rate(rng, 150),
            twice: rate(rng, 150),
            blocked: rng.chance(12),
            channel_delay_ms_max: [2, 20, 150][rng.weighted(&[5, 3, 1])],
            storage_lag_ms_max: [0, 30, 400, 3_000][rng.weighted(&[3, 3, 2, 1])],
            timer_late_ms_max: [1, 10, 100][rng.weighted(&[4, 3, 1])],
            ..Self::healthy()
        };
        if rng.chance(120) {
            faults.max_events = rng.below(30) as usize;
        }
        if rng.chance(60) {
            faults.max_body_bytes = rng.between(600, 8_000) as usize;
        }
        if rng.chance(150) {
            faults.channel_loss = rng.between(20, 400);
        }
        if rng.chance(100) {
            faults.host_keepalive_bytes = rng.between(10_000, 65_536) as usize;
        }
        faults
    }
}

impl Profile {
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
                weights: crate::script::calm_weights(),
                processes_max: 3,
                ..Self::adoption(general)
            },
            Scenario::Starved => Self {
                scenario,
                weights: crate::script::starved_weights(),
                faults: Faults {
                    delay_ms_max: 600,
                    channel_delay_ms_max: 1_000,
                    storage_lag_ms_max: 200,
                    timer_late_ms_max: 400,
                    ..Faults::healthy()
                },
                tabs_max: 12,
                processes_max: 12,
                chaos_ms: 12_000,
                gap_ms_max: 200,
                ..Self::adoption(general)
            },
        }
    }

    fn general(rng: &mut Rng) -> Self {
        let crowd = rng.chance(8);
        let config = config(rng);
        // An event that could never fit a batch is refused at the call. How much room the envelope
        // takes is the engine's business, so properties stay clear of the edge.
        let room = u64::from(config.max_payload_bytes) - 2_500;
        let tabs_max = if crowd {
            20
        } else {
            rng.between(1, 6) as usize
        };
        let faults = Faults::random(rng);
        let mut weights = crate::script::weights(rng);
        if faults.blocked {
            // Only a long and busy session finds out that it is blocked.
            weights[1] = 10;
        }
        Self {
            scenario: Scenario::General,
            config,
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
            has_channel: !rng.chance(60),
            has_deferred: rng.chance(400),
            no_storage: rng.chance(30),
            deferred_shared: rng.chance(300),
            beacons_apart: rng.aside().chance(600),
            quota_bytes: if rng.chance(150) {
                rng.between(3_000, 60_000) as usize
            } else {
                5 << 20
            },
            declines: if rng.chance(80) {
                rng.between(1, 300)
            } else {
                0
            },
            padding_max: [10, 120, 2_000, 20_000][rng.weighted(&[60, 60, 12, 2])].min(room),
            weights,
            faults,
        }
    }

    fn adoption(general: Self) -> Self {
        Self {
            scenario: Scenario::Adoption,
            config: Config::new("demo"),
            faults: Faults {
                delay_ms_max: 100,
                ..Faults::healthy()
            },
            tabs_max: 4,
            tabs_first: 2,
            processes_max: 3,
            chaos_ms: 40_000,
            gap_ms_max: 2_500,
            has_channel: true,
            no_storage: false,
            quota_bytes: 5 << 20,
            declines: 0,
            padding_max: 100,
            weights: crate::script::adoption_weights(),
            ..general
        }
    }
}

fn config(rng: &mut Rng) -> Config {
    let mut config = Config::new("demo");
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
        config.max_payload_bytes = rng.between(3_000, 8_000) as u32;
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

impl Seed {
    /// Reads what [`Display`](fmt::Display) writes.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (scenario, number) = match text.trim().split_once(':') {
            None => (Scenario::General, text.trim()),
            Some(("single", number)) => (Scenario::Single, number),
            Some(("adoption", number)) => (Scenario::Adoption, number),
            Some(("calm", number)) => (Scenario::Calm, number),
            Some(("starved", number)) => (Scenario::Starved, number),
            Some(_) => return None,
        };
        Some(Self {
            scenario,
            number: number.parse().ok()?,
        })
    }
}

impl fmt::Display for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.scenario {
            Scenario::General => write!(f, "{}", self.number),
            Scenario::Single => write!(f, "single:{}", self.number),
            Scenario::Adoption => write!(f, "adoption:{}", self.number),
            Scenario::Calm => write!(f, "calm:{}", self.number),
            Scenario::Starved => write!(f, "starved:{}", self.number),
        }
    }
}
