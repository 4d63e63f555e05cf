//! The books: what was accepted, delivered, given up and refused, and what the page is told of it.

use crate::engine::io::Output;
use crate::engine::report::{DropReason, Fields, Report};
use crate::intake::call::CallError;
use crate::model::ids::TabId;
use crate::text::fields::{after, line_at, name_of, owned, unquoted};

/// What is told once, in the order of [`NOTICES`].
#[derive(Clone, Copy, Debug)]
pub(super) enum Notice {
    StorageUnavailable,
    StorageQuota,
    ChannelUnavailable,
    QueueOverflow,
    EndpointBlocked,
    JournalDamaged,
    JournalForeignVersion,
}

/// A line each: a stable name, a space, and what is wrong and what to do.
const NOTICES: &str = "\
storage_unavailable localStorage is missing or blocked; events are kept in memory
storage_quota localStorage is full; events are kept in memory; free space or lower maxStorageBytes
channel_unavailable BroadcastChannel is missing; each tab sends for itself
queue_overflow more than maxQueueSize events wait; the oldest events are dropped; check that the endpoint answers 2xx
endpoint_blocked no request ever got through; the oldest events are dropped; check the endpoint, CORS, CSP connect-src, ad blockers
journal_damaged a stored journal was damaged; it was set aside as sendoff-damaged
journal_foreign_version localStorage holds a journal of another sendoff version; it is left alone";

/// Counts and pending reports. Reports of one kind within one input are told as one.
#[derive(Debug, Default)]
pub(super) struct Account {
    accepted: u64,
    adopted: u64,
    handed_back: u64,
    delivered: u64,
    dropped: [u64; DropReason::ALL.len()],
    refused: [u64; CallError::ALL.len()],
    /// Requests sent.
    pub(super) requests: u64,
    /// Repeats among them.
    pub(super) retries: u64,
    /// What was told once: a bit for each [`Notice`].
    told: u32,
    outputs: Vec<Output>,
}

impl Account {
    /// An empty one, with what is to be told already.
    pub(super) fn new(outputs: Vec<Output>) -> Self {
        Self {
            outputs,
            ..Self::default()
        }
    }

    /// An event passed the checks.
    pub(super) const fn accept(&mut self) {
        self.accepted += 1;
    }

    /// Events were taken over.
    pub(super) const fn adopt(&mut self, count: usize) {
        self.adopted += count as u64;
    }

    /// Events taken over were left to their tab.
    pub(super) const fn hand_back(&mut self, count: usize) {
        self.handed_back += count as u64;
    }

    /// Events are stored at the collector.
    pub(super) fn deliver(&mut self, tab: TabId, from: u64, to: u64, count: usize) {
        if count > 0 {
            self.delivered += count as u64;
            self.report(Report::Delivered {
                count: count as u32,
                tab: tab.text(),
                from,
                to,
            });
        }
    }

    /// Events are given up.
    pub(super) fn drop(&mut self, reason: DropReason, dropped: usize) {
        if dropped == 0 {
            return;
        }
        if let Some(count) = self.dropped.get_mut(reason as usize) {
            *count += dropped as u64;
        }
        if let Some(Output::Report(Report::Dropped {
            count,
            reason: last,
        })) = self.outputs.last_mut()
            && *last == reason
        {
            *count += dropped as u32;
            return;
        }
        self.report(Report::Dropped {
            count: dropped as u32,
            reason,
        });
    }

    /// A call was refused, by the facade if there are details (a JSON string).
    pub(super) fn refuse(&mut self, error: CallError, detail: &str) {
        if let Some(count) = self.refused.get_mut(error as usize) {
            *count += 1;
        }
        self.error(error.line(), unquoted(detail));
    }

    /// Something is wrong that is worth saying once, as for [`Self::error`].
    pub(super) fn error_once(&mut self, notice: Notice) {
        let bit = 1 << notice as u32;
        if self.told & bit == 0 {
            self.told |= bit;
            self.error(line_at(NOTICES, notice as usize), "");
        }
    }

    /// Something is wrong: a stable name, a space, and what it is, with details.
    fn error(&mut self, line: &'static str, detail: &str) {
        let mut message = owned(after(line, " ").unwrap_or(""));
        if !detail.is_empty() {
            message.push_str(": ");
            message.push_str(detail);
        }
        let code = name_of(line);
        self.report(Report::Error { code, message });
    }

    /// Queues a report.
    pub(super) fn report(&mut self, report: Report) {
        self.output(Output::Report(report));
    }

    /// Queues any other output, in order with the reports.
    pub(super) fn output(&mut self, output: Output) {
        self.outputs.push(output);
    }

    /// Takes what is to be done, in order.
    pub(super) fn take_outputs(&mut self) -> Vec<Output> {
        core::mem::take(&mut self.outputs)
    }

    /// Delivered so far.
    #[must_use]
    pub(super) const fn delivered(&self) -> u64 {
        self.delivered
    }

    /// Given up so far.
    #[must_use]
    pub(super) fn dropped(&self) -> u64 {
        self.dropped.iter().sum()
    }

    /// The counters' part of the account.
    pub(super) fn describe(&self, to: &mut impl Fields) {
        to.number("accepted", self.accepted);
        to.number("adopted", self.adopted);
        to.number("handedBack", self.handed_back);
        to.number("delivered", self.delivered);
        to.counts("dropped", DropReason::CODES, &self.dropped);
        to.counts("refused", CallError::TEXTS, &self.refused);
        to.number("requests", self.requests);
        to.number("retries", self.retries);
    }
}
