//! The loop between the engine and the browser, and the rule that keeps it sound.
//!
//! While the engine is borrowed, no page code is run on purpose: outputs are taken out, the borrow is
//! released, and only then are they performed. Page code may still call in at any moment (a
//! `fetchImpl`, a report callback, a patched `Storage`), and performing an output may itself yield an
//! input (a beacon's `false`, a fetch that throws). All of these go to the queue, and the one loop
//! that is already running takes them in order: the engine is never entered twice.

use std::cell::{Cell, RefCell};

use wasm_bindgen::JsValue;

use crate::engine::Engine;
use crate::engine::config::Config;
use crate::engine::io::{Input, Output};
use crate::engine::report::Report;
use crate::text::fields::owned;
use crate::text::json::List;
use crate::web::clock::Clock;
use crate::web::inbox::Arrival;
use crate::web::lifecycle::Lifecycle;
use crate::web::storage::BrowserStore;
use crate::web::timer::{Wake, Wakeup};
use crate::web::transport::Transport;
use crate::web::{channel, convert, page, put};

/// Inputs taken in one go; what is left then waits for the timer, so that no cycle of answers can
/// hold the page.
const ROUNDS_MAX: u32 = 10_000;

/// One client's parts.
pub(crate) struct Shell {
    core: RefCell<Core>,
    /// First in, first out; it holds more than a few only while page code calls in from within.
    queue: RefCell<Vec<Arrival>>,
    /// Whether the loop is on the stack.
    running: Cell<bool>,
    /// The answer to this `shutdown` is the engine's last.
    shutdown: Cell<Option<u32>>,
    /// The engine has stopped; what it still wanted is done, then the page is listened to no more.
    over: Cell<bool>,
    clock: Clock,
    wakeup: Wakeup<Client>,
    transport: Transport,
    lifecycle: Lifecycle,
    /// Its `report` is called with every report, and its `hear` by the JavaScript half.
    host: JsValue,
}

/// What the engine works on; borrowed for the length of one call.
struct Core {
    engine: Engine,
    store: BrowserStore,
}

/// A client by its number: it may be gone when the timer fires.
#[derive(Clone, Copy)]
struct Client(usize);

impl Wake for Client {
    fn wake(self) {
        put(self.0, Input::Timeout.into());
    }
}

impl Shell {
    /// Builds the parts and starts the engine. What that asks for at once is done by [`run`](Self::run).
    // Taken apart into its caller, it would be copied field by field.
    #[inline(never)]
    pub(crate) fn new(client: usize, config: &JsValue, host: JsValue) -> Self {
        let (parsed, errors) = Config::parse(|name| convert::option(config, name));
        let clock = Clock::new();
        let mut store = BrowserStore::open();
        let seed = getrandom::u64().unwrap_or_else(|_| clock.now().wall.0);
        let facts = page::facts_of(&host, store.half(), &page::WINDOW, seed);
        let transport = Transport::new(&parsed.endpoint, config, &host);
        let engine = Engine::new(parsed, errors, facts, clock.now(), &mut store);
        Self {
            core: RefCell::new(Core { engine, store }),
            queue: RefCell::default(),
            running: Cell::default(),
            shutdown: Cell::default(),
            over: Cell::default(),
            clock,
            wakeup: Wakeup::new(Client(client)),
            lifecycle: Lifecycle::listen(&host, transport.half()),
            transport,
            host,
        }
    }

    /// The account; `undefined` in the midst of a step of the engine.
    pub(crate) fn stats(&self) -> JsValue {
        let mut stats = List::default();
        match self.core.try_borrow() {
            Ok(core) => core.engine.describe(&mut stats),
            Err(_) => return JsValue::UNDEFINED,
        }
        // The borrow is over: `JSON.parse` may be a page's own.
        convert::parsed(stats)
    }

    /// The anonymous id in force; empty in the midst of a step of the engine.
    pub(crate) fn anonymous_id(&self) -> String {
        match self.core.try_borrow() {
            Ok(core) => owned(core.engine.anonymous_id()),
            Err(_) => String::new(),
        }
    }

    /// Takes `arrival` in: now, or after what is being worked on.
    pub(crate) fn put(&self, arrival: Arrival) {
        self.queue.borrow_mut().push(arrival);
        self.run();
    }

    /// The loop: performs what the engine wants, then hands it the next input, until both run dry.
    pub(crate) fn run(&self) {
        if self.running.replace(true) {
            return;
        }
        let mut idle = false;
        for _ in 0..ROUNDS_MAX {
            for output in self.outputs() {
                self.perform(output);
            }
            if self.over.take() {
                // The engine has closed the channel. What still comes in, such as the answer to a fetch,
                // finds a stopped engine or nobody.
                self.lifecycle.stop();
            }
            let Some(arrival) = self.next() else {
                idle = true;
                break;
            };
            self.handle(arrival);
        }
        self.rearm(idle);
        self.running.set(false);
    }

    /// The engine is free again when this returns.
    fn outputs(&self) -> Vec<Output> {
        self.core.borrow_mut().engine.take_outputs()
    }

    fn next(&self) -> Option<Arrival> {
        let mut queue = self.queue.borrow_mut();
        (!queue.is_empty()).then(|| queue.remove(0))
    }

    fn handle(&self, arrival: Arrival) {
        let text;
        let input = match arrival {
            Arrival::Calls(calls) => {
                text = calls;
                Input::Calls(&text)
            }
            Arrival::Peer(said) => {
                text = said;
                Input::Peer(&text)
            }
            Arrival::Plain(input) => input,
        };
        match input {
            Input::Shutdown { id, .. } => self.shutdown.set(Some(id)),
            Input::Destroy => self.over.set(true),
            Input::Timeout => self.wakeup.spent(),
            _ => {}
        }
        let now = self.clock.now();
        let Core { engine, store } = &mut *self.core.borrow_mut();
        engine.handle(now, input, store);
    }

    fn perform(&self, output: Output) {
        match output {
            Output::Send(request) => self.transport.send(&request),
            Output::Cancel(id) => self.transport.cancel(id),
            Output::OpenChannel => channel::open(&self.host),
            Output::CloseChannel => channel::close(&self.host),
            Output::Post(text) => channel::post(&self.host, &text),
            Output::Report(report) => self.tell(&report),
        }
    }

    fn tell(&self, report: &Report) {
        if matches!(report, Report::Flushed { id, .. } if self.shutdown.get() == Some(*id)) {
            self.over.set(true);
        }
        convert::tell(&self.host, report);
    }

    fn rearm(&self, idle: bool) {
        let now = self.clock.now().mono;
        let deadline = self.core.borrow().engine.poll_timeout();
        self.wakeup
            .set(if idle { deadline } else { Some(now) }, now);
    }
}

#[cfg(test)]
#[path = "../../tests/web/driver.rs"]
mod tests;
