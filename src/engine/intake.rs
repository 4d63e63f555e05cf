//! Calls of the page: checked, numbered, journalled, bounded.

use crate::engine::Engine;
use crate::engine::account::Notice;
use crate::engine::report::DropReason;
use crate::intake::call::{Call, CallError};
use crate::journal::log::CutLimits;
use crate::model::store::{Store, StoreError};
use crate::text::fields::fields;
use crate::wire::envelope;

/// Events kept at most while nothing has ever got through to the endpoint.
pub(super) const RING_EVENTS_MAX: usize = 1_000;
/// Bytes of events kept at most meanwhile.
const RING_BYTES_MAX: usize = 160 * 1024;
/// Bytes of storage taken at most meanwhile.
pub(super) const RING_STORAGE_BYTES_MAX: usize = 256 * 1024;

/// How often what other tabs hold is weighed anew while there is no room, in milliseconds.
const WEIGH_MS: u64 = 1_000;

impl Engine {
    /// One burst of calls: one write to the journal.
    pub(super) fn on_calls(&mut self, records: &str, store: &mut dyn Store) {
        let before = self.own.log.next_seq();
        let mut urgent = false;
        for record in fields(records, b'\n') {
            if record.is_empty() {
                continue;
            }
            match self.accept(record) {
                Ok(now) => urgent |= now,
                Err(error) => self.account.refuse(error, Call::detail(record)),
            }
        }
        if urgent {
            self.identity.save(&self.host.project, store);
        }
        if self.own.log.next_seq() > before {
            self.enforce_bounds(store);
            self.persist(store);
            // Another full batch is a reason to try again even after a failed go.
            if self.own.log.unsealed() >= self.config.flush_at as usize {
                self.paused = false;
            }
        }
        if urgent {
            self.go();
        }
    }

    /// Checks one record and appends its event; tells whether it is to be flushed at once.
    fn accept(&mut self, record: &str) -> Result<bool, CallError> {
        let call = Call::parse(record)?;
        let text = call.encode(self.me, self.own.log.next_seq(), &self.identity);
        if text.len() + self.envelope_bytes() > self.config.max_payload_bytes as usize {
            return Err(CallError::EventTooLarge);
        }
        call.apply(&mut self.identity);
        self.own.log.push(text);
        self.account.accept();
        Ok(call.is_urgent())
    }

    fn envelope_bytes(&self) -> usize {
        envelope::overhead_bytes(&self.own.log.header, crate::journal::log::HOLES_MAX)
    }

    /// Limits of a batch in this configuration.
    pub(super) const fn cut_limits(&self) -> CutLimits {
        CutLimits {
            events: self.config.max_batch_size as usize,
            bytes: self.config.max_payload_bytes as usize,
        }
    }

    /// Drops the oldest events over the bound, and says so once.
    pub(super) fn enforce_bounds(&mut self, store: &mut dyn Store) {
        let blocked = self.gate.breaker.is_blocked();
        let queue_max = self.config.max_queue_size as usize;
        let (max, reason, notice) = if blocked && RING_EVENTS_MAX < queue_max {
            (
                RING_EVENTS_MAX,
                DropReason::Blocked,
                Notice::EndpointBlocked,
            )
        } else {
            (queue_max, DropReason::Overflow, Notice::QueueOverflow)
        };
        let mut excess = self.own.log.pending().saturating_sub(max);
        if blocked {
            let bytes = self.own.log.bytes();
            let each = bytes / self.own.log.pending().max(1);
            if let Some(heavy @ 1..) = bytes.checked_sub(RING_BYTES_MAX) {
                excess = excess.max(heavy / each + 1);
            }
        }
        if let Some((from, to, dropped)) = self.own.log.drop_oldest(excess, reason) {
            // The browser must not send them after all.
            self.withdraw(from, to);
            self.account.drop(reason, dropped);
            self.own.write_record(store);
            self.own.journal.trim(&self.own.log, u64::MAX, store);
            self.account.error_once(notice);
        }
    }

    /// Like `persist`, for a page that may not get another chance.
    pub(super) fn persist_last(&mut self, store: &mut dyn Store) {
        if self.host.has_storage {
            _ = self
                .own
                .journal
                .append(&self.own.log, self.now, true, store);
        }
    }

    /// Writes what is only in memory to the journal.
    pub(super) fn persist(&mut self, store: &mut dyn Store) {
        if !self.host.has_storage {
            return;
        }
        self.share_storage();
        let due = self.now.mono.since_ms(self.weighed_at) >= WEIGH_MS;
        if due && !self.own.journal.has_room() {
            self.weigh_others(store);
            self.share_storage();
        }
        match self
            .own
            .journal
            .append(&self.own.log, self.now, false, store)
        {
            // A gap before these events is explained in the same breath, or that they are the last.
            Ok(()) if self.own.log.has_unreported() || self.own.log.left => {
                self.own.write_record(store);
            }
            Ok(()) => {}
            Err(StoreError::QuotaExceeded) => self.account.error_once(Notice::StorageQuota),
            Err(_) => self.account.error_once(Notice::StorageUnavailable),
        }
    }
}
