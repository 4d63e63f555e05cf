//! What a page says when it goes: it is hidden, left or frozen, and may hear nothing after that.

use crate::{
    delivery::exit::Going,
    engine::{
        io::Output,
        numbers,
        traffic::{Presence, Traffic},
    },
    metrics::Metrics,
    model::store::Store,
};

/// The parts that have last words.
pub(super) struct Parting<'a> {
    pub(super) traffic: &'a mut Traffic,
    pub(super) metrics: &'a mut Metrics,
    /// Whether what waits is to go out with the page.
    pub(super) speaks: bool,
    pub(super) store: &'a mut dyn Store,
}

impl Parting<'_> {
    /// On phones this is often the last thing a page hears: everything that fits goes out at once,
    /// by requests that outlive the page and whose answers are still seen if it lives.
    pub(super) fn hide(&mut self) {
        let mono = self.traffic.now.mono;
        self.traffic.tabs.election.on_visible(mono, false);
        if self.traffic.presence >= Presence::Leaving {
            return;
        }
        // All of it, should somebody have removed some of it since the last call.
        self.traffic.own.stream.journal.check(self.store);
        self.traffic.persist(self.store);
        if self.speaks {
            self.traffic.go();
            self.traffic.pack(Going::Hidden, self.store);
        }
        self.pack_metrics(false);
    }

    /// `pagehide`. The channel is closed last, since an open one would keep the page out of the
    /// back/forward cache in Firefox.
    pub(super) fn leave(&mut self) {
        if self.traffic.presence >= Presence::Leaving {
            return;
        }
        self.traffic.presence = Presence::Leaving;
        self.persist_last();
        self.traffic.pack(Going::Leaving, self.store);
        self.pack_metrics(true);
        self.traffic.release_all();
        self.traffic.say_bye(self.store);
        self.traffic.account.output(Output::CloseChannel);
    }

    /// Events that are tracked while the page is leaving, after this tab has said goodbye.
    pub(super) fn last_words(&mut self) {
        let own = &self.traffic.own.stream;
        if !own.journal.volatile(&own.log).is_empty() {
            self.persist_last();
        }
        if self.traffic.presence == Presence::Leaving {
            self.traffic.pack(Going::Leaving, self.store);
            self.pack_metrics(true);
        }
    }

    /// `freeze`: no code runs until `resume`, if ever. Others take over; the journal has everything.
    pub(super) fn freeze(&mut self) {
        if self.traffic.presence == Presence::Here {
            self.persist_last();
            self.metrics.keep(self.traffic.now.wall, self.store);
            self.traffic.release_all();
            self.traffic.say_bye(self.store);
            self.traffic.presence = Presence::Frozen;
        }
    }

    fn persist_last(&mut self) {
        self.traffic.own.persist_last(self.traffic.now, self.store);
    }

    /// The numbers go after the events, as far as the budget leaves room; the rest is written down.
    fn pack_metrics(&mut self, leaving: bool) {
        if self.speaks {
            numbers::pack(self.metrics, self.traffic, leaving);
        }
        self.metrics.keep(self.traffic.now.wall, self.store);
    }
}
