//! The end of chaos: every fault ends, the next visit is configured with every destination, and of every project one
//! visible page is there.

use std::collections::BTreeSet;

use crate::faults::{Faults, Net};
use crate::places::PLACES;
use crate::seed::Scenario;
use crate::tab::{Arrival, Life};
use crate::world::{Event, World};

impl World {
    /// Ends every fault and leaves at least one visible tab.
    pub(crate) fn heal(&mut self) {
        self.log("heal", 0, 0, String::new);
        self.healed = true;
        self.faults = Faults::healthy();
        if self.profile.scenario != Scenario::Poison {
            self.nets = PLACES.each_ref().map(|_| Net::healthy());
        }
        self.healed_at = self.now;
        self.storage.forgets = false;
        self.release_quota();
        if !self.online {
            self.set_online(true);
        }
        for tab in 0..self.tabs.len() {
            match self.tabs[tab].life {
                Life::Frozen => self.thaw(tab),
                Life::Cached if self.rng.chance(500) => self.restore(tab),
                Life::Cached => self.discard(tab),
                Life::Loading | Life::Live | Life::Dead => {}
            }
        }
        self.unpause_all();
        self.configure_all();
        self.show_every_project();
        if self.profile.config.disable_timer {
            self.at(1_000, Event::FlushAll);
            self.at(60_000, Event::FlushAll);
        }
    }

    fn unpause_all(&mut self) {
        for tab in 0..self.tabs.len() {
            for place in std::mem::take(&mut self.tabs[tab].paused) {
                let paused = false;
                self.deliver(tab, Arrival::Destination { place, paused });
            }
        }
    }

    /// The next visit finds every destination that there ever was, but for one that is gone for good in some worlds.
    fn configure_all(&mut self) {
        if self.profile.sites.len() == 1 {
            return;
        }
        let mut all = self.site.clone();
        for lane in self.profile.sites.iter().flatten() {
            if !all.iter().any(|other| other.place == lane.place) {
                all.push(*lane);
            }
        }
        if self.profile.forgets_place && all.len() > 1 {
            all.remove(self.rng.below(all.len() as u64) as usize);
        }
        self.site = all;
        for tab in 0..self.tabs.len() {
            let old = self.tabs[tab].site != self.site;
            match self.tabs[tab].life {
                Life::Live if old => self.close(tab),
                Life::Loading if old => self.die(tab, true),
                _ => {}
            }
        }
    }

    /// Of every project that has had a page, one is there and visible.
    fn show_every_project(&mut self) {
        let projects: BTreeSet<usize> = self.tabs.iter().map(|tab| tab.project).collect();
        for project in projects {
            let mut live = self.running();
            live.retain(|tab| self.tabs[*tab].project == project);
            let shown = live.iter().any(|tab| self.tabs[*tab].visible);
            if live.is_empty() || !self.profile.platform.has_channel {
                self.open_in(project);
            } else if !shown {
                let tab = live[self.rng.below(live.len() as u64) as usize];
                self.show(tab);
            }
        }
    }
}
