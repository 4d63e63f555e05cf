//! What happens in a world while chaos lasts: actions drawn from the seed.

use crate::rng::Rng;
use crate::storage::PREFIX;
use crate::tab::{Arrival, Life};
use crate::world::{Event, World};

/// An action and how often it is drawn where it is on.
pub(crate) const ACTIONS: [(Action, u64); 29] = [
    (Action::Track, 120),
    (Action::Burst, 1),
    (Action::Identify, 6),
    (Action::Alias, 3),
    (Action::CallBadly, 4),
    (Action::Flush, 8),
    (Action::Shutdown, 1),
    (Action::Destroy, 1),
    (Action::Open, 14),
    (Action::OpenEarly, 4),
    (Action::Close, 8),
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
    (Action::FillQuota, 3),
    (Action::FreeQuota, 3),
    (Action::ClearStorage, 1),
    (Action::Damage, 2),
    (Action::JumpClock, 3),
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
    Flush,
    Shutdown,
    Destroy,
    Open,
    OpenEarly,
    Close,
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
    FillQuota,
    FreeQuota,
    ClearStorage,
    Damage,
    JumpClock,
    Noise,
}

/// The keys of someone else that every world starts with; they must never change.
const FOREIGN: [(&str, &str); 3] = [
    ("sendoff:other:00112233445566778899:0", "1\nnot ours"),
    ("sendoff", "a page's own key"),
    ("cart", "3 items"),
];
const FILLER: &str = "filler";

/// Which actions a world knows: each is switched off in some of them.
pub(crate) fn weights(rng: &mut Rng) -> [u64; ACTIONS.len()] {
    ACTIONS.map(|(action, weight)| {
        let always = matches!(action, Action::Track | Action::Open);
        if always || rng.chance(650) { weight } else { 0 }
    })
}

/// Only what a healthy network with crashing tabs needs.
pub(crate) fn adoption_weights() -> [u64; ACTIONS.len()] {
    ACTIONS.map(|(action, weight)| match action {
        Action::Track | Action::Open => weight,
        Action::Crash => 12,
        _ => 0,
    })
}

/// Pages are opened, and track.
pub(crate) fn starved_weights() -> [u64; ACTIONS.len()] {
    ACTIONS.map(|(action, _)| match action {
        Action::Track | Action::OpenEarly => 1,
        Action::Open => 2,
        _ => 0,
    })
}

/// Every way a page can end or pause, and nothing that harms the store or the network.
pub(crate) fn calm_weights() -> [u64; ACTIONS.len()] {
    ACTIONS.map(|(action, weight)| match action {
        Action::Kill
        | Action::Offline
        | Action::Online
        | Action::FillQuota
        | Action::FreeQuota
        | Action::ClearStorage
        | Action::Damage => 0,
        _ => weight,
    })
}

impl World {
    /// Draws and performs one action, and arranges for the next.
    pub(crate) fn act(&mut self) {
        if self.healed {
            return;
        }
        let action = ACTIONS[self.rng.weighted(&self.profile.weights)].0;
        self.perform(action);
        let gap = self.rng.between(1, self.profile.gap_ms_max);
        self.at(gap, Event::Act);
    }

    fn perform(&mut self, action: Action) {
        let target = self.rng.pick(&self.running());
        self.log("act", target.unwrap_or(usize::MAX), 0, || {
            format!("{action:?}")
        });
        match (action, target) {
            (Action::Open, _) => self.open_one(false),
            (Action::OpenEarly, _) => self.open_one(true),
            (Action::CacheBack, _) => self.with_any(Life::Cached, Self::restore),
            (Action::Thaw, _) => self.with_any(Life::Frozen, Self::thaw),
            (Action::Discard, _) => self.discard_any(),
            (Action::Crash, _) => self.crash_any(),
            (Action::Kill, _) => self.kill_browser(),
            (Action::Offline | Action::Online, _) => {
                self.coverage.hit("offline");
                self.set_online(action == Action::Online);
            }
            (Action::FillQuota, _) => self.fill_quota(),
            (Action::FreeQuota, _) => self.release_quota(),
            (Action::ClearStorage, _) => self.clear_storage(),
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
            Action::Flush => self.ask_flush(tab),
            Action::Shutdown => self.ask_shutdown(tab),
            Action::Destroy => self.destroy(tab),
            Action::Close => self.close(tab),
            Action::Reload => self.reload(tab),
            Action::CacheOut => self.cache_out(tab),
            Action::Hide if visible => self.hide(tab),
            Action::Show if !visible => self.show(tab),
            // Browsers freeze hidden pages; a debugger may freeze any.
            Action::Freeze if !visible || self.rng.chance(150) => self.freeze(tab),
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

    fn open_one(&mut self, early: bool) {
        let living = self
            .tabs
            .iter()
            .filter(|tab| tab.life != Life::Dead)
            .count();
        if living >= self.profile.tabs_max {
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

    /// The page itself writes or removes a key; tells whether that worked.
    pub(crate) fn page_write(&mut self, process: usize, key: &str, value: Option<&str>) -> bool {
        let lag = self.rng.below(self.faults.storage_lag_ms_max + 1);
        self.storage
            .write(process, self.now, lag, key, value)
            .is_ok()
    }

    pub(crate) fn plant_foreign_keys(&mut self) {
        let process = self.storage.start_process();
        for (key, value) in FOREIGN {
            self.page_write(process, key, Some(value));
        }
        self.storage.settle();
        self.storage.end_process(process);
    }

    /// The host page fills what is left of the quota, but for a few bytes.
    fn fill_quota(&mut self) {
        let Some(process) = self.rng.pick(&self.processes) else {
            return;
        };
        let free = self
            .profile
            .quota_bytes
            .saturating_sub(self.storage.used_bytes(process));
        // In a large quota the page's own megabytes are left out: the limit moves instead.
        let left = self.rng.below(3_000) as usize;
        if free > 100_000 {
            self.storage.quota_bytes = self.storage.used_bytes(process) + left;
        } else if free > left + 100 {
            let filler = "f".repeat(free - left - FILLER.len());
            self.page_write(process, FILLER, Some(&filler));
        }
    }

    pub(crate) fn release_quota(&mut self) {
        self.storage.quota_bytes =
            self.profile
                .quota_bytes
                .max(if self.healed { 5 << 20 } else { 0 });
        if let Some(process) = self.rng.pick(&self.processes) {
            self.page_write(process, FILLER, None);
        }
    }

    fn clear_storage(&mut self) {
        if !self.running().is_empty() {
            self.coverage.hit("storage cleared under a live tab");
        }
        self.storage.clear();
        self.model.store_cleared(self.now);
        self.plant_foreign_keys();
    }

    /// Some other script garbles one of our records.
    fn damage_record(&mut self) {
        let Some(process) = self.rng.pick(&self.processes) else {
            return;
        };
        let keys: Vec<_> = self
            .storage
            .entries(PREFIX)
            .map(|(key, _)| key.to_owned())
            .collect();
        let keys: Vec<_> = keys.iter().map(String::as_str).collect();
        let Some(key) = self.rng.pick(&keys) else {
            return;
        };
        let value = self
            .storage
            .entries(key)
            .next()
            .map_or("", |(_, value)| value)
            .to_owned();
        // Early calls have no numbers of their own: one of them damaged would renumber the rest.
        let kinds = if key.ends_with(":e") { 2 } else { 5 };
        let damaged = match self.rng.below(kinds) {
            0 => "3\nfrom the future".to_owned(),
            1 => "2 garbage".to_owned(),
            2 => value.chars().take(value.chars().count() / 2).collect(),
            _ => value.replacen('"', "", 1),
        };
        let owner = self.tab_of_key(key);
        self.log("damage", owner.unwrap_or(usize::MAX), 0, || key.to_owned());
        self.page_write(process, key, Some(&damaged));
        let foreign = !damaged.starts_with('2');
        if foreign {
            self.storage.other_versions.extend(owner);
        }
        if let Some(owner) = owner {
            // A journal with a record of another version is left alone from now on.
            let until = if foreign { u64::MAX } else { self.now };
            self.model.record_damaged(owner, until);
        }
    }

    /// Whether the keys of others are as they were.
    pub(crate) fn foreign_keys_intact(&self) -> bool {
        FOREIGN.iter().all(|(key, value)| {
            self.storage
                .entries(key)
                .next()
                .is_some_and(|found| found == (*key, *value))
        })
    }
}
