//! What a finished run leaves.

use std::collections::BTreeMap;

use crate::collector::Collector;
use crate::coverage::Coverage;
use crate::seed::Scenario;
use crate::world::World;

/// Every event of a tab with the destination that it arrived at: when it was tracked, and when it arrived.
pub(crate) type Arrivals = BTreeMap<(usize, u64, usize), (u64, u64)>;

/// See the top of this file.
pub(crate) struct Summary {
    pub(crate) hash: u64,
    pub(crate) coverage: Coverage,
    pub(crate) steps: u64,
    pub(crate) tracked: u64,
    pub(crate) stored: u64,
    pub(crate) duplicates: u64,
    /// Of these, those at the native destination that the network is not to blame for, and what that stored.
    pub(crate) avoidable: u64,
    pub(crate) native: u64,
    /// Before the world was healed.
    pub(crate) arrivals: Arrivals,
    pub(crate) arrivals_end: u64,
}

impl World {
    /// Everything that a run has seen.
    pub(crate) fn into_summary(self, arrivals: Arrivals) -> Summary {
        let (tracked, _) = self.model.totals();
        let sum = |of: fn(&Collector) -> u64| self.collectors.iter().map(of).sum();
        Summary {
            hash: self.hash,
            steps: self.steps,
            tracked,
            stored: sum(|one| one.stored),
            duplicates: sum(|one| one.duplicates),
            avoidable: self.avoidable_duplicates(),
            native: self.collectors[0].stored,
            arrivals,
            arrivals_end: self.profile.chaos_ms,
            coverage: self.coverage,
        }
    }

    /// What has arrived so far, in worlds that are compared.
    pub(crate) fn arrivals(&self) -> Arrivals {
        let mut arrivals = BTreeMap::new();
        if self.profile.scenario != Scenario::Apart {
            return arrivals;
        }
        for (tab, book) in self.model.books.iter().enumerate() {
            for (seq, event) in (1..).zip(&book.events) {
                let stored = event.fates.iter().enumerate();
                let stored = stored.filter(|(_, fate)| fate.stored);
                let times = |at| (event.at, at);
                arrivals
                    .extend(stored.map(|(place, fate)| ((tab, seq, place), times(fate.stored_at))));
            }
        }
        arrivals
    }

    /// Duplicates at the native destination that are nobody's fault but the engines'. Where tabs cannot hear each
    /// other, or answers take longer than anybody waits, there are many, and they are not.
    fn avoidable_duplicates(&self) -> u64 {
        let native = &self.collectors[0];
        let net = &self.profile.nets[0];
        let slow = net.work_ms > 0 || net.bytes_per_s > 0;
        if !self.profile.platform.has_channel || self.profile.faults.channel_loss > 0 || slow {
            return 0;
        }
        native.duplicates - native.excused
    }
}
