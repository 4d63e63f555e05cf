//! Journals of tabs that are gone: found in storage, taken over, let go of again when their tab
//! turns out to be alive.

use super::{
    Engine,
    election::Role,
    ids::TabId,
    lists::remove_where,
    log::SealState,
    pump::Flight,
    reading::{self, Found, ReadContext},
    report::DropReason,
    store::Store,
    tabs::Seen,
    time::{Instant, Timer, UnixMillis},
};
use crate::wire::{envelope, text::split_once};

/// Without a channel, a journal that was written to this recently may have a living owner.
const BLIND_MS: u64 = 10_000;
/// Early calls left by a page are taken for a living page's, still loading the engine, this long.
const EARLY_MS: u64 = 2_000;

impl Engine {
    /// Asks for storage to be searched, so many milliseconds from now.
    pub(super) fn plan_scans(&mut self, after_ms: &[u64]) {
        let now = self.now.mono;
        for ms in after_ms {
            self.tabs.scans.push(now + *ms);
        }
        self.arm_scan();
    }

    fn arm_scan(&mut self) {
        let scans = self.tabs.scans.iter();
        let first = scans.fold(Instant::NEVER, |first, at| first.min(*at));
        self.timers.set(Timer::Scan, first);
    }

    /// Searches storage for journals whose tab is gone, and takes them over.
    pub(super) fn scan(&mut self, store: &mut dyn Store) {
        let now = self.now.mono;
        remove_where(&mut self.tabs.scans, |at| *at <= now);
        if matches!(self.election.role(), Role::Leader | Role::Alone) {
            let prefix = self.key_prefix();
            let keys = store.keys(&prefix);
            for tab in tabs_in(&keys, prefix.len()) {
                let kept = self.tabs.adopted.iter().find(|kept| kept.log.tab == tab);
                if tab != self.me
                    && !self.election.knows(tab)
                    && !kept.is_some_and(|kept| kept.journal.knows(&keys))
                {
                    self.adopt(tab, &keys, store);
                }
            }
            self.paused &= self.tabs.adopted.is_empty();
        }
        self.arm_scan();
    }

    fn adopt(&mut self, tab: TabId, keys: &[String], store: &mut dyn Store) {
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
        let Some(found) = reading::read(tab, keys, context, cap_bytes, store) else {
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
        let now = self.now.mono;
        let known = self.tabs.seen.iter_mut().find(|seen| seen.tab == tab);
        let since = match known {
            Some(seen) => {
                if seen.newest_at != newest_at {
                    (seen.newest_at, seen.since) = (newest_at, now);
                }
                seen.since
            }
            None => {
                self.tabs.seen.push(Seen {
                    tab,
                    newest_at,
                    since: now,
                });
                now
            }
        };
        age.max(now.since_ms(since))
    }

    fn take_over(&mut self, tab: TabId, found: Found, store: &mut dyn Store) {
        let Found {
            mut partition,
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
        let mut adopted = self.tabs.adopted.iter_mut();
        if let Some(known) = adopted.find(|kept| kept.log.tab == tab) {
            // Seen again: a later look at storage may show what an earlier one missed.
            let later = partition.log.entries_after(known.log.next_seq() - 1);
            self.account
                .adopt(known.log.absorb(later.as_slice().to_vec()));
            core::mem::swap(&mut known.journal, &mut partition.journal);
            return;
        }
        if expired > 0 {
            // Written down, so that the next one to look does not count them again.
            partition.journal.write_record(&partition.log, &[], store);
        }
        for ended in &self.tabs.done {
            if let [from, to, ..] = ended.numbers
                && ended.tab == tab
            {
                partition.log.settle(from, to, None);
            }
        }
        for flight in &self.flights {
            for batch in &flight.batches {
                if !flight.asks
                    && batch.tab == tab
                    && let Some(seal) = partition.log.find_seal(batch.from, batch.to)
                {
                    seal.state = SealState::InFlight;
                }
            }
        }
        // The log has these batches now; what is in flight is settled through it.
        remove_where(&mut self.tabs.offers, |offer| offer.tab == tab);
        self.account.adopt(partition.log.pending());
        partition.probe_at = self.now.mono + partition.settling_ms(self.now.wall);
        self.tabs.adopted.push(partition);
    }

    /// Removes what is left of a journal that was taken over and is delivered.
    pub(super) fn forget_if_empty(&mut self, tab: TabId, store: &mut dyn Store) {
        let prefix = self.key_prefix();
        let mut adopted = self.tabs.adopted.iter_mut();
        let kept = adopted.find(|kept| kept.log.tab == tab && kept.log.is_done());
        let Some(kept) = kept else { return };
        if kept.journal.knows(&store.keys(&prefix)) {
            kept.journal.remove_all(store);
            remove_where(&mut self.tabs.adopted, |kept| kept.log.tab == tab);
            remove_where(&mut self.tabs.seen, |seen| seen.tab == tab);
            // What it held is free again: to be weighed as soon as it matters.
            self.weighed_at = Instant::default();
        } else {
            // Something that was not there to be read before: its last words, seen late.
            self.tabs.look_again = true;
        }
    }

    /// A tab whose log was taken over is alive: the log is its own again.
    pub(super) fn hand_back(&mut self, tab: TabId) {
        for kept in &mut self.tabs.adopted {
            kept.release |= kept.log.tab == tab;
        }
        self.release_partitions();
    }

    /// Lets go of everything taken over: another leader will find it.
    pub(super) fn release_all(&mut self) {
        for kept in &mut self.tabs.adopted {
            kept.release = true;
        }
        self.release_partitions();
    }

    /// Lets go of logs that were only kept for an answer.
    pub(super) fn release_partitions(&mut self) {
        let (flights, account) = (&self.flights, &mut self.account);
        remove_where(&mut self.tabs.adopted, |kept| {
            let tab = kept.log.tab;
            let flies = |flight: &Flight| flight.batches.iter().any(|batch| batch.tab == tab);
            let let_go = kept.release && !flights.iter().any(flies);
            if let_go {
                account.hand_back(kept.log.pending());
            }
            let_go
        });
    }
}

/// The tabs whose journals are among `keys`.
fn tabs_in(keys: &[String], prefix_bytes: usize) -> Vec<TabId> {
    let mut tabs = Vec::new();
    for key in keys {
        let rest = key.get(prefix_bytes..).unwrap_or("");
        if let Some((tab, _)) = split_once(rest, b':')
            && let Some(tab) = TabId::parse(tab)
            && !tabs.contains(&tab)
        {
            tabs.push(tab);
        }
    }
    tabs
}
