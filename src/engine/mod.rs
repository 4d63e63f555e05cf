//! The engine: decides everything, does nothing. See [`io`] for how a host runs it.
//!
//! This is where the parts meet: [`intake`](crate::intake) and [`visitor`](crate::visitor) make events of calls,
//! [`mod@traffic`] is what happens to them from then on: this tab's own stream, the delivery, the other tabs and
//! the books. No part knows another; what one says is passed on to the next.

pub mod account;
mod clockwork;
pub mod config;
mod deciding;
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
        clockwork::Clockwork,
        config::Config,
        deciding::Deciding,
        io::{Host, Input, Output, PageEvent},
        parting::Parting,
        report::{Report, Stats},
        traffic::{Heard, Presence, Traffic},
    },
    intake::{
        Intake, Taken,
        call::{Call, Record},
    },
    journal::cursor::Owed,
    metrics::Metrics,
    model::{
        rng::Rng,
        store::Store,
        time::{Instant, Now, Timer},
    },
    tabs::peer::Says,
    text::fields::fields,
    visitor::{consent::Consent, keeper::Keeper},
};

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
    clockwork: Clockwork,
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
        let kept = host.visitor(config.cross_subdomain, !config.cookieless);
        let keeper = Keeper::load(kept, &mut rng, store);
        let traffic = setup::traffic(&config, destinations, owed, host, rng, now);
        let mut clockwork = Clockwork::default();
        clockwork.read(now);
        let mut engine = Self {
            dead: config.api_key.is_empty(),
            denied: false,
            intake: setup::intake(&config, host),
            flushes: Flushes::default(),
            clockwork,
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
        self.keeper.commit(store);
        setup::begin(&mut self.traffic, host, store);
        self.metrics.find(self.traffic.now.mono, store);
        self.after(store);
    }

    /// Something happened. Spurious and late calls are fine.
    pub fn handle(&mut self, now: Now, input: Input, store: &mut dyn Store) {
        let now = self.clockwork.read(now);
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
                Heard::Withdrawn => self.deciding().withdraw(Consent::denied(), store),
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
        let at = self.traffic.next_timeout();
        let at = at.min(self.flushes.next_deadline());
        self.clockwork
            .next_timeout(at.min(self.metrics.next_timeout()))
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
        while let Some(timer) = self.clockwork.take_expired(mono) {
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
        let waits = self.traffic.has_work() && !self.config.disable_timer;
        let flush_ms = waits.then_some(self.config.flush_interval_ms.into());
        let merge = self.traffic.own.stream.journal.is_fragmented();
        self.clockwork.arm(self.traffic.now.mono, flush_ms, merge);
    }

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
            match recording::take(
                &mut self.intake,
                &mut self.keeper,
                &mut self.traffic.rng,
                record,
            ) {
                Ok(Taken {
                    consent: Some(consent),
                    ..
                }) => self.deciding().decide(consent, store),
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
            self.traffic
                .on_recorded(self.config.flush_at as usize, store);
        }
        // The timers of a hidden page may fire once a minute, or never again.
        let hidden = !self.traffic.tabs.election.is_visible() && !self.config.disable_timer;
        if urgent || hidden {
            self.traffic.go();
        }
    }

    fn reread_visitor(&mut self, store: &mut dyn Store) {
        if self.keeper.refresh(store) {
            self.traffic.account.report(Report::Visitor);
        }
    }

    const fn deciding(&mut self) -> Deciding<'_> {
        Deciding {
            traffic: &mut self.traffic,
            intake: &mut self.intake,
            keeper: &mut self.keeper,
            metrics: &mut self.metrics,
            denied: &mut self.denied,
            persists: self.config.persist_consent,
        }
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
