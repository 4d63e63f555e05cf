//! One load of one page: its engine, what the browser knows about it, and what an onlooker has
//! noted about its behaviour.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    rc::Rc,
};

use sendoff::{
    engine::{
        Engine,
        io::{Outcome, PageEvent, RequestId},
        report::Stats,
    },
    model::store::MemoryStore,
};

use crate::{
    bodies::Body,
    places::{PLACES, Site},
    storage::{PREFIXES, PROJECTS},
};

/// Where a page is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Life {
    /// The facade runs, the engine is still being loaded.
    Loading,
    Live,
    /// No code runs; messages and answers wait.
    Frozen,
    /// In the back/forward cache.
    Cached,
    Dead,
}

/// An input for an engine, with what the world wants to remember about it.
#[derive(Clone, Debug)]
pub(crate) enum Arrival {
    Calls(Rc<str>),
    Flush(u32),
    Shutdown {
        id: u32,
        timeout_ms: u32,
    },
    Destroy,
    Answer {
        request: RequestId,
        outcome: Outcome,
        about: Option<About>,
    },
    Peer {
        from: usize,
        text: Rc<str>,
    },
    Page(PageEvent),
    /// The page pauses a destination, or lets it go on.
    Destination {
        place: usize,
        paused: bool,
    },
    Timeout,
}

/// The request that an answer belongs to.
#[derive(Clone, Debug)]
pub(crate) struct About {
    pub(crate) body: Rc<Body>,
    /// Sent while the page was being hidden or left.
    pub(crate) exit: bool,
}

/// How a new page comes to be.
#[derive(Clone, Debug)]
pub(crate) struct Birth {
    pub(crate) process: usize,
    pub(crate) project: usize,
    pub(crate) site: Site,
    /// The page that it is a part of: frames and a second client go where the page goes.
    pub(crate) page: usize,
    /// Those who share one budget for keepalive requests.
    pub(crate) budget: usize,
    pub(crate) clock_ahead_ms: u64,
    /// Capabilities that its build does not have.
    pub(crate) lacks: u32,
}

/// One page load.
pub(crate) struct Tab {
    pub(crate) name: String,
    pub(crate) process: usize,
    pub(crate) project: usize,
    pub(crate) site: Site,
    pub(crate) page: usize,
    pub(crate) budget: usize,
    pub(crate) lacks: u32,
    pub(crate) life: Life,
    pub(crate) visible: bool,
    /// `pagehide` has been told, and no `pageshow` since.
    pub(crate) leaving: bool,
    /// Frozen without having been told.
    pub(crate) stalled: bool,
    /// It led when it was frozen.
    pub(crate) led: bool,
    /// Timers fire once a minute while hidden, not once a second.
    pub(crate) throttled_hard: bool,
    pub(crate) engine: Option<Engine>,
    /// Where storage is blocked.
    pub(crate) memory: Option<MemoryStore>,
    /// The tab's monotonic clock minus the world's.
    pub(crate) clock_ahead_ms: u64,
    /// The latest date that its events may have by now, and when that was.
    pub(crate) dated: (u64, u64),
    /// The next reading of its monotonic clock is that much too far.
    pub(crate) glitch_ms: u64,
    /// That has happened.
    pub(crate) glitched: bool,
    /// Which opening of the channel this is; `None` while closed.
    pub(crate) channel: Option<u32>,
    pub(crate) channel_openings: u32,
    pub(crate) inbox: VecDeque<Arrival>,
    /// The armed timer: the deadline asked for and the number of its wake-up.
    pub(crate) armed: Option<(u64, u32)>,
    pub(crate) wakes: u32,
    pub(crate) early: Rc<str>,
    pub(crate) deferred: BTreeMap<RequestId, Rc<Body>>,
    pub(crate) activated: BTreeSet<RequestId>,
    pub(crate) keepalive_bytes: usize,
    /// Requests that were given up while their answer was already waiting to be told.
    pub(crate) cancelled: BTreeSet<RequestId>,
    /// `shutdown()` or `destroy()` was called.
    pub(crate) stopped: bool,
    /// How often it has shown another page without a navigation.
    pub(crate) views: u32,
    /// And the engine has not been told yet.
    pub(crate) moved: bool,
    /// Destinations that the page has paused.
    pub(crate) paused: BTreeSet<usize>,
    pub(crate) seen: Seen,
}

/// What an onlooker knows about a tab.
#[derive(Default)]
pub(crate) struct Seen {
    pub(crate) stats: Stats,
    pub(crate) lanes: [SeenLane; PLACES.len()],
    /// Answers awaited, by flush id; `true` for a shutdown.
    pub(crate) flushes: BTreeMap<u32, bool>,
    pub(crate) flush_ids: u32,
    /// Visible and running since then; `None` while it is not.
    pub(crate) steady_since: Option<u64>,
    /// By destination: events up to this number have been stored.
    pub(crate) stored_upto: [usize; PLACES.len()],
    /// The store has refused a write of this tab.
    pub(crate) met_quota: bool,
    /// When there was last so little room that it may have found none.
    pub(crate) crowded_at: Option<u64>,
    /// Wake-ups in one millisecond.
    pub(crate) busy: (u64, u32),
    /// And in one second.
    pub(crate) restless: (u64, u32),
    /// When it was last away: frozen, or in the back/forward cache.
    pub(crate) back_at: u64,
}

/// What an onlooker knows about a tab and a destination.
#[derive(Default)]
pub(crate) struct SeenLane {
    /// No request before this time: `Retry-After`.
    pub(crate) hold_until: u64,
    pub(crate) held_by_date: bool,
    /// Failures in a row, of requests whose answer the engine has had.
    pub(crate) failures: u32,
    /// No request before this time: the breaker has opened.
    pub(crate) breaker_until: u64,
    /// Batches refused with 413: first number and size.
    pub(crate) too_large: Option<(u64, usize)>,
    /// Times of requests outside exits that failed, newest last.
    pub(crate) attempts: VecDeque<u64>,
    /// It has had an answer in the destination's own dialect.
    pub(crate) spoke: bool,
    /// Its leader has told it to send there itself.
    pub(crate) declined: bool,
}

impl Tab {
    pub(crate) fn new(name: String, birth: Birth) -> Self {
        Self {
            name,
            process: birth.process,
            project: birth.project,
            site: birth.site,
            page: birth.page,
            budget: birth.budget,
            lacks: birth.lacks,
            life: Life::Loading,
            visible: true,
            leaving: false,
            stalled: false,
            led: false,
            throttled_hard: false,
            engine: None,
            memory: None,
            clock_ahead_ms: birth.clock_ahead_ms,
            dated: (0, 0),
            glitch_ms: 0,
            glitched: false,
            channel: None,
            channel_openings: 0,
            inbox: VecDeque::new(),
            armed: None,
            wakes: 0,
            early: "".into(),
            deferred: BTreeMap::new(),
            activated: BTreeSet::new(),
            keepalive_bytes: 0,
            cancelled: BTreeSet::new(),
            stopped: false,
            views: 0,
            moved: false,
            paused: BTreeSet::new(),
            seen: Seen::default(),
        }
    }

    pub(crate) const fn runs(&self) -> bool {
        matches!(self.life, Life::Live) && self.engine.is_some()
    }

    pub(crate) fn leads(&self) -> bool {
        self.runs() && self.seen.stats.role == "leader"
    }

    /// The name's first digits, for reading.
    pub(crate) fn short(&self) -> &str {
        &self.name[..4]
    }

    /// The page that its calls are made on, as JSON.
    pub(crate) fn url(&self) -> String {
        format!("{{\"url\":\"/{}\"}}", self.views)
    }

    /// One of its keys in the store.
    pub(crate) fn key(&self, record: &str) -> String {
        [PREFIXES[self.project], &self.name, ":", record].concat()
    }

    /// The key that names its project at the native collector.
    pub(crate) const fn api_key(&self) -> &'static str {
        PROJECTS[self.project]
    }

    /// Whether its page is configured with a destination.
    pub(crate) fn has(&self, place: usize) -> bool {
        self.site.iter().any(|lane| lane.place == place)
    }

    /// Events that wait at some destination, for all that its engine says.
    pub(crate) fn pending(&self) -> u64 {
        let figures = self.seen.stats.destinations.iter();
        figures
            .map(|(_, figures)| figures.pending)
            .max()
            .unwrap_or(0)
    }
}
