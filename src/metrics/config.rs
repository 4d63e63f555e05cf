//! What is configured, and what is counted.

use crate::{delivery::retry::RetryRules, text::json::Object, wire::Format};

/// What is configured.
pub struct MetricsConfig {
    /// In which dialect they go where.
    pub format: Box<dyn Format>,
    /// JSON object: which SDK records here.
    pub sdk: String,
    /// JSON object: the context that is the same for all of this tab.
    pub context: String,
    /// What every key of the project in the store begins with.
    pub prefix: String,
    /// Metrics waiting at most; beyond it the oldest is dropped.
    pub queue_max: usize,
    /// Milliseconds between two requests.
    pub interval_ms: u64,
    /// Attempts and backoff.
    pub retry: RetryRules,
    /// Whether the browser honours `keepalive`.
    pub has_keepalive: bool,
    /// Bytes of storage at most; 0: nothing is kept there.
    pub storage_bytes: usize,
}

/// How many, and what became of them: `recorded = delivered + pending + dropped`. Found ones are their tab's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MetricsFigures {
    /// Taken.
    pub recorded: u64,
    /// Stored at the receiver.
    pub delivered: u64,
    /// Waiting or under way.
    pub pending: u64,
    /// Given up: too many waited, refused, or consent was withdrawn.
    pub dropped: u64,
}

impl MetricsFigures {
    /// As a JSON object, under the names that the page knows.
    #[must_use]
    pub fn to_json(&self) -> String {
        let mut out = Object::default();
        out.number("recorded", self.recorded);
        out.number("delivered", self.delivered);
        out.number("pending", self.pending);
        out.number("dropped", self.dropped);
        out.end()
    }
}
