//! OpenTelemetry's protocol over HTTP, JSON encoding: an event is a log record with an `eventName`
//! (opentelemetry-proto, `docs/specification.md`; semantic conventions, "events").
//!
//! It needs `application/json`, so a request to another origin is preflighted; the Collector's operator must allow
//! the origin. Nobody deduplicates by the protocol; `log.record.uid` marks what may be removed as a duplicate.

use crate::{
    model::{event::Entry, time::UnixMillis},
    text::{
        fields::{join, owned},
        view::{EventView, items, member, members},
    },
    wire::{
        Answer, Batch, ContentType, Format, Limits, Route, Source, Target, Verdict,
        answers::{number, some_refused},
        build::Writer,
        canonical::{Event, Kind, nanos, quoted},
        formats::{Settings, SettingsError},
        recipe::follow,
        verdict_of_status,
    },
};

/// Values nested deeper than this are sent as their JSON text.
const DEPTH_MAX: u32 = 16;

/// Severity INFO.
const SEVERITY: u64 = 9;

const NAMES: &str = "\
$page_view browser.page_view
$identify user.identify
$set_traits user.set_traits
$alias user.alias
$group group.identify
$exposure feature_flag.evaluation
$session session.start
$opt_out user.opt_out";

macro_rules! record {
    ($renamed:literal) => {
        concat!(
            "\
idempotencyKey log.record.uid
sessionId session.id
anonymousId enduser.pseudo.id
userId user.id
tab sendoff.tab
*properties
~ log.record.uid event.log.record.uid
~ session.id event.session.id
~ enduser.pseudo.id event.enduser.pseudo.id
~ user.id event.user.id
~ sendoff.tab event.sendoff.tab",
            $renamed,
            "
*page page.
~ url url.full
~ path url.path
*own context.
~ page -
*groups group.
*attribution attribution.
sessionSeq sendoff.session_seq
value sendoff.value
sampleRate sendoff.sample_rate"
        )
    };
}

/// The attributes of a record.
const RECORD: &str = record!("");

/// Those of an exposure, which have names by convention.
const EXPOSURE: &str =
    record!("\n~ experiment feature_flag.key\n~ variant feature_flag.result.variant");

/// The attributes of the resource, from what is in force for all events of a tab.
const RESOURCE: &str = "\
service service.name
*resource
~ service.name -
*context context.
~ userAgent user_agent.original
~ locale browser.language
~ brands browser.brands
~ mobile browser.mobile
~ platform browser.platform";

const SCOPE: &str = concat!(
    "{ scope\n=\"sendoff\" name\n=\"",
    env!("CARGO_PKG_VERSION"),
    "\" version\n}"
);

/// What of the format is the same for events and metrics.
#[derive(Debug)]
pub(super) struct Endpoint {
    url: String,
    /// JSON string.
    service: String,
    /// JSON object: more attributes of the resource.
    resource: String,
    authorization: String,
}

impl Endpoint {
    /// Options: `serviceName`; `resource`: an object; `authorization`.
    pub(super) fn new(settings: &Settings, path: &str) -> Result<Self, SettingsError> {
        let service = settings.text("serviceName")?;
        let named = if service.is_empty() {
            "sendoff"
        } else {
            &service
        };
        Ok(Self {
            url: join(&[&settings.host("")?, path]),
            service: quoted(named),
            resource: settings.object("resource")?,
            authorization: settings.text("authorization")?,
        })
    }

    pub(super) fn target(&self) -> Target {
        Target {
            url: owned(&self.url),
            content_type: ContentType::Json,
        }
    }

    pub(super) fn authorization(&self) -> Option<&str> {
        Some(self.authorization.as_str()).filter(|value| !value.is_empty())
    }

    pub(super) const fn overhead_bytes(&self) -> usize {
        900 + self.service.len() + 8 * self.resource.len()
    }

    /// A body: `records` fills the list. `words` names the levels.
    pub(super) fn body(
        &self,
        source: &Source<'_>,
        [of_resources, of_scopes, of_records]: [&str; 3],
        records: impl FnOnce(&mut Writer),
    ) -> String {
        let nothing = Entry {
            page: usize::MAX,
            ..Entry::default()
        };
        let mut tab = Event::of(&nothing, source);
        tab.add("service", &self.service);
        tab.add("resource", &self.resource);
        let mut out = Writer::default();
        out.begin();
        out.key(of_resources);
        out.push("[");
        out.begin();
        out.object("resource", false);
        out.raw("attributes", &attributes(&tab, RESOURCE));
        out.end();
        out.key(of_scopes);
        out.push("[");
        out.begin();
        follow(&mut out, &tab, SCOPE);
        out.key(of_records);
        out.push("[");
        records(&mut out);
        out.push("]}]}]}");
        out.done()
    }
}

/// The format `otlp`: events as logs.
#[derive(Debug)]
pub(super) struct Otlp {
    to: Endpoint,
}

impl Otlp {
    /// Options: see [`Endpoint::new`].
    pub(super) fn new(settings: &Settings) -> Result<Self, SettingsError> {
        let to = Endpoint::new(settings, "/v1/logs")?;
        Ok(Self { to })
    }
}

impl Format for Otlp {
    fn encoder(&self) -> &'static str {
        "otlp/1"
    }

    /// In bytes of events; every value is wrapped in two objects, so the body is two to four times that. The
    /// protocol recommends to take 64 MiB.
    fn limits(&self) -> Limits {
        Limits {
            events: 1_000,
            bytes: 400_000,
            overhead_bytes: self.to.overhead_bytes(),
            event_overhead_bytes: 1_000,
        }
    }

    fn route(&self, _: &EventView<'_>) -> Option<Route> {
        Some(Route(0))
    }

    fn authorization(&self) -> Option<&str> {
        self.to.authorization()
    }

    fn target(&self, _: Route, _: UnixMillis) -> Target {
        self.to.target()
    }

    fn encode(&self, batch: &Batch<'_>) -> String {
        let words = ["resourceLogs", "scopeLogs", "logRecords"];
        self.to.body(&batch.source, words, |out| {
            for entry in batch.events {
                record(out, Event::of(entry, &batch.source), batch);
            }
        })
    }

    fn read_answer(&self, events: usize, answer: &Answer<'_>) -> Verdict {
        read_answer(events, answer, "rejectedLogRecords")
    }
}

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

fn record(out: &mut Writer, mut event: Event<'_>, batch: &Batch<'_>) {
    let time = nanos(event.unix_ms());
    event.add_name(NAMES);
    event.add("tab", &quoted(&batch.source.tab.text()));
    let recipe = match event.kind {
        Kind::Exposure => EXPOSURE,
        _ => RECORD,
    };
    out.begin();
    out.raw("timeUnixNano", &time);
    out.raw("observedTimeUnixNano", &time);
    out.number("severityNumber", SEVERITY);
    out.raw("eventName", event.find("event").unwrap_or("\"\""));
    out.raw("attributes", &attributes(&event, recipe));
    out.end();
}

/// What a recipe makes of an event, as a list of attributes: their keys are unique as an object's names are.
fn attributes(event: &Event<'_>, recipe: &str) -> String {
    let mut flat = Writer::default();
    flat.begin();
    follow(&mut flat, event, recipe);
    flat.end();
    attributes_of(&flat.done())
}

/// The members of an object as a list of attributes.
pub(super) fn attributes_of(object: &str) -> String {
    let mut out = Writer::default();
    key_values(&mut out, object, 0);
    out.done()
}

fn key_values(out: &mut Writer, object: &str, depth: u32) {
    out.push("[");
    for (name, json) in members(object) {
        out.begin();
        out.raw("key", &quoted(name));
        out.key("value");
        any_value(out, json, depth);
        out.end();
    }
    out.push("]");
}

/// A JSON value as an `AnyValue`; `null` is one that is not set.
fn any_value(out: &mut Writer, json: &str, depth: u32) {
    out.begin();
    match json.as_bytes().first() {
        Some(b'n') => {}
        Some(b'"') => out.raw("stringValue", json),
        Some(b't' | b'f') => out.raw("boolValue", json),
        Some(b'{' | b'[') if depth >= DEPTH_MAX => out.string("stringValue", json),
        Some(b'{') => {
            out.object("kvlistValue", false);
            out.key("values");
            key_values(out, json, depth + 1);
            out.end();
        }
        Some(b'[') => {
            out.object("arrayValue", false);
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
