//! The small world of the stories: tabs, a clock that a story turns by hand, and the host's loop.

mod onlooker;

use std::collections::VecDeque;

use sendoff::engine::Engine;
use sendoff::engine::config::Config;
use sendoff::engine::io::{Host, Input, Keeps, Means, Outcome, Output, PageEvent, RequestId};
use sendoff::engine::report::Report;
use sendoff::model::time::{Instant, Now, UnixMillis};

use crate::collector::{Answer, Collector, Sent};
use crate::disk::Disk;

/// 2026-01-15T12:00:00Z, a Thursday: where every story's wall clock starts.
pub(crate) const WALL_START_MS: u64 = 1_768_478_400_000;
/// The budget of bytes in flight that all keepalive requests of a page share (Fetch standard).
const KEEPALIVE_BYTES_MAX: usize = 64 * 1024;
/// After this long a tab that nobody answered leads.
pub(crate) const JOINED_MS: u64 = 250;

/// How a tab is to be opened.
pub(crate) struct Opening {
    pub(crate) config: Config,
    pub(crate) host: Host,
}

/// An input on its way to a tab.
enum Arrival {
    Calls(String),
    Flush(u32),
    Shutdown(u32, u32),
    Destroy,
    Destination(bool),
    Response(RequestId, Outcome),
    Peer(String),
    Page(PageEvent),
    Timeout,
}

/// One load of one page.
struct Tab {
    name: String,
    engine: Engine,
    /// Code runs; otherwise it is frozen, or gone for good.
    runs: bool,
    channel: bool,
    /// Requests without an answer.
    hanging: Vec<Sent>,
    /// Requests that the browser holds for the time when this tab is gone.
    deferred: Vec<Sent>,
    /// Bytes of beacons since the page was last entered: nobody says when they are done.
    beacon_bytes: usize,
    reports: Vec<Report>,
}

/// What the browser takes.
pub(crate) struct Browser {
    pub(crate) keepalive: bool,
    pub(crate) beacons: bool,
}

/// See the top of this file.
pub(crate) struct World {
    pub(crate) now: u64,
    /// The wall clock was set ahead by so much.
    pub(crate) ahead_ms: u64,
    pub(crate) disk: Disk,
    pub(crate) collector: Collector,
    pub(crate) browser: Browser,
    /// Everything that left any tab, in order; deferred requests only once the browser sends them.
    pub(crate) sent: Vec<Sent>,
    /// Deferred requests handed to the browser: when.
    pub(crate) deferrals: Vec<u64>,
    /// Messages on the channel.
    pub(crate) posts: usize,
    /// Claims to lead among them.
    pub(crate) claims: usize,
    /// The channel is cut: nobody hears anybody.
    pub(crate) cut: bool,
    /// Who does not hear whom: a speaker, a listener.
    pub(crate) deaf: Vec<(usize, usize)>,
    tabs: Vec<Tab>,
    queue: VecDeque<(usize, Arrival)>,
    flush_ids: u32,
}

impl World {
    pub(crate) fn new() -> Self {
        Self {
            now: 0,
            ahead_ms: 0,
            disk: Disk::default(),
            collector: Collector::default(),
            browser: Browser {
                keepalive: true,
                beacons: true,
            },
            sent: Vec::new(),
            deferrals: Vec::new(),
            posts: 0,
            claims: 0,
            cut: false,
            deaf: Vec::new(),
            tabs: Vec::new(),
            queue: VecDeque::new(),
            flush_ids: 0,
        }
    }

    /// A world with one tab, which leads.
    pub(crate) fn with_tab(change: impl FnOnce(&mut Opening)) -> (Self, usize) {
        let mut world = Self::new();
        let tab = world.open_with(change);
        world.pass(JOINED_MS);
        (world, tab)
    }

    /// A world with a leader and a follower, both visible and quiet.
    pub(crate) fn with_two_tabs() -> (Self, usize, usize) {
        let (mut world, leader) = Self::with_tab(|_| {});
        let follower = world.open();
        world.pass(JOINED_MS);
        assert_eq!(world.role(leader), "leader");
        assert_eq!(world.role(follower), "follower");
        (world, leader, follower)
    }

    /// Opens a visible tab with the default configuration, everything but `fetchLater` at hand.
    pub(crate) fn open(&mut self) -> usize {
        self.open_with(|_| {})
    }

    pub(crate) fn open_with(&mut self, change: impl FnOnce(&mut Opening)) -> usize {
        let number = self.tabs.len();
        let name = format!("{:020x}", number + 1);
        let mut opening = Opening {
            config: Config {
                // Small enough that a story can fill a batch.
                max_batch_size: 50,
                ..Config::new("demo")
            },
            host: Host {
                tab: name,
                project: "demo".to_owned(),
                seed: number as u64 + 7,
                context: "{\"locale\":\"en\"}".to_owned(),
                page: "{\"url\":\"/\"}".to_owned(),
                landing: String::new(),
                runtime: "browser".to_owned(),
                anonymous_id: "visitor".to_owned(),
                session_id: "session".to_owned(),
                has_channel: true,
                has_deferred: false,
                has_keepalive: true,
                storage: Keeps::ForLater,
                visible: true,
                online: true,
                gpc: false,
                dnt: false,
            },
        };
        change(&mut opening);
        let (Opening { config, host }, now) = (opening, self.time());
        self.tabs.push(Tab {
            name: host.tab.clone(),
            engine: Engine::new(config, Vec::new(), &host, now, &mut self.disk),
            runs: true,
            channel: false,
            hanging: Vec::new(),
            deferred: Vec::new(),
            beacon_bytes: 0,
            reports: Vec::new(),
        });
        self.perform_outputs(number);
        self.run();
        number
    }

    pub(crate) fn time(&self) -> Now {
        Now {
            mono: Instant(self.now + 1_000),
            wall: UnixMillis(WALL_START_MS + self.now + self.ahead_ms),
        }
    }

    // What a page does.

    /// Tracks one event.
    pub(crate) fn track(&mut self, tab: usize, name: &str) {
        let record = self.record(name, "{}");
        self.calls(tab, &record);
    }

    /// Tracks `count` events in one task.
    pub(crate) fn burst(&mut self, tab: usize, count: usize) {
        let records = vec![self.record("burst", "{}"); count];
        self.calls(tab, &records.join("\n"));
    }

    /// The record of a `track` call now.
    pub(crate) fn record(&self, name: &str, properties: &str) -> String {
        let at = WALL_START_MS + self.now;
        format!(
            "track\t{at}\t{}\tname=\"{name}\"\tprops={properties}",
            self.now + 1_000
        )
    }

    pub(crate) fn calls(&mut self, tab: usize, records: &str) {
        self.input(tab, Arrival::Calls(records.to_owned()));
    }

    /// `flush()`; its answer is in [`flushed`](Self::flushed).
    pub(crate) fn flush(&mut self, tab: usize) -> u32 {
        self.flush_ids += 1;
        self.input(tab, Arrival::Flush(self.flush_ids));
        self.flush_ids
    }

    pub(crate) fn shutdown(&mut self, tab: usize, timeout_ms: u32) -> u32 {
        self.flush_ids += 1;
        self.input(tab, Arrival::Shutdown(self.flush_ids, timeout_ms));
        self.flush_ids
    }

    pub(crate) fn destroy(&mut self, tab: usize) {
        self.input(tab, Arrival::Destroy);
    }

    /// Pauses the destination, or lets it go on.
    pub(crate) fn set_paused(&mut self, tab: usize, paused: bool) {
        self.input(tab, Arrival::Destination(paused));
    }

    // What a browser does.

    pub(crate) fn page(&mut self, tab: usize, event: PageEvent) {
        if matches!(event, PageEvent::Restored) {
            self.tabs[tab].beacon_bytes = 0;
        }
        self.input(tab, Arrival::Page(event));
    }

    /// The tab is gone without another word; the browser sends what it holds for it.
    pub(crate) fn crash(&mut self, tab: usize) {
        self.end(tab);
        for sent in core::mem::take(&mut self.tabs[tab].deferred) {
            self.arrive_unseen(sent);
        }
    }

    /// `pagehide`, and never again.
    pub(crate) fn close(&mut self, tab: usize) {
        self.page(tab, PageEvent::Hidden);
        self.page(tab, PageEvent::Leaving);
        self.end(tab);
    }

    fn end(&mut self, tab: usize) {
        self.tabs[tab].runs = false;
        self.tabs[tab].channel = false;
        self.tabs[tab].hanging.clear();
    }

    /// A page stops running, or goes on. Messages meanwhile do not reach it.
    pub(crate) fn set_running(&mut self, tab: usize, runs: bool) {
        self.tabs[tab].runs = runs;
    }

    /// The browser sends a deferred request though the page lives (it went into the back/forward
    /// cache, say), and the page is told.
    pub(crate) fn activate(&mut self, tab: usize) {
        for sent in core::mem::take(&mut self.tabs[tab].deferred) {
            let id = sent.id;
            self.arrive_unseen(sent);
            self.input(tab, Arrival::Response(id, Outcome::Activated));
        }
    }

    /// Answers the oldest request of a tab that hangs.
    pub(crate) fn answer(&mut self, tab: usize, answer: &Answer) {
        let sent = self.tabs[tab].hanging.remove(0);
        let outcome = self.collector.perform(&sent, answer);
        self.input(tab, Arrival::Response(sent.id, outcome.unwrap()));
    }

    /// Lets time pass, waking whoever asked to be woken.
    pub(crate) fn pass(&mut self, ms: u64) {
        let end = self.now + ms;
        let mut wakes = 0;
        while let Some((at, tab)) = self.next_wake().filter(|(at, _)| *at <= end) {
            self.now = self.now.max(at);
            self.input(tab, Arrival::Timeout);
            wakes += 1;
            assert!(wakes < 100_000, "tab {tab} wakes without end");
        }
        self.now = end;
    }

    fn next_wake(&self) -> Option<(u64, usize)> {
        let running = self.tabs.iter().enumerate().filter(|(_, tab)| tab.runs);
        let wakes = running.filter_map(|(number, tab)| {
            let at = tab.engine.poll_timeout()?;
            Some((at.0.saturating_sub(1_000), number))
        });
        wakes.min()
    }

    // The host's loop.

    fn input(&mut self, tab: usize, arrival: Arrival) {
        self.queue.push_back((tab, arrival));
        self.run();
    }

    fn run(&mut self) {
        let mut inputs = 0;
        while let Some((tab, arrival)) = self.queue.pop_front() {
            inputs += 1;
            assert!(
                inputs < 10_000,
                "tab {tab} has no end of doing at one moment"
            );
            if !self.tabs[tab].runs {
                continue;
            }
            let (now, at) = (self.time(), &mut self.tabs[tab]);
            let input = match arrival {
                Arrival::Calls(records) => Input::Calls(records),
                Arrival::Flush(id) => Input::Flush { id },
                Arrival::Shutdown(id, timeout_ms) => Input::Shutdown { id, timeout_ms },
                Arrival::Destroy => Input::Destroy,
                Arrival::Destination(paused) => Input::Destination {
                    name: "sendoff".to_owned(),
                    paused,
                },
                Arrival::Response(request, outcome) => Input::Answer { request, outcome },
                Arrival::Peer(text) => Input::Peer(text),
                Arrival::Page(event) => Input::Page(event),
                Arrival::Timeout => Input::Timeout,
            };
            at.engine.handle(now, input, &mut self.disk);
            self.perform_outputs(tab);
            self.check(tab);
        }
    }

    fn perform_outputs(&mut self, tab: usize) {
        for output in self.tabs[tab].engine.take_outputs() {
            let at = &mut self.tabs[tab];
            match output {
                Output::Send(request) => self.send(Sent {
                    at: self.now,
                    by: tab,
                    id: request.id,
                    means: request.means,
                    url: request.url,
                    body: request.body,
                }),
                Output::Cancel(id) => {
                    at.hanging.retain(|sent| sent.id != id);
                    at.deferred.retain(|sent| sent.id != id);
                }
                Output::OpenChannel => at.channel = true,
                Output::CloseChannel => at.channel = false,
                Output::Post(text) => self.post(tab, &text),
                Output::Report(report) => at.reports.push(report),
            }
        }
    }

    fn send(&mut self, sent: Sent) {
        let (tab, id) = (sent.by, sent.id);
        let outcome = match sent.means {
            Means::Deferred => {
                self.deferrals.push(self.now);
                self.tabs[tab].deferred.push(sent);
                Outcome::Queued
            }
            Means::Beacon if self.browser.beacons => {
                self.tabs[tab].beacon_bytes += sent.body.len();
                self.arrive_unseen(sent);
                Outcome::Queued
            }
            Means::Beacon => Outcome::Refused,
            Means::Keepalive if !self.browser.keepalive => Outcome::Network,
            Means::Keepalive | Means::Fetch => {
                let answer = self.collector.decide(&sent);
                self.sent.push(sent.clone());
                match self.collector.perform(&sent, &answer) {
                    Some(outcome) => outcome,
                    None => return self.tabs[tab].hanging.push(sent),
                }
            }
        };
        self.queue.push_back((tab, Arrival::Response(id, outcome)));
    }

    /// A request whose answer no page will see.
    fn arrive_unseen(&mut self, sent: Sent) {
        let answer = self.collector.decide(&sent);
        self.collector.perform(&sent, &answer);
        self.sent.push(sent);
    }

    fn post(&mut self, from: usize, text: &str) {
        self.posts += 1;
        self.claims += usize::from(text.split('\t').nth(1) == Some("claim"));
        for tab in 0..self.tabs.len() {
            if tab != from
                && self.tabs[tab].channel
                && !self.cut
                && !self.deaf.contains(&(from, tab))
            {
                self.queue.push_back((tab, Arrival::Peer(text.to_owned())));
            }
        }
    }

    /// What holds at every moment, in every story.
    fn check(&self, tab: usize) {
        let stats = self.stats(tab);
        let dropped: u64 = stats.dropped.iter().map(|count| count.count).sum();
        assert_eq!(
            stats.accepted + stats.adopted,
            stats.delivered + stats.pending + stats.handed_back + dropped,
            "the account of tab {tab} does not balance: {stats:?}"
        );
        assert!(
            self.keepalive_bytes(tab) <= KEEPALIVE_BYTES_MAX,
            "tab {tab} exceeds the keepalive budget"
        );
    }
}
