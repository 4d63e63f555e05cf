//! One tab and the least of a host around it: every request is answered at once, or never.

use std::collections::VecDeque;

use sendoff::engine::Engine;
use sendoff::engine::config::Config;
use sendoff::engine::io::{self, Input, Nature, Outcome, Output, PageEvent};
use sendoff::engine::report::Stats;
use sendoff::model::store::MemoryStore;
use sendoff::model::time::{Instant, Now, UnixMillis};

/// 2026-01-15T12:00:00Z.
pub(crate) const START_MS: u64 = 1_768_478_400_000;

/// See the top of this file.
pub(crate) struct Host {
    engine: Engine,
    config: Config,
    pub(crate) store: MemoryStore,
    now: u64,
    /// What the engine wants, and what is not done of it yet.
    outputs: VecDeque<Output>,
    /// Bodies sent, in order.
    pub(crate) bodies: Vec<String>,
    /// What was said to other tabs and is not taken yet.
    posts: Vec<String>,
    /// No request is answered.
    pub(crate) hangs: bool,
    /// The status of every answer, 200 by default.
    pub(crate) answer: Option<u16>,
    /// Or the whole of it.
    pub(crate) outcome: Option<Outcome>,
}

impl Host {
    /// A first visit, joined and leading.
    pub(crate) fn new(config: Config) -> Self {
        Self::open(config, "000000000000000000a1", MemoryStore::default(), 0)
    }

    /// Another page load on what this one left in storage.
    pub(crate) fn next_visit(&self, tab: &str) -> Self {
        Self::open(
            self.config.clone(),
            tab,
            self.store.clone(),
            self.now + 10_000,
        )
    }

    fn open(config: Config, tab: &str, mut store: MemoryStore, now: u64) -> Self {
        let host = io::Host {
            tab: tab.to_owned(),
            project: "demo".to_owned(),
            seed: 7,
            context: "{\"locale\":\"de-DE\"}".to_owned(),
            page: "{\"url\":\"https://shop.example/\"}".to_owned(),
            landing: String::new(),
            session_id: "session".to_owned(),
            has_keepalive: true,
            gpc: false,
            dnt: false,
            runtime: "browser".to_owned(),
            anonymous_id: "0a1b2c3d-0000-4000-a000-000000000001".to_owned(),
            has_channel: true,
            has_deferred: false,
            storage: io::Keeps::ForLater,
            visible: true,
            online: true,
        };
        let engine = Engine::new(config.clone(), Vec::new(), &host, time(now), &mut store);
        let mut host = Self {
            engine,
            config,
            store,
            now,
            outputs: VecDeque::new(),
            bodies: Vec::new(),
            posts: Vec::new(),
            hangs: false,
            answer: None,
            outcome: None,
        };
        host.pass(500);
        host
    }

    /// One burst of records.
    pub(crate) fn calls(&mut self, records: &[&str]) {
        self.input(Input::Calls(records.join("\n")));
    }

    /// Another tab says something.
    pub(crate) fn peer(&mut self, text: &str) {
        self.input(Input::Peer(text.to_owned()));
    }

    pub(crate) fn take_posts(&mut self) -> Vec<String> {
        std::mem::take(&mut self.posts)
    }

    pub(crate) fn flush(&mut self) {
        self.input(Input::Flush { id: 1 });
    }

    pub(crate) fn online(&mut self, online: bool) {
        let event = if online {
            PageEvent::Online
        } else {
            PageEvent::Offline
        };
        self.input(Input::Page(event));
    }

    /// Lets time pass.
    pub(crate) fn pass(&mut self, ms: u64) {
        let end = self.now + ms;
        while let Some(at) = self.engine.poll_timeout().filter(|at| at.0 <= end) {
            self.now = self.now.max(at.0);
            self.input(Input::Timeout);
        }
        self.now = end;
    }

    pub(crate) fn stats(&self) -> Stats {
        self.engine.stats()
    }

    /// The body that reports drops for that reason.
    pub(crate) fn with_tombstone(&self, reason: &str) -> String {
        let tombstone = format!("\"reason\":\"{reason}\"");
        let found = self.bodies.iter().find(|body| body.contains(&tombstone));
        found
            .unwrap_or_else(|| panic!("no body reports {reason}"))
            .clone()
    }

    fn next_output(&mut self) -> Option<Output> {
        if self.outputs.is_empty() {
            self.outputs.extend(self.engine.take_outputs());
        }
        self.outputs.pop_front()
    }

    fn input(&mut self, input: Input) {
        self.engine.handle(time(self.now), input, &mut self.store);
        while let Some(output) = self.next_output() {
            let request = match output {
                Output::Send(request) => request,
                Output::Post(text) => {
                    self.posts.push(text);
                    continue;
                }
                _ => continue,
            };
            self.bodies.push(request.body);
            if !self.hangs {
                let status = Outcome::Status {
                    code: self.answer.unwrap_or(200),
                    retry_after: None,
                    body: None,
                    nature: Nature::Plain,
                };
                let outcome = self.outcome.clone().unwrap_or(status);
                let answer = Input::Answer {
                    request: request.id,
                    outcome,
                };
                self.engine.handle(time(self.now), answer, &mut self.store);
            }
        }
    }
}

const fn time(now: u64) -> Now {
    Now {
        mono: Instant(now),
        wall: UnixMillis(START_MS + now),
    }
}
