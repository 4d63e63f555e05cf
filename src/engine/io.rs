//! The host contract on one screen: what goes into the engine, and what comes out.
//!
//! The host (the browser shell in `src/web`, or a simulation) owns the clock, the store, the network
//! and the channel. It calls [`Engine::handle`](super::Engine::handle) for whatever happens, takes
//! its outputs ([`take_outputs`](super::Engine::take_outputs)), performs each *after* the call
//! has returned, and arranges for `Input::Timeout` at
//! [`poll_timeout`](super::Engine::poll_timeout). Wake-ups may be late, early or spurious.

use crate::engine::report::Report;
use crate::model::time::UnixMillis;

/// Something happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input<'a> {
    /// One burst of calls from the page: a record per line, as [`event`](super::event) describes.
    Calls(&'a str),
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
    Response {
        /// Which request.
        request: RequestId,
        /// What became of it.
        outcome: Outcome,
    },
    /// A message from another tab, exactly as that tab's [`Output::Post`] had it.
    Peer(&'a str),
    /// The page changed state.
    Page(PageEvent),
    /// The deadline of `poll_timeout` has passed (or not: spurious calls do nothing).
    Timeout,
}

/// Something to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Send a request; its fate comes back as [`Input::Response`].
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

/// Names one request of one engine; never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RequestId(pub u32);

/// One POST to the endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// For the answer.
    pub id: RequestId,
    /// Which browser API carries it.
    pub means: Means,
    /// The exact bytes of the body.
    pub body: String,
}

/// Which browser API carries a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Means {
    /// `fetch`.
    Fetch,
    /// `fetch` with `keepalive`, which outlives the page.
    Keepalive,
    /// `navigator.sendBeacon`: no answer but whether the browser took it.
    Beacon,
    /// `fetchLater`: sent by the browser when the page is gone, however it went.
    Deferred,
}

/// What became of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The collector answered.
    Status {
        /// HTTP status.
        code: u16,
        /// The `Retry-After` header, where it can be read.
        retry_after: Option<RetryAfter>,
        /// The body, if it was wanted, the answer is a 2xx and it could be read.
        body: Option<String>,
    },
    /// No answer: refused connection, lost network, blocked by CORS, CSP or an extension.
    Network,
    /// The browser did not take it (no such API, beacon returned `false`, quota): nothing was sent.
    Refused,
    /// The browser took it and will say no more (beacon), or only `Activated` (deferred).
    Queued,
    /// A deferred request has been sent by the browser.
    Activated,
}

/// When a collector wants to be asked again (RFC 9110, 10.2.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RetryAfter {
    /// So many seconds from now.
    Seconds(u64),
    /// At this time.
    At(UnixMillis),
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

/// What the host can do and who this tab is, told once at start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host {
    /// 20 hex digits, random, never used before: this page load's name as a tab.
    pub tab: String,
    /// Prefix of every key and name of the channel: the API key, percent-encoded.
    pub project: String,
    /// Seed for jitter and the anonymous id: from the platform's random source.
    pub seed: u64,
    /// JSON object spliced into every envelope as `context`.
    pub context: String,
    /// Runtime named in every envelope, for example `browser`.
    pub runtime: String,
    /// An anonymous id to use if none is stored yet; empty for "make one".
    pub anonymous_id: String,
    /// Whether `BroadcastChannel` exists.
    pub has_channel: bool,
    /// Whether `fetchLater` exists.
    pub has_deferred: bool,
    /// Whether storage could be opened; if not, nothing in the store given outlives the page, and it
    /// may refuse to keep anything.
    pub has_storage: bool,
    /// Whether the page is visible now.
    pub visible: bool,
    /// `navigator.onLine`.
    pub online: bool,
}
