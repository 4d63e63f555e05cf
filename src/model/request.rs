//! Requests, and what becomes of them.

use crate::model::time::UnixMillis;

/// Names one request of one engine; never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RequestId(pub u32);

/// One POST.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// For the answer.
    pub id: RequestId,
    /// Which browser API carries it.
    pub means: Means,
    /// Why it leaves now: for whoever watches.
    pub why: Why,
    /// Absolute, or relative to the page's origin.
    pub url: String,
    /// Of the body.
    pub content_type: ContentType,
    /// The `Authorization` header, empty for none: with one a browser asks first (a preflight), and a beacon cannot go.
    pub authorization: String,
    /// The exact bytes of the body.
    pub body: String,
    /// Whether the platform may gzip it on the way.
    pub gzip: Gzip,
}

/// How a receiver tells that a body is gzipped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Gzip {
    /// It would not: the body goes as it is.
    #[default]
    No,
    /// By the header `Content-Encoding`, which takes a preflight on another origin than the page's.
    ByHeader,
    /// By its first bytes, whatever the request says.
    BySniffing,
}

/// Types of bodies. The first two need no preflight, the third does (Fetch standard, "CORS-safelisted
/// request-header").
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ContentType {
    /// `text/plain`.
    #[default]
    Text,
    /// `application/x-www-form-urlencoded`.
    Form,
    /// `application/json`.
    Json,
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

impl Means {
    /// As the platform knows it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Fetch => "fetch",
            Self::Keepalive => "keepalive",
            Self::Beacon => "beacon",
            Self::Deferred => "deferred",
        }
    }
}

/// Why a request leaves now. The one place that names all reasons there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// A batch is due: full, asked for, or waited long enough.
    Due,
    /// It failed before.
    Retry,
    /// It overtakes a batch that keeps failing, to see whether that one is to blame.
    Overtakes,
    /// It asks whether batches have arrived.
    Asks,
    /// The page was hidden: on phones often the last thing it hears.
    Hidden,
    /// The page is being left.
    LastWords,
    /// For the browser to send should the page die without a word.
    InCase,
    /// The means before this one did not take it.
    NextMeans,
}

/// What became of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Something answered.
    Status {
        /// HTTP status.
        code: u16,
        /// The `Retry-After` header, where it can be read.
        retry_after: Option<RetryAfter>,
        /// The body, if it could be read in time.
        body: Option<String>,
        /// What kind of answer it is.
        nature: Nature,
    },
    /// No answer: refused connection, lost network, blocked by CORS, CSP or an extension.
    Network,
    /// No answer in time.
    TimedOut,
    /// The browser did not take it (no such API, beacon returned `false`, quota): nothing was sent.
    Refused,
    /// The browser took it and will say no more (beacon), or only `Activated` (deferred).
    Queued,
    /// A deferred request has been sent by the browser.
    Activated,
}

/// Signs that an answer is, or is not, the destination's own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Nature {
    /// Nothing speaks against it.
    #[default]
    Plain,
    /// `text/html`: a captive portal, a login page, a service worker's offline page.
    Html,
    /// The request was redirected to another place, or became a GET on the way.
    Redirected,
    /// Neither status nor body can be seen.
    Opaque,
}

/// When a destination wants to be asked again (RFC 9110, 10.2.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RetryAfter {
    /// So many milliseconds from now.
    Millis(u64),
    /// At this time.
    At(UnixMillis),
}

/// The longest `Retry-After` that is obeyed, in milliseconds: a day.
pub const RETRY_AFTER_MS_MAX: u64 = 24 * 3_600_000;

impl RetryAfter {
    /// The pause that it asks for, in milliseconds.
    #[must_use]
    pub fn pause_ms(self, wall: UnixMillis) -> u64 {
        let ms = match self {
            Self::Millis(ms) => ms,
            Self::At(at) => at.0.saturating_sub(wall.0),
        };
        ms.min(RETRY_AFTER_MS_MAX)
    }
}

impl Outcome {
    /// The HTTP status, 0 where there is none.
    #[must_use]
    pub const fn status(&self) -> u16 {
        match self {
            Self::Status { code, .. } => *code,
            Self::Network | Self::TimedOut | Self::Refused | Self::Queued | Self::Activated => 0,
        }
    }
}
