//! Everything the SDK did or lost, as data.

use crate::text::fields::{line_at, name_of};

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

    /// Their names, a line each.
    pub(super) const CODES: &str = "overflow\nblocked\nrejected\ntoo_large\nexpired\ncorrupt";

    /// The stable name used on the wire, in the journal and in `stats()`.
    #[must_use]
    pub fn code(self) -> &'static str {
        line_at(Self::CODES, self as usize)
    }

    /// The reason of that name.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .copied()
            .find(|reason| reason.code() == code)
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
    /// One of a few words.
    fn word(&mut self, name: &'static str, value: &'static str) {
        self.text(name, Some(value));
    }
    /// True or false.
    fn flag(&mut self, name: &'static str, value: bool);
    /// Some texts.
    fn texts(&mut self, name: &'static str, values: impl Iterator<Item = String>);
    /// Counts under the names that begin the lines of `names`; those of zero are left out.
    fn counts(&mut self, name: &'static str, names: &'static str, counts: &[u64]);
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
                to.word("type", "delivered");
                to.number("count", (*count).into());
                to.text("tab", Some(tab));
                to.number("from", *from);
                to.number("to", *last);
            }
            Self::Dropped { count, reason } => {
                to.word("type", "dropped");
                to.number("count", (*count).into());
                to.word("reason", reason.code());
            }
            Self::DeliveryFailed { status, events } => {
                to.word("type", "deliveryFailed");
                to.number("status", (*status).into());
                to.number("events", (*events).into());
            }
            Self::Error { code, message } => {
                to.word("type", "error");
                to.word("code", code);
                to.text("message", Some(message));
            }
            Self::Flushed {
                id,
                delivered,
                pending,
                dropped,
            } => {
                to.word("type", "flushed");
                to.number("id", (*id).into());
                to.number("delivered", (*delivered).into());
                to.number("pending", (*pending).into());
                to.number("dropped", (*dropped).into());
            }
            Self::Role { role, leader, term } => {
                to.word("type", "role");
                to.word("role", role);
                to.text("leader", leader.as_deref());
                to.number("term", *term);
            }
        }
    }
}

impl Fields for Stats {
    fn number(&mut self, name: &'static str, value: u64) {
        let number = match name {
            "accepted" => &mut self.accepted,
            "adopted" => &mut self.adopted,
            "handedBack" => &mut self.handed_back,
            "delivered" => &mut self.delivered,
            "pending" => &mut self.pending,
            "volatile" => &mut self.volatile,
            "requests" => &mut self.requests,
            "retries" => &mut self.retries,
            "storageBytes" => &mut self.storage_bytes,
            "term" => &mut self.term,
            _ => &mut self.last_seq,
        };
        *number = value;
    }

    fn text(&mut self, name: &'static str, value: Option<&str>) {
        let value = value.map(ToOwned::to_owned);
        match name {
            "tab" => self.tab = value.unwrap_or_default(),
            _ => self.leader = value,
        }
    }

    fn word(&mut self, name: &'static str, value: &'static str) {
        match name {
            "storage" => self.storage = value,
            "breaker" => self.breaker = value,
            _ => self.role = value,
        }
    }

    fn flag(&mut self, _: &'static str, value: bool) {
        self.blocked = value;
    }

    fn texts(&mut self, _: &'static str, values: impl Iterator<Item = String>) {
        self.peers = values.collect();
    }

    fn counts(&mut self, name: &'static str, names: &'static str, counts: &[u64]) {
        let list = match name {
            "dropped" => &mut self.dropped,
            _ => &mut self.refused,
        };
        for (index, count) in counts.iter().copied().enumerate() {
            if count > 0 {
                let reason = name_of(line_at(names, index));
                list.push(Count { reason, count });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Engine;
    use crate::engine::config::Config;
    use crate::engine::io::Host;
    use crate::model::store::MemoryStore;
    use crate::model::time::Now;

    /// The names under which something is told, in order.
    #[derive(Default)]
    struct Names(Vec<&'static str>);

    impl Fields for Names {
        fn number(&mut self, name: &'static str, _: u64) {
            self.0.push(name);
        }

        fn text(&mut self, name: &'static str, _: Option<&str>) {
            self.0.push(name);
        }

        fn flag(&mut self, name: &'static str, _: bool) {
            self.0.push(name);
        }

        fn texts(&mut self, name: &'static str, _: impl Iterator<Item = String>) {
            self.0.push(name);
        }

        fn counts(&mut self, name: &'static str, _: &'static str, _: &[u64]) {
            self.0.push(name);
        }
    }

    /// The facade's source with the pieces of its texts in one.
    fn facade() -> String {
        let source = include_str!("../../pkg-template/index.js");
        source.replace("\" +\n  \"", "")
    }

    #[test]
    fn the_facade_names_the_figures_of_the_account_in_this_order() {
        let host = Host {
            tab: "00000000000000000001".into(),
            seed: 1,
            project: "k".into(),
            anonymous_id: "a".into(),
            runtime: "test".into(),
            context: "{}".into(),
            has_channel: false,
            has_deferred: false,
            has_storage: true,
            visible: true,
            online: true,
        };
        let (mut store, mut names) = (MemoryStore::default(), Names::default());
        let engine = Engine::new(Config::new("k"), vec![], host, Now::default(), &mut store);
        engine.describe(&mut names);
        let told = format!("\"{}\"", names.0.join(" "));
        assert!(facade().contains(&told), "{told}");
    }

    #[test]
    fn the_facade_names_the_parts_of_each_report_in_this_order() {
        let reports = [
            Report::Delivered {
                count: 1,
                tab: String::new(),
                from: 1,
                to: 1,
            },
            Report::DeliveryFailed {
                status: 0,
                events: 1,
            },
            Report::Dropped {
                count: 1,
                reason: DropReason::Overflow,
            },
            Report::Role {
                role: "leader",
                leader: None,
                term: 1,
            },
        ];
        for report in reports {
            let mut names = Names::default();
            report.describe(&mut names);
            let (first, rest) = names.0.split_first().unwrap();
            assert_eq!(*first, "type");
            let told = format!("named(\"{}\", values)", rest.join(" "));
            assert!(facade().contains(&told), "{told}");
        }
    }
}
