//! The host contract on one screen: what goes into the engine, and what comes out.
//!
//! The host (the browser shell in `src/web`, or a simulation) owns the clock, the store, the network
//! and the channel. It calls [`Engine::handle`](super::Engine::handle) for whatever happens, takes
//! its outputs ([`take_outputs`](super::Engine::take_outputs)), performs each *after* the call
//! has returned, and arranges for `Input::Timeout` at
//! [`poll_timeout`](super::Engine::poll_timeout). Wake-ups may be late, early or spurious; one reading of the clock may be
//! hours ahead, so a host never sleeps for longer than [`SLEEP_MS_MAX`].

use super::report::Report;
pub use crate::model::request::{Means, Nature, Outcome, Request, RequestId, RetryAfter, Why};
use crate::{
    text::{
        fields::{join, unquoted},
        json::Object,
        unescape::unescape,
        view::member,
    },
    visitor::keeper::Proposal,
};

/// Milliseconds that a host sleeps at most where a wake-up is asked for at all.
pub const SLEEP_MS_MAX: u64 = 60_000;

/// Something happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// One burst of calls from the page: a record per line, as [`call`](crate::intake::call) describes.
    Calls(String),
    /// `flush()`: answered by one [`Report::Flushed`] with the same id.
    Flush {
        /// Chosen by the host.
        id: u32,
    },
    /// `shutdown()`: flush, then stop; answered by one [`Report::Flushed`] with the same id.
    Shutdown {
        /// Chosen by the host.
        id: u32,
        /// How long the last delivery may take, in milliseconds.
        timeout_ms: u32,
    },
    /// `destroy()`: stop at once, without a flush. The journal stays for the next visit.
    Destroy,
    /// What became of an [`Output::Send`]. Exactly one for each, except that a deferred request
    /// answers `Queued` or `Refused` first and may answer `Activated` later.
    Answer {
        /// Which request.
        request: RequestId,
        /// What became of it.
        outcome: Outcome,
    },
    /// A message from another tab, exactly as that tab's [`Output::Post`] had it.
    Peer(String),
    /// The page changed state.
    Page(PageEvent),
    /// Another tab wrote the visitor record (a `storage` event).
    Stored,
    /// The page pauses a destination, or lets it go on.
    Destination {
        /// Its name.
        name: String,
        /// Which of the two.
        paused: bool,
    },
    /// The deadline of `poll_timeout` has passed (or not: spurious calls do nothing).
    Timeout,
}

/// Something to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Send a request; its fate comes back as [`Input::Answer`].
    Send(Request),
    /// Give up on a request. A fetch is aborted and answers no more. A deferred request that
    /// has already been activated answers `Activated`, otherwise it is withdrawn silently.
    Cancel(RequestId),
    /// Open the channel to the other tabs (a second call is harmless).
    OpenChannel,
    /// Close it: in `pagehide` an open one would cost the page its back/forward cache in Firefox.
    CloseChannel,
    /// Say something to every other tab of the same project.
    Post(String),
    /// Tell the page.
    Report(Report),
}

/// What the page did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PageEvent {
    /// `visibilitychange` to hidden: on phones often the last thing a page hears.
    Hidden,
    /// `visibilitychange` to visible.
    Visible,
    /// `pagehide`: it unloads, or enters the back/forward cache.
    Leaving,
    /// `pageshow` with `persisted`: back from the back/forward cache.
    Restored,
    /// `freeze`: no code will run until `Resumed`, or ever again.
    Frozen,
    /// `resume`.
    Resumed,
    /// `online`.
    Online,
    /// `offline`.
    Offline,
}

impl PageEvent {
    /// The event of that name; `None` for one that this version does not know.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "hidden" => Self::Hidden,
            "visible" => Self::Visible,
            "leaving" => Self::Leaving,
            "restored" => Self::Restored,
            "frozen" => Self::Frozen,
            "resumed" => Self::Resumed,
            "online" => Self::Online,
            "offline" => Self::Offline,
            _ => return None,
        })
    }
}

/// What the host can do and who this tab is, told once at start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host {
    /// 20 hex digits, random, never used before: this page load's name as a tab.
    pub tab: String,
    /// Prefix of every key and name of the channel: the API key, percent-encoded.
    pub project: String,
    /// Seed for jitter and ids: from the platform's random source.
    pub seed: u64,
    /// Runtime named in every envelope: [`Host::PAGE`], `worker`, `node`.
    pub runtime: String,
    /// JSON object: the context that is the same for all events of this page load.
    pub context: String,
    /// JSON object: the page at the start; empty where there is none.
    pub page: String,
    /// JSON object `{url, referrer}`: what the visitor landed on; empty where there is none.
    pub landing: String,
    /// An anonymous id to use if none is stored yet; empty for "make one".
    pub anonymous_id: String,
    /// A session id to use if a new session begins at once; empty for "make one".
    pub session_id: String,
    /// Whether `BroadcastChannel` exists.
    pub has_channel: bool,
    /// Whether `fetchLater` exists.
    pub has_deferred: bool,
    /// Whether `keepalive` is honoured.
    pub has_keepalive: bool,
    /// What becomes of what is stored.
    pub storage: Keeps,
    /// Whether the page is visible now.
    pub visible: bool,
    /// `navigator.onLine`.
    pub online: bool,
    /// `navigator.globalPrivacyControl`.
    pub gpc: bool,
    /// `navigator.doNotTrack`.
    pub dnt: bool,
}

/// How long a store keeps what is put into it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keeps {
    /// Beyond the page.
    ForLater,
    /// As long as the page, as it asked, or as there is nothing else where it runs.
    WhileOpen,
    /// It could not be opened, though it was wanted: nothing outlives the page, and it may refuse to keep anything.
    Nothing,
}

impl Host {
    /// The runtime that has tabs.
    pub const PAGE: &str = "browser";

    /// Whether what is stored outlives the page.
    #[must_use]
    pub fn has_storage(&self) -> bool {
        self.storage == Keeps::ForLater
    }

    /// Reads what the platform tells of itself, a JSON object. What it does not tell it is taken not to have, but for
    /// being visible and online.
    #[must_use]
    pub fn parse(facts: &str, seed: u64) -> Self {
        let text = |name: &str| unquoted(member(facts, name).unwrap_or("")).to_owned();
        let object = |name: &str| {
            let value = member(facts, name).filter(|value| value.starts_with('{'));
            value.unwrap_or("").to_owned()
        };
        let is = |name: &str, word: &str| member(facts, name) == Some(word);
        let context = object("context");
        Self {
            tab: text("tab"),
            project: text("project"),
            seed,
            runtime: text("runtime"),
            context: if context.is_empty() {
                "{}".to_owned()
            } else {
                context
            },
            page: object("page"),
            landing: object("landing"),
            anonymous_id: text("anonymousId"),
            session_id: text("sessionId"),
            has_channel: is("channel", "true"),
            has_deferred: is("deferred", "true"),
            has_keepalive: is("keepalive", "true"),
            storage: match text("storage").as_str() {
                "memory" => Keeps::WhileOpen,
                "blocked" => Keeps::Nothing,
                _ => Keeps::ForLater,
            },
            visible: !is("visible", "false"),
            online: !is("online", "false"),
            gpc: is("gpc", "true"),
            dnt: is("dnt", "true"),
        }
    }

    /// What the visitor record starts from.
    #[must_use]
    pub fn visitor(&self, mirrored: bool, kept: bool) -> Proposal {
        Proposal {
            project: self.project.clone(),
            tab: self.tab.clone(),
            anonymous_id: self.anonymous_id.clone(),
            mirrored,
            kept,
        }
    }

    /// What every key of the project begins with.
    #[must_use]
    pub fn key_prefix(&self) -> String {
        join(&["sendoff:", &self.project, ":"])
    }

    /// The address that the visitor landed on and the page before it, if they are known.
    #[must_use]
    pub fn arrival(&self) -> Option<(String, String)> {
        let text = |name: &str| {
            let value = member(&self.landing, name).unwrap_or("");
            unescape(unquoted(value))
        };
        let url = text("url");
        (!url.is_empty()).then(|| (url, text("referrer")))
    }

    /// JSON object: which SDK records here, in which runtime.
    #[must_use]
    pub fn sdk(&self) -> String {
        let mut sdk = Object::default();
        sdk.text("name", "sendoff");
        sdk.text("version", env!("CARGO_PKG_VERSION"));
        sdk.text("runtime", &self.runtime);
        sdk.end()
    }
}
