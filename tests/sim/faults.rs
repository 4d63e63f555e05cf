//! What goes wrong, and how often. Rates are out of a thousand; times are upper bounds in milliseconds.

use crate::rng::Rng;

/// The faults of one machine: its channel, its storage and its timers.
#[derive(Clone, Debug)]
pub(crate) struct Faults {
    pub(crate) channel_delay_ms_max: u64,
    pub(crate) channel_loss: u64,
    /// Messages of one tab to another may arrive in another order.
    pub(crate) overtaking: bool,
    pub(crate) storage_lag_ms_max: u64,
    pub(crate) timer_late_ms_max: u64,
    /// Bytes of the keepalive budget that the host page itself is using.
    pub(crate) host_keepalive_bytes: usize,
    /// Nothing gets through at all, as behind an ad blocker.
    pub(crate) blocked: bool,
}

/// The faults of the way to one destination, and of what answers there.
#[derive(Clone, Debug)]
pub(crate) struct Net {
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
    /// Processed, and the answer cannot be read but for its status.
    pub(crate) bodiless: u64,
    pub(crate) late: u64,
    pub(crate) twice: u64,
    /// Somebody else answers.
    pub(crate) foreign: u64,
    pub(crate) max_events: usize,
    pub(crate) max_body_bytes: usize,
    /// What the line carries in a second; 0 for a fast one.
    pub(crate) bytes_per_s: usize,
    /// What answers takes this long over each request.
    pub(crate) work_ms: u64,
    /// Events that somebody on the way dislikes, and what becomes of a body with one of them.
    pub(crate) poison: Option<Poison>,
    /// Until when the destination is down, and how.
    pub(crate) outage: Option<(u64, Down)>,
}

/// Events that do not get through, and take their whole body along.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Poison {
    /// Out of a thousand; the same ones every time.
    pub(crate) rate: u64,
    pub(crate) down: Down,
}

/// How a destination is down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Down {
    /// No connection.
    Refused,
    /// No answer.
    Hangs,
    Status(u16),
    Foreign(Foreign),
}

/// Who answers in its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Foreign {
    /// A captive portal, a service worker's offline page: 200 and HTML.
    Page,
    /// A login page that the request was redirected to, as a GET.
    Login,
    /// Another address of the same collector: it takes the batch.
    Moved,
    /// Nothing of it can be seen.
    Opaque,
    /// A blocker that answers for the host: 200 and nothing in it.
    Fake,
}

impl Foreign {
    pub(crate) const ALL: [Self; 5] = [
        Self::Page,
        Self::Login,
        Self::Moved,
        Self::Opaque,
        Self::Fake,
    ];
}

impl Down {
    /// Any of them.
    pub(crate) fn random(rng: &mut Rng) -> Self {
        match rng.below(8) {
            0 => Self::Refused,
            1 => Self::Hangs,
            2 => Self::Status(503),
            3 => Self::Foreign(Foreign::Page),
            4 => Self::Foreign(Foreign::Login),
            _ => Self::Status([401, 403, 404, 405, 410][rng.below(5) as usize]),
        }
    }
}

impl Faults {
    /// The channel and storage of a good day.
    pub(crate) const fn healthy() -> Self {
        Self {
            channel_delay_ms_max: 8,
            channel_loss: 0,
            overtaking: false,
            storage_lag_ms_max: 20,
            timer_late_ms_max: 4,
            host_keepalive_bytes: 0,
            blocked: false,
        }
    }

    pub(crate) fn random(rng: &mut Rng) -> Self {
        let mut faults = Self {
            channel_delay_ms_max: [2, 20, 150][rng.weighted(&[5, 3, 1])],
            storage_lag_ms_max: [0, 30, 400, 3_000][rng.weighted(&[3, 3, 2, 1])],
            timer_late_ms_max: [1, 10, 100][rng.weighted(&[4, 3, 1])],
            overtaking: rng.chance(150),
            blocked: rng.chance(12),
            ..Self::healthy()
        };
        if rng.chance(150) {
            faults.channel_loss = rng.between(20, 400);
        }
        if rng.chance(100) {
            faults.host_keepalive_bytes = rng.between(10_000, 65_536) as usize;
        }
        faults
    }
}

impl Net {
    /// The network of a good day.
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
            bodiless: 0,
            late: 0,
            twice: 0,
            foreign: 0,
            max_events: usize::MAX,
            max_body_bytes: 1 << 20,
            bytes_per_s: 0,
            work_ms: 0,
            poison: None,
            outage: None,
        }
    }

    pub(crate) fn random(rng: &mut Rng) -> Self {
        let rate = |rng: &mut Rng, max| {
            if rng.chance(300) {
                rng.between(5, max)
            } else {
                0
            }
        };
        let mut net = Self {
            delay_ms_max: [20, 100, 400, 1_500][rng.weighted(&[4, 4, 2, 1])],
            refused: rate(rng, 300),
            status_503: rate(rng, 300),
            status_429: rate(rng, 150),
            status_408: rate(rng, 60),
            status_400: rate(rng, 20),
            hang: rate(rng, 100),
            lost: rate(rng, 200),
            reset: rate(rng, 150),
            bodiless: rate(rng, 100),
            late: rate(rng, 150),
            twice: rate(rng, 150),
            foreign: rate(rng, 200),
            ..Self::healthy()
        };
        if rng.chance(120) {
            net.max_events = rng.below(30) as usize;
        }
        if rng.chance(60) {
            net.max_body_bytes = rng.between(600, 8_000) as usize;
        }
        if rng.chance(60) {
            net.bytes_per_s = rng.between(500, 20_000) as usize;
        }
        if rng.chance(40) {
            net.work_ms = rng.between(2_000, 20_000);
        }
        if rng.chance(40) {
            let down = [Down::Refused, Down::Status(403)][rng.below(2) as usize];
            net.poison = Some(Poison {
                rate: rng.between(1, 30),
                down,
            });
        }
        net
    }
}
