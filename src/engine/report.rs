//! Everything the SDK did or lost, as data; and as the named JSON objects that the page is told.

use crate::{metrics::MetricsFigures, model::drop_reason::DropReason, text::json::Object};

/// Something the page may want to know. The facade turns these into callbacks, promises and events.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Report {
    /// Events are stored at a destination.
    Delivered {
        /// Which.
        destination: String,
        /// How many.
        count: u32,
        /// The tab that tracked them.
        tab: String,
        /// First sequence number.
        from: u64,
        /// Last sequence number.
        to: u64,
    },
    /// Accepted events were given up.
    Dropped {
        /// At which destination.
        destination: String,
        /// How many.
        count: u32,
        /// Why.
        reason: DropReason,
    },
    /// A delivery attempt ended without a 2xx and will not be repeated in this go, or some of a batch was refused.
    DeliveryFailed {
        /// At which destination.
        destination: String,
        /// HTTP status, 0 where there was none.
        status: u16,
        /// Events in that batch, or those refused.
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
    /// Ids, session or super properties of the visitor changed, here or in another tab.
    Visitor,
    /// What the visitor allows changed, here or in another tab.
    Consent {
        /// `granted`, `pending` or `denied`.
        analytics: &'static str,
        /// The same.
        marketing: &'static str,
    },
}

impl Report {
    /// As a JSON object, its `type` first.
    #[must_use]
    pub fn to_json(&self) -> String {
        let mut out = Object::default();
        match self {
            Self::Delivered {
                destination,
                count,
                tab,
                from,
                to,
            } => {
                out.text("type", "delivered");
                out.text("destination", destination);
                out.number("count", (*count).into());
                out.text("tab", tab);
                out.number("from", *from);
                out.number("to", *to);
            }
            Self::Dropped {
                destination,
                count,
                reason,
            } => {
                out.text("type", "dropped");
                out.text("destination", destination);
                out.number("count", (*count).into());
                out.text("reason", reason.code());
            }
            Self::DeliveryFailed {
                destination,
                status,
                events,
            } => {
                out.text("type", "deliveryFailed");
                out.text("destination", destination);
                out.number("status", (*status).into());
                out.number("events", (*events).into());
            }
            Self::Error { code, message } => {
                out.text("type", "error");
                out.text("code", code);
                out.text("message", message);
            }
            Self::Flushed {
                id,
                delivered,
                pending,
                dropped,
            } => {
                out.text("type", "flushed");
                out.number("id", (*id).into());
                out.number("delivered", (*delivered).into());
                out.number("pending", (*pending).into());
                out.number("dropped", (*dropped).into());
            }
            Self::Role { role, leader, term } => {
                out.text("type", "role");
                out.text("role", role);
                out.maybe("leader", leader.as_deref());
                out.number("term", *term);
            }
            Self::Visitor => out.text("type", "visitor"),
            Self::Consent {
                analytics,
                marketing,
            } => {
                out.text("type", "consent");
                out.text("analytics", analytics);
                out.text("marketing", marketing);
            }
        }
        out.end()
    }
}

/// A count under a stable name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Count {
    /// Stable name.
    pub reason: &'static str,
    /// How many.
    pub count: u64,
}

/// The account of one destination. At every moment
/// `accepted + adopted = delivered + pending + handed_back + Σ dropped`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// Events of this tab that passed the checks at the call and go to this destination.
    pub accepted: u64,
    /// Events taken over from tabs that are gone, or from earlier visits.
    pub adopted: u64,
    /// Taken over, then left to their tab again because it turned out to be alive.
    pub handed_back: u64,
    /// Stored there.
    pub delivered: u64,
    /// Waiting or in flight.
    pub pending: u64,
    /// Given up, by reason; reasons that never occurred are absent.
    pub dropped: Vec<Count>,
    /// Requests sent.
    pub requests: u64,
    /// Of these, repeats of a batch that had been sent before.
    pub retries: u64,
    /// `closed`, `open` or `half_open`.
    pub breaker: &'static str,
    /// Whether nothing has ever got through and only a small ring is kept.
    pub blocked: bool,
    /// Whether the page has paused it.
    pub paused: bool,
}

/// The account of one client. What is told of one destination here is told of the first; all of them are
/// in `destinations`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// See [`Figures::accepted`].
    pub accepted: u64,
    /// See [`Figures::adopted`].
    pub adopted: u64,
    /// See [`Figures::handed_back`].
    pub handed_back: u64,
    /// See [`Figures::delivered`].
    pub delivered: u64,
    /// See [`Figures::pending`].
    pub pending: u64,
    /// See [`Figures::dropped`].
    pub dropped: Vec<Count>,
    /// Calls refused at the door (never accepted), by error code.
    pub refused: Vec<Count>,
    /// Calls that sampling left out: outside of `accepted`.
    pub sampled: u64,
    /// Pending events that storage does not hold (no storage, no quota, over the cap).
    pub volatile: u64,
    /// See [`Figures::requests`].
    pub requests: u64,
    /// See [`Figures::retries`].
    pub retries: u64,
    /// Bytes in storage, keys and values, of this tab and those it took over.
    pub storage_bytes: u64,
    /// `local` or `memory`.
    pub storage: &'static str,
    /// See [`Figures::breaker`].
    pub breaker: &'static str,
    /// See [`Figures::blocked`].
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
    /// What became of metrics, which have numbers of their own.
    pub metrics: MetricsFigures,
    /// Every destination by its name.
    pub destinations: Vec<(String, Figures)>,
}

impl Figures {
    fn to_json(&self) -> String {
        let mut out = Object::default();
        out.number("accepted", self.accepted);
        out.number("adopted", self.adopted);
        out.number("handedBack", self.handed_back);
        out.number("delivered", self.delivered);
        out.number("pending", self.pending);
        out.raw("dropped", &counts(&self.dropped));
        out.number("requests", self.requests);
        out.number("retries", self.retries);
        out.text("breaker", self.breaker);
        out.flag("blocked", self.blocked);
        out.flag("paused", self.paused);
        out.end()
    }
}

impl Stats {
    /// As a JSON object, under the names that the page knows.
    #[must_use]
    pub fn to_json(&self) -> String {
        let mut out = Object::default();
        out.number("accepted", self.accepted);
        out.number("adopted", self.adopted);
        out.number("handedBack", self.handed_back);
        out.number("delivered", self.delivered);
        out.number("pending", self.pending);
        out.raw("dropped", &counts(&self.dropped));
        out.raw("refused", &counts(&self.refused));
        out.number("sampled", self.sampled);
        out.number("volatile", self.volatile);
        out.number("requests", self.requests);
        out.number("retries", self.retries);
        out.number("storageBytes", self.storage_bytes);
        out.text("storage", self.storage);
        out.text("breaker", self.breaker);
        out.flag("blocked", self.blocked);
        out.text("role", self.role);
        out.number("term", self.term);
        out.maybe("leader", self.leader.as_deref());
        out.text("tab", &self.tab);
        out.texts("peers", self.peers.iter().map(String::as_str));
        out.number("lastSeq", self.last_seq);
        out.raw("metrics", &self.metrics.to_json());
        let mut destinations = Object::default();
        for (name, figures) in &self.destinations {
            destinations.raw(name, &figures.to_json());
        }
        out.raw("destinations", &destinations.end());
        out.end()
    }
}

fn counts(counts: &[Count]) -> String {
    let mut out = Object::default();
    for count in counts {
        out.number(count.reason, count.count);
    }
    out.end()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The figures by the names that Rust and the page have for them.
    fn numbered() -> Stats {
        Stats {
            accepted: 1,
            adopted: 2,
            handed_back: 3,
            delivered: 4,
            pending: 5,
            sampled: 6,
            volatile: 7,
            requests: 8,
            retries: 9,
            storage_bytes: 10,
            term: 11,
            last_seq: 12,
            storage: "local",
            breaker: "closed",
            role: "leader",
            tab: "t".into(),
            destinations: vec![("own".into(), Figures::default())],
            ..Stats::default()
        }
    }

    #[test]
    fn every_figure_is_told_under_its_own_name() {
        let told: serde_json::Value = serde_json::from_str(&numbered().to_json()).unwrap();
        for (name, value) in [
            ("accepted", 1),
            ("adopted", 2),
            ("handedBack", 3),
            ("delivered", 4),
            ("pending", 5),
            ("sampled", 6),
            ("volatile", 7),
            ("requests", 8),
            ("retries", 9),
            ("storageBytes", 10),
            ("term", 11),
            ("lastSeq", 12),
        ] {
            assert_eq!(told[name], value, "{name}");
        }
        assert_eq!(told["leader"], serde_json::Value::Null);
        assert_eq!(told["destinations"]["own"]["pending"], 0);
    }

    #[test]
    fn reports_are_named_objects() {
        let report = Report::Dropped {
            destination: "own".into(),
            count: 2,
            reason: DropReason::Overflow,
        };
        let json = r#"{"type":"dropped","destination":"own","count":2,"reason":"overflow"}"#;
        assert_eq!(report.to_json(), json);
    }
}
