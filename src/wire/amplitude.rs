//! Amplitude's HTTP API, version 2: `POST <host>/2/httpapi`, one JSON object. The documentation asks for
//! `application/json`; what Amplitude's own browser client sends as it leaves a page is `text/plain`, which needs
//! no preflight and is what we send unless `contentType: "json"` is set.
//!
//! Deduplicated for seven days by `insert_id` on a device. The send time is the body's, at each attempt: beyond a
//! minute of difference Amplitude shifts every event by it.

use crate::{
    model::time::UnixMillis,
    text::{
        fields::{join, owned, parse_u64, part},
        json::push_u64,
        view::{EventView, member, members},
    },
    wire::{
        Answer, Batch, ContentType, Format, Limits, NO_SEND_TIME, Route, Target, Verdict,
        answers::{add_indices, number, rest_again},
        build::Writer,
        canonical::{Event, GROUP_IDS, Kind, has_group_traits},
        formats::{Settings, SettingsError},
        verdict_of_status,
    },
};

/// How long Amplitude's own client holds events of a device that sends too much.
const THROTTLED_MS: u64 = 30_000;

const NAMES: &str = "\
$page_view [Amplitude] Page Viewed
$identify $identify
$set_traits $identify
$alias $identify
$exposure $exposure
$session session_start
$opt_out Opted Out";

const EXPOSURE: &str = "experiment flag_key";

const PAGE: &str = "\
url [Amplitude] Page Location
path [Amplitude] Page Path
title [Amplitude] Page Title
referrer referrer";

const CONTEXT: &str = "locale -\nuserAgent -\nscreen -\nviewport -";

const LAST_TOUCH: &str = "referrer last_referrer\nlanding last_landing";

/// The format `amplitude`.
#[derive(Debug)]
pub(super) struct Amplitude {
    host: String,
    key: String,
    content_type: ContentType,
    /// Whether the route for uploads in bulk is taken, which has other limits.
    bulk: bool,
    /// JSON text.
    min_id_length: String,
    partner: String,
}

impl Amplitude {
    /// Options: `contentType`: `"text"` (default) or `"json"`; `bulk`: `true` for `/batch`; `minIdLength` (default 1);
    /// `partnerId`.
    pub(super) fn new(settings: &Settings) -> Result<Self, SettingsError> {
        let least = settings.option("minIdLength")?.unwrap_or("1");
        if parse_u64(least).is_none() {
            return Err(SettingsError::OptionWrong("minIdLength", "a whole number"));
        }
        Ok(Self {
            host: settings.host("https://api2.amplitude.com")?,
            key: settings.key()?,
            content_type: settings.content_type()?,
            bulk: settings.flag("bulk", false)?,
            min_id_length: owned(least),
            partner: settings.text("partnerId")?,
        })
    }

    fn event(&self, out: &mut Writer, event: &Event<'_>) {
        out.begin();
        match event.kind {
            Kind::Group if has_group_traits(event.properties) => {
                out.string("event_type", "$groupidentify")
            }
            Kind::Group => out.string("event_type", "$identify"),
            _ => out.event_name("event_type", event.name, NAMES),
        }
        out.raw_if("user_id", event.user);
        out.raw("device_id", event.anonymous);
        out.number("time", event.unix_ms());
        out.key("session_id");
        match event.session_start_ms() {
            Some(ms) => push_u64(out.text(), ms),
            None => out.end("-1"),
        }
        out.raw("event_id", event.seq);
        out.raw("insert_id", event.key);
        out.string("platform", "Web");
        out.string("ip", "$remote");
        out.raw_if("language", event.context("locale"));
        out.raw_if("user_agent", event.context("userAgent"));
        out.string("library", concat!("sendoff/", env!("CARGO_PKG_VERSION")));
        if !self.partner.is_empty() {
            out.quoted("partner_id", &self.partner);
        }
        own_properties(out, event);
        out.end("}");
    }
}

impl Format for Amplitude {
    fn encoder(&self) -> &'static str {
        "amplitude/1"
    }

    fn limits(&self) -> Limits {
        Limits {
            events: if self.bulk { 1_900 } else { 1_000 },
            // Below 1 MB, and for uploads in bulk below 20.
            bytes: 900_000,
            overhead_bytes: 120 + self.key.len(),
            event_overhead_bytes: 1_300,
        }
    }

    fn route(&self, _: &EventView<'_>) -> Option<Route> {
        Some(Route(0))
    }

    fn target(&self, _: Route, _: UnixMillis) -> Target {
        let path = if self.bulk { "/batch" } else { "/2/httpapi" };
        Target {
            url: join(&[&self.host, path]),
            content_type: self.content_type,
        }
    }

    fn encode(&self, batch: &Batch<'_>) -> String {
        let mut out = Writer::default();
        out.begin();
        out.string("api_key", &self.key);
        if batch.sent_at != NO_SEND_TIME {
            out.timestamp("client_upload_time", batch.sent_at);
        }
        out.object("options");
        out.raw("min_id_length", &self.min_id_length);
        out.end("}");
        out.list("events");
        for entry in batch.events {
            self.event(&mut out, &Event::of(entry, &batch.source));
        }
        out.end("]}");
        out.done()
    }

    /// Of a request with bad events nothing is stored; the answer names them by their index, and not always all
    /// at once. The status is also in the body, where a proxy cannot change it.
    fn read_answer(&self, events: usize, answer: &Answer<'_>) -> Verdict {
        let code = number(answer.body, "code").and_then(|code| u16::try_from(code).ok());
        let status = code.filter(|code| (200..600).contains(code));
        let answer = Answer {
            status: status.unwrap_or(answer.status),
            ..*answer
        };
        match answer.status {
            400 => bad_request(events, answer.body),
            429 => throttled(&answer),
            _ => verdict_of_status(&answer),
        }
    }

    fn is_dialect(&self, body: &str) -> Option<bool> {
        Some(number(body, "code").is_some())
    }
}

fn bad_request(events: usize, body: &str) -> Verdict {
    let error = member(body, "error").unwrap_or("");
    let missing = member(body, "missing_field").unwrap_or("");
    if error.starts_with("\"Invalid API key") || missing == "\"api_key\"" {
        return Verdict::Unwelcome;
    }
    let mut refused = Vec::new();
    for list in [
        "events_with_invalid_fields",
        "events_with_missing_fields",
        "events_with_invalid_id_lengths",
        "silenced_events",
    ] {
        add_indices(body, list, events, &mut refused);
    }
    rest_again(events, refused)
}

/// Too much of one device or user: nothing is stored. In a browser that is one device, so the whole batch waits;
/// whoever is over the quota of a day waits for the next day.
fn throttled(answer: &Answer<'_>) -> Verdict {
    let over = |name| {
        members(member(answer.body, name).unwrap_or(""))
            .next()
            .is_some()
    };
    if over("exceeded_daily_quota_devices") || over("exceeded_daily_quota_users") {
        return Verdict::Unwelcome;
    }
    let named = member(answer.body, "throttled_events").is_some();
    Verdict::Retry {
        after_ms: answer
            .retry_after_ms
            .or_else(|| named.then_some(THROTTLED_MS)),
    }
}

/// The properties, where this kind of event has them.
fn own_properties(out: &mut Writer, event: &Event<'_>) {
    match event.kind {
        Kind::Identify | Kind::SetTraits | Kind::Alias => {
            out.raw_if("groups", event.groups);
            out.object("user_properties");
            out.filled("$set", |out| {
                out.renamed(event.properties, &["previousId previous_id"], "");
            });
            if members(event.touch("first")).next().is_some() {
                let first = event.touch("first");
                out.filled("$setOnce", |out| out.renamed(first, &[], "initial_"));
            }
            out.end("}");
        }
        Kind::Group => group(out, event),
        Kind::Track | Kind::Page | Kind::Exposure => {
            out.raw_if("groups", event.groups);
            let names = if event.kind == Kind::Exposure {
                EXPOSURE
            } else {
                ""
            };
            out.filled("event_properties", |out| {
                out.renamed(event.properties, &[names], "");
                surroundings(out, event);
            });
        }
    }
}

/// With traits the group's own properties are set; without, the user becomes a member of it.
fn group(out: &mut Writer, event: &Event<'_>) {
    out.object("groups");
    out.raw(event.group_type(), event.group_id());
    out.end("}");
    if has_group_traits(event.properties) {
        out.object("group_properties");
        out.filled("$set", |out| {
            out.renamed(event.properties, &[GROUP_IDS], "")
        });
    } else {
        out.object("user_properties");
        out.object("$set");
        out.raw(event.group_type(), event.group_id());
        out.end("}");
    }
    out.end("}");
}

/// A URL in quotes, without its query and fragment.
fn bare_url(url: &str) -> String {
    let end = url.bytes().position(|byte| matches!(byte, b'?' | b'#'));
    match end {
        Some(end) => join(&[part(url, 0, end), "\""]),
        None => owned(url),
    }
}

/// Page, context, attribution and measures.
fn surroundings(out: &mut Writer, event: &Event<'_>) {
    out.renamed(event.page, &[PAGE], "page_");
    out.host("[Amplitude] Page Domain", event.of_page("url"));
    out.ours(
        "[Amplitude] Page URL",
        event.of_page("url").map(bare_url).as_deref(),
    );
    out.renamed(&event.context, &[CONTEXT], "context_");
    out.sizes(event, "");
    out.renamed(event.touch("last"), &[LAST_TOUCH], "");
    out.renamed(event.touch("first"), &[], "initial_");
    if event.session_start_ms().is_none() {
        out.ours("session_id", event.session);
    }
    out.ours("session_seq", event.session_seq);
    out.ours("value", event.value);
    out.ours("sample_rate", event.sample_rate);
}
