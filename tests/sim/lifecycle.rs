//! How pages come and go, as the browser does it.

use sendoff::engine::Engine;
use sendoff::engine::io::{Host, Outcome, PageEvent};
use sendoff::model::store::MemoryStore;

use crate::rng::mix;
use crate::storage::{KILL_MS_MAX, PREFIX};
use crate::tab::{Arrival, Life, Tab};
use crate::world::{Event, World};

impl World {
    /// A new page, in `process` or one of the browser's choice; its engine starts at once.
    pub(crate) fn open_tab(&mut self, process: Option<usize>) {
        let tab = self.open_page(process);
        self.start_engine(tab);
    }

    /// A new page whose engine is still being loaded.
    pub(crate) fn open_page(&mut self, process: Option<usize>) -> usize {
        let number = self.tabs.len();
        let spread = mix(self.seed.number.wrapping_mul(1_000) + number as u64 + 1);
        let name = format!("{:016x}{:04x}", spread, number & 0xffff);
        let process = process.unwrap_or_else(|| self.pick_process());
        let clock_ahead_ms = self.rng.below(1_000_000);
        let mut tab = Tab::new(name, process, clock_ahead_ms);
        if self.profile.no_storage {
            self.coverage.hit("no storage");
            tab.memory = Some(MemoryStore::default());
        }
        self.model.add_tab(&tab.name);
        self.log("open", number, process as u64, String::new);
        self.tabs.push(tab);
        number
    }

    fn pick_process(&mut self) -> usize {
        let full = self.processes.len() >= self.profile.processes_max;
        match self.rng.pick(&self.processes) {
            Some(process) if full || self.rng.chance(500) => process,
            _ => {
                let process = self.storage.start_process();
                self.processes.push(process);
                process
            }
        }
    }

    pub(crate) fn start_engine(&mut self, tab: usize) {
        if self.tabs[tab].life != Life::Loading {
            return;
        }
        let host = self.host(tab);
        let (config, now) = (self.profile.config.clone(), self.tab_now(tab));
        let lag = self.rng.below(self.faults.storage_lag_ms_max + 1);
        let at = &mut self.tabs[tab];
        at.life = Life::Live;
        at.engine = Some(match at.memory.as_mut() {
            Some(memory) => Engine::new(config, Vec::new(), &host, now, memory),
            None => {
                let mut store = self.storage.handle(at.process, self.now, lag);
                Engine::new(config, Vec::new(), &host, now, &mut store)
            }
        });
        self.perform_first(tab);
        self.hand_over_early(tab);
        self.expect_adoption();
    }

    fn host(&mut self, tab: usize) -> Host {
        let at = &self.tabs[tab];
        Host {
            tab: at.name.clone(),
            project: "demo".to_owned(),
            seed: self.rng.next(),
            context: "{\"locale\":\"en\"}".to_owned(),
            page: "{\"url\":\"/\"}".to_owned(),
            landing: String::new(),
            runtime: "browser".to_owned(),
            anonymous_id: String::new(),
            session_id: String::new(),
            has_channel: self.profile.has_channel,
            has_deferred: self.profile.has_deferred,
            has_keepalive: true,
            has_storage: at.memory.is_none(),
            visible: at.visible,
            online: self.online,
            gpc: false,
            dnt: false,
        }
    }

    /// A page that tracks before its engine is there: the facade keeps an early log.
    pub(crate) fn open_early(&mut self) {
        let tab = self.open_page(None);
        let count = self.rng.between(1, 12);
        let (records, expected) = self.early_calls(count);
        let records = records.join("\n");
        self.tabs[tab].early = records.as_str().into();
        let book = &mut self.model.books[tab];
        book.events = expected;
        (book.early, book.was_early) = (true, true);
        let key = format!("{PREFIX}{}:e", self.tabs[tab].name);
        let stored = self.tabs[tab].memory.is_none()
            && self.page_write(
                self.tabs[tab].process,
                &key,
                Some(&format!("2 {}\n{records}", self.wall())),
            );
        if !stored {
            self.tabs[tab].seen.stats.volatile = count;
        }
        let delay = self.rng.between(5, 800);
        self.at(delay, Event::Load(tab));
    }

    fn hand_over_early(&mut self, tab: usize) {
        if self.tabs[tab].early.is_empty() {
            return;
        }
        let early =
            self.model.books[tab].early && self.model.books[tab].events.iter().any(|e| e.stored);
        if early {
            self.coverage.hit("early log taken over twice");
        }
        self.model.books[tab].early = false;
        let text = self.tabs[tab].early.clone();
        self.feed(tab, Arrival::Calls(text));
        let delay = self.rng.below(6);
        self.at(delay, Event::ForgetEarly(tab));
    }

    pub(crate) fn forget_early(&mut self, tab: usize) {
        if self.tabs[tab].life == Life::Live && self.tabs[tab].memory.is_none() {
            let key = format!("{PREFIX}{}:e", self.tabs[tab].name);
            self.page_write(self.tabs[tab].process, &key, None);
        } else if matches!(self.tabs[tab].life, Life::Cached | Life::Frozen) {
            // The page's code stands still; it goes on where it was, if ever.
            self.at(100, Event::ForgetEarly(tab));
        }
    }

    pub(crate) fn hide(&mut self, tab: usize) {
        self.tabs[tab].visible = false;
        self.tabs[tab].throttled_hard = self.rng.chance(300);
        self.rearm(tab);
        self.feed(tab, Arrival::Page(PageEvent::Hidden));
    }

    pub(crate) fn show(&mut self, tab: usize) {
        self.tabs[tab].visible = true;
        self.rearm(tab);
        self.feed(tab, Arrival::Page(PageEvent::Visible));
    }

    fn rearm(&mut self, tab: usize) {
        self.tabs[tab].armed = None;
        self.arm(tab);
    }

    /// `pagehide` and the change to hidden, which browsers fire in either order.
    fn leave(&mut self, tab: usize) {
        let hidden_first = self.rng.chance(500);
        if self.tabs[tab].visible && hidden_first {
            self.hide(tab);
        }
        if self.tabs[tab].leads() && self.running().len() > 1 {
            self.coverage.hit("leader left politely");
        }
        self.tabs[tab].leaving = true;
        self.feed(tab, Arrival::Page(PageEvent::Leaving));
        if self.rng.chance(200) && !self.tabs[tab].stopped {
            self.coverage.hit("call after pagehide");
            self.track(tab, 1);
        }
        if self.tabs[tab].visible {
            self.hide(tab);
        }
    }

    /// The page is unloaded in an orderly way.
    pub(crate) fn close(&mut self, tab: usize) {
        self.leave(tab);
        self.die(tab, true);
        self.reap_process(self.tabs[tab].process);
    }

    /// As `close`; a new page follows in the same process.
    pub(crate) fn reload(&mut self, tab: usize) {
        self.leave(tab);
        self.die(tab, true);
        let delay = self.rng.between(1, 400);
        self.at(delay, Event::NewPage(self.tabs[tab].process));
    }

    /// The page goes into the back/forward cache.
    pub(crate) fn cache_out(&mut self, tab: usize) {
        self.leave(tab);
        self.tabs[tab].life = Life::Cached;
        self.tabs[tab].armed = None;
        self.activate_deferred(tab);
        if self.rng.chance(400) {
            let delay = self.rng.between(1, 400);
            self.at(delay, Event::NewPage(self.tabs[tab].process));
        }
    }

    /// Back from the back/forward cache.
    pub(crate) fn restore(&mut self, tab: usize) {
        self.coverage.hit("bfcache restored");
        let at = &mut self.tabs[tab];
        at.life = Life::Live;
        at.leaving = false;
        at.visible = true;
        let activated = std::mem::take(&mut at.activated);
        // The browser tells of answers that came meanwhile after `pageshow`, of deferred requests
        // at once.
        let inbox = std::mem::take(&mut at.inbox);
        for request in activated {
            self.coverage.hit("deferred activation told");
            let outcome = Outcome::Activated;
            self.feed(
                tab,
                Arrival::Answer {
                    request,
                    outcome,
                    about: None,
                },
            );
        }
        self.feed(tab, Arrival::Page(PageEvent::Restored));
        self.feed(tab, Arrival::Page(PageEvent::Visible));
        for arrival in inbox {
            self.deliver(tab, arrival);
        }
    }

    /// The page is frozen by the browser, or stops without a word: a debugger, a sleeping machine.
    pub(crate) fn freeze(&mut self, tab: usize) {
        self.tabs[tab].led = self.tabs[tab].leads();
        self.tabs[tab].stalled = self.rng.chance(400);
        if self.tabs[tab].stalled {
            self.coverage.hit("slept without a word");
        } else {
            self.feed(tab, Arrival::Page(PageEvent::Frozen));
        }
        self.tabs[tab].life = Life::Frozen;
        self.tabs[tab].armed = None;
        self.forget_overlaps(tab);
    }

    pub(crate) fn thaw(&mut self, tab: usize) {
        let other = (0..self.tabs.len()).any(|other| other != tab && self.tabs[other].leads());
        if self.tabs[tab].led && other {
            self.coverage.hit("thaw after takeover");
        }
        self.tabs[tab].life = Life::Live;
        let inbox = std::mem::take(&mut self.tabs[tab].inbox);
        if !self.tabs[tab].stalled {
            self.feed(tab, Arrival::Page(PageEvent::Resumed));
        } else if self.rng.chance(500) {
            // After a sleep, timers and messages come in any order.
            self.feed(tab, Arrival::Timeout);
        }
        for arrival in inbox {
            self.deliver(tab, arrival);
        }
        self.arm(tab);
    }

    /// The browser throws a frozen or cached page away: no event is fired.
    pub(crate) fn discard(&mut self, tab: usize) {
        let case = if self.tabs[tab].life == Life::Cached {
            "bfcache discarded"
        } else {
            "discarded while frozen"
        };
        self.coverage.hit(case);
        self.die(tab, true);
        self.reap_process(self.tabs[tab].process);
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
        let since = self.now.saturating_sub(back);
        let lost = self.storage.kill(since);
        if !lost.is_empty() {
            self.coverage.hit("writes lost in a kill");
            self.model.writes_lost(since, self.now);
        }
        for key in lost {
            self.segment_lost(&key);
        }
        self.processes.clear();
        let delay = self.rng.between(200, 3_000);
        self.at(delay, Event::NewPage(usize::MAX));
    }

    /// A kill undid what was last done to a key. If a segment is lost with it, its events may have been
    /// tracked long before: it was written again after the page had needed the room.
    fn segment_lost(&mut self, key: &str) {
        if self.storage.entries(key).any(|(found, _)| found == key) {
            return;
        }
        let range = key.rsplit(':').next().and_then(|name| name.split_once('-'));
        let (Some(tab), Some((from, to))) = (self.tab_of_key(key), range) else {
            return;
        };
        if let (Ok(from), Ok(to)) = (from.parse(), to.parse::<u64>()) {
            for seq in from..=to {
                if let Some(event) = self.model.event(tab, seq) {
                    event.killed = true;
                }
            }
        }
    }

    fn die(&mut self, tab: usize, browser_lives: bool) {
        if self.tabs[tab].seen.stats.volatile > 0 {
            self.coverage.hit("event lost with volatile memory");
        }
        self.note_death(tab);
        let volatile = self.tabs[tab].seen.stats.volatile;
        self.model.tab_died(tab, self.now, volatile);
        self.abandon_flights(tab, !browser_lives);
        if browser_lives {
            self.activate_deferred(tab);
        }
        self.log("dead", tab, volatile, String::new);
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

    fn reap_process(&mut self, process: usize) {
        let used = self
            .tabs
            .iter()
            .any(|tab| tab.process == process && tab.life != Life::Dead);
        if !used && self.processes.contains(&process) {
            self.processes.retain(|other| *other != process);
            self.storage.end_process(process);
        }
    }

    pub(crate) fn set_online(&mut self, online: bool) {
        self.online = online;
        let event = if online {
            PageEvent::Online
        } else {
            PageEvent::Offline
        };
        for tab in 0..self.tabs.len() {
            self.deliver(tab, Arrival::Page(event));
        }
    }
}
