//! How pages end: left in an orderly way, alone or together, thrown away, crashed, or killed with the browser.

use sendoff::engine::io::PageEvent;

use crate::model::Hit;
use crate::storage::KILL_MS_MAX;
use crate::tab::{Arrival, Life};
use crate::world::{Event, World};

/// The tabs of a window that are closed one by one are gone within this time.
const IN_TURN_MS_MAX: u64 = 3_000;

impl World {
    /// `pagehide` and the change to hidden, which browsers fire in either order.
    fn leave(&mut self, tab: usize) {
        let hidden_first = self.rng.chance(500);
        if self.tabs[tab].visible && hidden_first {
            self.hide_one(tab, false);
        }
        if self.tabs[tab].leads() && self.running().len() > 1 {
            self.coverage.hit("leader left politely");
        }
        self.expect_last_words(tab);
        self.tabs[tab].leaving = true;
        self.feed(tab, Arrival::Page(PageEvent::Leaving));
        if self.rng.chance(200) && !self.tabs[tab].stopped {
            self.coverage.hit("call after pagehide");
            self.track(tab, 1);
        }
        if self.tabs[tab].visible {
            self.hide_one(tab, false);
        }
    }

    /// The page is unloaded in an orderly way, with its frames and clients.
    pub(crate) fn close(&mut self, tab: usize) {
        let party = self.party(tab);
        for tab in &party {
            self.leave(*tab);
        }
        for tab in party {
            self.die(tab, true);
            self.reap_process(self.tabs[tab].process);
        }
    }

    /// All pages of a window end in the same moment.
    pub(crate) fn close_window(&mut self) {
        self.coverage.hit("window closed");
        let all = self.running();
        for tab in &all {
            self.leave(*tab);
        }
        for tab in all {
            self.die(tab, true);
            self.reap_process(self.tabs[tab].process);
        }
    }

    /// Page after page is closed.
    pub(crate) fn close_in_turn(&mut self) {
        self.coverage.hit("closed in turn");
        for tab in self.running() {
            let delay = self.rng.below(IN_TURN_MS_MAX);
            self.at(delay, Event::Close(tab));
        }
    }

    /// As `close`; a new page follows in the same process.
    pub(crate) fn reload(&mut self, tab: usize) {
        let process = self.tabs[tab].process;
        let party = self.party(tab);
        for tab in &party {
            self.leave(*tab);
        }
        party.into_iter().for_each(|tab| self.die(tab, true));
        let delay = self.rng.between(1, 400);
        self.at(delay, Event::NewPage(process));
    }

    /// The page goes into the back/forward cache.
    pub(crate) fn cache_out(&mut self, tab: usize) {
        let process = self.tabs[tab].process;
        let party = self.party(tab);
        for tab in &party {
            self.leave(*tab);
        }
        for tab in party {
            self.tabs[tab].life = Life::Cached;
            self.tabs[tab].armed = None;
            self.activate_deferred(tab);
        }
        if self.rng.chance(400) {
            let delay = self.rng.between(1, 400);
            self.at(delay, Event::NewPage(process));
        }
    }

    /// The browser throws a frozen or cached page away: no event is fired.
    pub(crate) fn discard(&mut self, tab: usize) {
        let case = if self.tabs[tab].life == Life::Cached {
            "bfcache discarded"
        } else {
            "discarded while frozen"
        };
        self.coverage.hit(case);
        for tab in self.party(tab) {
            self.die(tab, true);
            self.reap_process(self.tabs[tab].process);
        }
    }

    /// A renderer process crashes, with every page in it.
    pub(crate) fn crash(&mut self, process: usize) {
        self.coverage.hit("crashed");
        for tab in 0..self.tabs.len() {
            if self.tabs[tab].process == process && self.tabs[tab].life != Life::Dead {
                self.die(tab, true);
                self.orphans.push((tab, 0));
            }
        }
        self.reap_process(process);
        self.expect_adoption();
    }

    /// The whole browser is killed; writes of the last moments may be lost.
    pub(crate) fn kill_browser(&mut self) {
        self.coverage.hit("browser killed");
        for tab in 0..self.tabs.len() {
            if self.tabs[tab].life != Life::Dead {
                self.die(tab, false);
            }
        }
        let back = if self.rng.chance(500) {
            self.rng.below(KILL_MS_MAX + 1)
        } else {
            0
        };
        let lost = self.storage.kill(self.now.saturating_sub(back));
        if !lost.is_empty() {
            self.coverage.hit("writes lost in a kill");
        }
        self.records_hit(&lost, Hit::Killed);
        self.processes.clear();
        let delay = self.rng.between(200, 3_000);
        self.at(delay, Event::NewPage(usize::MAX));
    }

    pub(crate) fn die(&mut self, tab: usize, browser_lives: bool) {
        self.note_death(tab);
        self.memory_lost(tab);
        self.abandon_flights(tab, !browser_lives);
        if browser_lives {
            self.activate_deferred(tab);
        }
        self.log("dead", tab, self.stats(tab).volatile, String::new);
        let at = &mut self.tabs[tab];
        at.life = Life::Dead;
        at.engine = None;
        at.channel = None;
        at.armed = None;
        at.inbox.clear();
        at.deferred.clear();
        self.leaders.remove(&tab);
        self.forget_overlaps(tab);
    }

    pub(crate) fn reap_process(&mut self, process: usize) {
        let used = self
            .tabs
            .iter()
            .any(|tab| tab.process == process && tab.life != Life::Dead);
        if !used && self.processes.contains(&process) {
            self.processes.retain(|other| *other != process);
            self.storage.end_process(process);
        }
    }
}
