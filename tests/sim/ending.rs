//! Invariants about the end of a run: everything has come to rest and is accounted for.

use sendoff::engine::config::MultiTabMode;

use crate::model::Excuse;
use crate::network::Flight;
use crate::profile::Scenario;
use crate::storage::PREFIX;
use crate::world::World;

impl World {
    /// Nothing is waiting, under way or stored any more.
    pub(crate) fn is_quiet(&self) -> bool {
        let heard = |flight: &Flight| !flight.unheard && !self.tabs[flight.tab].stopped;
        !self.network.flights.values().any(heard)
            && self
                .running()
                .iter()
                .all(|tab| self.stats(*tab).pending == 0)
            && self
                .tabs
                .iter()
                .all(|tab| tab.life != crate::tab::Life::Loading)
            && self.left_keys().next().is_none()
    }

    /// The tab whose journal a key belongs to.
    pub(crate) fn tab_of_key(&self, key: &str) -> Option<usize> {
        let name = key.strip_prefix(PREFIX)?.split(':').next()?;
        self.model.tab_numbers.get(name).copied()
    }

    fn left_keys(&self) -> impl Iterator<Item = &str> {
        let ours = self.storage.entries(PREFIX).map(|(key, _)| key);
        ours.filter(|key| {
            let tab = self.tab_of_key(key);
            tab.is_none_or(|tab| !self.storage.other_versions.contains(&tab))
                && !key.ends_with(":identity")
        })
    }

    /// The healed world did not become quiet (12).
    pub(crate) fn fail_drain(&self, steps: bool) -> ! {
        let pending = self.running().into_iter().map(|tab| {
            let stats = self.stats(tab);
            format!(
                "\n  tab {tab}: {} pending, {}, breaker {}",
                stats.pending, stats.role, stats.breaker
            )
        });
        let keys: Vec<_> = self.left_keys().collect();
        let bound = if steps { "steps" } else { "time" };
        let pending: String = pending.collect();
        self.fail(
            12,
            &format!("not quiet in bounded {bound}; keys left: {keys:?}{pending}"),
        );
    }

    /// The end of every run.
    pub(crate) fn check_end(&mut self) {
        let running = self.running();
        let leaders = running
            .iter()
            .filter(|tab| self.tabs[**tab].leads())
            .count();
        let leader_mode = self.profile.config.multi_tab_mode == MultiTabMode::Leader;
        if leader_mode && self.profile.has_channel && leaders != 1 {
            self.fail(
                7,
                &format!(
                    "{leaders} leaders in a quiet world of {} tabs",
                    running.len()
                ),
            );
        }
        for tab in running {
            if let Some(id) = self.tabs[tab].seen.flushes.keys().next() {
                self.fail(17, &format!("flush {id} of tab {tab} was never answered"));
            }
        }
        if !self.foreign_keys_intact() {
            self.fail(15, "a key of someone else has changed");
        }
        let process = self.processes[0];
        if !self.page_write(process, "after", Some(&"x".repeat(1_000))) {
            self.fail(9, "the host page cannot write to its storage any more");
        }
        self.check_account();
        self.check_gaps();
        let twice = self.collector.duplicates;
        if self.profile.scenario == Scenario::Starved && twice > 0 {
            self.fail(
                20,
                &format!("{twice} events have been sent twice, and nobody failed"),
            );
        }
    }

    /// Whoever looks at the data alone finds every hole in a tab's numbers explained (18).
    fn check_gaps(&self) {
        for (tab, book) in self
            .model
            .books
            .iter()
            .enumerate()
            .filter(|(_, book)| !book.damaged)
        {
            let last = book
                .events
                .iter()
                .rposition(|event| event.stored)
                .unwrap_or(0);
            let gap = book.events[..last.min(book.events.len())]
                .iter()
                .position(|event| {
                    let told = event.mourned || event.unwanted;
                    !event.stored && !event.declined && !told
                });
            if let Some(gap) = gap {
                let (seq, last) = (gap + 1, last + 1);
                self.fail(18, &format!(
                    "event {seq} of tab {tab} is missing, {last} is there, and no tombstone says why"
                ));
            }
        }
    }

    /// Every accepted event is in the data once, or there is a reason (3).
    fn check_account(&mut self) {
        for tab in 0..self.tabs.len() {
            if self.tabs[tab].stopped && self.model.books[tab].died_at.is_none() {
                let volatile = self.stats(tab).volatile;
                self.model.tab_died(tab, self.now, volatile);
            }
        }
        match self.model.account() {
            Ok(excuses) => {
                let volatile = excuses.contains(&Excuse::Volatile);
                if volatile {
                    self.coverage.hit("event lost with volatile memory");
                }
            }
            Err((tab, seq)) => {
                let event = &self.model.books[tab].events[seq as usize - 1];
                let (at, sent) = (event.at, event.sent.is_some());
                self.fail(3, &format!(
                    "event {seq} of tab {tab}, tracked at {at} ms (sent: {sent}), is missing without a reason"
                ));
            }
        }
    }
}
