//! What the worlds have been through. A simulation that never meets a case proves nothing about it,
//! so each case that matters has a counter, taken from what the world did and what the engine put
//! out (never from inside the engine), and all of them must be above zero over the committed seeds.

use std::collections::BTreeMap;

/// Every case; the tests demand each of them.
pub(crate) const CASES: &[&str] = &[
    "413 split",
    "alias",
    "answered late",
    "answered twice",
    "batch re-sent",
    "bfcache discarded",
    "bfcache restored",
    "blocked endpoint",
    "breaker open",
    "browser killed",
    "call after pagehide",
    "channel lossy",
    "clock jumped back",
    "clock jumped forward",
    "corrupt record",
    "crashed",
    "deferred activated",
    "deferred activation told",
    "deferred refused",
    "deferred saved events",
    "delivered to nobody",
    "declined event",
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
    "half-open probe",
    "handed back",
    "hidden leader yielded",
    "independent",
    "junk message",
    "keepalive budget exceeded",
    "keepalive sent at exit",
    "beacon refused",
    "beacon sent",
    "leader left politely",
    "leader lost",
    "leader stepped down",
    "no channel",
    "no storage",
    "offline",
    "orphan adopted",
    "quota error",
    "quota gave space back",
    "receipt known",
    "receipt unknown",
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
    "thaw after takeover",
    "timed out",
    "timer throttled",
    "tombstone received",
    "twenty tabs",
    "volatile events",
    "writes lost in a kill",
];

/// Counts per case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Coverage(BTreeMap<&'static str, u64>);

impl Coverage {
    /// Counts `case` once.
    pub(crate) fn hit(&mut self, case: &'static str) {
        debug_assert!(
            CASES.contains(&case),
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
        let line =
            |case: &&str| format!("{:>9}  {case}\n", self.0.get(*case).copied().unwrap_or(0));
        CASES.iter().map(line).collect()
    }
}
