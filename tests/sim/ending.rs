//! Invariants about the end of a run: everything has come to rest and is accounted for.

use sendoff::engine::config::MultiTabMode;

use crate::network::Flight;
use crate::places::PLACES;
use crate::seed::Scenario;
use crate::storage::{PREFIXES, PROJECTS};
use crate::world::World;

impl World {
    /// Nothing is waiting, under way or stored any more.
    pub(crate) fn is_quiet(&self) -> bool {
        let heard = |flight: &Flight| !flight.unheard && !self.tabs[flight.tab].stopped;
        !self.network.flights.values().any(heard)
            && self
                .running()
                .iter()
                .all(|tab| self.tabs[*tab].pending() == 0)
            && self
                .tabs
                .iter()
                .all(|tab| tab.life != crate::tab::Life::Loading)
            && self.left_keys().next().is_none()
    }

    /// Keys that somebody should have removed by now.
    fn left_keys(&self) -> impl Iterator<Item = &str> {
        let ours = PREFIXES
            .iter()
            .flat_map(|prefix| self.storage.entries(prefix));
        ours.map(|(key, _)| key).filter(|key| {
            let stays = |tab: usize| self.model.books[tab].left_alone || self.waits_for_place(tab);
            let tab = self.record_of(key).map(|(tab, _)| tab);
            !tab.is_some_and(stays) && !key.ends_with(":identity")
        })
    }

    /// Whether something of a tab stays for a destination that no page is configured with any more.
    fn waits_for_place(&self, tab: usize) -> bool {
        let book = &self.model.books[tab];
        let gone = |place: &&usize| !self.site.iter().any(|lane| lane.place == **place);
        let mut gone = book.places.iter().filter(gone);
        gone.any(|place| {
            let mut fates = book.events.iter().map(|event| &event.fates[*place]);
            fates.any(|fate| fate.owed)
        })
    }

    /// The healed world did not become quiet (12).
    pub(crate) fn fail_drain(&self, steps: bool) -> ! {
        let pending = self.running().into_iter().map(|tab| {
            let stats = self.stats(tab);
            let figures = stats.destinations.iter();
            let figures: Vec<String> = figures
                .map(|(name, one)| format!("{name}: {} pending, {}", one.pending, one.breaker))
                .collect();
            format!("\n  tab {tab}: {}, {}", stats.role, figures.join(", "))
        });
        let keys: Vec<_> = self.left_keys().collect();
        let bound = if steps { "steps" } else { "time" };
        let pending: String = pending.collect();
        self.fail(
            12,
            &format!("not quiet in bounded {bound}{pending}\n  keys left: {keys:?}"),
        );
    }

    /// The end of every run.
    pub(crate) fn check_end(&mut self) {
        self.check_leaders();
        for tab in self.running() {
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
        // What waits for a destination that is not configured any more is not told to it either.
        let configured: Vec<usize> = self.site.iter().map(|lane| lane.place).collect();
        for place in configured {
            if PLACES[place].tells_gaps() {
                self.check_gaps(place);
            }
        }
        // Of those that cannot be asked what they have, some that is in doubt is sent again.
        let twice = self.collectors[0].duplicates;
        if self.profile.scenario == Scenario::Starved && twice > 0 {
            self.fail(
                20,
                &format!("{twice} events have been sent twice, and nobody failed"),
            );
        }
    }

    /// A quiet world has one leader for each project (7).
    fn check_leaders(&self) {
        let running = self.running();
        let leader_mode = self.profile.config.multi_tab_mode == MultiTabMode::Leader;
        if !leader_mode || !self.profile.platform.has_channel {
            return;
        }
        for (project, name) in PROJECTS.iter().enumerate() {
            let tabs = running.iter().map(|tab| &self.tabs[*tab]);
            let tabs: Vec<_> = tabs.filter(|tab| tab.project == project).collect();
            let leaders = tabs.iter().filter(|tab| tab.leads()).count();
            if leaders != 1 && !tabs.is_empty() {
                let count = tabs.len();
                self.fail(
                    7,
                    &format!("{leaders} leaders in a quiet world of {count} tabs of {name}"),
                );
            }
        }
    }

    /// Whoever looks at a destination's data alone finds every hole in a tab's numbers explained (18).
    fn check_gaps(&self, place: usize) {
        for (tab, book) in self.model.books.iter().enumerate() {
            if book.record_hit || book.left_alone {
                continue;
            }
            let stored = book
                .events
                .iter()
                .rposition(|event| event.fates[place].stored);
            let last = stored.unwrap_or(0);
            let gap = book.events[..last].iter().position(|event| {
                let fate = &event.fates[place];
                let told = fate.stored || fate.declined || fate.mourned || fate.unwanted;
                let alone = self.may_have_expired_elsewhere(event);
                fate.owed && !told && !alone && event.hit.is_none()
            });
            if let Some(gap) = gap {
                let (seq, last, name) = (gap + 1, last + 1, PLACES[place].name);
                self.fail(18, &format!(
                    "event {seq} of tab {tab} is missing at {name}, {last} is there, and no tombstone says why"
                ));
            }
        }
    }
}
