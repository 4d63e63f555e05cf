//! The message model of Segment, which RudderStack and Jitsu took over: track, identify, page, group and alias,
//! deduplicated by `messageId`. What differs is the route, where the key stands and how a clock that is wrong is
//! corrected, and those are all in [`Dialect`].

use crate::{
    model::{drop_reason::DropReason, time::UnixMillis},
    text::{
        fields::join,
        view::{EventView, member, members},
    },
    wire::{
        Answer, Batch, ContentType, Format, Limits, NO_SEND_TIME, Route, Target, Verdict,
        answers::{number, some_refused},
        build::{LIBRARY_VERSION, Writer, push_percent},
        canonical::{Event, GROUP_IDS, Kind},
        formats::{Settings, SettingsError},
        verdict_of_status,
    },
};

/// Segment takes messages of 32 KB and does not answer for larger ones. What a message has around its event's
/// text is counted in.
const SEGMENT_EVENT_BYTES_MAX: usize = 32_000 - EVENT_OVERHEAD_BYTES;

/// Jitsu refuses longer names of events.
const JITSU_NAME_BYTES_MAX: usize = 128;

const EVENT_OVERHEAD_BYTES: usize = 1_300;

const NAMES: &str = "\
$exposure Experiment Viewed
$session Session Started
$opt_out Opted Out";

const EXPOSURE: &str = "experiment experiment_name\nvariant variation_name";

const CAMPAIGN: &str = "\
utm_campaign name
utm_source source
utm_medium medium
utm_term term
utm_content content";

/// Whose of the three it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    /// Key in the body; `timestamp` corrected by the body's `sentAt`.
    Segment,
    /// Key in the query of its route for beacons; `originalTimestamp` corrected by each message's `sentAt`.
    Rudderstack,
    /// Key in the body; times are taken as they are. 200 is said, too, where messages were refused.
    Jitsu,
}

/// The formats `segment`, `rudderstack` and `jitsu`.
#[derive(Debug)]
pub(super) struct Segment {
    dialect: Dialect,
    host: String,
    key: String,
    content_type: ContentType,
    /// JSON object that chooses among Segment's own destinations; empty for none.
    integrations: String,
}

impl Segment {
    /// Options: `contentType`: `"text"` (default) or `"json"`; `integrations`: an object.
    pub(super) fn new(dialect: Dialect, settings: &Settings) -> Result<Self, SettingsError> {
        let default = match dialect {
            Dialect::Segment => "https://api.segment.io",
            Dialect::Rudderstack | Dialect::Jitsu => "",
        };
        Ok(Self {
            dialect,
            host: settings.host(default)?,
            key: settings.key()?,
            content_type: settings.content_type()?,
            integrations: settings.object("integrations")?,
        })
    }

    fn message(&self, out: &mut Writer, event: &Event<'_>, batch: &Batch<'_>) {
        out.begin();
        own_members(out, event);
        out.raw("messageId", event.key);
        out.raw("anonymousId", event.anonymous);
        out.raw_if("userId", event.user);
        if self.dialect == Dialect::Rudderstack {
            out.string("channel", "web");
            out.raw("originalTimestamp", event.timestamp);
            send_time(out, batch);
        } else {
            out.raw("timestamp", event.timestamp);
        }
        if !self.integrations.is_empty() {
            out.raw("integrations", &self.integrations);
        }
        out.filled("context", |out| self.context(out, event, batch));
        out.end("}");
    }

    fn context(&self, out: &mut Writer, event: &Event<'_>, batch: &Batch<'_>) {
        out.renamed(
            &event.context,
            &["library context_library\npage context_page"],
            "",
        );
        if !event.page.is_empty() {
            out.raw("page", event.page);
        }
        out.object("library");
        out.string("name", "sendoff");
        out.raw("version", LIBRARY_VERSION);
        out.end("}");
        if let Some(groups) = event.groups {
            out.ours("groupId", members(groups).next().map(|(_, id)| id));
            out.ours("groups", Some(groups));
        }
        if let Some(attribution) = event.attribution {
            out.filled("campaign", |out| {
                out.renamed(event.touch("last"), &[CAMPAIGN], "")
            });
            out.ours("attribution", Some(attribution));
        }
        self.session(out, event);
        out.ours("sessionSeq", event.session_seq);
        out.string("windowId", &batch.source.tab.text());
    }

    /// RudderStack's session id is a number: when the session began.
    fn session(&self, out: &mut Writer, event: &Event<'_>) {
        let start = event.session_start_ms();
        match (self.dialect, start) {
            (Dialect::Rudderstack, Some(ms)) => {
                out.number("sessionId", ms);
                if event.session_seq == Some("1") {
                    out.raw("sessionStart", "true");
                }
            }
            (Dialect::Rudderstack, None) => out.ours("sessionKey", event.session),
            _ => out.ours("sessionId", event.session),
        }
    }
}

impl Format for Segment {
    fn encoder(&self) -> &'static str {
        match self.dialect {
            Dialect::Segment => "segment/1",
            Dialect::Rudderstack => "rudderstack/1",
            Dialect::Jitsu => "jitsu/1",
        }
    }

    fn limits(&self) -> Limits {
        Limits {
            // 2,500 at Segment, which answers 200 to more and takes none.
            events: 1_000,
            // 500 KB at Segment.
            bytes: 450_000,
            overhead_bytes: 100 + self.key.len(),
            event_overhead_bytes: EVENT_OVERHEAD_BYTES + self.integrations.len(),
        }
    }

    fn route(&self, _: &EventView<'_>) -> Option<Route> {
        Some(Route(0))
    }

    fn refuses(&self, event: &EventView<'_>, _: UnixMillis) -> Option<DropReason> {
        let large = match self.dialect {
            Dialect::Segment => event.text().len() > SEGMENT_EVENT_BYTES_MAX,
            Dialect::Jitsu => event.name().len() > JITSU_NAME_BYTES_MAX,
            Dialect::Rudderstack => false,
        };
        large.then_some(DropReason::TooLarge)
    }

    fn target(&self, _: Route, _: UnixMillis) -> Target {
        let mut url = join(&[&self.host, "/v1/batch"]);
        if self.dialect == Dialect::Rudderstack {
            url = join(&[&self.host, "/beacon/v1/batch?writeKey="]);
            push_percent(&mut url, &self.key);
        }
        Target {
            url,
            content_type: self.content_type,
        }
    }

    fn encode(&self, batch: &Batch<'_>) -> String {
        let mut out = Writer::default();
        out.begin();
        if self.dialect != Dialect::Rudderstack {
            out.string("writeKey", &self.key);
        }
        if self.dialect != Dialect::Jitsu {
            send_time(&mut out, batch);
        }
        out.list("batch");
        for entry in batch.events {
            self.message(&mut out, &Event::of(entry, &batch.source), batch);
        }
        out.end("]}");
        out.done()
    }

    fn read_answer(&self, events: usize, answer: &Answer<'_>) -> Verdict {
        if self.dialect == Dialect::Jitsu && answer.status < 300 {
            return jitsu(events, answer.body);
        }
        verdict_of_status(answer)
    }

    fn is_dialect(&self, body: &str) -> Option<bool> {
        (self.dialect == Dialect::Jitsu).then(|| member(body, "ok").is_some())
    }
}

/// Jitsu's 200 counts what it took; sending the whole again would double that.
fn jitsu(events: usize, body: &str) -> Verdict {
    if member(body, "ok") != Some("false") {
        return Verdict::Delivered;
    }
    let received = number(body, "receivedEvents").unwrap_or(events as u64);
    match received.saturating_sub(number(body, "okEvents").unwrap_or(0)) {
        refused if refused >= events as u64 => Verdict::Rejected,
        refused => some_refused(events, refused),
    }
}

fn send_time(out: &mut Writer, batch: &Batch<'_>) {
    if batch.sent_at != NO_SEND_TIME {
        out.timestamp("sentAt", batch.sent_at);
    }
}

/// The members that this type of message has and others do not.
fn own_members(out: &mut Writer, event: &Event<'_>) {
    let given = event.properties;
    match event.kind {
        Kind::Identify | Kind::SetTraits => {
            out.string("type", "identify");
            out.raw("traits", given);
        }
        Kind::Alias => {
            out.string("type", "alias");
            out.raw_if("previousId", event.property("previousId"));
        }
        Kind::Group => {
            out.string("type", "group");
            out.raw("groupId", event.group_id());
            // Segment has no types of groups: one that was named is a trait.
            let plain = event.group_type() == "group";
            let ids = if plain { GROUP_IDS } else { "groupId -" };
            out.filled("traits", |out| out.renamed(given, &[ids], ""));
        }
        Kind::Page => {
            out.string("type", "page");
            out.raw_if("name", event.property("name"));
            out.filled("properties", |out| {
                out.renamed(given, &["name -"], "");
                out.missing(event.page, given);
                measures(out, event);
            });
        }
        Kind::Track | Kind::Exposure => {
            out.string("type", "track");
            out.event_name("event", event.name, NAMES);
            let names = if event.kind == Kind::Exposure {
                EXPOSURE
            } else {
                ""
            };
            out.filled("properties", |out| {
                out.renamed(given, &[names], "");
                measures(out, event);
            });
        }
    }
}

fn measures(out: &mut Writer, event: &Event<'_>) {
    out.ours("value", event.value);
    out.ours("sample_rate", event.sample_rate);
}
