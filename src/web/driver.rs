//! The loop between the engine and the browser, and the rule that keeps it sound.
//!
//! While the engine is borrowed, no page code is run on purpose: outputs are taken out, the borrow is
//! released, and only then are they performed. Page code may still call in at any moment (a
//! `fetchImpl`, a report callback, a patched `Storage`), and performing an output may itself yield an
//! input (a beacon's `false`, a fetch that throws). All of these go to the queue, and the one loop
//! that is already running takes them in order: the engine is never entered twice.

use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};

use wasm_bindgen::JsValue;

use super::channel::{self, Channel};
use super::clock::Clock;
use super::inbox::{Arrival, Inbox, Recipient};
use super::lifecycle::{self, Lifecycle};
use super::storage::BrowserStore;
use super::timer::Wakeup;
use super::transport::{Transport, has_deferred};
use super::{convert, page};
use crate::engine::Engine;
use crate::engine::config::Config;
use crate::engine::io::{Host, Input, Output, PageEvent};
use crate::engine::report::Report;
use crate::wire::json;

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
    /// The engine has stopped; what it still wanted is done, then everything is let go of.
    over: Cell<bool>,
    /// The shell owns itself until the engine stops: a page that keeps no reference to its client
    /// still gets its events sent.
    myself: RefCell<Option<Rc<Self>>>,
    project: String,
    clock: Clock,
    wakeup: Wakeup,
    transport: Transport,
    channel: RefCell<Option<Channel>>,
    lifecycle: RefCell<Option<Lifecycle>>,
    inbox: Inbox,
    /// Its `report` is called with every report.
    host: JsValue,
}

/// What the engine works on; borrowed for the length of one call.
struct Core {
    engine: Engine,
    store: BrowserStore,
}

impl Shell {
    /// Builds the parts, starts the engine and performs what it asks for at once.
    pub(crate) fn start(config: &JsValue, host: JsValue) -> Rc<Self> {
        let shell = Rc::new_cyclic(|weak: &Weak<Self>| Self::new(config, host, weak));
        *shell.lifecycle.borrow_mut() = Some(Lifecycle::listen(&shell.inbox));
        *shell.myself.borrow_mut() = Some(Rc::clone(&shell));
        shell.run();
        shell
    }

    /// The account; `undefined` in the midst of a step of the engine.
    pub(crate) fn stats(&self) -> JsValue {
        let mut stats = json::Object::default();
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
            Ok(core) => core.engine.anonymous_id().to_owned(),
            Err(_) => String::new(),
        }
    }

    fn new(config: &JsValue, host: JsValue, weak: &Weak<Self>) -> Self {
        let (parsed, errors) = Config::parse(&|name| convert::option(config, name));
        let inbox = Inbox::new(weak.clone());
        let clock = Clock::new();
        let mut store = BrowserStore::open();
        let host_facts = host_facts(&host, &parsed.api_key, store.is_local(), &clock);
        let project = host_facts.project.clone();
        let transport = Transport::new(&parsed.endpoint, config, &inbox);
        let engine = Engine::new(parsed, errors, host_facts, clock.now(), &mut store);
        Self {
            core: RefCell::new(Core { engine, store }),
            queue: RefCell::default(),
            running: Cell::default(),
            shutdown: Cell::default(),
            over: Cell::default(),
            myself: RefCell::default(),
            project,
            clock,
            wakeup: Wakeup::new(inbox.clone()),
            transport,
            channel: RefCell::default(),
            lifecycle: RefCell::default(),
            inbox,
            host,
        }
    }

    /// The loop: performs what the engine wants, then hands it the next input, until both run dry.
    fn run(&self) {
        if self.running.replace(true) {
            return;
        }
        let mut idle = false;
        for _ in 0..ROUNDS_MAX {
            for output in self.outputs() {
                self.perform(output);
            }
            if self.over.take() {
                self.release();
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
            Output::OpenChannel => self.open_channel(),
            Output::CloseChannel => drop(self.channel.take()),
            Output::Post(text) => {
                if let Some(channel) = &*self.channel.borrow() {
                    channel.post(&text);
                }
            }
            Output::Report(report) => self.tell(&report),
        }
    }

    fn open_channel(&self) {
        let mut channel = self.channel.borrow_mut();
        if channel.is_none() {
            *channel = Channel::open(&self.project, &self.inbox);
        }
    }

    fn tell(&self, report: &Report) {
        if matches!(report, Report::Flushed { id, .. } if self.shutdown.get() == Some(*id)) {
            self.over.set(true);
        }
        // It belongs to the facade, which catches what the page's callbacks throw.
        convert::call(&self.host, "report", &convert::report(report));
    }

    fn rearm(&self, idle: bool) {
        let now = self.clock.now().mono;
        let deadline = self.core.borrow().engine.poll_timeout();
        self.wakeup
            .set(if idle { deadline } else { Some(now) }, now);
    }

    /// Lets go of what keeps the shell alive and listening to the page; the channel the engine has
    /// closed. What still comes in, such as the answer to a fetch, finds a stopped engine or nobody.
    fn release(&self) {
        drop(self.lifecycle.take());
        drop(self.myself.take());
    }
}

impl Recipient for Shell {
    fn put(&self, arrival: Arrival) {
        if let Arrival::Plain(Input::Page(PageEvent::Restored | PageEvent::Resumed)) = arrival {
            // First what the browser has sent in our absence, or it would be sent again.
            self.transport.tell_activated();
        }
        self.queue.borrow_mut().push(arrival);
        self.run();
    }
}

// Taken apart into its caller, it would be copied field by field.
#[inline(never)]
fn host_facts(host: &JsValue, api_key: &str, has_storage: bool, clock: &Clock) -> Host {
    let project = page::percent_encode(api_key);
    Host {
        tab: convert::text(host, "tab").unwrap_or_default(),
        seed: getrandom::u64().unwrap_or_else(|_| clock.now().wall.0),
        context: page::context(),
        runtime: "browser".to_owned(),
        anonymous_id: convert::text(host, "anonymousId").unwrap_or_default(),
        has_channel: channel::is_available(&project),
        has_deferred: has_deferred(),
        has_storage,
        visible: lifecycle::is_visible(),
        online: page::is_online(),
        project,
    }
}

#[cfg(test)]
#[path = "../../tests/web/driver.rs"]
mod tests;
