//! A URL of one's own: each event as `{name, properties, timestamp, userId, …}`, alone or in a list, or the native
//! batch. What identifies it for whoever wants each event once is `idempotencyKey`.
//!
//! The key goes into the query, so that a request needs no preflight; `authorization` puts what it says into the
//! header of that name, at the price of one.

use crate::{
    model::{event::Entry, time::UnixMillis},
    text::{
        fields::{join, owned},
        json::push_u64,
        view::{EventView, member},
    },
    wire::{
        Answer, Batch, ContentType, Format, Limits, NO_SEND_TIME, Route, Target, Verdict,
        build::{Writer, push_percent},
        canonical::Event,
        formats::{Settings, SettingsError, iso},
        recipe::follow,
        verdict_of_status,
    },
};

/// One event by itself: it says all that a batch says once.
const EVENT: &str = "\
name name
properties properties
timestamp timestamp
user userId
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

/// What a request holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    Event,
    Events,
    Native,
}

/// The format `webhook`.
#[derive(Debug)]
pub(super) struct Webhook {
    url: String,
    key: String,
    shape: Shape,
    content_type: ContentType,
    authorization: String,
}

impl Webhook {
    /// Options: `shape`: `"events"` (default: a list), `"event"` (one a request) or `"native"` (sendoff's own batch);
    /// `contentType`: `"text"` (default) or `"json"`; `authorization`.
    pub(super) fn new(settings: &Settings) -> Result<Self, SettingsError> {
        let shape = settings.word("shape", "\"events\" \"event\" \"native\"")?;
        Ok(Self {
            url: settings.host("")?,
            key: settings.api_key.clone(),
            shape: match shape {
                0 => Shape::Events,
                1 => Shape::Event,
                _ => Shape::Native,
            },
            content_type: settings.content_type()?,
            authorization: settings.text("authorization")?,
        })
    }

    /// The batch as a native collector takes it.
    fn native(&self, out: &mut Writer, batch: &Batch<'_>) {
        let source = &batch.source;
        let first_page = batch.events.first().map(|entry| entry.page);
        let page = first_page.and_then(|page| source.pages.get(page));
        out.begin();
        out.raw("sentAt", &iso(batch.sealed_at));
        out.string("batchId", batch.id);
        out.raw("sdk", source.sdk);
        out.string("apiKey", &self.key);
        out.string("tab", &source.tab.text());
        out.object("context", false);
        if let Some(page) = page {
            out.raw("page", page);
        }
        out.missing(source.context);
        out.end();
        gaps(out, batch);
        out.key("events");
        out.push("[");
        for entry in batch.events {
            let other = Some(entry.page) != first_page;
            let page = source.pages.get(entry.page).filter(|_| other);
            native_event(out, &entry.text, page.map(String::as_str));
        }
        out.push("]");
        out.end();
    }
}

impl Format for Webhook {
    fn encoder(&self) -> &'static str {
        match self.shape {
            Shape::Events => "webhook-events/1",
            Shape::Event => "webhook-event/1",
            Shape::Native => "webhook-native/1",
        }
    }

    fn limits(&self) -> Limits {
        Limits {
            events: if self.shape == Shape::Event { 1 } else { 1_000 },
            bytes: 1_000_000,
            overhead_bytes: 2_600,
            event_overhead_bytes: if self.shape == Shape::Native { 2 } else { 900 },
        }
    }

    fn route(&self, _: &EventView<'_>) -> Option<Route> {
        Some(Route(0))
    }

    fn authorization(&self) -> Option<&str> {
        Some(self.authorization.as_str()).filter(|value| !value.is_empty())
    }

    fn target(&self, _: Route, now: UnixMillis) -> Target {
        let mut url = join(&[&self.url]);
        let mut mark = if url.bytes().any(|byte| byte == b'?') {
            "&"
        } else {
            "?"
        };
        if !self.key.is_empty() {
            url.push_str(mark);
            url.push_str("apiKey=");
            push_percent(&mut url, &self.key);
            mark = "&";
        }
        if now != NO_SEND_TIME {
            url.push_str(mark);
            url.push_str("sentAt=");
            push_u64(&mut url, now.0);
        }
        Target {
            url,
            content_type: self.content_type,
        }
    }

    fn encode(&self, batch: &Batch<'_>) -> String {
        let mut out = Writer::default();
        match (self.shape, batch.events) {
            (Shape::Native, _) => self.native(&mut out, batch),
            (Shape::Event, [entry]) => event(&mut out, entry, batch),
            (_, entries) => {
                out.push("[");
                for entry in entries {
                    event(&mut out, entry, batch);
                }
                out.push("]");
            }
        }
        out.done()
    }

    fn read_answer(&self, _: usize, answer: &Answer<'_>) -> Verdict {
        verdict_of_status(answer)
    }
}

fn event(out: &mut Writer, entry: &Entry, batch: &Batch<'_>) {
    let mut event = Event::of(entry, &batch.source);
    let user = owned(event.find("userId").unwrap_or("null"));
    event.add("user", &user);
    out.begin();
    follow(out, &event, EVENT);
    out.end();
}

/// The canonical text; of another page than the batch's first, with that page in its context.
fn native_event(out: &mut Writer, text: &str, page: Option<&str>) {
    let own = member(text, "context").unwrap_or("");
    let Some(page) = page.filter(|_| member(own, "page").is_none()) else {
        return out.item(text);
    };
    out.begin();
    out.renamed(text, "context -", "");
    out.object("context", false);
    out.missing(own);
    out.raw("page", page);
    out.end();
    out.end();
}

fn gaps(out: &mut Writer, batch: &Batch<'_>) {
    if batch.gaps.is_empty() {
        return;
    }
    out.key("dropped");
    out.push("[");
    for gap in batch.gaps {
        out.begin();
        out.number("from", gap.from);
        out.number("to", gap.to);
        out.string("reason", gap.reason.code());
        out.end();
    }
    out.push("]");
}
