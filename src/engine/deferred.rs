//! Deferred requests (`fetchLater`): what the browser is left with in case this tab simply dies.

use super::{
    Engine,
    io::{Means, Outcome, Output, Request, RequestId},
    lists::remove_where,
    log::{Log, NO_HOLES, Seal, SealState, UNREPORTED},
    partition::BatchRef,
    store::Store,
    time::{Instant, Timer},
};

/// Bytes of deferred requests at most. The quota is 64 KiB per reporting origin (Deferred fetch,
/// fetch.spec.whatwg.org "deferred-fetch quota"), and URL and headers count.
const BYTES_MAX: usize = 60_000;
/// Deferred requests at most; and of those that were taken back, how many are remembered.
const SLOTS_MAX: usize = 8;
/// The deferred requests are refreshed this often at most, in milliseconds.
const REFRESH_MS: u64 = 1_000;
/// After the browser refused one, this long passes before the next try, in milliseconds.
const REFUSED_MS: u64 = 30_000;

/// Requests that the browser sends when this tab is gone.
#[derive(Debug, Default)]
pub(super) struct Deferred {
    slots: Vec<Slot>,
    not_before: Instant,
    seen: (u64, u64, usize),
    /// Beacons never say when they are done; until the page is back they count as in flight.
    pub(super) beacon_bytes: usize,
}

#[derive(Debug)]
struct Slot {
    id: RequestId,
    seal: Seal,
    /// Or it was taken back a moment ago, and may turn out to have been sent.
    held: bool,
}

impl Deferred {
    /// The deferred batches that are not sealed: whoever finds the journal must know of them.
    pub(super) fn unsealed(&self, log: &Log) -> Vec<Seal> {
        let mut unsealed = Vec::new();
        let first = log.first_unsealed().unwrap_or(u64::MAX);
        for slot in &self.slots {
            if slot.held && slot.seal.from >= first {
                unsealed.push(slot.seal);
            }
        }
        unsealed
    }
}

impl Engine {
    /// Keeps the browser supplied with what is to be sent if this tab dies without a word: what
    /// waits here and is not with the leader, at most once a second, and only if it changed.
    pub(super) fn update_deferred(&mut self, store: &mut dyn Store) {
        let now = self.now.mono;
        let idle = !self.host.has_deferred || !self.config.auto_flush_on_exit;
        if idle || self.page.leaving || self.page.frozen || self.gate.is_told_to_wait(now) {
            return;
        }
        let log = &self.own.log;
        let waiting = |seal: &&Seal| seal.state == SealState::Waiting;
        let waiting = log.seals.iter().filter(waiting).count();
        let seen = (log.next_seq(), log.settled(), waiting);
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
        self.withdraw(&|held| !wanted.iter().any(|(seal, _)| seal.is_same(held)));
        let mut changed = false;
        for (seal, body) in wanted {
            if self
                .deferred
                .slots
                .iter()
                .any(|slot| slot.held && slot.seal.is_same(&seal))
            {
                continue;
            }
            let id = self.next_request_id();
            self.deferred.slots.push(Slot {
                id,
                seal,
                held: true,
            });
            self.account.output(Output::Send(Request {
                id,
                means: Means::Deferred,
                body,
                wants_body: false,
            }));
            changed = true;
        }
        if changed {
            self.deferred.not_before = self.now.mono + REFRESH_MS;
            self.write_own_record(store);
        }
    }

    /// The batches to hold, as they would be sealed now, and their bytes, within the quota.
    fn wanted_deferred(&self) -> Vec<(Seal, String)> {
        let log = &self.own.log;
        let (mut room, mut wanted) = (BYTES_MAX, Vec::new());
        let mut take = |seal: Seal, holes_of: u64| {
            let body = log.body(&seal, holes_of);
            let fits = body.len() <= room && wanted.len() < SLOTS_MAX;
            if fits {
                room -= body.len();
                wanted.push((seal, body));
            }
            fits
        };
        for seal in &log.seals {
            let waits = seal.state == SealState::Waiting && !seal.maybe_sent;
            if waits && !take(*seal, seal.from) {
                return wanted;
            }
        }
        let mut after = log.first_unsealed().map_or(u64::MAX, |first| first - 1);
        let mut holes_of = UNREPORTED;
        while let Some((from, to)) = log.cut(after, self.cut_limits()) {
            if !take(self.seal_as_held(from, to, holes_of), holes_of) {
                break;
            }
            (after, holes_of) = (to, NO_HOLES);
        }
        wanted
    }

    /// The seal that a range gets: the one under which the browser holds it already, or a new one.
    pub(super) fn seal_as_held(&self, from: u64, to: u64, holes_of: u64) -> Seal {
        let log = &self.own.log;
        for Slot { seal, held, .. } in &self.deferred.slots {
            if *held && seal.spans(from, to) && log.stamp(seal, holes_of) == seal.stamp {
                return *seal;
            }
        }
        log.sealing(from, to, self.now.wall, holes_of)
    }

    /// A batch is about to leave, or is done with: the browser must not send it as well.
    pub(super) fn withdraw_overlapping(&mut self, batch: BatchRef) {
        if batch.tab == self.me {
            self.withdraw(&|held| held.from <= batch.to && batch.from <= held.to);
        }
    }

    /// Takes back everything that the browser holds.
    pub(super) fn withdraw_deferred(&mut self) {
        self.withdraw(&|_| true);
    }

    fn withdraw(&mut self, is_stale: &dyn Fn(&Seal) -> bool) {
        let mut withdrawn = 0;
        for slot in &mut self.deferred.slots {
            if slot.held && is_stale(&slot.seal) {
                slot.held = false;
                self.account.output(Output::Cancel(slot.id));
            }
            withdrawn += usize::from(!slot.held);
        }
        remove_where(&mut self.deferred.slots, |slot| {
            let forget = !slot.held && withdrawn > SLOTS_MAX;
            withdrawn -= usize::from(forget);
            forget
        });
    }

    /// The browser took a deferred request, refused it, or has sent it.
    pub(super) fn on_deferred_response(
        &mut self,
        id: RequestId,
        outcome: &Outcome,
        store: &mut dyn Store,
    ) {
        let slot = self.deferred.slots.iter().position(|slot| slot.id == id);
        let (Some(index), false) = (slot, matches!(outcome, Outcome::Queued)) else {
            return;
        };
        let Slot { seal, .. } = self.deferred.slots.remove(index);
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
            self.write_own_record(store);
        } else {
            self.deferred.not_before = self.now.mono + REFUSED_MS;
        }
    }
}
