//! The engine: decides everything, does nothing. See [`io`] for how a host runs it.
//!
//! This is where the parts meet: [`intake`](crate::intake) and [`visitor`](crate::visitor) make events of calls,
//! [`mod@traffic`] is what happens to them from then on: this tab's own stream, the delivery, the other tabs and
//! the books. No part knows another; what one says is passed on to the next.

pub mod account;
pub mod config;
pub mod io;
mod numbers;
pub mod own;
mod parting;
mod recording;
pub mod report;
mod setup;
pub mod traffic;
mod waiting;

use crate::{
    delivery::{
        destination::Destination,
        flush::{FLUSH_PATIENCE_MS, FLUSH_WAIT_MS, Flushes},
    },
    engine::{
        account::Notice,
        config::Config,
        io::{Host, Input, Keeps, Output, PageEvent},
        parting::Parting,
        report::{Report, Stats},
        traffic::{Heard, Presence, Traffic},
    },
    intake::{
        Intake, IntakeContext, Taken,
        call::{Call, CallError, Record},
    },
    journal::cursor::Owed,
    metrics::Metrics,
    model::{
        rng::Rng,
        store::Store,
        time::{Instant, Monotonic, Now, Timer, TimerTable},
    },
    tabs::peer::Says,
    text::fields::fields,
    visitor::{
        consent::{Answer, Consent},
        keeper::Keeper,
    },
};

/// How long the journal must have been quiet before its small segments are merged, in milliseconds.
const MERGE_MS: u64 = 2_000;

/// See the module.
pub struct Engine {
    config: Config,
    /// After `destroy`, `shutdown`, or without an API key: nothing is done any more.
    dead: bool,
    /// The visitor does not want it: nothing is stored or sent until he does.
    denied: bool,
    keeper: Keeper,
    intake: Intake,
    traffic: Traffic,
    metrics: Metrics,
    flushes: Flushes,
    timers: TimerTable,
    clock: Monotonic,
    /// How far the time that is believed is ahead of the last reading, in milliseconds: what is due is asked for in
    /// the shell's time.
    ahead: u64,
}

impl Engine {
    /// Starts; outputs are waiting to be taken, first what is told of the configuration.
    #[must_use]
    pub fn new(
        config: Config,
        errors: Vec<Report>,
        host: &Host,
        now: Now,
        store: &mut dyn Store,
    ) -> Self {
        let (destinations, wrong) = config.destinations();
        let told = errors
            .into_iter()
            .chain(wrong.iter().map(|error| error.report()));
        Self::with_destinations(config, destinations, told.collect(), host, now, store)
    }

    /// Starts with destinations that the host made.
    #[must_use]
    pub fn with_destinations(
        config: Config,
        destinations: Vec<Destination>,
        told: Vec<Report>,
        host: &Host,
        now: Now,
        store: &mut dyn Store,
    ) -> Self {
        let mut rng = Rng::new(host.seed);
        let (metrics_format, metrics_error) = config.metrics_format();
        let owed: Vec<Owed> = destinations.iter().map(Destination::owed).collect();
        let keeper = Keeper::load(
            host.visitor(config.cross_subdomain, !config.cookieless),
            &mut rng,
            store,
        );
        let traffic = setup::traffic(&config, destinations, owed, host, rng, now);
        let mut clock = Monotonic::default();
        clock.read(now.mono.0);
        let mut engine = Self {
            dead: config.api_key.is_empty(),
            denied: false,
            intake: Intake::new(
                config.intake.clone(),
                host.arrival(),
                &host.session_id,
                !(host.gpc && config.respect_gpc || host.dnt && config.respect_dnt),
            ),
            flushes: Flushes::default(),
            timers: TimerTable::default(),
            clock,
            ahead: 0,
            metrics: setup::metrics(&config, metrics_format, host, traffic.own.tab()),
            keeper,
            traffic,
            config,
        };
        let told = told
            .into_iter()
            .chain(metrics_error.map(|one| one.report()));
        told.for_each(|report| engine.traffic.account.report(report));
        engine.start(host, store);
        engine
    }

    fn start(&mut self, host: &Host, store: &mut dyn Store) {
        if self.dead {
            return;
        }
        let now = self.traffic.now;
        self.traffic.own.set_page(&host.page);
        self.keeper.commit(store);
        self.traffic.own.weigh(now, store);
        if host.storage == Keeps::Nothing {
            self.traffic.account.notice(Notice::StorageUnavailable);
        }
        // Node has one, which other processes do not hear.
        if !host.has_channel && host.runtime != "node" {
            self.traffic.account.notice(Notice::ChannelUnavailable);
        }
        if !host.online {
            self.traffic.delivery.on_network_hint(now.mono, false);
        }
        self.traffic.join();
        self.metrics.find(now.mono, store);
        self.after(store);
    }

    /// Something happened. Spurious and late calls are fine.
    pub fn handle(&mut self, now: Now, input: Input, store: &mut dyn Store) {
        let reading = now.mono.0;
        let now = Now {
            mono: self.clock.read(reading),
            ..now
        };
        self.ahead = now.mono.0.saturating_sub(reading);
        self.traffic.now = now;
        if self.dead {
            if let Input::Flush { id } | Input::Shutdown { id, .. } = input {
                self.wait(id, 0, false);
                waiting::answer(&mut self.flushes, &mut self.traffic, true);
            }
            return;
        }
        if self.denied
            && matches!(
                input,
                Input::Answer { .. } | Input::Peer(_) | Input::Page(_) | Input::Stored
            )
        {
            return;
        }
        match input {
            Input::Calls(records) => self.on_calls(&records, store),
            Input::Flush { id } => self.wait(id, FLUSH_WAIT_MS, false),
            Input::Shutdown { id, timeout_ms } => self.wait(id, timeout_ms.into(), true),
            Input::Destroy => self.stop(store),
            Input::Answer { request, outcome }
                if self
                    .metrics
                    .on_outcome(now, request, &outcome, &mut self.traffic.rng) =>
            {
                // A hidden page may end without another word.
                let visible = self.traffic.tabs.election.is_visible();
                self.metrics.refresh_kept(!visible, now.wall, store);
            }
            Input::Answer { request, outcome } => {
                self.traffic.deliver(store, |delivery, at, lots, out| {
                    delivery.on_outcome(at, request, &outcome, lots, out);
                });
                self.traffic.release_streams();
            }
            Input::Peer(text) => match self.traffic.hear(&text, store) {
                Heard::Nothing => {}
                Heard::Visitor => self.reread_visitor(store),
                Heard::Withdrawn => self.withdraw(Consent::denied(), store),
            },
            Input::Page(event) => self.on_page(event, store),
            Input::Stored => self.reread_visitor(store),
            Input::Destination { name, paused } => self.traffic.delivery.disable(&name, paused),
            Input::Timeout => {}
        }
        if self.denied {
            waiting::answer(&mut self.flushes, &mut self.traffic, true);
        } else if !self.dead {
            self.on_timers(store);
            self.after(store);
        }
    }

    /// What is to be done, in order; there may be more after any [`handle`](Self::handle).
    #[must_use]
    pub fn take_outputs(&mut self) -> Vec<Output> {
        self.traffic.account.take_outputs()
    }

    /// When [`Input::Timeout`] is due; may have changed after any [`handle`](Self::handle).
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        if self.dead || self.denied || self.traffic.presence > Presence::Here {
            return None;
        }
        let at = self.timers.next_timeout().min(self.traffic.next_timeout());
        let at = at.min(self.flushes.next_deadline());
        let at = at.min(self.metrics.next_timeout());
        (at != Instant::NEVER).then_some(Instant(at.0.saturating_sub(self.ahead)))
    }

    /// The account of this client.
    #[must_use]
    pub fn stats(&self) -> Stats {
        Stats {
            metrics: self.metrics.figures(),
            ..self.traffic.stats()
        }
    }

    /// Who the visitor is.
    #[must_use]
    pub const fn keeper(&self) -> &Keeper {
        &self.keeper
    }

    /// Lets every part act on the new state. Nothing here depends on what the input was.
    fn after(&mut self, store: &mut dyn Store) {
        let (intake, keeper) = (&self.intake, &self.keeper);
        if self.traffic.presence == Presence::Here {
            self.traffic
                .run(store, |found| setup::early(intake, keeper, found));
            self.traffic.send(store);
            numbers::send(&mut self.metrics, &mut self.traffic);
        } else {
            self.parting(store).last_words();
        }
        self.answer_due(store);
        self.arm_timers();
    }

    fn on_timers(&mut self, store: &mut dyn Store) {
        let mono = self.traffic.now.mono;
        self.traffic.deliver(store, |delivery, at, lots, out| {
            delivery.on_overdue(at, lots, out)
        });
        while let Some(timer) = self.timers.take_expired(mono) {
            match timer {
                Timer::Flush => self.traffic.go(),
                Timer::Merge => {
                    let (now, own) = (self.traffic.now, &mut self.traffic.own.stream);
                    own.journal.merge(&own.log, now, store);
                }
            }
        }
    }

    fn arm_timers(&mut self) {
        let mono = self.traffic.now.mono;
        if !self.traffic.has_work() || self.config.disable_timer {
            self.timers.stop(Timer::Flush);
        } else {
            let wait_ms = self.config.flush_interval_ms.into();
            self.timers.set_if_unset(Timer::Flush, mono + wait_ms);
        }
        if self.traffic.own.stream.journal.is_fragmented() {
            self.timers.set_if_unset(Timer::Merge, mono + MERGE_MS);
        }
    }

    // Calls.

    /// One burst of calls: one write to the journal.
    fn on_calls(&mut self, records: &str, store: &mut dyn Store) {
        let before = self.traffic.own.stream.log.next_seq();
        if !self.denied {
            self.reread_visitor(store);
        }
        let mut urgent = false;
        for record in fields(records, b'\n').filter(|record| !record.is_empty()) {
            // Also one that is refused says on which page the next ones are made.
            if let Some(page) = Call::page_of(record) {
                let page = self.intake.clean_page(page);
                self.traffic.own.set_page(&page);
            }
            if record.starts_with("metric\t") {
                if !self.denied {
                    let (metrics, intake) = (&mut self.metrics, &self.intake);
                    numbers::record(metrics, intake, &mut self.traffic, &Record::of(record));
                }
                continue;
            }
            match self.take(record) {
                Ok(Taken {
                    consent: Some(consent),
                    ..
                }) => self.decide(consent, store),
                Ok(_) if self.denied => {}
                Ok(taken) => {
                    let bytes_max = self.config.max_payload_bytes as usize;
                    urgent |= recording::record(&mut self.traffic, &self.intake, &taken, bytes_max);
                }
                Err(error) => self.traffic.account.refuse(error, &Call::detail(record)),
            }
        }
        if self.denied {
            return;
        }
        if self.keeper.commit(store) {
            self.traffic.post(Says::Visitor);
            self.traffic.account.report(Report::Visitor);
        }
        if self.traffic.own.stream.log.next_seq() > before {
            self.traffic.enforce_bounds(store);
            self.traffic.persist(store);
            // Another full batch is a reason to try again even after a failed go.
            let own = &self.traffic.own.stream;
            self.traffic
                .delivery
                .on_recorded(own, self.config.flush_at as usize);
        }
        // The timers of a hidden page may fire once a minute, or never again.
        let hidden = !self.traffic.tabs.election.is_visible() && !self.config.disable_timer;
        if urgent || hidden {
            self.traffic.go();
        }
    }

    fn take(&mut self, record: &str) -> Result<Taken, CallError> {
        let call = Call::parse(record)?;
        self.intake.take(
            &call,
            &mut IntakeContext {
                visitor: self.keeper.visitor_mut(),
                rng: &mut self.traffic.rng,
            },
        )
    }

    fn reread_visitor(&mut self, store: &mut dyn Store) {
        if self.keeper.refresh(store) {
            self.traffic.account.report(Report::Visitor);
        }
    }

    // Consent.

    fn decide(&mut self, consent: Consent, store: &mut dyn Store) {
        self.intake
            .set_marketing(consent.marketing == Answer::Granted);
        if consent.analytics == Answer::Denied {
            if !self.denied {
                self.traffic.post(Says::Withdrawn);
                self.withdraw(consent, store);
            }
            return;
        }
        if core::mem::replace(&mut self.denied, false) {
            self.traffic.own.stream.left = false;
            self.traffic.join();
        }
        if self.config.persist_consent {
            self.keeper.visitor_mut().consent = Some(consent);
            self.keeper.visitor_mut().touch();
        }
        self.traffic.account.report(consent_report(consent));
    }

    fn withdraw(&mut self, consent: Consent, store: &mut dyn Store) {
        self.denied = true;
        for id in self.metrics.abort() {
            self.traffic.account.output(Output::Cancel(id));
        }
        self.traffic.withdraw(store);
        self.keeper.forget(&mut self.traffic.rng);
        self.traffic.account.report(Report::Visitor);
        self.traffic.account.report(consent_report(consent));
    }

    // The page.

    fn on_page(&mut self, event: PageEvent, store: &mut dyn Store) {
        let mono = self.traffic.now.mono;
        match event {
            PageEvent::Hidden => self.parting(store).hide(),
            PageEvent::Visible => {
                self.traffic.tabs.election.on_visible(mono, true);
                self.traffic.go();
            }
            PageEvent::Leaving => self.parting(store).leave(),
            PageEvent::Frozen => self.parting(store).freeze(),
            PageEvent::Restored | PageEvent::Resumed => {
                if self.traffic.presence > Presence::Here {
                    self.reread_visitor(store);
                    self.traffic.come_back(store);
                    self.metrics.on_restored(mono);
                }
            }
            PageEvent::Online => {
                self.traffic.delivery.on_network_hint(mono, true);
                self.traffic.go();
            }
            PageEvent::Offline => self.traffic.delivery.on_network_hint(mono, false),
        }
    }

    const fn parting<'a>(&'a mut self, store: &'a mut dyn Store) -> Parting<'a> {
        Parting {
            traffic: &mut self.traffic,
            metrics: &mut self.metrics,
            speaks: self.config.auto_flush_on_exit,
            store,
        }
    }

    // Flushes, and the end.

    fn wait(&mut self, id: u32, patience_ms: u64, shutdown: bool) {
        self.traffic.go();
        self.metrics.go(self.traffic.now.mono);
        waiting::wait(&mut self.flushes, &self.traffic, id, patience_ms, shutdown);
    }

    /// Answers whoever need not wait any longer.
    fn answer_due(&mut self, store: &mut dyn Store) {
        let (own, mono) = (&self.traffic.own.stream, self.traffic.now.mono);
        let hopeless = self
            .traffic
            .delivery
            .is_hopeless(own, mono, FLUSH_PATIENCE_MS);
        if waiting::answer(&mut self.flushes, &mut self.traffic, hopeless) {
            self.stop(store);
        }
    }

    /// Stops for good: the journal stays for other tabs and the next visit.
    fn stop(&mut self, store: &mut dyn Store) {
        self.traffic.deliver(store, |delivery, _, _, out| {
            delivery.withdraw(None, 0, u64::MAX, out)
        });
        self.traffic.own.persist_last(self.traffic.now, store);
        self.metrics.keep(self.traffic.now.wall, store);
        self.traffic.say_bye(store);
        self.traffic.account.output(Output::CloseChannel);
        waiting::answer(&mut self.flushes, &mut self.traffic, true);
        self.dead = true;
    }
}

fn consent_report(consent: Consent) -> Report {
    Report::Consent {
        analytics: consent.analytics.word(),
        marketing: consent.marketing.word(),
    }
}
