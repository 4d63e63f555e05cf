//! `flush()` and `shutdown()`: when a flush begins, and when it is answered.

use crate::engine::Engine;
use crate::engine::io::{Input, Output};
use crate::engine::report::Report;
use crate::model::store::Store;
use crate::model::time::Instant;

/// A `flush()` is answered after this long at the latest, in milliseconds.
pub(super) const FLUSH_WAIT_MS: u64 = 30_000;
/// A gate that stays closed longer than this does not keep a `flush()` waiting.
const FLUSH_PATIENCE_MS: u64 = 5_000;

/// A `flush()` or `shutdown()` to be answered.
#[derive(Clone, Copy, Debug)]
pub(super) struct Waiter {
    id: u32,
    /// Done when everything up to this event is.
    to: u64,
    delivered: u64,
    dropped: u64,
    pub(super) give_up_at: Instant,
    shutdown: bool,
}

impl Engine {
    /// A flush begins: whatever waits is to go now, and a pause between goes is over.
    pub(super) const fn go(&mut self) {
        self.go_to = self.own.log.next_seq() - 1;
        self.paused = false;
    }

    pub(super) fn on_flush(&mut self, id: u32, patience_ms: u64, shutdown: bool) {
        self.go();
        self.waiters.push(Waiter {
            id,
            to: self.go_to,
            delivered: self.account.delivered(),
            dropped: self.account.dropped(),
            give_up_at: self.now.mono + patience_ms,
            shutdown,
        });
    }

    /// Answers whoever need not wait any longer.
    pub(super) fn answer_waiters(&mut self, store: &mut dyn Store) {
        let now = self.now.mono;
        let hopeless = self.paused
            || !self.page.online
            || self.gate.closed_until() > now + FLUSH_PATIENCE_MS
            || self.gate.breaker.open_until() > now;
        if self.answer_where(hopeless) {
            self.stop(store);
        }
    }

    /// Answers all whose time has come, or just all; tells whether one of them was a `shutdown()`.
    fn answer_where(&mut self, all: bool) -> bool {
        let mut shutdown = false;
        let mut index = 0;
        while let Some(waiter) = self.waiters.get(index) {
            let done = self.own.log.settled() >= waiter.to;
            if all || done || self.now.mono >= waiter.give_up_at {
                let waiter = self.waiters.remove(index);
                self.report_flushed(&waiter);
                shutdown |= waiter.shutdown;
            } else {
                index += 1;
            }
        }
        shutdown
    }

    fn report_flushed(&mut self, waiter: &Waiter) {
        let report = Report::Flushed {
            id: waiter.id,
            delivered: (self.account.delivered() - waiter.delivered) as u32,
            pending: self.own.log.pending() as u32,
            dropped: (self.account.dropped() - waiter.dropped) as u32,
        };
        self.account.report(report);
    }

    /// Stops for good: the journal stays for other tabs and the next visit.
    pub(super) fn stop(&mut self, store: &mut dyn Store) {
        self.withdraw(0, u64::MAX);
        self.persist_last(store);
        self.say_bye(false, store);
        self.account.output(Output::CloseChannel);
        self.answer_where(true);
        self.dead = true;
    }

    /// Answers a call that came too late: nothing is sent any more.
    pub(super) fn answer_dead(&mut self, input: &Input<'_>) {
        if let Input::Flush { id } | Input::Shutdown { id, .. } = input {
            self.on_flush(*id, 0, false);
            self.answer_where(true);
        }
    }
}
