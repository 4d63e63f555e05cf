//! Amplitude's HTTP API, version 2: `POST <host>/2/httpapi`, one JSON object. The documentation asks for
//! `application/json`; what Amplitude's own browser client sends as it leaves a page is `text/plain`, which needs
//! no preflight and is what we send unless `contentType: "json"` is set.
//!
//! Deduplicated for seven days by `insert_id` on a device. The send time is the body's, at each attempt: beyond a
//! minute of difference Amplitude shifts every event by it.

use crate::{
    model::{event::Entry, time::UnixMillis},
    text::{
        fields::{join, owned, part},
        view::{EventView, member, members},
    },
    wire::{
        Answer, Batch, ContentType, Format, Limits, NO_SEND_TIME, Route, Target, Verdict,
        answers::{number, rest_again},
        build::Writer,
        canonical::{Event, Kind, has_group_traits, quoted},
        formats::{Settings, SettingsError, iso},
        recipe::follow,
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
$group $identify
$exposure $exposure
$session session_start
$opt_out Opted Out";

const HEAD: &str = concat!(
    "\
event event_type
userId user_id
anonymousId device_id
ms time
session session_id
seq event_id
idempotencyKey insert_id
=\"Web\" platform
=\"$remote\" ip
context.locale language
context.userAgent user_agent
partner partner_id
=\"sendoff/",
    env!("CARGO_PKG_VERSION"),
    "\" library"
);

macro_rules! track {
    ($renamed:literal) => {
        concat!(
            "groups groups\n{ event_properties\n*properties",
            $renamed,
            "
*page page_
~ url [Amplitude] Page Location
~ path [Amplitude] Page Path
~ title [Amplitude] Page Title
~ referrer referrer
host [Amplitude] Page Domain
bareUrl [Amplitude] Page URL
*context context_
~ locale -
~ userAgent -
~ screen -
~ viewport -
context.screen.width screen_width
context.screen.height screen_height
context.viewport.width viewport_width
context.viewport.height viewport_height
*attribution.last
~ referrer last_referrer
~ landing last_landing
*attribution.first initial_
oddSession session_id
sessionSeq session_seq
value value
sampleRate sample_rate
}"
        )
    };
}

const TRACK: &str = track!("");

const EXPOSURE: &str = track!("\n~ experiment flag_key");

const IDENTIFY: &str = "\
groups groups
{ user_properties
? $set
*properties
~ previousId previous_id
}
? $setOnce
*attribution.first initial_
}
}";

const GROUP: &str = "\
pair groups
{ group_properties
{ $set
*properties
~ groupType -
~ groupId -
}
}";

const MEMBER: &str = "pair groups\n{ user_properties\npair $set\n}";

/// The format `amplitude`.
#[derive(Debug)]
pub(super) struct Amplitude {
    host: String,
    key: String,
    content_type: ContentType,
    /// Whether the route for uploads in bulk is taken, which has other limits.
    bulk: bool,
    partner: String,
}

impl Amplitude {
    /// Options: `contentType`: `"text"` (default) or `"json"`; `bulk`: `true` for `/batch`; `partnerId`.
    pub(super) fn new(settings: &Settings) -> Result<Self, SettingsError> {
        Ok(Self {
            host: settings.host("https://api2.amplitude.com")?,
            key: settings.key()?,
            content_type: settings.content_type()?,
            bulk: settings.word("bulk", "false true")? == 1,
            partner: settings.text("partnerId")?,
        })
    }

    fn read<'a>(&self, entry: &'a Entry, batch: &Batch<'a>) -> Event<'a> {
        let mut event = Event::of(entry, &batch.source);
        if is_group_profile(&event) {
            event.add("event", "\"$groupidentify\"");
        } else {
            event.add_name(NAMES);
        }
        event.add_pair();
        // A session is named by when it began; one that does not say so is none, and a property.
        let session = event.find("sessionMs").map(owned);
        if session.is_none() {
            let odd = event.find("sessionId").map(owned);
            event.add_if("oddSession", odd.as_deref());
        }
        event.add("session", session.as_deref().unwrap_or("-1"));
        let bare = event.find("page.url").map(bare_url);
        event.add_if("bareUrl", bare.as_deref());
        if !self.partner.is_empty() {
            event.add("partner", &quoted(&self.partner));
        }
        event
    }
}

/// With traits the group's own properties are set; without, the user becomes a member of it.
fn is_group_profile(event: &Event<'_>) -> bool {
    event.kind == Kind::Group && has_group_traits(event.find("properties").unwrap_or(""))
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
            out.raw("client_upload_time", &iso(batch.sent_at));
        }
        out.raw("options", "{\"min_id_length\":1}");
        out.key("events");
        out.push("[");
        for entry in batch.events {
            let event = self.read(entry, batch);
            out.begin();
            follow(&mut out, &event, HEAD);
            let own = match event.kind {
                Kind::Identify | Kind::SetTraits | Kind::Alias => IDENTIFY,
                Kind::Group if is_group_profile(&event) => GROUP,
                Kind::Group => MEMBER,
                Kind::Exposure => EXPOSURE,
                Kind::Track | Kind::Page => TRACK,
            };
            follow(&mut out, &event, own);
            out.end();
        }
        out.push("]");
        out.end();
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
    rest_again(
        events,
        body,
        "events_with_invalid_fields\nevents_with_missing_fields\n\
        events_with_invalid_id_lengths\nsilenced_events",
    )
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

/// A URL in quotes, without its query and fragment.
fn bare_url(url: &str) -> String {
    let end = url.bytes().position(|byte| matches!(byte, b'?' | b'#'));
    match end {
        Some(end) => join(&[part(url, 0, end), "\""]),
        None => owned(url),
    }
}
