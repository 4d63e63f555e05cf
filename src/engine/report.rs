//! Everything the SDK did or lost, as data.

/// Why an accepted event was given up. Counted in [`Stats::dropped`], never silent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
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
#[derive(Clone, Debug, PartialEq, Eq)]
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
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Count {
    /// Stable name.
    pub reason: &'static str,
    /// How many.
    pub count: u64,
}

/// The account of one client. At every moment
/// `accepted + adopted = delivered + pending + handed_back + Σ dropped`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
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

/// Takes down the parts of a report or of the account, one after the other, by the names that the
/// page knows them under.
pub trait Fields {
    /// A number.
    fn number(&mut self, name: &'static str, value: u64);
    /// A text, or that there is none.
    fn text(&mut self, name: &'static str, value: Option<&str>);
    /// True or false.
    fn flag(&mut self, name: &'static str, value: bool);
    /// Some texts.
    fn texts(&mut self, name: &'static str, values: &[String]);
    /// Some counts under names of their own.
    fn counts(&mut self, name: &'static str, counts: &[Count]);
}

impl Report {
    /// All there is to say, beginning with the report's `type`.
    pub fn describe(&self, to: &mut impl Fields) {
        match self {
            Self::Delivered {
                count,
                tab,
                from,
                to: last,
            } => {
                to.text("type", Some("delivered"));
                to.number("count", (*count).into());
                to.text("tab", Some(tab));
                to.number("from", *from);
                to.number("to", *last);
            }
            Self::Dropped { count, reason } => {
                to.text("type", Some("dropped"));
                to.number("count", (*count).into());
                to.text("reason", Some(reason.code()));
            }
            Self::DeliveryFailed { status, events } => {
                to.text("type", Some("deliveryFailed"));
                to.number("status", (*status).into());
                to.number("events", (*events).into());
            }
            Self::Error { code, message } => {
                to.text("type", Some("error"));
                to.text("code", Some(code));
                to.text("message", Some(message));
            }
            Self::Flushed {
                id,
                delivered,
                pending,
                dropped,
            } => {
                to.text("type", Some("flushed"));
                to.number("id", (*id).into());
                to.number("delivered", (*delivered).into());
                to.number("pending", (*pending).into());
                to.number("dropped", (*dropped).into());
            }
            Self::Role { role, leader, term } => {
                to.text("type", Some("role"));
                to.text("role", Some(role));
                to.text("leader", leader.as_deref());
                to.number("term", *term);
            }
        }
    }
}

impl Stats {
    /// The whole account.
    pub fn describe(&self, to: &mut impl Fields) {
        to.number("accepted", self.accepted);
        to.number("adopted", self.adopted);
        to.number("handedBack", self.handed_back);
        to.number("delivered", self.delivered);
        to.number("pending", self.pending);
        to.counts("dropped", &self.dropped);
        to.counts("refused", &self.refused);
        to.number("volatile", self.volatile);
        to.number("requests", self.requests);
        to.number("retries", self.retries);
        to.number("storageBytes", self.storage_bytes);
        to.text("storage", Some(self.storage));
        to.text("breaker", Some(self.breaker));
        to.flag("blocked", self.blocked);
        to.text("role", Some(self.role));
        to.number("term", self.term);
        to.text("leader", self.leader.as_deref());
        to.text("tab", Some(&self.tab));
        to.texts("peers", &self.peers);
        to.number("lastSeq", self.last_seq);
    }
}
