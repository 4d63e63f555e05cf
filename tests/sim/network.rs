//! The network between the tabs and the collectors: every request gets a fate from the seed.

use std::{
    collections::{BTreeMap, VecDeque},
    rc::Rc,
};

use sendoff::engine::io::{Means, Nature, Outcome, Request, RequestId, Why};
use sendoff::wire::{ContentType, Gzip};

use crate::bodies::Body;
use crate::fate::{Fate, Then};
use crate::faults::Down;
use crate::places::{Dialect, PLACES, place_of};
use crate::tab::{About, Arrival, Life};
use crate::world::{Event, World};

/// All keepalive requests of a page share this many bytes (Fetch standard), and all deferred ones.
pub(crate) const BUDGET_BYTES: usize = 64 * 1024;

/// A request that is under way.
pub(crate) struct Flight {
    pub(crate) tab: usize,
    pub(crate) request: RequestId,
    pub(crate) means: Means,
    pub(crate) about: About,
    pub(crate) started: u64,
    /// When all of it has left the machine.
    pub(crate) uploaded_at: u64,
    /// Nobody listens for the answer any more.
    pub(crate) unheard: bool,
    pub(crate) arrived: bool,
    pub(crate) then: Then,
}

/// Everything that is under way.
#[derive(Default)]
pub(crate) struct Network {
    pub(crate) flights: BTreeMap<u64, Flight>,
    pub(crate) next: u64,
}

impl World {
    /// Performs `Output::Send`. What the browser says at once is put into `replies`.
    pub(crate) fn send(
        &mut self,
        tab: usize,
        request: &Request,
        exit: bool,
        replies: &mut VecDeque<Arrival>,
    ) {
        let deferred = request.means == Means::Deferred;
        let Some((place, people)) = place_of(&request.url, request.content_type, deferred) else {
            let (url, as_what) = (&request.url, request.content_type);
            self.fail(23, &format!("tab {tab} sends to {url} as {as_what:?}"))
        };
        let body = self.inspect(tab, place, people, &request.body);
        self.check_may_send(tab, request, &body, exit);
        self.trace_send(tab, request, &body, exit);
        self.carry(tab, request, About { body, exit }, replies);
    }

    fn is_over_budget(&self, tab: usize, means: Means, body: &Body) -> bool {
        match means {
            Means::Fetch => false,
            Means::Keepalive => self.over_keepalive_budget(tab, body),
            Means::Beacon => {
                self.over_keepalive_budget(tab, body) && !self.profile.platform.beacons_apart
            }
            Means::Deferred => self.over_deferred_budget(tab, body),
        }
    }

    /// The browser takes a request, or does not.
    fn carry(
        &mut self,
        tab: usize,
        request: &Request,
        about: About,
        replies: &mut VecDeque<Arrival>,
    ) {
        let refused = self.is_over_budget(tab, request.means, &about.body);
        let mut reply = |outcome, about| {
            replies.push_back(Arrival::Answer {
                request: request.id,
                outcome,
                about,
            });
        };
        match (request.means, refused) {
            (Means::Beacon, true) => {
                self.coverage.hit("beacon refused");
                reply(Outcome::Refused, None);
            }
            (Means::Deferred, true) => {
                self.coverage.hit("deferred refused");
                reply(Outcome::Refused, None);
            }
            (Means::Keepalive, true) => {
                self.coverage.hit("keepalive budget exceeded");
                // The promise rejects before the page is gone, or too late for it to hear.
                if self.dice.chance(500) {
                    reply(Outcome::Network, Some(about));
                } else {
                    self.launch(tab, request, about, Some(Fate::Down(Down::Refused)));
                }
            }
            (Means::Deferred, false) => {
                self.tabs[tab].deferred.insert(request.id, about.body);
                reply(Outcome::Queued, None);
            }
            (Means::Beacon, false) => {
                self.coverage.hit("beacon sent");
                reply(Outcome::Queued, None);
                self.launch(tab, request, about, None);
            }
            (Means::Fetch | Means::Keepalive, _) => self.launch(tab, request, about, None),
        }
    }

    /// Performs `Output::Cancel`.
    pub(crate) fn cancel(&mut self, tab: usize, id: RequestId, replies: &mut VecDeque<Arrival>) {
        if self.tabs[tab].deferred.remove(&id).is_some() {
            return;
        }
        if self.tabs[tab].activated.remove(&id) {
            self.coverage.hit("deferred activation told");
            let outcome = Outcome::Activated;
            replies.push_back(Arrival::Answer {
                request: id,
                outcome,
                about: None,
            });
            return;
        }
        let mut flights = self.network.flights.iter();
        let found = flights.find(|(_, flight)| flight.tab == tab && flight.request == id);
        let Some((number, flight)) = found.map(|(number, flight)| (*number, flight)) else {
            self.tabs[tab].cancelled.insert(id);
            return;
        };
        let timeout_ms = u64::from(self.profile.config.timeout_ms);
        let timed_out = self.now >= flight.started + timeout_ms;
        let (arrived, exit, place) = (flight.arrived, flight.about.exit, flight.about.body.place);
        let left = flight.uploaded_at <= self.now;
        if timed_out && !exit {
            self.coverage
                .hit(if left { "timed out" } else { "cut off" });
            self.saw_failure(tab, place);
        }
        // An aborted request that has left the machine may still be processed.
        if arrived || !left || self.dice.chance(500) {
            self.end_flight(number);
        } else {
            self.silence(number);
        }
    }

    /// What the frames and clients of one page may share.
    fn over_keepalive_budget(&self, tab: usize, body: &Body) -> bool {
        self.check_keepalive(tab, body.bytes);
        let budget = self.tabs[tab].budget;
        let sharers = self.tabs.iter().filter(|other| other.budget == budget);
        let held: usize = sharers.map(|other| other.keepalive_bytes).sum();
        held + body.bytes + self.faults.host_keepalive_bytes > BUDGET_BYTES
    }

    fn over_deferred_budget(&self, tab: usize, body: &Body) -> bool {
        let shared = self.profile.platform.deferred_shared;
        let tabs = self
            .tabs
            .iter()
            .enumerate()
            .filter(|(number, _)| shared || *number == tab);
        let held = tabs.flat_map(|(_, tab)| tab.deferred.values());
        held.map(|body| body.bytes).sum::<usize>() + body.bytes > BUDGET_BYTES
    }

    /// A request reaches the collector.
    pub(crate) fn arrive(&mut self, number: u64) {
        let Some(flight) = self.network.flights.get_mut(&number) else {
            return;
        };
        let (means, body) = (flight.means, flight.about.body.clone());
        let (first, then, unheard) = (!flight.arrived, flight.then, flight.unheard);
        flight.arrived = true;
        let net = &self.nets[body.place];
        if body.seqs.len() > net.max_events || body.bytes > net.max_body_bytes {
            if first {
                self.at(1, Event::Answer(number, answer(413, None)));
            }
            return;
        }
        let silenced = unheard && !matches!(means, Means::Beacon | Means::Deferred);
        let moved = then == Then::AnswerMoved && PLACES[body.place].dialect == Dialect::TwoRoutes;
        let troubled = matches!(then, Then::Silence | Then::Reset) || silenced || moved;
        let taken = self.collect(number, &body, troubled, !first);
        if !first {
            return;
        }
        let outcome = match then {
            Then::Answer => answer(200, (means != Means::Deferred).then_some(taken)),
            Then::AnswerBodiless => answer(200, None),
            Then::AnswerMoved => moved_answer(taken),
            Then::Reset => Outcome::Network,
            Then::Silence => {
                self.coverage.hit("response lost");
                if unheard {
                    self.end_flight(number);
                }
                return;
            }
        };
        let delay = self.delay(body.place);
        self.at(delay, Event::Answer(number, outcome));
    }

    /// The collector processes a body, for the second time if the network has `repeated` it.
    fn collect(&mut self, number: u64, body: &Body, troubled: bool, repeated: bool) -> String {
        let flight = self.network.flights.get(&number);
        let (tab, means) = flight.map_or((body.tab, Means::Fetch), |flight| {
            (flight.tab, flight.means)
        });
        let collector = &mut self.collectors[body.place];
        let (stored, duplicates) = (collector.stored, collector.duplicates);
        let excused = collector.excused;
        collector.now = self.now;
        let taken = collector.take(body, troubled, &mut self.model);
        let added = collector.stored - stored;
        let doubled = collector.duplicates - duplicates;
        if repeated {
            collector.excused = excused + doubled;
        }
        self.cover_arrival(tab, means, added, doubled, body);
        self.log("stored", tab, number, || {
            format!("{added} new, {doubled} again of {:?}", body.batch)
        });
        taken
    }

    fn cover_arrival(&mut self, tab: usize, means: Means, added: u64, doubled: u64, body: &Body) {
        let native = PLACES[body.place].dialect == Dialect::Native;
        if added + doubled < body.seqs.len() as u64 {
            self.coverage.hit(if native {
                "declined event"
            } else {
                "asked for again"
            });
        }
        if doubled > 0 {
            self.coverage.hit("duplicate event");
        }
        if !body.receipts.is_empty() {
            let known = std::mem::take(&mut self.collectors[body.place].known) > 0;
            self.coverage.hit(if known {
                "receipt known"
            } else {
                "receipt unknown"
            });
        }
        if !body.dropped.is_empty() {
            self.coverage.hit("tombstone received");
        }
        if means == Means::Deferred && added > 0 {
            self.coverage.hit("deferred saved events");
        }
        let book = &self.model.books[body.tab];
        if book.early && added > 0 && tab != body.tab {
            self.coverage.hit("early log adopted");
        }
    }

    /// An answer reaches the browser.
    pub(crate) fn answer(&mut self, number: u64, outcome: Outcome) {
        let Some(flight) = self.end_flight(number) else {
            return;
        };
        if flight.unheard {
            return;
        }
        let Flight {
            tab,
            request,
            about,
            ..
        } = flight;
        self.deliver(
            tab,
            Arrival::Answer {
                request,
                outcome,
                about: Some(about),
            },
        );
    }

    fn end_flight(&mut self, number: u64) -> Option<Flight> {
        let flight = self.network.flights.remove(&number)?;
        self.release(&flight);
        Some(flight)
    }

    fn release(&mut self, flight: &Flight) {
        if matches!(flight.means, Means::Keepalive | Means::Beacon) {
            let held = &mut self.tabs[flight.tab].keepalive_bytes;
            *held = held.saturating_sub(flight.about.body.bytes);
        }
    }

    /// The page stops listening; the request goes on. An abort frees its share of the budget.
    fn silence(&mut self, number: u64) {
        let Some(mut flight) = self.network.flights.remove(&number) else {
            return;
        };
        self.release(&flight);
        flight.unheard = true;
        flight.means = Means::Fetch;
        self.network.flights.insert(number, flight);
    }

    /// The page is gone: fetches may die with it, the rest goes on unheard.
    pub(crate) fn abandon_flights(&mut self, tab: usize, browser_too: bool) {
        let of_tab = self
            .network
            .flights
            .iter()
            .filter(|(_, flight)| flight.tab == tab);
        let of_tab: Vec<_> = of_tab
            .map(|(n, flight)| (*n, flight.means, flight.arrived))
            .collect();
        for (number, means, arrived) in of_tab {
            let mortal = means == Means::Fetch || browser_too;
            if mortal && !arrived && self.dice.chance(500) {
                self.end_flight(number);
            } else if let Some(flight) = self.network.flights.get_mut(&number) {
                flight.unheard = true;
            }
        }
    }

    /// The browser sends what `fetchLater` registered: the page has gone one way or another.
    pub(crate) fn activate_deferred(&mut self, tab: usize) {
        let held: Vec<(RequestId, Rc<Body>)> = std::mem::take(&mut self.tabs[tab].deferred)
            .into_iter()
            .collect();
        for (id, body) in held {
            self.coverage.hit("deferred activated");
            self.tabs[tab].activated.insert(id);
            let request = Request {
                id,
                means: Means::Deferred,
                why: Why::InCase,
                url: String::new(),
                content_type: ContentType::Text,
                authorization: String::new(),
                body: String::new(),
                gzip: Gzip::No,
            };
            self.launch(tab, &request, About { body, exit: true }, None);
        }
    }

    pub(crate) fn tab_gone(&self, tab: usize) -> bool {
        self.tabs[tab].life == Life::Dead
    }
}

fn answer(code: u16, body: Option<String>) -> Outcome {
    Outcome::Status {
        code,
        retry_after: None,
        body,
        nature: Nature::Plain,
    }
}

fn moved_answer(body: String) -> Outcome {
    Outcome::Status {
        code: 200,
        retry_after: None,
        body: Some(body),
        nature: Nature::Redirected,
    }
}
