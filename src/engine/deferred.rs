//! Deferred requests (`fetchLater`): what the browser is left with in case this tab simply dies.

use crate::engine::Engine;
use crate::engine::account::Account;
use crate::engine::io::{Means, Outcome, Output, RequestId};
use crate::journal::log::{NO_HOLES, Seal, UNREPORTED};
use crate::model::store::Store;
use crate::model::time::{Instant, Timer};

/// Bytes of deferred requests at most. The quota is 64 KiB per reporting origin (Deferred fetch,
/// fetch.spec.whatwg.org "deferred-fetch quota"), and URL and headers count.
const BYTES_MAX: usize = 60_000;
/// Deferred requests at most.
const SLOTS_MAX: usize = 8;
/// With those that were taken back and may yet turn out to have been sent.
const REMEMBERED_MAX: usize = 2 * SLOTS_MAX;
/// The deferred requests are refreshed this often at most, in milliseconds.
const REFRESH_MS: u64 = 1_000;
/// After the browser refused one, this long passes before the next try, in milliseconds.
const REFUSED_MS: u64 = 30_000;

/// Requests that the browser sends when this tab is gone.
#[derive(Debug, Default)]
pub(super) struct Deferred {
    not_before: Instant,
    /// What it was chosen from: changes with everything tracked, settled or sent.
    seen: u64,
}

/// One of them.
#[derive(Debug)]
pub(super) struct Slot {
    id: RequestId,
    pub(super) seal: Seal,
    /// Or it was taken back a moment ago, and may turn out to have been sent.
    pub(super) held: bool,
}

impl Slot {
    fn take_back(&mut self, account: &mut Account) {
        self.held = false;
        account.output(Output::Cancel(self.id));
    }
}

impl Engine {
    /// Keeps the browser supplied with what is to be sent if this tab dies without a word: what
    /// waits here and is not with the leader, at most once a second, and only if it changed.
    pub(super) fn update_deferred(&mut self, store: &mut dyn Store) {
        let now = self.now.mono;
        let idle = !self.host.has_deferred || !self.config.auto_flush_on_exit;
        if idle || self.page.is_away() || self.gate.is_told_to_wait(now) {
            return;
        }
        let log = &self.own.log;
        let waiting = log.seals.iter().filter(|seal| self.waits(seal)).count();
        // Both numbers only grow.
        let seen = (log.next_seq() + log.settled()) << 16 | waiting as u64;
        if seen == self.deferred.seen {
            return;
        }
        if self.deferred.not_before > now {
            let at = self.deferred.not_before;
            self.timers.set_if_unset(Timer::Deferred, at);
            return;
        }
        self.deferred.seen = seen;
        self.refresh_deferred(store);
    }

    fn refresh_deferred(&mut self, store: &mut dyn Store) {
        let wanted = self.wanted_deferred();
        for slot in &mut self.own.deferred {
            let still = |(wanted, _): &(Seal, String)| wanted.is_same(&slot.seal);
            if slot.held && !wanted.iter().any(still) {
                slot.take_back(&mut self.account);
            }
        }
        let mut changed = false;
        for (seal, body) in wanted {
            let slots = &mut self.own.deferred;
            if slots
                .iter()
                .any(|slot| slot.held && slot.seal.is_same(&seal))
            {
                continue;
            }
            if slots.len() >= REMEMBERED_MAX
                && let Some(index) = slots.iter().position(|slot| !slot.held)
            {
                slots.remove(index);
            }
            let id = self.request(Means::Deferred, body);
            self.own.deferred.push(Box::new(Slot {
                id,
                seal,
                held: true,
            }));
            changed = true;
        }
        if changed {
            self.deferred.not_before = self.now.mono + REFRESH_MS;
            self.own.write_record(store);
        }
    }

    /// The batches to hold, as they would be sealed now, and their bytes, within the quota.
    fn wanted_deferred(&self) -> Vec<(Seal, String)> {
        let log = &self.own.log;
        let (mut room, mut wanted) = (BYTES_MAX, Vec::new());
        let mut waiting = log
            .seals
            .iter()
            .filter(|seal| self.waits(seal) && !seal.maybe_sent);
        let (mut next, mut untold) = (log.first_unsealed(), UNREPORTED);
        while wanted.len() < SLOTS_MAX {
            let (seal, holes_of) = if let Some(seal) = waiting.next() {
                (*seal, seal.from)
            } else if let Some(to) = log.cut(next, self.cut_limits(), false) {
                let seal = self.own.seal_as_held(next, to, self.now.wall, untold);
                let holes_of = core::mem::replace(&mut untold, NO_HOLES);
                next = log.first_after(to);
                (seal, holes_of)
            } else {
                break;
            };
            let body = log.body(&seal, holes_of);
            if body.len() > room {
                break;
            }
            room -= body.len();
            wanted.push((seal, body));
        }
        wanted
    }

    /// Takes back what the browser holds of a range that is about to leave, or is done with.
    pub(super) fn withdraw(&mut self, from: u64, to: u64) {
        for slot in &mut self.own.deferred {
            if slot.held && slot.seal.from <= to && from <= slot.seal.to {
                slot.take_back(&mut self.account);
            }
        }
    }

    /// The browser refused a deferred request, or has sent it.
    pub(super) fn on_deferred_response(
        &mut self,
        id: RequestId,
        outcome: &Outcome,
        store: &mut dyn Store,
    ) {
        let Some(index) = self.own.deferred.iter().position(|slot| slot.id == id) else {
            return;
        };
        let Slot { seal, .. } = *self.own.deferred.remove(index);
        if matches!(outcome, Outcome::Activated) {
            match self.own.log.find_seal(seal.from, seal.to) {
                Some(sealed) => sealed.maybe_sent = true,
                None => {
                    _ = self.own.log.adopt_if_exact(Seal {
                        maybe_sent: true,
                        sent: true,
                        ..seal
                    })
                }
            }
            self.own.write_record(store);
        } else {
            self.deferred.not_before = self.now.mono + REFUSED_MS;
        }
    }
}
