//! What the worlds have been through. A simulation that never meets a case proves nothing about it,
//! so each case that matters has a counter, taken from what the world did and what the engine put
//! out (never from inside the engine), and all of them must be above zero over the committed seeds.

use std::collections::BTreeMap;

/// Every case; the tests demand each of them.
pub(crate) const CASES: &[&str] = &[
    "413 split",
    "alias",
    "another page of the app",
    "another version's journal",
    "answered late",
    "answered twice",
    "asked for again",
    "batch overtaken",
    "batch re-sent",
    "beacon refused",
    "beacon sent",
    "bfcache discarded",
    "bfcache restored",
    "blocked endpoint",
    "breaker open",
    "browser killed",
    "call after pagehide",
    "channel lossy",
    "clock jumped back",
    "clock jumped forward",
    "closed in turn",
    "corrupt record",
    "crashed",
    "cut off",
    "declined event",
    "deferred activated",
    "deferred activation told",
    "deferred refused",
    "deferred saved events",
    "delivered to nobody",
    "destination paused",
    "destinations changed",
    "destroyed",
    "discarded while frozen",
    "dropped: blocked",
    "dropped: corrupt",
    "dropped: expired",
    "dropped: overflow",
    "dropped: rejected",
    "dropped: set aside",
    "dropped: too large",
    "duplicate event",
    "early log adopted",
    "early log taken over twice",
    "event lost with volatile memory",
    "flush answered",
    "follower sends what its leader cannot",
    "foreign answer",
    "forgetful storage told",
    "half-open probe",
    "handed back",
    "hidden leader yielded",
    "independent",
    "junk message",
    "keepalive budget exceeded",
    "keepalive sent at exit",
    "kept for an unknown destination",
    "leader leaves a destination to its follower",
    "leader left politely",
    "leader lost",
    "leader stepped down",
    "message overtaken",
    "monotonic clock glitched",
    "no channel",
    "no storage",
    "offline",
    "older build",
    "orphan adopted",
    "outage",
    "outage: not welcome",
    "outage: somebody else answers",
    "page with a frame",
    "profile by its own route",
    "quota error",
    "quota gave space back",
    "receipt known",
    "receipt unknown",
    "record evicted",
    "refused call",
    "response lost",
    "retry-after date obeyed",
    "retry-after seconds obeyed",
    "shutdown answered",
    "slept without a word",
    "split brain",
    "split brain resolved",
    "stale read",
    "storage cleared under a live tab",
    "storage that forgets",
    "thaw after takeover",
    "three destinations",
    "timed out",
    "timer throttled",
    "tombstone received",
    "twenty tabs",
    "two clients in one page",
    "two projects",
    "unknown destination told",
    "unknown message",
    "volatile events",
    "window closed",
    "writes lost in a kill",
];

/// A case that only calm worlds have.
pub(crate) const LAST_WORDS: &str = "last words expected";

/// Counts per case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Coverage(BTreeMap<&'static str, u64>);

impl Coverage {
    /// Counts `case` once.
    pub(crate) fn hit(&mut self, case: &'static str) {
        debug_assert!(
            CASES.contains(&case) || case == LAST_WORDS,
            "`{case}` is missing from coverage::CASES"
        );
        *self.0.entry(case).or_default() += 1;
    }

    /// Adds what another world saw.
    pub(crate) fn merge(&mut self, other: &Self) {
        for (case, count) in &other.0 {
            *self.0.entry(case).or_default() += count;
        }
    }

    /// How often `case` occurred.
    pub(crate) fn of(&self, case: &str) -> u64 {
        self.0.get(case).copied().unwrap_or(0)
    }

    /// The cases that never occurred.
    pub(crate) fn missing(&self) -> Vec<&'static str> {
        CASES
            .iter()
            .copied()
            .filter(|case| !self.0.contains_key(case))
            .collect()
    }

    /// One line per case, for reading.
    pub(crate) fn table(&self) -> String {
        let line = |case: &&str| format!("{:>9}  {case}\n", self.of(case));
        CASES.iter().map(line).collect()
    }
}
