//! Everything the SDK did or lost, as data.

use serde::Serialize;

/// Why an accepted event was given up. Counted in [`Stats::dropped`], never silent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum DropReason {
    /// More than `maxQueueSize` events were waiting; the oldest went.
    Overflow,
    /// Nothing has ever got through to the endpoint; only a small ring of the newest is kept.
    Blocked,
    /// The collector answered 4xx (not 408, 413, 429): it will never take them.
    Rejected,
    /// The collector answered 413 for this event alone.
    TooLarge,
    /// Found in storage, older than `maxEventAgeMs`.
    Expired,
    /// Its stored form was damaged.
    Corrupt,
}

impl DropReason {
    /// Every reason, in wire and statistics order.
    pub const ALL: [Self; 6] = [
        Self::Overflow,
        Self::Blocked,
        Self::Rejected,
        Self::TooLarge,
        Self::Expired,
        Self::Corrupt,
    ];

    /// The stable name used on the wire, in the journal and in `stats()`.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Overflow => "overflow",
            Self::Blocked => "blocked",
            Self::Rejected => "rejected",
            Self::TooLarge => "too_large",
            Self::Expired => "expired",
            Self::Corrupt => "corrupt",
        }
    }

    /// The reason of that name.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.code() == code)
    }
}

/// Something the page may want to know. The facade turns these into callbacks, promises and events.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(
    tag = "type",
    rename_all = "camelCase",
    rename_all_fields = "camelCase"
)]
#[non_exhaustive]
pub enum Report {
    /// Events reached the collector (answered 2xx).
    Delivered {
        /// How many.
        count: u32,
        /// The tab that tracked them, the first and the last sequence number.
        tab: String,
        /// First sequence number.
        from: u64,
        /// Last sequence number.
        to: u64,
    },
    /// Accepted events were given up.
    Dropped {
        /// How many.
        count: u32,
        /// Why.
        reason: DropReason,
    },
    /// A delivery attempt ended without a 2xx and will not be repeated in this go.
    DeliveryFailed {
        /// HTTP status, 0 where there was none.
        status: u16,
        /// Events in that batch.
        events: u32,
    },
    /// Something was wrong: with a call, the configuration, storage or another tab.
    Error {
        /// Stable name, for example `name_too_long`.
        code: &'static str,
        /// What was wrong, where, and what to do.
        message: String,
    },
    /// A `flush()` or `shutdown()` is over.
    Flushed {
        /// The id it was asked with.
        id: u32,
        /// Events delivered since it was asked.
        delivered: u32,
        /// Events still waiting.
        pending: u32,
        /// Events given up since it was asked.
        dropped: u32,
    },
    /// This tab's role changed.
    Role {
        /// `joining`, `leader`, `follower` or `independent`.
        role: &'static str,
        /// The leading tab, if known.
        leader: Option<String>,
        /// The lease's term.
        term: u64,
    },
}

/// A count under a stable name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Count {
    /// Stable name.
    pub reason: &'static str,
    /// How many.
    pub count: u64,
}

/// The account of one client. At every moment
/// `accepted + adopted = delivered + pending + handed_back + Σ dropped`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Stats {
    /// Events of this tab that passed the checks at the call.
    pub accepted: u64,
    /// Events taken over from tabs that are gone, or from earlier visits.
    pub adopted: u64,
    /// Taken over, then left to their tab again because it turned out to be alive.
    pub handed_back: u64,
    /// Answered 2xx.
    pub delivered: u64,
    /// Waiting or in flight.
    pub pending: u64,
    /// Given up, by reason; reasons that never occurred are absent.
    pub dropped: Vec<Count>,
    /// Calls refused at the door (never accepted), by error code.
    pub refused: Vec<Count>,
    /// Pending events that storage does not hold (no storage, no quota, over the cap).
    pub volatile: u64,
    /// Requests sent.
    pub requests: u64,
    /// Of these, repeats of a batch that had been sent before.
    pub retries: u64,
    /// Bytes in storage, keys and values, of this tab and those it took over.
    pub storage_bytes: u64,
    /// `local` or `memory`.
    pub storage: &'static str,
    /// `closed`, `open` or `half_open`.
    pub breaker: &'static str,
    /// Whether nothing has ever got through and only a small ring is kept.
    pub blocked: bool,
    /// `joining`, `leader`, `follower` or `independent`.
    pub role: &'static str,
    /// The lease's term.
    pub term: u64,
    /// The leading tab, if known.
    pub leader: Option<String>,
    /// This tab.
    pub tab: String,
    /// Other tabs heard from and not known to be gone.
    pub peers: Vec<String>,
    /// Sequence number of the newest accepted event of this tab.
    pub last_seq: u64,
}
