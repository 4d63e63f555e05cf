//! A URL of one's own: each event as `{name, properties, timestamp, userId, …}`, in a list or alone. What identifies
//! it for whoever wants each event once is `idempotencyKey`.
//!
//! The key goes into the query, so that a request needs no preflight; the option `authorization` is for the header of
//! that name, at the price of one.

use crate::wire::{
    Answer, ContentType, Gzip, Limits, Verdict,
    canonical::KINDS,
    vendor::{Dialect, ONE_ROUTE},
    verdict_of_status,
};
/// One event by itself: it says all that a batch says once.
const EVENT: &str = "\
name name
properties properties
timestamp timestamp
userId|=null userId
anonymousId anonymousId
idempotencyKey idempotencyKey
sessionId sessionId
sessionSeq sessionSeq
value value
sampleRate sampleRate
groups groups
attribution attribution
{ context
*context
page page
}";

/// The format `webhook`: a list. Options: `shape` (`"event"` for one event a request), `contentType`, `authorization`.
pub(super) static WEBHOOK: Dialect = COMMON;

/// The format `webhook` with one event a request, and that as it is.
pub(super) static WEBHOOK_SINGLE: Dialect = Dialect {
    encoder: "webhook-event/1",
    limits: Limits {
        events: 1,
        ..COMMON.limits
    },
    ..COMMON
};

const COMMON: Dialect = Dialect {
    encoder: "webhook/1",
    host: "",
    needs_key: false,
    content_type: ContentType::Text,
    gzip: Gzip::No,
    options: "shape \"events\"|\"event\"\ncontentType \"text\"|\"json\"\nauthorization text",
    paths: &[""],
    in_query: ["apiKey", "sentAt"],
    limits: Limits {
        events: 1_000,
        bytes: 1_000_000,
        overhead_bytes: 8,
        event_overhead_bytes: 1_000,
    },
    event_bytes_max: usize::MAX,
    name_bytes_max: usize::MAX,
    age_ms_max: u64::MAX,
    names: "",
    envelope: "",
    list: "",
    spoken: "",
    routes: ONE_ROUTE,
    around: [EVENT, ""],
    recipes: [""; KINDS],
    choose: None,
    read_answer,
};

fn read_answer(_: usize, answer: &Answer<'_>) -> Verdict {
    verdict_of_status(answer)
}
