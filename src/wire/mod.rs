//! What goes to a destination, and what its answers mean: one file for each format.
//!
//! A [`Format`] is all that the engine knows of a dialect. Formats splice JSON text that is already
//! serialised; none of them holds state, reads a clock or knows what is sent when.

pub use crate::model::request::{ContentType, Gzip};
use crate::{
    model::{
        drop_reason::DropReason,
        event::Entry,
        gap::Gap,
        ids::TabId,
        request::{Means, Request, RequestId, Why},
        time::UnixMillis,
    },
    text::view::EventView,
};

#[cfg(feature = "destinations")]
pub mod formats;
pub mod native;
pub mod native_metrics;

#[cfg(feature = "destinations")]
mod amplitude;
#[cfg(feature = "destinations")]
mod answers;
#[cfg(feature = "destinations")]
mod build;
#[cfg(feature = "destinations")]
mod canonical;
#[cfg(feature = "destinations")]
mod mixpanel;
#[cfg(feature = "destinations")]
mod otlp;
#[cfg(feature = "destinations")]
mod otlp_metrics;
#[cfg(feature = "destinations")]
mod posthog;
#[cfg(feature = "destinations")]
mod recipe;
#[cfg(feature = "destinations")]
mod segment;
#[cfg(feature = "destinations")]
mod vendor;
#[cfg(feature = "destinations")]
mod webhook;

/// The send time of an attempt that the browser makes when it likes (`fetchLater`): not known. A receiver that
/// corrects clocks by it is then told none.
pub const NO_SEND_TIME: UnixMillis = UnixMillis(0);

/// One destination's dialect.
pub trait Format {
    /// Names the format and the version of its encoder, for example `native/2`. It is stored beside what
    /// was sealed: where it differs from that of whoever finds the journal, the range is cut anew
    /// under the same idempotency keys.
    fn encoder(&self) -> &'static str;

    /// Whether the dialect has a place for what was given up.
    fn tells_gaps(&self) -> bool {
        false
    }

    /// How much one request may hold.
    fn limits(&self) -> Limits;

    /// By which of the destination's routes an event goes; a batch holds events of one route. `None`: the
    /// destination has no place for it, and it is passed over.
    fn route(&self, event: &EventView<'_>) -> Option<Route>;

    /// Why the destination would lose this event without a word if it were sent at `now`: it is beyond a
    /// limit whose breach the vendor does not answer for. It is then given up here, and counted.
    fn refuses(&self, event: &EventView<'_>, now: UnixMillis) -> Option<DropReason> {
        _ = (event, now);
        None
    }

    /// The value of an `Authorization` header for every request. It costs a preflight, which cannot be relied
    /// upon while the page is being left.
    fn authorization(&self) -> Option<&str> {
        None
    }

    /// Whether the destination takes gzipped bodies.
    fn gzip(&self) -> Gzip {
        Gzip::No
    }

    /// Where a request of that route goes, for an attempt at `now`.
    fn target(&self, route: Route, now: UnixMillis) -> Target;

    /// The body of a request.
    fn encode(&self, batch: &Batch<'_>) -> String;

    /// What an answer with a status of 2xx to 5xx means.
    fn read_answer(&self, events: usize, answer: &Answer<'_>) -> Verdict;

    /// Whether a batch may be refused as a whole for one event in it. Such a batch is halved, until that event is found.
    fn refuses_all_for_one(&self) -> bool {
        false
    }

    /// Whether the answer is in the destination's own dialect: one that spoke it once, and then answers
    /// 200 in another, has not answered. `None` for formats whose answers have no dialect.
    fn is_dialect(&self, body: &str) -> Option<bool> {
        _ = body;
        None
    }

    /// The body of a question which of these sealed batches have arrived, where the dialect has one.
    fn ask(&self, source: &Source<'_>, now: UnixMillis, batch_ids: &[String]) -> Option<String> {
        _ = (source, now, batch_ids);
        None
    }

    /// Of an answer to [`ask`](Self::ask): whether it says that the batch has arrived; `None` if
    /// the question was not understood.
    fn knows(&self, body: &str, batch_id: &str) -> Option<bool> {
        _ = (body, batch_id);
        None
    }
}

/// One of a destination's addresses; what each number means is the format's affair. It is never stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Route(pub u8);

/// A request that carries a body by one of a format's routes. `now`: of this attempt.
pub fn request(
    format: &dyn Format,
    route: Route,
    now: UnixMillis,
    (id, means, why): (RequestId, Means, Why),
    body: String,
) -> Request {
    let target = format.target(route, now);
    Request {
        id,
        means,
        why,
        url: target.url,
        content_type: target.content_type,
        authorization: format.authorization().unwrap_or_default().to_owned(),
        body,
        gzip: Gzip::No,
    }
}

/// Limits of one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Events at most.
    pub events: usize,
    /// UTF-8 bytes of the whole body at most.
    pub bytes: usize,
    /// Bytes that the body has around its events, at most, gaps included.
    pub overhead_bytes: usize,
    /// Bytes that encoding adds to one event's canonical text, at most.
    pub event_overhead_bytes: usize,
}

/// Where a request goes, and as what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Absolute, or relative to the page's origin.
    pub url: String,
    /// Of the body.
    pub content_type: ContentType,
}

/// Who recorded the events of a batch, and where.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a> {
    /// Whose events they are.
    pub tab: TabId,
    /// `{"name":"sendoff","version":"…","runtime":"…"}`, of the tab that recorded them.
    pub sdk: &'a str,
    /// JSON object: the context that is the same for all events of the tab.
    pub context: &'a str,
    /// JSON objects: the pages that events name by [`Entry::page`].
    pub pages: &'a [String],
}

/// What is to be encoded.
#[derive(Clone, Copy, Debug)]
pub struct Batch<'a> {
    /// Its id: one id is one content.
    pub id: &'a str,
    /// Who recorded it.
    pub source: Source<'a>,
    /// When its range was fixed.
    pub sealed_at: UnixMillis,
    /// When this attempt leaves. A format whose bytes are to be the same for every attempt uses
    /// `sealed_at`; one whose receiver corrects clocks by the body's send time needs this.
    pub sent_at: UnixMillis,
    /// By which route.
    pub route: Route,
    /// What was given up before it, to be told where the dialect has a place for that.
    pub gaps: &'a [Gap],
    /// All of one route.
    pub events: &'a [Entry],
}

/// An answer, as far as it could be read.
#[derive(Clone, Copy, Debug)]
pub struct Answer<'a> {
    /// HTTP status.
    pub status: u16,
    /// Empty where it could not be read.
    pub body: &'a str,
    /// The pause that `Retry-After` asks for, in milliseconds.
    pub retry_after_ms: Option<u64>,
}

/// What an answer means for the batch that it answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// All of it is stored.
    Delivered,
    /// Some of it, by index in the batch: `refused` will never be taken, `again` may be; the
    /// rest is stored.
    Partial {
        /// Given up as `rejected`.
        refused: Vec<usize>,
        /// To be sent again.
        again: Vec<usize>,
    },
    /// To be sent in smaller pieces.
    TooLarge,
    /// It will never be taken as it is: malformed, or not valid.
    Rejected,
    /// Not here, not now: a key that is unknown, a path that is not there, a firewall. Kept, and tried rarely.
    Unwelcome,
    /// Kept, and tried again.
    Retry {
        /// After that many milliseconds at the earliest, if it was said.
        after_ms: Option<u64>,
    },
}

/// What a status means where a format knows nothing better.
#[must_use]
pub fn verdict_of_status(answer: &Answer<'_>) -> Verdict {
    match answer.status {
        200..=299 => Verdict::Delivered,
        413 => Verdict::TooLarge,
        400 | 422 => Verdict::Rejected,
        408 | 425 | 429 | 300..=399 => Verdict::Retry {
            after_ms: answer.retry_after_ms,
        },
        401..=499 => Verdict::Unwelcome,
        _ => Verdict::Retry {
            after_ms: answer.retry_after_ms,
        },
    }
}
