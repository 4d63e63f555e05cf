//! What happens in a world while chaos lasts: actions drawn from the seed.

use crate::crowd::TRACK_MS;
use crate::faults::Down;
use crate::lifecycle::Beside;
use crate::rng::{Rng, mix};
use crate::seed::Scenario;
use crate::tab::{Arrival, Life};
use crate::world::{Event, World};

/// An action and how often it is drawn where it is on.
pub(crate) const ACTIONS: [(Action, u64); 40] = [
    (Action::Track, 120),
    (Action::Burst, 1),
    (Action::Identify, 6),
    (Action::Alias, 3),
    (Action::CallBadly, 4),
    (Action::View, 5),
    (Action::Flush, 8),
    (Action::Shutdown, 1),
    (Action::Destroy, 1),
    (Action::Open, 14),
    (Action::OpenEarly, 4),
    (Action::OpenFrame, 3),
    (Action::OpenClient, 2),
    (Action::Close, 8),
    (Action::CloseWindow, 1),
    (Action::CloseInTurn, 1),
    (Action::Reload, 6),
    (Action::CacheOut, 6),
    (Action::CacheBack, 8),
    (Action::Crash, 5),
    (Action::Kill, 1),
    (Action::Freeze, 6),
    (Action::Thaw, 6),
    (Action::Discard, 2),
    (Action::Hide, 12),
    (Action::Show, 14),
    (Action::Offline, 3),
    (Action::Online, 6),
    (Action::Outage, 4),
    (Action::Pause, 2),
    (Action::Deploy, 4),
    (Action::FillQuota, 3),
    (Action::FreeQuota, 3),
    (Action::ClearStorage, 1),
    (Action::Evict, 1),
    (Action::Forget, 1),
    (Action::Damage, 2),
    (Action::JumpClock, 3),
    (Action::Glitch, 2),
    (Action::Noise, 3),
];

/// Something a user, a page or the machine does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    Track,
    Burst,
    Identify,
    Alias,
    CallBadly,
    View,
    Flush,
    Shutdown,
    Destroy,
    Open,
    OpenEarly,
    OpenFrame,
    OpenClient,
    Close,
    CloseWindow,
    CloseInTurn,
    Reload,
    CacheOut,
    CacheBack,
    Crash,
    Kill,
    Freeze,
    Thaw,
    Discard,
    Hide,
    Show,
    Offline,
    Online,
    Outage,
    Pause,
    Deploy,
    FillQuota,
    FreeQuota,
    ClearStorage,
    Evict,
    Forget,
    Damage,
    JumpClock,
    Glitch,
    Noise,
}

impl World {
    /// Draws and performs one action, and arranges for the next.
    pub(crate) fn act(&mut self) {
        let over = self.profile.scenario == Scenario::Crowd && self.now > TRACK_MS;
        if self.healed || over {
            return;
        }
        if self.profile.steady {
            // Whatever has been drawn in between, what pages do is the same.
            self.rng = Rng::new(mix(self.seed.number ^ self.now));
        }
        let action = ACTIONS[self.rng.weighted(&self.profile.weights)].0;
        let gap = self.rng.between(1, self.profile.gap_ms_max);
        self.at(gap, Event::Act);
        self.perform(action);
    }

    fn perform(&mut self, action: Action) {
        let target = self.rng.pick(&self.running());
        self.log("act", target.unwrap_or(usize::MAX), 0, || {
            format!("{action:?}")
        });
        match (action, target) {
            (Action::Open, _) => self.open_one(false),
            (Action::OpenEarly, _) => self.open_one(true),
            (Action::CloseWindow, _) => self.close_window(),
            (Action::CloseInTurn, _) => self.close_in_turn(),
            (Action::CacheBack, _) => self.with_any(Life::Cached, Self::restore),
            (Action::Thaw, _) => self.with_any(Life::Frozen, Self::thaw),
            (Action::Discard, _) => self.discard_any(),
            (Action::Crash, _) => self.crash_any(),
            (Action::Kill, _) => self.kill_browser(),
            (Action::Offline | Action::Online, _) => {
                self.coverage.hit("offline");
                self.set_online(action == Action::Online);
            }
            (Action::Outage, _) => self.begin_outage(),
            (Action::Deploy, _) => self.deploy(),
            (Action::FillQuota, _) => self.fill_quota(),
            (Action::FreeQuota, _) => self.release_quota(),
            (Action::ClearStorage, _) => self.clear_storage(),
            (Action::Evict, _) => self.evict_record(),
            (Action::Forget, _) => self.put_forgetful_store(),
            (Action::Damage, _) => self.damage_record(),
            (Action::JumpClock, _) => self.jump_clock(),
            (_, None) => self.open_one(false),
            (_, Some(tab)) => self.perform_on(action, tab),
        }
    }

    fn perform_on(&mut self, action: Action, tab: usize) {
        let visible = self.tabs[tab].visible;
        match action {
            Action::Burst => self.track(tab, 1_000),
            Action::Identify => self.identify(tab, false),
            Action::Alias => self.identify(tab, true),
            Action::CallBadly => self.call_badly(tab),
            Action::View => self.view(tab),
            Action::Flush => self.ask_flush(tab),
            Action::Shutdown => self.ask_shutdown(tab),
            Action::Destroy => self.destroy(tab),
            Action::OpenFrame if self.has_room() => self.open_beside(tab, Beside::Frame),
            Action::OpenClient if self.has_room() => self.open_beside(tab, Beside::Client),
            Action::Close => self.close(tab),
            Action::Reload => self.reload(tab),
            Action::CacheOut => self.cache_out(tab),
            Action::Hide if visible => self.hide(tab),
            Action::Show if !visible => self.show(tab),
            // Browsers freeze hidden pages; a debugger may freeze any.
            Action::Freeze if !visible || self.rng.chance(150) => self.freeze(tab),
            Action::Pause => self.pause_any(tab),
            Action::Glitch => self.glitch(tab),
            Action::Noise => self.make_noise(tab),
            _ => {
                let count = match self.rng.weighted(&[24, 9, 1]) {
                    0 => self.rng.between(1, 4),
                    1 => self.rng.between(5, 40),
                    _ => self.rng.between(41, 200),
                };
                self.track(tab, count);
            }
        }
    }

    fn has_room(&self) -> bool {
        let living = self.tabs.iter().filter(|tab| tab.life != Life::Dead);
        living.count() < self.profile.tabs_max
    }

    fn open_one(&mut self, early: bool) {
        if !self.has_room() {
            return;
        }
        if early {
            self.open_early();
        } else {
            self.open_tab(None);
        }
    }

    fn with_any(&mut self, life: Life, act: fn(&mut Self, usize)) {
        let tabs: Vec<_> = (0..self.tabs.len())
            .filter(|tab| self.tabs[*tab].life == life)
            .collect();
        if let Some(tab) = self.rng.pick(&tabs) {
            act(self, tab);
        }
    }

    fn discard_any(&mut self) {
        let life = if self.rng.chance(500) {
            Life::Frozen
        } else {
            Life::Cached
        };
        self.with_any(life, Self::discard);
    }

    fn crash_any(&mut self) {
        if let Some(process) = self.rng.pick(&self.processes) {
            self.crash(process);
        }
    }

    pub(crate) fn ask_flush(&mut self, tab: usize) {
        let id = self.next_flush(tab, false);
        self.feed(tab, Arrival::Flush(id));
    }

    fn ask_shutdown(&mut self, tab: usize) {
        let id = self.next_flush(tab, true);
        let timeout_ms = self.rng.between(0, 5_000) as u32;
        self.tabs[tab].stopped = true;
        self.feed(tab, Arrival::Shutdown { id, timeout_ms });
    }

    fn next_flush(&mut self, tab: usize, shutdown: bool) -> u32 {
        let seen = &mut self.tabs[tab].seen;
        seen.flush_ids += 1;
        seen.flushes.insert(seen.flush_ids, shutdown);
        seen.flush_ids
    }

    fn destroy(&mut self, tab: usize) {
        self.coverage.hit("destroyed");
        self.tabs[tab].stopped = true;
        self.feed(tab, Arrival::Destroy);
        self.memory_lost(tab);
    }

    /// A destination is down for a while.
    fn begin_outage(&mut self) {
        let place = self.rng.below(self.nets.len() as u64) as usize;
        let until = self.now + self.rng.between(500, 30_000);
        let down = Down::random(&mut self.rng);
        self.log("outage", usize::MAX, until, || format!("{place}: {down:?}"));
        self.coverage.hit(match down {
            Down::Status(401..=410) => "outage: not welcome",
            Down::Foreign(_) => "outage: somebody else answers",
            _ => "outage",
        });
        self.nets[place].outage = Some((until, down));
    }

    /// Pages that are opened from now on have the next configuration.
    fn deploy(&mut self) {
        let next = self
            .profile
            .sites
            .iter()
            .skip_while(|site| **site != self.site);
        if let Some(next) = next.skip(1).find(|site| **site != self.site).cloned() {
            self.coverage.hit("destinations changed");
            self.site = next;
        }
    }

    /// The page pauses one of its destinations, or lets it go on.
    fn pause_any(&mut self, tab: usize) {
        let places: Vec<usize> = self.tabs[tab].site.iter().map(|lane| lane.place).collect();
        if let Some(place) = self.rng.pick(&places) {
            let paused = !self.tabs[tab].paused.contains(&place);
            self.pause(tab, place, paused);
        }
    }

    pub(crate) fn pause(&mut self, tab: usize, place: usize, paused: bool) {
        self.coverage.hit("destination paused");
        if paused {
            self.tabs[tab].paused.insert(place);
        } else {
            self.tabs[tab].paused.remove(&place);
        }
        self.feed(tab, Arrival::Destination { place, paused });
    }

    /// One reading of the page's monotonic clock is an hour ahead.
    fn glitch(&mut self, tab: usize) {
        if self.tabs[tab].glitched {
            return;
        }
        self.coverage.hit("monotonic clock glitched");
        self.tabs[tab].glitched = true;
        self.tabs[tab].glitch_ms = 3_600_000;
        for lane in &mut self.tabs[tab].seen.lanes {
            // For all that its engine can know, that hour has passed.
            (lane.hold_until, lane.breaker_until) = (0, 0);
        }
        self.track(tab, 1);
    }

    /// A call too many, a wake-up for nothing, or a message from some other program.
    fn make_noise(&mut self, tab: usize) {
        if self.rng.chance(300) {
            return self.feed(tab, Arrival::Timeout);
        }
        self.coverage.hit("junk message");
        let junk = ["", "{}", "9\nfrom the future", "\u{0}\tx\t\t\n", "3\tclaim"];
        let text = self.rng.pick(&junk).unwrap_or("").into();
        if self.tabs[tab].channel.is_some() {
            self.feed(tab, Arrival::Peer { from: tab, text });
        }
    }

    fn jump_clock(&mut self) {
        if self.now < self.dated_until {
            return;
        }
        let far = self.rng.chance(250);
        let by = if far {
            self.rng.between(1, 9 * 86_400_000)
        } else {
            self.rng.below(20_000)
        };
        if self.rng.chance(500) {
            self.coverage.hit("clock jumped forward");
            self.wall_ahead_ms += by;
        } else {
            self.coverage.hit("clock jumped back");
            self.wall_ahead_ms -= by;
        }
    }
}
