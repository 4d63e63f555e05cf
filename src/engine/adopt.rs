//! Journals of tabs that are gone: found in storage, taken over, let go of again when their tab
//! turns out to be alive.

use super::{
    Engine, Partition,
    election::Role,
    ids::TabId,
    log::SealState,
    map::Map,
    pump::Work,
    record::{self, Found, ReadContext},
    report::DropReason,
    store::Store,
    time::{Instant, Timer, UnixMillis},
};
use crate::wire::envelope;

/// A batch that was sealed this recently may still be on its way; asking earlier would miss it.
pub(super) const SETTLE_MS: u64 = 2_000;
/// Without a channel, a journal that was written to this recently may have a living owner.
const BLIND_MS: u64 = 10_000;
/// Early calls left by a page are taken for a living page's, still loading the engine, this long.
const EARLY_MS: u64 = 2_000;
impl Engine {
    /// Asks for storage to be searched, so many milliseconds from now.
    pub(super) fn plan_scans(&mut self, after_ms: &[u64]) {
        let now = self.now.mono;
        self.tabs.scans.extend(after_ms.iter().map(|ms| now + *ms));
        self.arm_scan();
    }

    fn arm_scan(&mut self) {
        match self.tabs.scans.iter().min() {
            Some(at) => self.timers.set(Timer::Scan, *at),
            None => self.timers.stop(Timer::Scan),
        }
    }

    /// Searches storage for journals whose tab is gone, and takes them over.
    pub(super) fn scan(&mut self, store: &mut dyn Store) {
        self.tabs.scans.retain(|at| *at > self.now.mono);
        if matches!(self.election.role(), Role::Leader | Role::Alone) {
            let prefix = ["sendoff:", &self.host.project, ":"].concat();
            let mut found: Map<TabId, Vec<String>> = Map::default();
            for key in store.keys(&prefix) {
                let rest = key.get(prefix.len()..).unwrap_or("");
                if let Some((tab, name)) = rest.split_once(':')
                    && let Some(tab) = TabId::parse(tab)
                {
                    found.or_default(tab).push(name.to_owned());
                }
            }
            for (tab, names) in found {
                let known = |partition: &Partition| partition.journal.knows(&names);
                if tab != self.me
                    && !self.election.knows(tab)
                    && !self.tabs.adopted.get(tab).is_some_and(known)
                {
                    self.adopt(tab, &names, store);
                }
            }
            self.go_if_adopted();
        }
        self.arm_scan();
    }

    fn go_if_adopted(&mut self) {
        if !self.tabs.adopted.is_empty() {
            self.paused = false;
        }
    }

    fn adopt(&mut self, tab: TabId, names: &[String], store: &mut dyn Store) {
        let (runtime, api_key) = (&self.host.runtime, &self.config.api_key);
        let header = |tab: TabId| envelope::header(runtime, api_key, &tab.text(), "{}");
        let context = ReadContext {
            project: &self.host.project,
            header: &header,
            identity: &self.identity,
            wall: self.now.wall,
            max_event_age_ms: self.config.max_event_age_ms,
        };
        let cap_bytes = self.config.max_storage_bytes as usize;
        let Some(found) = record::read(tab, names, context, cap_bytes, store) else {
            self.account.error_once(
                "journal_foreign_version",
                "localStorage holds a journal that another version of sendoff wrote; it is left alone",
            );
            return;
        };
        let patience = if found.early { EARLY_MS } else { BLIND_MS };
        if self.election.role() == Role::Alone || found.early {
            let wait = patience.saturating_sub(self.unchanged_ms(tab, found.newest_at));
            if wait > 0 {
                self.plan_scans(&[wait]);
                return;
            }
        }
        self.take_over(tab, found, store);
        self.forget_if_empty(tab, store);
    }

    /// How long a journal has not changed, by its own date or, since clocks jump, by our watch: one
    /// whose tab could not say that it lives counts as left only after a while.
    fn unchanged_ms(&mut self, tab: TabId, newest_at: UnixMillis) -> u64 {
        let age = self.now.wall.0.saturating_sub(newest_at.0);
        let seen = self
            .tabs
            .seen
            .get(tab)
            .filter(|(newest, _)| *newest == newest_at);
        let since = seen.map_or(self.now.mono, |(_, since)| *since);
        self.tabs.seen.insert(tab, (newest_at, since));
        age.max(self.now.mono.since_ms(since))
    }

    fn take_over(&mut self, tab: TabId, found: Found, store: &mut dyn Store) {
        let Found {
            mut log,
            mut journal,
            expired,
            corrupt,
            ..
        } = found;
        if corrupt > 0 {
            self.account.error_once(
                "journal_damaged",
                "a stored journal was damaged; it was set aside as sendoff-damaged",
            );
        }
        self.account.adopt(expired + corrupt);
        self.account.drop(DropReason::Expired, expired);
        self.account.drop(DropReason::Corrupt, corrupt);
        if let Some(known) = self.tabs.adopted.get_mut(tab) {
            // Seen again: a later look at storage may show what an earlier one missed.
            let later = log
                .entries_after(known.log.next_seq() - 1)
                .cloned()
                .collect::<Vec<_>>();
            self.account.adopt(known.log.absorb(later));
            known.journal = journal;
            return;
        }
        if expired > 0 {
            // Written down, so that the next one to look does not count them again.
            journal.write_record(&log, &[], store);
        }
        for ended in self.tabs.done.get(tab).into_iter().flatten() {
            log.settle(ended.first, ended.last, None);
        }
        let flying = self
            .flights
            .values()
            .filter_map(|flight| match &flight.work {
                Work::Batch(batch) if batch.tab == tab => Some(*batch),
                _ => None,
            });
        for batch in flying.collect::<Vec<_>>() {
            if let Some(seal) = log.find_seal(batch.from, batch.to) {
                seal.state = SealState::InFlight;
            }
        }
        // The log has these batches now; what is in flight is settled through it.
        self.tabs.offers.remove(tab);
        let newest = log.seals.iter().map(|seal| seal.at.0).max();
        let wait = newest.map_or(0, |at| {
            SETTLE_MS.saturating_sub(self.now.wall.0.saturating_sub(at))
        });
        self.account.adopt(log.pending());
        let probe_at = self.now.mono + wait;
        self.tabs.adopted.insert(
            tab,
            Partition {
                log,
                journal,
                probe_at,
                release: false,
            },
        );
    }

    /// Removes what is left of a journal that was taken over and is delivered.
    pub(super) fn forget_if_empty(&mut self, tab: TabId, store: &mut dyn Store) {
        let Some(partition) = self.tabs.adopted.get_mut(tab).filter(|p| p.log.is_done()) else {
            return;
        };
        let prefix = ["sendoff:", &self.host.project, ":", &tab.text(), ":"].concat();
        let keys = store.keys(&prefix);
        let names: Vec<String> = keys
            .iter()
            .filter_map(|key| key.get(prefix.len()..))
            .map(str::to_owned)
            .collect();
        if partition.journal.knows(&names) {
            partition.journal.remove_all(store);
            self.tabs.adopted.remove(tab);
            self.tabs.seen.remove(tab);
            // What it held is free again: to be weighed as soon as it matters.
            self.weighed_at = Instant::default();
        } else {
            // Something that was not there to be read before: its last words, seen late.
            self.tabs.look_again = true;
        }
    }

    /// A tab whose log was taken over is alive: the log is its own again.
    pub(super) fn hand_back(&mut self, tab: TabId) {
        let flying = self.has_flight(tab);
        if let Some(partition) = self.tabs.adopted.get_mut(tab) {
            partition.release = true;
            if !flying {
                self.release(tab);
            }
        }
    }

    fn has_flight(&self, tab: TabId) -> bool {
        self.flights.values().any(|flight| match &flight.work {
            Work::Batch(batch) => batch.tab == tab,
            Work::Probe(batches) => batches.iter().any(|batch| batch.tab == tab),
        })
    }

    fn release(&mut self, tab: TabId) {
        if let Some(partition) = self.tabs.adopted.remove(tab) {
            self.account.hand_back(partition.log.pending());
        }
    }

    /// Lets go of logs that were only kept for an answer.
    pub(super) fn release_partitions(&mut self) {
        let released = self
            .tabs
            .adopted
            .iter()
            .filter(|(tab, p)| p.release && !self.has_flight(*tab));
        for tab in released.map(|(tab, _)| tab).collect::<Vec<_>>() {
            self.release(tab);
        }
    }

    /// Lets go of everything taken over: another leader will find it.
    pub(super) fn release_all(&mut self) {
        for tab in self.tabs.adopted.keys().collect::<Vec<_>>() {
            self.hand_back(tab);
        }
    }
}
