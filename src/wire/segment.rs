//! The message model of Segment, which RudderStack and Jitsu took over: track, identify, page, group and alias,
//! deduplicated by `messageId`. What differs is the route, where the key stands and how a clock that is wrong is
//! corrected, and those are all in [`Dialect`].

use crate::{
    model::{drop_reason::DropReason, time::UnixMillis},
    text::{
        fields::{join, owned},
        view::{EventView, member, members},
    },
    wire::{
        Answer, Batch, ContentType, Format, Limits, NO_SEND_TIME, Route, Target, Verdict,
        answers::{number, some_refused},
        build::{Writer, push_percent},
        canonical::{Event, Kind, quoted},
        formats::{Settings, SettingsError, iso},
        recipe::follow,
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

const IDENTIFY: &str = "=\"identify\" type\nproperties traits";

const ALIAS: &str = "=\"alias\" type\nproperties.previousId previousId";

/// Segment has no types of groups: one that was named is a trait.
const GROUP: &str = "\
=\"group\" type
properties.groupId groupId
{ traits
*properties
~ groupId -
}";

const PAGE: &str = "\
=\"page\" type
properties.name name
{ properties
*properties
~ name -
+page
value value
sampleRate sample_rate
}";

const TRACK: &str = "\
=\"track\" type
event event
{ properties
*properties
value value
sampleRate sample_rate
}";

const EXPOSURE: &str = "\
=\"track\" type
event event
{ properties
*properties
~ experiment experiment_name
~ variant variation_name
value value
sampleRate sample_rate
}";

const IDS: &str = "\
idempotencyKey messageId
anonymousId anonymousId
userId userId
integrations integrations";

const TIME: &str = "timestamp timestamp";

const TIME_RUDDERSTACK: &str = "=\"web\" channel\ntimestamp originalTimestamp\nsentAt sentAt";

const CONTEXT: &str = concat!(
    "\
{ context
*context
~ page context_page
~ library context_library
page page
{ library
=\"sendoff\" name
=\"",
    env!("CARGO_PKG_VERSION"),
    "\" version
}
group groupId
groups groups
? campaign
*attribution.last
~ utm_campaign name
~ utm_source source
~ utm_medium medium
~ utm_term term
~ utm_content content
}
attribution attribution
sessionSeq sessionSeq
tab windowId"
);

const SESSION: &str = "sessionId sessionId\n}";

/// RudderStack's session id is a number: when the session began.
const SESSION_RUDDERSTACK: &str = "\
sessionMs sessionId
begins sessionStart
oddSession sessionKey
}";

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

    fn message(&self, out: &mut Writer, mut event: Event<'_>, batch: &Batch<'_>) {
        let rudderstack = self.dialect == Dialect::Rudderstack;
        event.add_name(NAMES);
        event.add("tab", &quoted(&batch.source.tab.text()));
        let groups = event.find("groups").unwrap_or("");
        let group = members(groups).next().map(|(_, id)| owned(id));
        event.add_if("group", group.as_deref());
        if batch.sent_at != NO_SEND_TIME {
            event.add("sentAt", &iso(batch.sent_at));
        }
        if !self.integrations.is_empty() {
            event.add("integrations", &self.integrations);
        }
        if event.find("sessionMs").is_none() {
            let odd = event.find("sessionId").map(owned);
            event.add_if("oddSession", odd.as_deref());
        } else if event.find("sessionSeq") == Some("1") {
            event.add("begins", "true");
        }
        let own = match event.kind {
            Kind::Identify | Kind::SetTraits => IDENTIFY,
            Kind::Alias => ALIAS,
            Kind::Group => GROUP,
            Kind::Page => PAGE,
            Kind::Exposure => EXPOSURE,
            Kind::Track => TRACK,
        };
        let (time, session) = if rudderstack {
            (TIME_RUDDERSTACK, SESSION_RUDDERSTACK)
        } else {
            (TIME, SESSION)
        };
        out.begin();
        for recipe in [own, IDS, time, CONTEXT, session] {
            follow(out, &event, recipe);
        }
        out.end();
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
        if self.dialect != Dialect::Jitsu && batch.sent_at != NO_SEND_TIME {
            out.raw("sentAt", &iso(batch.sent_at));
        }
        out.key("batch");
        out.push("[");
        for entry in batch.events {
            self.message(&mut out, Event::of(entry, &batch.source), batch);
        }
        out.push("]");
        out.end();
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
