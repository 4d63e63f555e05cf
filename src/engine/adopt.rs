//! Journals of tabs that are gone: found in storage, taken over, let go of again when their tab
//! turns out to be alive.

use crate::engine::Engine;
use crate::engine::account::Notice;
use crate::engine::pump::Flight;
use crate::engine::reading::Found;
use crate::engine::report::DropReason;
use crate::model::ids::TabId;
use crate::model::lists::remove_where;
use crate::model::store::Store;
use crate::model::time::Instant;
use crate::tabs::election::Role;
use crate::text::fields::{part, split_once};

/// A journal that was written to this recently may have a living owner, unless it says that its tab
/// has left: one that is still loading the engine, or has not been heard because the machine is slow.
const UNHEARD_MS: u64 = 5_000;
/// The same without a channel, where no tab can be heard.
const BLIND_MS: u64 = 10_000;
/// When storage is searched again for a journal that grew after it was read, in milliseconds.
const LOOK_AGAIN_MS: u64 = 300;

impl Engine {
    /// Asks for storage to be searched, so many milliseconds from now.
    pub(super) fn plan_scans(&mut self, after_ms: &[u64]) {
        for ms in after_ms {
            self.tabs.scans.push(self.now.mono + *ms);
        }
    }

    /// Searches storage for journals whose tab is gone, and takes them over.
    pub(super) fn scan(&mut self, store: &mut dyn Store) {
        let now = self.now.mono;
        remove_where(&mut self.tabs.scans, |at| *at <= now);
        if matches!(self.election.role(), Role::Leader | Role::Alone) {
            let prefix = self.key_prefix();
            let keys = store.keys(&prefix);
            for tab in tabs_in(&keys, prefix.len()) {
                let kept = self.partition_mut(tab);
                let known = kept.is_some_and(|kept| kept.journal.knows(&keys, store));
                if tab != self.me && !known && !self.election.knows(tab) {
                    self.adopt(tab, &keys, store);
                }
            }
            self.paused &= self.tabs.adopted.is_empty();
        }
    }

    fn adopt(&mut self, tab: TabId, keys: &[String], store: &mut dyn Store) {
        // Seen before, and now there is more of it: it is let go of and read anew, once no answer is
        // awaited for it.
        self.hand_back(tab);
        if self.partition_mut(tab).is_some() {
            self.plan_scans(&[LOOK_AGAIN_MS]);
            return;
        }
        let mut found = Found::new(self, tab);
        if found.read(keys, self, store).is_none() {
            self.account.error_once(Notice::JournalForeignVersion);
            return;
        }
        // One whose tab did not say goodbye counts as left only after a while. Clocks jump: a date far
        // in the future is as old as one in the past.
        let patience = if self.election.role() == Role::Alone {
            BLIND_MS
        } else {
            UNHEARD_MS
        };
        let age = self.now.wall.0.abs_diff(found.newest_at.0);
        if age < patience && !found.kept.log.left {
            self.plan_scans(&[patience - age]);
            return;
        }
        if found.corrupt > 0 {
            self.account.error_once(Notice::JournalDamaged);
            found.set_aside(store);
        }
        self.account.adopt(found.expired + found.corrupt);
        self.account.drop(DropReason::Expired, found.expired);
        self.account.drop(DropReason::Corrupt, found.corrupt);
        self.take_over(found, store);
        self.forget_if_empty(tab, store);
    }

    /// Brings a log that was just read up to what is known here, and keeps it.
    fn take_over(&mut self, found: Found, store: &mut dyn Store) {
        let mut kept = found.kept;
        for seal in found.seals {
            kept.log.restore_seal(seal);
        }
        let (tab, mut gaps) = (kept.log.tab, found.expired > 0);
        for ended in &self.tabs.done {
            if let [from, to, ..] = ended.numbers
                && ended.tab == tab
            {
                // What was refused for good its tab may not have lived to write down as a gap.
                let gave_up = DropReason::from_code(ended.verdict);
                if gave_up.is_none() || kept.log.count(from, to) > 0 {
                    gaps |= gave_up.is_some();
                    kept.log.settle(from, to, gave_up);
                }
            }
        }
        if gaps {
            // Written down before the events go, and so that the next one to look does not count
            // again what is too old.
            kept.write_record(store);
        }
        self.account.adopt(kept.log.pending());
        kept.probe_at = self.now.mono + kept.settling_ms(self.now.wall);
        self.tabs.adopted.push(kept);
        // The log has these batches now; what is in flight is settled through it.
        self.tabs.forget_offer(tab);
    }

    /// Removes what is left of a journal that was taken over and is delivered.
    pub(super) fn forget_if_empty(&mut self, tab: TabId, store: &mut dyn Store) {
        let prefix = self.key_prefix();
        let kept = self.partition_mut(tab).filter(|kept| kept.log.is_done());
        let Some(kept) = kept else { return };
        if kept.journal.knows(&store.keys(&prefix), store) {
            kept.journal.remove_all(store);
            kept.release = true;
            // What it held is free again: to be weighed as soon as it matters.
            self.weighed_at = Instant::default();
            self.release_partitions();
        } else {
            // Something that was not there to be read before: its last words, seen late.
            self.plan_scans(&[LOOK_AGAIN_MS]);
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
        let rest = part(key, prefix_bytes, key.len());
        if let Some((tab, _)) = split_once(rest, b':')
            && let Some(tab) = TabId::parse(tab)
            && !tabs.contains(&tab)
        {
            tabs.push(tab);
        }
    }
    tabs
}
