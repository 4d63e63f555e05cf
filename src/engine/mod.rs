//! The engine: decides everything, does nothing. See [`io`] for how a host runs it.
//!
//! This file holds the state and the order in which its parts are asked; what they do is in
//! [`intake`](self) (calls), `pump` (requests), `answers`, `flush`, `tabs` (the living ones),
//! `adopt` (what dead ones left), `exit` (hidden, leaving, restored) and `deferred` (what the
//! browser is to send if this tab dies). Below these stand the parts that know nothing of each
//! other: the log, the journal, the election, the gate.

mod account;
mod adopt;
mod answers;
pub mod bridge;
pub mod config;
mod deferred;
mod exit;
mod flush;
mod intake;
pub mod io;
mod partition;
mod pump;
mod reading;
pub mod report;
mod tabs;

use crate::delivery::retry::Gate;
use crate::journal::log::Log;
use crate::journal::segments::Journal;
use crate::model::ids::TabId;
use crate::model::rng::Rng;
use crate::model::store::{Store, read};
use crate::model::time::{Instant, Now, Timer, TimerTable};
use crate::tabs::election::{Election, Role};
use crate::visitor::identity::Identity;
use account::{Account, Notice};
use config::{Config, MultiTabMode};
use deferred::Deferred;
use exit::{PageState, Presence};
use flush::{FLUSH_WAIT_MS, Waiter};
use intake::RING_STORAGE_BYTES_MAX;
use io::{Host, Input, Output};
use partition::Partition;
use pump::Flight;
use report::{Fields, Stats};
use tabs::{ALONE_MS, Tabs};

use crate::text::fields::join;
use crate::wire::envelope;

/// How long the journal must have been quiet before its small segments are merged, in milliseconds.
const MERGE_MS: u64 = 2_000;

/// See the module.
#[derive(Debug)]
pub struct Engine {
    config: Config,
    /// When the input at hand came in.
    now: Now,
    host: Host,
    me: TabId,
    /// After `destroy`, `shutdown`, or without an API key: nothing is done any more.
    dead: bool,
    page: PageState,
    identity: Identity,
    rng: Rng,
    own: Partition,
    tabs: Tabs,
    election: Election,
    gate: Gate,
    flights: Vec<Flight>,
    last_request: u32,
    /// The tab that was served last, as a position among those of which something may be here.
    turn: usize,
    deferred: Deferred,
    /// This go's attempts are used up; the next flush starts another.
    paused: bool,
    /// Events up to here are to be sent without waiting for a full batch.
    go_to: u64,
    receipts_unsupported: bool,
    /// Bytes of storage that other tabs hold, as last weighed.
    others_bytes: usize,
    weighed_at: Instant,
    waiters: Vec<Waiter>,
    timers: TimerTable,
    account: Account,
}

impl Engine {
    /// Starts; outputs are waiting to be taken, first what is told of the configuration.
    // Taken apart into the host's own start, it would be copied field by field.
    #[inline(never)]
    #[must_use]
    pub fn new(
        config: Config,
        errors: Vec<Output>,
        host: Host,
        now: Now,
        store: &mut dyn Store,
    ) -> Self {
        let mut rng = Rng::new(host.seed);
        let identity = Identity::load(&host.project, &host.anonymous_id, &mut rng, store);
        let tab = TabId::parse(&host.tab);
        let me = tab.unwrap_or_else(|| TabId::random(&mut rng));
        let header = envelope::header(&host.runtime, &config.api_key, &me.text(), &host.context);
        let cap_bytes = if host.has_storage {
            config.max_storage_bytes as usize
        } else {
            0
        };
        let journal = Journal::new(&host.project, &me.text(), cap_bytes);
        let mut engine = Self {
            me,
            dead: config.api_key.is_empty(),
            page: PageState {
                online: host.online,
                presence: Presence::Here,
            },
            identity,
            rng,
            own: Partition::new(Log::new(me, header), journal),
            tabs: Tabs::default(),
            election: Election::alone(me, host.visible),
            gate: Gate::default(),
            flights: Vec::new(),
            last_request: 0,
            turn: 0,
            deferred: Deferred::default(),
            paused: false,
            go_to: 0,
            receipts_unsupported: false,
            others_bytes: 0,
            weighed_at: now.mono,
            waiters: Vec::new(),
            timers: TimerTable::default(),
            account: Account::new(errors),
            now,
            config,
            host,
        };
        engine.start(store);
        engine
    }

    fn start(&mut self, store: &mut dyn Store) {
        if self.dead {
            return;
        }
        self.identity.save(&self.host.project, store);
        self.weigh_others(store);
        if !self.host.has_storage {
            self.account.error_once(Notice::StorageUnavailable);
        }
        if self.host.has_channel {
            self.account.output(Output::OpenChannel);
            self.join();
        } else {
            self.account.error_once(Notice::ChannelUnavailable);
            self.plan_scans(&ALONE_MS);
        }
        self.after(store);
    }

    /// Something happened. Spurious and late calls are fine.
    pub fn handle(&mut self, now: Now, input: Input<'_>, store: &mut dyn Store) {
        self.now = now;
        if self.dead {
            self.answer_dead(&input);
            return;
        }
        match input {
            Input::Calls(records) => self.on_calls(records, store),
            Input::Flush { id } => self.on_flush(id, FLUSH_WAIT_MS, false),
            Input::Shutdown { id, timeout_ms } => self.on_flush(id, timeout_ms.into(), true),
            Input::Destroy => self.stop(store),
            Input::Response { request, outcome } => self.on_response(request, &outcome, store),
            Input::Peer(text) => self.on_peer(text, store),
            Input::Page(event) => self.on_page(event, store),
            Input::Timeout => {}
        }
        if !self.dead {
            self.on_timers(store);
            self.after(store);
        }
    }

    /// What is to be done, in order; there may be more after any [`handle`](Self::handle).
    #[must_use]
    pub fn take_outputs(&mut self) -> Vec<Output> {
        self.account.take_outputs()
    }

    /// When [`Input::Timeout`] is due; may have changed after any [`handle`](Self::handle).
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        if self.dead || self.page.is_away() {
            return None;
        }
        let at = self.timers.next_timeout().min(self.election.next_timeout());
        (at != Instant::NEVER).then_some(at)
    }

    /// The account of this client.
    #[must_use]
    pub fn stats(&self) -> Stats {
        let mut stats = Stats::default();
        self.describe(&mut stats);
        stats
    }

    /// The account of this client, figure by figure.
    pub fn describe(&self, to: &mut impl Fields) {
        let (mut pending, mut stored) = (self.own.log.pending(), self.own.journal.bytes());
        for partition in &self.tabs.adopted {
            pending += partition.log.pending();
            stored += partition.journal.bytes();
        }
        self.account.describe(to);
        to.number("pending", pending as u64);
        to.number("volatile", self.own.journal.volatile(&self.own.log) as u64);
        to.number("storageBytes", stored as u64);
        let storage = if self.host.has_storage {
            "local"
        } else {
            "memory"
        };
        to.word("storage", storage);
        to.word("breaker", self.gate.breaker.state());
        to.flag("blocked", self.gate.breaker.is_blocked());
        to.word("role", self.role_name());
        to.number("term", self.election.term());
        to.text("leader", self.election.leader().map(TabId::text).as_deref());
        to.text("tab", Some(&self.me.text()));
        to.texts("peers", self.election.members().map(TabId::text));
        to.number("lastSeq", self.own.log.next_seq() - 1);
    }

    /// The visitor's anonymous id.
    #[must_use]
    pub fn anonymous_id(&self) -> &str {
        self.identity.anonymous()
    }

    /// Lets every part act on the new state. Nothing here depends on what the input was.
    fn after(&mut self, store: &mut dyn Store) {
        self.run_election();
        if self.page.is_away() {
            self.last_words(store);
        } else if self.sends_for_itself() {
            self.pump(store);
        } else {
            self.offer(store);
        }
        self.update_deferred(store);
        self.answer_waiters(store);
        self.arm_timers();
    }

    fn on_timers(&mut self, store: &mut dyn Store) {
        if self.election.next_timeout() <= self.now.mono {
            self.election.on_timeout(self.now.mono, &mut self.rng);
        }
        while let Some(timer) = self.timers.take_expired(self.now.mono) {
            match timer {
                Timer::Flush => self.go(),
                Timer::Retry => self.paused &= self.gate.breaker.is_closed(),
                Timer::Request => self.on_request_timeout(store),
                Timer::Merge => self.own.journal.merge(&self.own.log, self.now, store),
                Timer::Scan => self.scan(store),
                // Looked at by whoever set them, in `after`.
                Timer::Deferred | Timer::FlushWait => {}
            }
        }
    }

    fn arm_timers(&mut self) {
        let waits = !self.own.log.is_done() || self.tabs.has_work();
        if !waits || self.config.disable_timer {
            self.timers.stop(Timer::Flush);
        } else {
            self.timers.set_if_unset(
                Timer::Flush,
                self.now.mono + self.config.flush_interval_ms.into(),
            );
        }
        // The oldest is due first: all wait equally long.
        let oldest = self.flights.first();
        let at = oldest.map_or(Instant::NEVER, |flight| flight.deadline);
        self.timers.set(Timer::Request, at);
        let mut at = Instant::NEVER;
        for waiter in &self.waiters {
            at = at.min(waiter.give_up_at);
        }
        self.timers.set(Timer::FlushWait, at);
        at = Instant::NEVER;
        for scan_at in &self.tabs.scans {
            at = at.min(*scan_at);
        }
        self.timers.set(Timer::Scan, at);
        if self.own.journal.is_fragmented() {
            self.timers
                .set_if_unset(Timer::Merge, self.now.mono + MERGE_MS);
        }
    }

    /// Whether this tab sends its own batches, rather than offering them to a leader.
    fn sends_for_itself(&self) -> bool {
        match self.election.role() {
            Role::Leader | Role::Alone => true,
            Role::Joining | Role::Follower => {
                self.config.multi_tab_mode == MultiTabMode::Independent
            }
        }
    }

    fn role_name(&self) -> &'static str {
        match self.election.role() {
            _ if self.config.multi_tab_mode == MultiTabMode::Independent => "independent",
            Role::Joining => "joining",
            Role::Leader => "leader",
            Role::Follower => "follower",
            Role::Alone => "independent",
        }
    }

    /// Room for this tab's journal. The cap is for all tabs together, living or not: the living
    /// share it evenly, and what others already hold is taken.
    fn share_storage(&mut self) {
        let tabs = 1 + self.election.members().count();
        let mut cap_bytes = self.config.max_storage_bytes as usize;
        if self.gate.breaker.is_blocked() {
            cap_bytes = cap_bytes.min(RING_STORAGE_BYTES_MAX);
        }
        self.own
            .journal
            .set_cap((cap_bytes / tabs).min(cap_bytes.saturating_sub(self.others_bytes)));
    }

    /// Weighs what other tabs hold in storage. It reads all of it, so: at start, and when this
    /// tab's share is full, now and then.
    fn weigh_others(&mut self, store: &dyn Store) {
        self.weighed_at = self.now.mono;
        self.others_bytes = 0;
        for key in &store.keys(&self.key_prefix()) {
            if self.own.journal.name_of(key).is_none() {
                self.others_bytes += key.len() + read(store, key).len();
            }
        }
    }

    /// What every key of the project starts with.
    fn key_prefix(&self) -> String {
        join(&["sendoff:", &self.host.project, ":"])
    }
}
