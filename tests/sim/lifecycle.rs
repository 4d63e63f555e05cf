//! How pages come to be, and how they are hidden, frozen and cached, as the browser does it.

use sendoff::engine::Engine;
use sendoff::engine::io::{Host, Keeps, Outcome, PageEvent};
use sendoff::model::store::MemoryStore;

use crate::rng::mix;
use crate::seed::Scenario;
use crate::tab::{Arrival, Birth, Life, Tab};
use crate::world::{Event, World};

/// What is given of a new page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kin {
    Nothing,
    /// It belongs to this project.
    Project(usize),
    /// It is a part of a page that is there.
    Tab(usize, Beside),
}

/// What it has in common with that one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Beside {
    /// A frame of it, which comes and goes with it.
    Frame,
    /// A second client in the same document, which shares its budget as well.
    Client,
}

impl World {
    /// A new page, in `process` or one of the browser's choice; its engine starts at once.
    pub(crate) fn open_tab(&mut self, process: Option<usize>) {
        let tab = self.open_page(process, Kin::Nothing);
        self.start_engine(tab);
    }

    /// A new page of a project.
    pub(crate) fn open_in(&mut self, project: usize) {
        let tab = self.open_page(None, Kin::Project(project));
        self.start_engine(tab);
    }

    /// A frame of a page, or a second client in it.
    pub(crate) fn open_beside(&mut self, tab: usize, beside: Beside) {
        self.coverage.hit(match beside {
            Beside::Frame => "page with a frame",
            Beside::Client => "two clients in one page",
        });
        let new = self.open_page(Some(self.tabs[tab].process), Kin::Tab(tab, beside));
        self.tabs[new].visible = self.tabs[tab].visible;
        self.tabs[new].throttled_hard = self.tabs[tab].throttled_hard;
        self.start_engine(new);
    }

    /// A new page whose engine is still being loaded.
    pub(crate) fn open_page(&mut self, process: Option<usize>, kin: Kin) -> usize {
        let number = self.tabs.len();
        let spread = mix(self.seed.number.wrapping_mul(1_000) + number as u64 + 1);
        let name = format!("{:016x}{:04x}", spread, number & 0xffff);
        let birth = self.birth(number, process, kin);
        self.model
            .add_tab(&name, birth.site.iter().map(|lane| lane.place).collect());
        self.log("open", number, birth.process as u64, || {
            format!(
                "{:?}, project {}, page {}",
                birth.site, birth.project, birth.page
            )
        });
        let mut tab = Tab::new(name, birth);
        if self.profile.platform.no_storage {
            self.coverage.hit("no storage");
            tab.memory = Some(MemoryStore::default());
        }
        self.tabs.push(tab);
        number
    }

    fn birth(&mut self, number: usize, process: Option<usize>, kin: Kin) -> Birth {
        let process = process.unwrap_or_else(|| self.pick_process());
        let clock_ahead_ms = self.rng.below(1_000_000);
        let mut birth = Birth {
            process,
            project: 0,
            site: self.site.clone(),
            page: number,
            budget: number,
            clock_ahead_ms,
            lacks: 0,
        };
        if let Kin::Tab(tab, beside) = kin {
            birth.page = self.tabs[tab].page;
            birth.project = self.tabs[tab].project;
            birth.clock_ahead_ms = self.tabs[tab].clock_ahead_ms;
            if beside == Beside::Client {
                birth.budget = self.tabs[tab].budget;
            }
            return birth;
        }
        if let Kin::Project(project) = kin {
            birth.project = project;
        } else if self.profile.two_projects && self.rng.chance(400) {
            self.coverage.hit("two projects");
            birth.project = 1;
        }
        if !self.healed && self.rng.chance(self.profile.older) {
            birth.lacks = self.profile.lacks;
        }
        birth
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
        self.see_room(tab);
        let host = self.host(tab);
        let (mut config, now) = (self.profile.config.clone(), self.tab_now(tab));
        let lag = self.upto(self.faults.storage_lag_ms_max);
        let project = self.tabs[tab].api_key();
        config.api_key = project.to_owned();
        let lanes = self.tabs[tab].site.iter();
        let destinations = lanes.map(|lane| lane.destination(project)).collect();
        let start = |store: &mut dyn sendoff::model::store::Store| {
            Engine::with_destinations(config, destinations, Vec::new(), &host, now, store)
        };
        let engine = match self.tabs[tab].memory.take() {
            Some(mut memory) => {
                let engine = start(&mut memory);
                self.tabs[tab].memory = Some(memory);
                engine
            }
            None => start(&mut self.storage.handle(&self.tabs[tab], self.now, lag)),
        };
        self.tabs[tab].life = Life::Live;
        self.tabs[tab].seen.back_at = self.now;
        self.tabs[tab].engine = Some(engine);
        self.perform_first(tab);
        self.hand_over_early(tab);
        self.expect_adoption();
    }

    fn host(&mut self, tab: usize) -> Host {
        let at = &self.tabs[tab];
        Host {
            tab: at.name.clone(),
            project: at.api_key().to_owned(),
            seed: self.rng.next(),
            context: "{\"locale\":\"en\"}".to_owned(),
            page: self.tabs[tab].url(),
            landing: String::new(),
            runtime: "browser".to_owned(),
            anonymous_id: String::new(),
            session_id: String::new(),
            has_channel: self.profile.platform.has_channel,
            has_deferred: self.profile.platform.has_deferred,
            has_keepalive: self.profile.platform.has_keepalive,
            storage: if at.memory.is_none() {
                Keeps::ForLater
            } else {
                Keeps::Nothing
            },
            visible: at.visible,
            online: self.online,
            gpc: false,
            dnt: false,
        }
    }

    /// A page that tracks before its engine is there: the facade keeps an early log.
    pub(crate) fn open_early(&mut self) {
        let tab = self.open_page(None, Kin::Nothing);
        let count = self.rng.between(1, 12);
        let (records, expected) = self.early_calls(tab, count);
        let records = records.join("\n");
        self.tabs[tab].early = records.as_str().into();
        self.model.record(tab, expected);
        let book = &mut self.model.books[tab];
        (book.early, book.early_count) = (true, count);
        let key = self.tabs[tab].key("e");
        let value = format!("2 {}\n{records}", self.wall());
        let stored = self.tabs[tab].memory.is_none()
            && self.page_write(self.tabs[tab].process, &key, Some(&value));
        if !stored || self.storage.forgets {
            self.tabs[tab].seen.stats.volatile = count;
        }
        let quick = self.rng.between(5, 800);
        // On a bad day the engine's code takes a minute, in which others take the page for gone and send its early log.
        let bad_day = quick > 790 && self.profile.scenario != Scenario::Starved;
        let delay = if bad_day { quick * 100 } else { quick };
        self.at(delay, Event::Load(tab));
    }

    fn hand_over_early(&mut self, tab: usize) {
        if self.tabs[tab].early.is_empty() {
            return;
        }
        let book = &mut self.model.books[tab];
        let stored = |event: &crate::model::Tracked| event.fates.iter().any(|fate| fate.stored);
        let twice = book.early && book.events.iter().any(stored);
        book.early = false;
        if twice {
            self.coverage.hit("early log taken over twice");
        }
        let text = self.tabs[tab].early.clone();
        self.feed(tab, Arrival::Calls(text));
        let delay = self.rng.below(6);
        self.at(delay, Event::ForgetEarly(tab));
    }

    pub(crate) fn forget_early(&mut self, tab: usize) {
        if self.tabs[tab].life == Life::Live && self.tabs[tab].memory.is_none() {
            let key = self.tabs[tab].key("e");
            self.page_write(self.tabs[tab].process, &key, None);
        } else if matches!(self.tabs[tab].life, Life::Cached | Life::Frozen) {
            // The page's code stands still; it goes on where it was, if ever.
            self.at(100, Event::ForgetEarly(tab));
        }
    }

    /// A tab and all that come and go with its page, which are where it is in its life.
    pub(crate) fn party(&self, tab: usize) -> Vec<usize> {
        let (page, life) = (self.tabs[tab].page, self.tabs[tab].life);
        let of = |other: &usize| {
            let other = &self.tabs[*other];
            other.page == page && other.life == life
        };
        (0..self.tabs.len()).filter(of).collect()
    }

    pub(crate) fn hide(&mut self, tab: usize) {
        let hard = self.rng.chance(300);
        for tab in self.party(tab) {
            self.hide_one(tab, hard);
        }
    }

    pub(crate) fn hide_one(&mut self, tab: usize, hard: bool) {
        self.tabs[tab].visible = false;
        self.tabs[tab].throttled_hard = hard;
        self.rearm(tab);
        self.feed(tab, Arrival::Page(PageEvent::Hidden));
    }

    pub(crate) fn show(&mut self, tab: usize) {
        for tab in self.party(tab) {
            self.tabs[tab].visible = true;
            self.rearm(tab);
            self.feed(tab, Arrival::Page(PageEvent::Visible));
        }
    }

    fn rearm(&mut self, tab: usize) {
        self.tabs[tab].armed = None;
        self.arm(tab);
    }

    /// Back from the back/forward cache.
    pub(crate) fn restore(&mut self, tab: usize) {
        for tab in self.party(tab) {
            self.restore_one(tab);
        }
    }

    fn restore_one(&mut self, tab: usize) {
        self.coverage.hit("bfcache restored");
        let at = &mut self.tabs[tab];
        at.life = Life::Live;
        at.visible = true;
        at.seen.back_at = self.now;
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
        self.tabs[tab].leaving = false;
        self.feed(tab, Arrival::Page(PageEvent::Restored));
        self.feed(tab, Arrival::Page(PageEvent::Visible));
        for arrival in inbox {
            self.deliver(tab, arrival);
        }
    }

    /// The page is frozen by the browser, or stops without a word: a debugger, a sleeping machine.
    pub(crate) fn freeze(&mut self, tab: usize) {
        let stalled = self.rng.chance(400);
        for tab in self.party(tab) {
            self.tabs[tab].led = self.tabs[tab].leads();
            self.tabs[tab].stalled = stalled;
            if stalled {
                self.coverage.hit("slept without a word");
            } else {
                self.feed(tab, Arrival::Page(PageEvent::Frozen));
            }
            self.tabs[tab].life = Life::Frozen;
            self.tabs[tab].armed = None;
            self.forget_overlaps(tab);
        }
    }

    pub(crate) fn thaw(&mut self, tab: usize) {
        for tab in self.party(tab) {
            self.thaw_one(tab);
        }
    }

    fn thaw_one(&mut self, tab: usize) {
        let other = (0..self.tabs.len()).any(|other| other != tab && self.tabs[other].leads());
        if self.tabs[tab].led && other {
            self.coverage.hit("thaw after takeover");
        }
        self.tabs[tab].life = Life::Live;
        self.tabs[tab].seen.back_at = self.now;
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
