//! Names of events that are being timed.

use crate::{
    intake::{call::Call, content::with},
    model::time::Instant,
    text::json::push_u64,
};

/// Timers that run at once, at most; the oldest is forgotten when there is one more.
const TIMERS_MAX: usize = 100;

/// Name (a JSON string), and since when.
#[derive(Debug, Default)]
pub(super) struct Timers(Vec<(String, Instant)>);

impl Timers {
    /// The next event of this name tells how long it took.
    pub(super) fn start(&mut self, call: &Call<'_>) {
        self.0.retain(|(name, _)| name != call.name);
        if self.0.len() >= TIMERS_MAX {
            self.0.remove(0);
        }
        self.0.push((call.name.to_owned(), call.made.mono));
    }

    /// An event's properties, with how long it took where it was timed.
    pub(super) fn stop(&mut self, call: &Call<'_>, properties: String) -> String {
        let Some(index) = self.0.iter().position(|(name, _)| name == call.name) else {
            return properties;
        };
        let (_, since) = self.0.remove(index);
        let mut ms = String::new();
        push_u64(&mut ms, call.made.mono.since_ms(since));
        with(&properties, "durationMs", &ms)
    }

    pub(super) fn forget(&mut self) {
        self.0.clear();
    }
}
