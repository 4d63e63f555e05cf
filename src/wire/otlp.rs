//! OpenTelemetry's protocol over HTTP, JSON encoding: an event is a log record with an `eventName`
//! (opentelemetry-proto, `docs/specification.md`; semantic conventions, "events").
//!
//! It needs `application/json`, so a request to another origin is preflighted; the Collector's operator must allow
//! the origin. Nobody deduplicates by the protocol; `log.record.uid` marks what may be removed as a duplicate.

use crate::{
    model::time::UnixMillis,
    text::{
        fields::{join, owned},
        json::push_string,
        view::{EventView, items, member, members},
    },
    wire::{
        Answer, Batch, ContentType, Format, Limits, Route, Source, Target, Verdict,
        answers::{number, some_refused},
        build::{LIBRARY_VERSION, Writer, other_name, push_nanos},
        canonical::Event,
        formats::{Settings, SettingsError},
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

/// Attribute keys are unique: what a property may not be called, and what an exposure's are by convention.
const PROPERTIES: &str = "\
sendoff.tab event.sendoff.tab
log.record.uid event.log.record.uid
session.id event.session.id
user.id event.user.id
enduser.pseudo.id event.enduser.pseudo.id";

const EXPOSURE: &str = "experiment feature_flag.key\nvariant feature_flag.result.variant";

const PAGE: &str = "url url.full\npath url.path";

/// What the resource says of the context.
const RESOURCE: &str = "\
userAgent user_agent.original
locale browser.language
brands browser.brands
mobile browser.mobile
platform browser.platform";

/// What of the format is the same for events and metrics.
#[derive(Debug)]
pub(super) struct Endpoint {
    url: String,
    service: String,
    /// JSON object: more attributes of the resource.
    resource: String,
    authorization: String,
}

impl Endpoint {
    /// Options: `serviceName`; `resource`: an object; `authorization`.
    pub(super) fn new(settings: &Settings, path: &str) -> Result<Self, SettingsError> {
        let service = settings.text("serviceName")?;
        let unnamed = service.is_empty();
        Ok(Self {
            url: join(&[&settings.host("")?, path]),
            service: if unnamed { owned("sendoff") } else { service },
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

    /// All up to the list of records, of which `words` names the levels.
    pub(super) fn open(&self, out: &mut Writer, source: &Source<'_>, words: [&str; 3]) {
        let [of_resources, of_scopes, of_records] = words;
        out.begin();
        out.list(of_resources);
        out.begin();
        out.object("resource");
        out.list("attributes");
        text(out, "service.name", &self.service);
        for (name, value) in members(&self.resource).filter(|(name, _)| *name != "service.name") {
            attribute(out, name, value);
        }
        for (name, value) in members(source.context) {
            let known = other_name(RESOURCE, name);
            if let Some(other) = known.filter(|other| member(&self.resource, other).is_none()) {
                attribute(out, other, value);
            }
        }
        out.end("]}");
        out.list(of_scopes);
        out.begin();
        out.object("scope");
        out.string("name", "sendoff");
        out.raw("version", LIBRARY_VERSION);
        out.end("}");
        out.list(of_records);
    }

    /// Closes what [`open`](Self::open) opened.
    pub(super) fn close(out: &mut Writer) {
        out.end("]}]}]}");
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
        let mut out = Writer::default();
        let words = ["resourceLogs", "scopeLogs", "logRecords"];
        self.to.open(&mut out, &batch.source, words);
        for entry in batch.events {
            record(&mut out, &Event::of(entry, &batch.source), batch);
        }
        Endpoint::close(&mut out);
        out.done()
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

fn record(out: &mut Writer, event: &Event<'_>, batch: &Batch<'_>) {
    out.begin();
    for name in ["timeUnixNano", "observedTimeUnixNano"] {
        out.key(name);
        push_nanos(out.text(), event.unix_ms());
    }
    out.number("severityNumber", SEVERITY);
    out.event_name("eventName", event.name, NAMES);
    out.list("attributes");
    attribute(out, "log.record.uid", event.key);
    attribute_if(out, "session.id", event.session);
    attribute(out, "enduser.pseudo.id", event.anonymous);
    attribute_if(out, "user.id", event.user);
    let own_names = match event.name {
        "\"$exposure\"" => EXPOSURE,
        _ => "",
    };
    attributes(out, event.properties, &[PROPERTIES, own_names], "", "");
    let taken = event.properties;
    attributes(out, event.page, &[PAGE], "page.", taken);
    for (name, value) in members(&event.context) {
        // What the resource says already of the tab is not said again of each event.
        let in_resource = other_name(RESOURCE, name).is_some();
        if !in_resource || member(batch.source.context, name) != Some(value) {
            ours(out, &join(&["context.", name]), value, taken);
        }
    }
    attributes(out, event.groups.unwrap_or(""), &[], "group.", taken);
    attributes(
        out,
        event.attribution.unwrap_or(""),
        &[],
        "attribution.",
        taken,
    );
    text(out, "sendoff.tab", &batch.source.tab.text());
    for (name, json) in [
        ("sendoff.session_seq", event.session_seq),
        ("sendoff.value", event.value),
        ("sendoff.sample_rate", event.sample_rate),
    ] {
        if let Some(json) = json {
            ours(out, name, json, taken);
        }
    }
    out.end("]}");
}

/// The members of `object` as attributes: each under the name that a table has for it, or its own behind `prefix`.
fn attributes(out: &mut Writer, object: &str, tables: &[&str], prefix: &str, taken: &str) {
    for (name, value) in members(object) {
        let mut others = tables.iter().filter_map(|table| other_name(table, name));
        let full = others.next().map_or_else(|| join(&[prefix, name]), owned);
        // What is on its way under that very name comes first.
        let own = full != name && member(object, &full).is_some();
        ours(out, &full, value, if own { object } else { taken });
    }
}

/// An attribute that is there once: one whose name is `taken` by a property gets `sendoff.` before it.
fn ours(out: &mut Writer, name: &str, json: &str, taken: &str) {
    let clashes = member(taken, name).is_some();
    let prefix = if clashes { "sendoff." } else { "" };
    attribute(out, &join(&[prefix, name]), json);
}

fn attribute_if(out: &mut Writer, name: &str, json: Option<&str>) {
    if let Some(json) = json {
        attribute(out, name, json);
    }
}

/// An attribute whose value is plain text.
fn text(out: &mut Writer, name: &str, value: &str) {
    let mut json = String::new();
    push_string(&mut json, value);
    attribute(out, name, &json);
}

/// An attribute whose value is JSON text.
pub(super) fn attribute(out: &mut Writer, name: &str, json: &str) {
    key_value(out, name, json, 0);
}

fn key_value(out: &mut Writer, name: &str, json: &str, depth: u32) {
    out.begin();
    out.quoted("key", name);
    out.key("value");
    any_value(out, json, depth);
    out.end("}");
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
            out.object("kvlistValue");
            out.list("values");
            for (name, value) in members(json) {
                key_value(out, name, value, depth + 1);
            }
            out.end("]}");
        }
        Some(b'[') => {
            out.object("arrayValue");
            out.list("values");
            for item in items(json) {
                any_value(out, item, depth + 1);
            }
            out.end("]}");
        }
        _ if is_int64(json) => out.quoted("intValue", json),
        _ => out.raw("doubleValue", json),
    }
    out.end("}");
}

/// Whether a JSON number is whole and of so few digits that it surely fits.
fn is_int64(json: &str) -> bool {
    let digits = json.strip_prefix('-').unwrap_or(json);
    digits.len() <= 18 && digits.bytes().all(|byte| byte.is_ascii_digit())
}
