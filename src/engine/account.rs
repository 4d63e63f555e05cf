//! The books: what was accepted, delivered, given up and refused at each destination, and what the page is told
//! of it.

use std::collections::BTreeMap;

use crate::{
    engine::{
        io::Output,
        report::{Count, Figures, Report, Stats},
    },
    intake::call::CallError,
    model::{drop_reason::DropReason, ids::TabId},
};

/// What is told once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Notice {
    /// No storage.
    StorageUnavailable,
    /// A storage that keeps nothing.
    StorageForgetful,
    /// No room in it.
    StorageQuota,
    /// No channel.
    ChannelUnavailable,
    /// More events wait than may.
    QueueOverflow,
    /// Nothing ever got through.
    EndpointBlocked,
    /// A journal was damaged.
    JournalDamaged,
    /// A journal is of another version.
    JournalForeignVersion,
    /// A journal is owed to a destination that is not configured.
    DestinationUnknown,
    /// Something personal was found in a call.
    PersonalData,
    /// A metric's parent is no span.
    MetricParentInvalid,
}

impl Notice {
    /// Stable name.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::StorageUnavailable => "storage_unavailable",
            Self::StorageForgetful => "storage_forgetful",
            Self::StorageQuota => "storage_quota",
            Self::ChannelUnavailable => "channel_unavailable",
            Self::QueueOverflow => "queue_overflow",
            Self::EndpointBlocked => "endpoint_blocked",
            Self::JournalDamaged => "journal_damaged",
            Self::JournalForeignVersion => "journal_foreign_version",
            Self::DestinationUnknown => "destination_unknown",
            Self::PersonalData => "personal_data",
            Self::MetricParentInvalid => "metric_parent_invalid",
        }
    }

    /// What is wrong, and what to do.
    #[must_use]
    pub const fn message(self) -> &'static str {
        match self {
            Self::StorageUnavailable => {
                "localStorage is missing or blocked; events are kept in memory"
            }
            Self::StorageForgetful => {
                "localStorage takes values and does not keep them (an extension or a consent tool has replaced it); \
                 events are kept in memory"
            }
            Self::StorageQuota => {
                "localStorage is full; events are kept in memory; free space or lower maxStorageBytes"
            }
            Self::ChannelUnavailable => "BroadcastChannel is missing; each tab sends for itself",
            Self::QueueOverflow => {
                "more than maxQueueSize events wait; the oldest events are dropped; check that the endpoint answers 2xx"
            }
            Self::EndpointBlocked => {
                "no request ever got through; the oldest events are dropped; check the endpoint, CORS, CSP connect-src, \
                 ad blockers"
            }
            Self::JournalDamaged => {
                "a stored journal was damaged; it was set aside as sendoff-damaged"
            }
            Self::JournalForeignVersion => {
                "localStorage holds a journal of another sendoff version; it is left alone"
            }
            Self::PersonalData => {
                "personal data (a mail address, a card number, a key …) was found in a call and treated as the option pii \
                 says; keep it out of properties, or name what is harmless in piiAllow"
            }
            Self::MetricParentInvalid => {
                "a metric's parent has no valid trace and span id; it is left out"
            }
            Self::DestinationUnknown => {
                "localStorage holds events for a destination that is not configured here; they stay until \
                 maxEventAgeMs, or for a page that has it"
            }
        }
    }
}

/// One destination's books.
#[derive(Debug, Default)]
struct Books {
    destination: String,
    accepted: u64,
    adopted: u64,
    handed_back: u64,
    delivered: u64,
    dropped: BTreeMap<DropReason, u64>,
    requests: u64,
    retries: u64,
}

/// Counts and pending reports. Reports of one kind within one input are told as one.
#[derive(Debug, Default)]
pub struct Account {
    books: Vec<Books>,
    refused: BTreeMap<CallError, u64>,
    sampled: u64,
    told: Vec<Notice>,
    outputs: Vec<Output>,
}

impl Account {
    /// Empty books.
    #[must_use]
    pub fn new<'a>(destinations: impl Iterator<Item = &'a str>) -> Self {
        let books = destinations.map(|name| Books {
            destination: name.to_owned(),
            ..Books::default()
        });
        Self {
            books: books.collect(),
            ..Self::default()
        }
    }

    /// An event passed the checks and goes to the destination.
    pub fn accept(&mut self, lane: usize) {
        self.with(lane, |books| books.accepted += 1);
    }

    /// Calls were left out by sampling.
    pub const fn sample_out(&mut self) {
        self.sampled += 1;
    }

    /// Events were taken over.
    pub fn adopt(&mut self, lane: usize, count: usize) {
        self.with(lane, |books| books.adopted += count as u64);
    }

    /// Events taken over were left to their tab.
    pub fn hand_back(&mut self, lane: usize, count: usize) {
        self.with(lane, |books| books.handed_back += count as u64);
    }

    /// A request left.
    pub fn send(&mut self, lane: usize, repeated: bool) {
        self.with(lane, |books| {
            books.requests += 1;
            books.retries += u64::from(repeated);
        });
    }

    /// Events are stored at a destination.
    pub fn deliver(&mut self, lane: usize, tab: TabId, (from, to): (u64, u64), count: usize) {
        if count == 0 {
            return;
        }
        self.with(lane, |books| books.delivered += count as u64);
        let destination = self.name(lane);
        self.report(Report::Delivered {
            destination,
            count: count as u32,
            tab: tab.text(),
            from,
            to,
        });
    }

    /// Events are given up.
    pub fn drop(&mut self, lane: usize, reason: DropReason, dropped: usize) {
        if dropped == 0 {
            return;
        }
        self.with(lane, |books| {
            *books.dropped.entry(reason).or_default() += dropped as u64;
        });
        let name = self.name(lane);
        if let Some(Output::Report(Report::Dropped {
            destination,
            count,
            reason: last,
        })) = self.outputs.last_mut()
            && *last == reason
            && *destination == name
        {
            *count += dropped as u32;
            return;
        }
        self.report(Report::Dropped {
            destination: name,
            count: dropped as u32,
            reason,
        });
    }

    /// Attempts were in vain, or some events were refused.
    pub fn fail(&mut self, lane: usize, status: u16, events: usize) {
        let destination = self.name(lane);
        self.report(Report::DeliveryFailed {
            destination,
            status,
            events: events as u32,
        });
    }

    /// A call was refused, by the facade if there are details.
    pub fn refuse(&mut self, error: CallError, detail: &str) {
        *self.refused.entry(error).or_default() += 1;
        let mut message = error.message().to_owned();
        if !detail.is_empty() {
            message.push_str(": ");
            message.push_str(detail);
        }
        let code = error.code();
        self.report(Report::Error { code, message });
    }

    /// Something is wrong that is worth saying once.
    pub fn notice(&mut self, notice: Notice) {
        if !self.told.contains(&notice) {
            self.told.push(notice);
            self.report(Report::Error {
                code: notice.code(),
                message: notice.message().to_owned(),
            });
        }
    }

    /// Queues a report.
    pub fn report(&mut self, report: Report) {
        self.output(Output::Report(report));
    }

    /// Queues any other output, in order with the reports.
    pub fn output(&mut self, output: Output) {
        self.outputs.push(output);
    }

    /// Takes what is to be done, in order.
    pub fn take_outputs(&mut self) -> Vec<Output> {
        core::mem::take(&mut self.outputs)
    }

    /// Delivered so far, at the destination that has had the least.
    #[must_use]
    pub fn delivered(&self) -> u64 {
        let delivered = self.books.iter().map(|books| books.delivered);
        delivered.min().unwrap_or(0)
    }

    /// Given up so far, at any destination.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.books
            .iter()
            .flat_map(|books| books.dropped.values())
            .sum()
    }

    /// What one destination's books say; what waits and how its gate stands is for others to fill in.
    #[must_use]
    pub fn figures(&self, lane: usize) -> Figures {
        let Some(books) = self.books.get(lane) else {
            return Figures::default();
        };
        Figures {
            accepted: books.accepted,
            adopted: books.adopted,
            handed_back: books.handed_back,
            delivered: books.delivered,
            dropped: books
                .dropped
                .iter()
                .map(|(reason, count)| Count {
                    reason: reason.code(),
                    count: *count,
                })
                .collect(),
            requests: books.requests,
            retries: books.retries,
            ..Figures::default()
        }
    }

    /// The account as far as it is kept here: the first destination's figures stand for all.
    #[must_use]
    pub fn stats(&self, destinations: Vec<(String, Figures)>) -> Stats {
        let first = destinations
            .first()
            .map(|(_, figures)| figures.clone())
            .unwrap_or_default();
        Stats {
            accepted: first.accepted,
            adopted: first.adopted,
            handed_back: first.handed_back,
            delivered: first.delivered,
            pending: first.pending,
            dropped: first.dropped,
            refused: self
                .refused
                .iter()
                .map(|(error, count)| Count {
                    reason: error.code(),
                    count: *count,
                })
                .collect(),
            sampled: self.sampled,
            requests: first.requests,
            retries: first.retries,
            breaker: first.breaker,
            blocked: first.blocked,
            destinations,
            ..Stats::default()
        }
    }

    fn with(&mut self, lane: usize, change: impl FnOnce(&mut Books)) {
        if let Some(books) = self.books.get_mut(lane) {
            change(books);
        }
    }

    fn name(&self, lane: usize) -> String {
        self.books
            .get(lane)
            .map(|books| books.destination.clone())
            .unwrap_or_default()
    }
}
