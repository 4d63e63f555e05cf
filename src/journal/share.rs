//! How much of the store this tab's journal may take: the cap is for all tabs together, living or not.

use crate::model::{store::Store, time::Instant};

/// How often what other tabs hold is weighed anew while there is no room, in milliseconds.
const WEIGH_MS: u64 = 1_000;

/// See the module.
#[derive(Clone, Copy, Debug, Default)]
pub struct Share {
    /// Bytes that others hold, as last weighed.
    others_bytes: usize,
    weighed_at: Option<Instant>,
}

impl Share {
    /// The share of one of so many tabs: the living share the cap evenly, and what others already hold is taken.
    #[must_use]
    pub fn bytes(&self, cap_bytes: usize, tabs: usize) -> usize {
        (cap_bytes / tabs.max(1)).min(cap_bytes.saturating_sub(self.others_bytes))
    }

    /// Whether it is time to weigh again.
    #[must_use]
    pub fn is_due(&self, now: Instant) -> bool {
        self.weighed_at
            .is_none_or(|at| now.since_ms(at) >= WEIGH_MS)
    }

    /// What others held is free again: to be weighed as soon as it matters.
    pub const fn forget(&mut self) {
        self.weighed_at = None;
    }

    /// Weighs what others hold under `prefix`. It reads all of it, so: at start, and when this tab's share is
    /// full, now and then.
    pub fn weigh(
        &mut self,
        now: Instant,
        prefix: &str,
        is_own: impl Fn(&str) -> bool,
        store: &dyn Store,
    ) {
        self.weighed_at = Some(now);
        let others = store.keys(prefix).into_iter().filter(|key| !is_own(key));
        let weights = others.map(|key| key.len() + store.get(&key).map_or(0, |value| value.len()));
        self.others_bytes = weights.sum();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::store::MemoryStore;

    #[test]
    fn the_living_share_evenly_what_the_others_leave() {
        let mut store = MemoryStore::default();
        store.set("p:a", &"x".repeat(97)).unwrap();
        store.set("p:me", "mine").unwrap();
        let mut share = Share::default();
        assert_eq!(share.bytes(1_000, 4), 250);
        share.weigh(Instant(5), "p:", |key| key.starts_with("p:me"), &store);
        assert_eq!(
            (
                share.bytes(1_000, 1),
                share.bytes(1_000, 4),
                share.bytes(50, 1)
            ),
            (900, 250, 0)
        );
        assert!(!share.is_due(Instant(1_004)) && share.is_due(Instant(1_005)));
        share.forget();
        assert!(share.is_due(Instant(5)));
    }
}
