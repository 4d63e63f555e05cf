//! Why accepted events are given up.

/// Why an accepted event was given up. Counted in `stats()`, never silent.
///
/// A new reason goes here: a variant, its line in [`ALL`](Self::ALL) and its word in [`code`](Self::code), and
/// the union `DropReason` in `index.d.ts` (a test compares them).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum DropReason {
    /// More than `maxQueueSize` events were waiting; the oldest went.
    Overflow,
    /// Nothing has ever got through to the endpoint; only a small ring of the newest is kept.
    Blocked,
    /// The destination said that it will never take them (400, 422, or one by one in its answer).
    Rejected,
    /// The destination answered 413 for this event alone.
    TooLarge,
    /// The destination would not take this event ("not here, not now", or a connection that breaks), time after
    /// time, while it took others.
    SetAside,
    /// Found in storage, older than `maxEventAgeMs`.
    Expired,
    /// Its stored form was damaged.
    Corrupt,
    /// Consent was withdrawn before it was delivered.
    Consent,
    /// A journal of another version gave a reason that this one does not know.
    Unknown,
}

impl DropReason {
    /// Every reason, in the order of statistics.
    pub const ALL: [Self; 9] = [
        Self::Overflow,
        Self::Blocked,
        Self::Rejected,
        Self::TooLarge,
        Self::SetAside,
        Self::Expired,
        Self::Corrupt,
        Self::Consent,
        Self::Unknown,
    ];

    /// The stable name used on the wire, in the journal and in `stats()`.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Overflow => "overflow",
            Self::Blocked => "blocked",
            Self::Rejected => "rejected",
            Self::TooLarge => "too_large",
            Self::SetAside => "set_aside",
            Self::Expired => "expired",
            Self::Corrupt => "corrupt",
            Self::Consent => "consent",
            Self::Unknown => "unknown",
        }
    }

    /// The reason of that name; a name that is not known is [`Unknown`](Self::Unknown), not damage.
    #[must_use]
    pub fn from_code(code: &str) -> Self {
        let mut all = Self::ALL.iter().copied();
        all.find(|reason| reason.code() == code)
            .unwrap_or(Self::Unknown)
    }
}
