//! The host's loop around one engine, as `src/web` has it: hand an input in, poll every output, and
//! only then perform them; what the browser answers at once goes in next.

use std::collections::VecDeque;

use sendoff::engine::io::{Input, Outcome, Output, PageEvent, Request, SLEEP_MS_MAX};
use sendoff::engine::report::{Report, Stats};
use sendoff::model::time::{Instant, Now, UnixMillis};

use crate::bodies::Body;
use crate::places::{PLACES, place_named};
use crate::rng::hash;
use crate::tab::{Arrival, Life};
use crate::world::{Event, World};

/// Outputs of one call, and inputs that follow each other in one go, at most.
const OUTPUTS_MAX: usize = 5_000;
/// Wake-ups of one tab in a second at most.
const WAKES_A_SECOND_MAX: u32 = 200;

impl World {
    /// Brings an input to a tab: at once if it runs, when it thaws if it is frozen, never if gone.
    pub(crate) fn deliver(&mut self, tab: usize, arrival: Arrival) {
        match self.tabs[tab].life {
            Life::Live => self.feed(tab, arrival),
            Life::Frozen | Life::Cached => self.tabs[tab].inbox.push_back(arrival),
            Life::Loading | Life::Dead => {}
        }
    }

    /// Calls a tab's engine and does everything it asks for.
    pub(crate) fn feed(&mut self, tab: usize, arrival: Arrival) {
        let exit = self.tabs[tab].leaving
            || matches!(
                arrival,
                Arrival::Page(PageEvent::Hidden | PageEvent::Leaving | PageEvent::Frozen)
            );
        let mut arrivals = VecDeque::from([arrival]);
        let mut rounds = 0;
        while let Some(arrival) = arrivals.pop_front() {
            rounds += 1;
            if rounds > OUTPUTS_MAX {
                self.fail(16, &format!("tab {tab} does not come to rest: {arrival:?}"));
            }
            if self.is_cancelled(tab, &arrival) {
                continue;
            }
            self.watch_arrival(tab, &arrival);
            let accepted = self.stats(tab).accepted;
            self.see_room(tab);
            self.call(tab, &arrival);
            self.perform_outputs(tab, exit, &mut arrivals);
            // A call that is refused is no reason to write, or to see that the store was cleared.
            if matches!(arrival, Arrival::Calls(_)) && self.stats(tab).accepted > accepted {
                self.check_durable(tab);
            }
        }
        self.arm(tab);
    }

    /// An aborted request answers no more, even if its answer was on its way to a sleeping page.
    fn is_cancelled(&self, tab: usize, arrival: &Arrival) -> bool {
        matches!(arrival, Arrival::Answer { request, outcome, .. }
            if *outcome != Outcome::Activated && self.tabs[tab].cancelled.contains(request))
    }

    /// Performs what a new engine asks for at once.
    pub(crate) fn perform_first(&mut self, tab: usize) {
        let mut arrivals = VecDeque::new();
        self.perform_outputs(tab, false, &mut arrivals);
        while let Some(arrival) = arrivals.pop_front() {
            self.feed(tab, arrival);
        }
        self.arm(tab);
    }

    /// What time it is for a tab.
    pub(crate) fn tab_now(&self, tab: usize) -> Now {
        Now {
            mono: Instant(self.now + self.tabs[tab].clock_ahead_ms + self.tabs[tab].glitch_ms),
            wall: UnixMillis(self.wall()),
        }
    }

    fn call(&mut self, tab: usize, arrival: &Arrival) {
        self.log_arrival(tab, arrival);
        let now = self.tab_now(tab);
        self.model.latest_wall = self.model.latest_wall.max(now.wall.0);
        self.tabs[tab].glitch_ms = 0;
        let lag = self.upto(self.faults.storage_lag_ms_max);
        let Some(mut engine) = self.tabs[tab].engine.take() else {
            return;
        };
        let at = &mut self.tabs[tab];
        let input = input(arrival);
        match at.memory.as_mut() {
            Some(memory) => engine.handle(now, input, memory),
            None => {
                let mut store = self.storage.handle(&self.tabs[tab], self.now, lag);
                engine.handle(now, input, &mut store);
            }
        }
        self.tabs[tab].engine = Some(engine);
        let writes = self.storage.notes.writes.as_mut().map(std::mem::take);
        for write in writes.unwrap_or_default() {
            self.log("store", tab, 0, || write);
        }
    }

    fn perform_outputs(&mut self, tab: usize, exit: bool, replies: &mut VecDeque<Arrival>) {
        let Some(engine) = self.tabs[tab].engine.as_mut() else {
            return;
        };
        let outputs = engine.take_outputs();
        let stats = engine.stats();
        if outputs.len() > OUTPUTS_MAX {
            self.fail(
                16,
                &format!("tab {tab} puts out without end: {:?}", outputs.last()),
            );
        }
        let before = std::mem::replace(&mut self.tabs[tab].seen.stats, stats);
        for output in outputs {
            match output {
                Output::Send(request) => {
                    self.requests += 1;
                    let follower = before.role == "follower";
                    self.check_role_may_send(tab, &request, exit, follower);
                    self.send(tab, &request, exit, replies);
                }
                Output::Cancel(id) => {
                    self.log("cancel", tab, id.0.into(), String::new);
                    self.cancel(tab, id, replies);
                }
                Output::OpenChannel => self.open_channel(tab),
                Output::CloseChannel => self.close_channel(tab),
                Output::Post(text) => self.post(tab, &text),
                Output::Report(report) => self.hear_report(tab, &report),
            }
        }
        self.check_after_call(tab, &before);
        self.watch_breakers(tab, &before);
        self.watch_roles(tab, &before);
    }

    fn hear_report(&mut self, tab: usize, report: &Report) {
        self.log("report", tab, 0, || format!("{report:?}"));
        match report {
            Report::Delivered {
                destination,
                count,
                tab: of,
                from,
                to,
            } => {
                let place = self.place_reported(tab, destination);
                self.check_delivered(tab, place, (of, *from, *to), *count);
            }
            Report::Dropped {
                destination,
                count,
                reason,
            } => {
                let place = self.place_reported(tab, destination);
                let reported = &mut self.model.books[tab].reported[place];
                *reported.entry(*reason).or_default() += u64::from(*count);
                self.cover_drop(*reason);
            }
            Report::Flushed { id, .. } => self.check_flushed(tab, *id),
            Report::Error { code, .. } => self.check_error(tab, code),
            Report::DeliveryFailed { .. } | Report::Role { .. } => {}
            _ => {}
        }
    }

    fn place_reported(&self, tab: usize, name: &str) -> usize {
        let place = place_named(name).filter(|place| self.tabs[tab].has(*place));
        place.unwrap_or_else(|| self.fail(1, &format!("tab {tab} reports of {name:?}")))
    }

    /// Arms the tab's one timer, as browsers throttle it.
    pub(crate) fn arm(&mut self, tab: usize) {
        let at = &self.tabs[tab];
        let deadline = match &at.engine {
            Some(engine) if at.life == Life::Live => engine.poll_timeout(),
            _ => None,
        };
        let Some(deadline) = deadline else {
            self.tabs[tab].armed = None;
            return;
        };
        let deadline = deadline.0.saturating_sub(at.clock_ahead_ms);
        if at.armed.is_some_and(|(armed, _)| armed == deadline) {
            return;
        }
        let mut fires_at = deadline.clamp(self.now, self.now + SLEEP_MS_MAX);
        if !at.visible {
            let grid = if at.throttled_hard { 60_000 } else { 1_000 };
            fires_at = fires_at.next_multiple_of(grid);
            self.coverage.hit("timer throttled");
        }
        let late = self.upto(self.faults.timer_late_ms_max);
        let at = &mut self.tabs[tab];
        at.wakes += 1;
        at.armed = Some((deadline, at.wakes));
        let number = at.wakes;
        self.at(fires_at + late - self.now, Event::Wake(tab, number));
    }

    /// A tab's timer fires.
    pub(crate) fn wake(&mut self, tab: usize, number: u32) {
        let now = self.now;
        let at = &mut self.tabs[tab];
        if !at.runs() || at.armed.is_none_or(|(_, armed)| armed != number) {
            return;
        }
        at.armed = None;
        let more =
            |(last, times): (u64, u32), now: u64| (now, if last == now { times + 1 } else { 1 });
        at.seen.busy = more(at.seen.busy, now);
        at.seen.restless = more(at.seen.restless, now / 1_000);
        if at.seen.busy.1 > 20 || at.seen.restless.1 > WAKES_A_SECOND_MAX {
            self.fail(
                16,
                &format!("tab {tab} asks to be woken at once, again and again"),
            );
        }
        self.feed(tab, Arrival::Timeout);
    }

    fn log_arrival(&mut self, tab: usize, arrival: &Arrival) {
        let detail = match arrival {
            Arrival::Calls(text) | Arrival::Peer { text, .. } => hash(text.as_bytes()),
            Arrival::Answer { request, .. } => request.0.into(),
            _ => 0,
        };
        self.log("input", tab, detail & 0xffff, || match arrival {
            Arrival::Calls(text) => format!("{} calls", text.lines().count()),
            Arrival::Answer {
                request, outcome, ..
            } => format!("{request:?} {outcome:?}"),
            Arrival::Peer { from, text } => {
                format!(
                    "from {from}: {}",
                    text.chars().take(100).collect::<String>()
                )
            }
            other => format!("{other:?}"),
        });
    }

    pub(crate) fn trace_send(&mut self, tab: usize, request: &Request, body: &Body, exit: bool) {
        self.log("send", tab, body.hash & 0xffff, || {
            let means = request.means;
            let id = request.id.0;
            let events = match (body.seqs.first(), body.seqs.last()) {
                (Some(from), Some(to)) => format!("{} events {from}-{to}", body.seqs.len()),
                _ => format!("receipts {:?}", body.receipts),
            };
            let exit = if exit { ", exit" } else { "" };
            format!(
                "#{id} {means:?} to {}: {events} of tab {}, {} bytes, {:?}{exit}",
                PLACES[body.place].name, body.tab, body.bytes, request.why
            )
        });
    }

    /// The last known statistics.
    pub(crate) fn stats(&self, tab: usize) -> &Stats {
        &self.tabs[tab].seen.stats
    }
}

fn input(arrival: &Arrival) -> Input {
    match arrival {
        Arrival::Calls(text) => Input::Calls(text.to_string()),
        Arrival::Flush(id) => Input::Flush { id: *id },
        Arrival::Shutdown { id, timeout_ms } => Input::Shutdown {
            id: *id,
            timeout_ms: *timeout_ms,
        },
        Arrival::Destroy => Input::Destroy,
        Arrival::Answer {
            request, outcome, ..
        } => Input::Answer {
            request: *request,
            outcome: outcome.clone(),
        },
        Arrival::Peer { text, .. } => Input::Peer(text.to_string()),
        Arrival::Page(event) => Input::Page(*event),
        Arrival::Destination { place, paused } => Input::Destination {
            name: PLACES[*place].name.to_owned(),
            paused: *paused,
        },
        Arrival::Timeout => Input::Timeout,
    }
}
