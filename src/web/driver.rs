//! The loop between the engine and the platform, and the rule that keeps it sound.
//!
//! While the engine is borrowed, no page code is run on purpose: outputs are taken out, the borrow is
//! released, and only then are they performed. Page code may still call in at any moment (a
//! `fetchImpl`, a report callback, a patched `Storage`), and performing an output may itself yield an
//! input (a beacon's `false`, a fetch that throws). All of these go to the queue, and the one loop
//! that is already running takes them in order: the engine is never entered twice.

use std::{
    cell::{Cell, RefCell},
    collections::VecDeque,
};

use crate::{
    engine::{
        Engine,
        config::{Config, ConfigError},
        io::{Host, Input, Output, SLEEP_MS_MAX},
    },
    model::time::Instant,
    web::platform::Platform,
};

/// Inputs taken in one go; what is left then waits for the timer, so that no cycle of answers can
/// hold the page.
const ROUNDS_MAX: u32 = 10_000;

/// One client's parts.
pub(crate) struct Shell {
    core: RefCell<Core>,
    /// First in, first out; it holds more than a few only while page code calls in from within.
    queue: RefCell<VecDeque<Input>>,
    /// Whether the loop is on the stack.
    running: Cell<bool>,
    /// The deadline that the timer is set to.
    armed: Cell<Option<Instant>>,
    /// Whether the timer set itself. In a hidden page Chromium lets such a chain go on once a minute, but serves a timer
    /// that something else has set within a second.
    chained: Cell<bool>,
    platform: Platform,
}

/// What the engine works on; borrowed for the length of one call.
struct Core {
    engine: Engine,
    store: Platform,
}

impl Shell {
    /// Builds the parts and starts the engine. What that asks for at once is done by [`run`](Self::run).
    pub(crate) fn new(platform: Platform, config_json: &str, facts_json: &str) -> Self {
        let (config, errors) = Config::parse(config_json);
        let now = platform.now();
        // Where the browser has no randomness the clock must do: it seeds jitter, and ids that the facade proposes itself.
        let seed = getrandom::u64().unwrap_or(now.wall.0);
        let host = Host::parse(facts_json, seed);
        let mut store = platform.clone();
        let told = errors.iter().map(ConfigError::report).collect();
        let engine = Engine::new(config, told, &host, now, &mut store);
        Self {
            core: RefCell::new(Core { engine, store }),
            queue: RefCell::default(),
            running: Cell::default(),
            armed: Cell::default(),
            chained: Cell::default(),
            platform,
        }
    }

    /// What `ask` gives of the engine; `None` in the midst of one of its steps.
    pub(crate) fn read(&self, ask: impl FnOnce(&Engine) -> String) -> Option<String> {
        let core = self.core.try_borrow().ok()?;
        Some(ask(&core.engine))
    }

    /// Takes `input` in: now, or after what is being worked on.
    pub(crate) fn put(&self, input: Input) {
        self.queue.borrow_mut().push_back(input);
        self.run();
    }

    /// The loop: performs what the engine wants, then hands it the next input, until both run dry.
    pub(crate) fn run(&self) {
        if self.running.replace(true) {
            return;
        }
        let woken = matches!(self.queue.borrow().front(), Some(Input::Timeout));
        let mut idle = false;
        for _ in 0..ROUNDS_MAX {
            for output in self.outputs() {
                self.perform(&output);
            }
            let Some(input) = self.next() else {
                idle = true;
                break;
            };
            self.handle(input);
        }
        self.rearm(idle, woken);
        self.running.set(false);
    }

    /// The engine is free again when this returns.
    fn outputs(&self) -> Vec<Output> {
        self.core.borrow_mut().engine.take_outputs()
    }

    fn next(&self) -> Option<Input> {
        self.queue.borrow_mut().pop_front()
    }

    fn handle(&self, input: Input) {
        if matches!(input, Input::Timeout) {
            self.armed.set(None);
        }
        let now = self.platform.now();
        let Core { engine, store } = &mut *self.core.borrow_mut();
        engine.handle(now, input, store);
    }

    fn perform(&self, output: &Output) {
        match output {
            Output::Send(request) => self.platform.dispatch(request),
            Output::Cancel(id) => self.platform.cancel(id.0),
            Output::OpenChannel => self.platform.open_channel(),
            Output::CloseChannel => self.platform.close_channel(),
            Output::Post(text) => self.platform.post(text),
            Output::Report(report) => self.platform.report(&report.to_json()),
        }
    }

    /// Sets the timer, unless it stands right: most inputs leave it where it is. `woken`: by the timer itself.
    fn rearm(&self, idle: bool, woken: bool) {
        let now = self.platform.now().mono;
        let deadline = self.core.borrow().engine.poll_timeout();
        let deadline = if idle { deadline } else { Some(now) };
        let stands = self.armed.replace(deadline) == deadline;
        if stands && (woken || !self.chained.get()) {
            return;
        }
        self.chained.set(woken);
        let wait = deadline.map_or(-1.0, |at| at.since_ms(now).min(SLEEP_MS_MAX) as f64);
        self.platform.wake_in(wait);
    }
}

#[cfg(test)]
#[path = "../../tests/web/driver.rs"]
mod tests;
