//! OpenTelemetry's protocol over HTTP, JSON encoding: an event is a log record with an `eventName`
//! (opentelemetry-proto, `docs/specification.md`; semantic conventions, "events").
//!
//! It needs `application/json`, so a request to another origin is preflighted; the Collector's operator must allow
//! the origin. Nobody deduplicates by the protocol; `log.record.uid` marks what may be removed as a duplicate.

use crate::{
    text::view::{items, member, members},
    wire::{
        Answer, ContentType, Gzip, Limits, Verdict,
        answers::{number, some_refused},
        build::{Shape, Writer},
        canonical::quoted,
        vendor::{Dialect, ONE_ROUTE},
        verdict_of_status,
    },
};

/// Values nested deeper than this are sent as their JSON text.
const DEPTH_MAX: u32 = 16;

const NAMES: &str = "\
$page_view browser.page_view
$identify user.identify
$set_traits user.set_traits
$alias user.alias
$group group.identify
$exposure feature_flag.evaluation
$session session.start
$opt_out user.opt_out";

/// Severity 9 is INFO.
const HEAD: &str = "\
nanos timeUnixNano
nanos observedTimeUnixNano
=9 severityNumber
event eventName
@ attributes
idempotencyKey log.record.uid
sessionId session.id
anonymousId enduser.pseudo.id
userId user.id
tab sendoff.tab";

macro_rules! properties {
    () => {
        "*properties\n~ log.record.uid event.log.record.uid\n~ session.id event.session.id\n\
        ~ enduser.pseudo.id event.enduser.pseudo.id\n~ user.id event.user.id\n\
        ~ sendoff.tab event.sendoff.tab"
    };
}

const TRACK: &str = properties!();

/// An exposure's have names by convention.
const EXPOSURE: &str = concat!(
    properties!(),
    "\n~ experiment feature_flag.key\n~ variant feature_flag.result.variant"
);

const TAIL: &str = "\
*page page.
~ url url.full
~ path url.path
*own context.
~ page -
*groups group.
*attribution attribution.
sessionSeq sendoff.session_seq
value sendoff.value
sampleRate sendoff.sample_rate
}";

/// All up to the list of scopes' records; `$levels` are those of events or of metrics.
macro_rules! envelope {
    ($resources:literal, $scopes:literal) => {
        concat!(
            "[ ",
            $resources,
            "\n{ resource\n@ attributes\noptions.serviceName service.name\n*options.resource\n\
            +={\"service.name\":\"sendoff\"}\n*context context.\n\
            ~ userAgent user_agent.original\n~ locale browser.language\n~ brands browser.brands\n\
            ~ mobile browser.mobile\n~ platform browser.platform\n}\n}\n[ ",
            $scopes,
            "\n{ scope\n=\"sendoff\" name\n=\"",
            env!("CARGO_PKG_VERSION"),
            "\" version\n}"
        )
    };
}

/// The format `otlp`: events as logs. Options: `serviceName`; `resource`: more attributes of the resource;
/// `authorization`.
pub(super) static OTLP: Dialect = COMMON;

pub(super) const COMMON: Dialect = Dialect {
    encoder: "otlp/1",
    host: "",
    needs_key: false,
    content_type: ContentType::Json,
    gzip: Gzip::ByHeader,
    options: "serviceName text\nresource object\nauthorization text",
    paths: &["/v1/logs"],
    in_query: ["", ""],
    // In bytes of events; every value is wrapped in two objects, so the body is two to four times that. The protocol
    // recommends to take 64 MiB.
    limits: Limits {
        events: 1_000,
        bytes: 400_000,
        overhead_bytes: 1_200,
        event_overhead_bytes: 1_200,
    },
    event_bytes_max: usize::MAX,
    name_bytes_max: usize::MAX,
    age_ms_max: u64::MAX,
    names: NAMES,
    envelope: envelope!("resourceLogs", "scopeLogs"),
    list: "logRecords",
    spoken: "",
    routes: ONE_ROUTE,
    around: [HEAD, TAIL],
    recipes: [
        TRACK, TRACK, EXPOSURE, TRACK, TRACK, TRACK, TRACK, TRACK, TRACK,
    ],
    choose: None,
    read_answer: |events, answer| read_answer(events, answer, "rejectedLogRecords"),
};

/// See [`OTLP`]: the same for metrics.
pub(super) const METRICS_ENVELOPE: &str = envelope!("resourceMetrics", "scopeMetrics");

/// Partial success is final for what it refused, and does not say which it was. 500 is not among what the protocol
/// sends again; it is kept and tried rarely, because it is not an answer about the events either.
pub(super) fn read_answer(events: usize, answer: &Answer<'_>, rejected: &str) -> Verdict {
    match answer.status {
        200..=299 => {
            let partial = member(answer.body, "partialSuccess").unwrap_or("");
            some_refused(events, number(partial, rejected).unwrap_or(0))
        }
        408 | 425 | 500 | 501 | 505..=599 => Verdict::Unwelcome,
        _ => verdict_of_status(answer),
    }
}

/// The members of an object as a list of attributes, whose keys are unique as an object's names are.
pub(super) fn push_attributes(out: &mut Writer, object: &str, depth: u32) {
    out.push("[");
    for (name, json) in members(object) {
        out.begin();
        out.raw("key", &quoted(name));
        // A value that is not set; `{}` says the same, and there are receivers that refuse it.
        if json != "null" {
            out.key("value");
            any_value(out, json, depth);
        }
        out.end();
    }
    out.push("]");
}

/// A JSON value as an `AnyValue`; `null`, in a list, is a word.
fn any_value(out: &mut Writer, json: &str, depth: u32) {
    out.begin();
    match json.as_bytes().first() {
        Some(b'n') => out.string("stringValue", json),
        Some(b'"') => out.raw("stringValue", json),
        Some(b't' | b'f') => out.raw("boolValue", json),
        Some(b'{' | b'[') if depth >= DEPTH_MAX => out.string("stringValue", json),
        Some(b'{') => {
            out.object("kvlistValue", Shape::Object);
            out.key("values");
            push_attributes(out, json, depth + 1);
            out.end();
        }
        Some(b'[') => {
            out.object("arrayValue", Shape::Object);
            out.key("values");
            out.push("[");
            for item in items(json) {
                any_value(out, item, depth + 1);
            }
            out.push("]");
            out.end();
        }
        _ if is_int64(json) => out.raw("intValue", &quoted(json)),
        _ => out.raw("doubleValue", json),
    }
    out.end();
}

/// Whether a JSON number is whole and of so few digits that it surely fits.
fn is_int64(json: &str) -> bool {
    let digits = json.strip_prefix('-').unwrap_or(json);
    digits.len() <= 18 && digits.bytes().all(|byte| byte.is_ascii_digit())
}
