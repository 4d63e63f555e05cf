//! The books: what was accepted, delivered, given up and refused, and what the page is told of it.

use super::{
    event::{CallError, Refusal},
    io::Output,
    report::{Count, DropReason, Report, Stats},
};
use crate::wire::text::unquoted;

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
    told: Vec<&'static str>,
    outputs: Vec<Output>,
    /// Those that are being polled, the next one last.
    polled: Vec<Output>,
}

impl Account {
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
    pub(super) fn deliver(&mut self, tab: String, from: u64, to: u64, count: usize) {
        if count > 0 {
            self.delivered += count as u64;
            self.report(Report::Delivered {
                count: count as u32,
                tab,
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

    /// A call was refused.
    pub(super) fn refuse(&mut self, refusal: Refusal<'_>) {
        if let Some(count) = self.refused.get_mut(refusal.error as usize) {
            *count += 1;
        }
        let mut message = refusal.error.advice().to_owned();
        if !refusal.detail.is_empty() && refusal.error != CallError::CallMalformed {
            message.push_str(": ");
            message.push_str(unquoted(refusal.detail));
        }
        self.report(Report::Error {
            code: refusal.error.code(),
            message,
        });
    }

    /// Something is wrong that is worth saying once.
    pub(super) fn error_once(&mut self, code: &'static str, message: &str) {
        if !self.told.contains(&code) {
            self.told.push(code);
            self.report(Report::Error {
                code,
                message: message.to_owned(),
            });
        }
    }

    /// Queues a report.
    pub(super) fn report(&mut self, report: Report) {
        self.output(Output::Report(report));
    }

    /// Queues any other output, in order with the reports.
    pub(super) fn output(&mut self, output: Output) {
        self.outputs.push(output);
    }

    /// Takes the next output.
    pub(super) fn poll_output(&mut self) -> Option<Output> {
        if self.polled.is_empty() {
            self.polled = core::mem::take(&mut self.outputs);
            self.polled.reverse();
        }
        self.polled.pop()
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

    /// The counters' part of the statistics.
    #[must_use]
    pub(super) fn stats(&self) -> Stats {
        let mut stats = Stats {
            accepted: self.accepted,
            adopted: self.adopted,
            handed_back: self.handed_back,
            delivered: self.delivered,
            requests: self.requests,
            retries: self.retries,
            storage: "memory",
            ..Stats::default()
        };
        for (reason, count) in DropReason::ALL.into_iter().zip(self.dropped) {
            push_count(&mut stats.dropped, reason.code(), count);
        }
        for (error, count) in CallError::ALL.into_iter().zip(self.refused) {
            push_count(&mut stats.refused, error.code(), count);
        }
        stats
    }
}

fn push_count(counts: &mut Vec<Count>, reason: &'static str, count: u64) {
    if count > 0 {
        counts.push(Count { reason, count });
    }
}
