//! What the vendors' formats have in common: a vendor is a [`Dialect`], which is data but for how it
//! answers, and what the page set up makes a [`Vendor`] of it.

use crate::{
    model::{drop_reason::DropReason, event::Entry, time::UnixMillis},
    text::{
        fields::{join, owned, unquoted},
        json::{push_timestamp, push_u64},
        view::{EventView, member},
    },
    wire::{
        Answer, Batch, ContentType, Format, Gzip, Limits, NO_SEND_TIME, Route, Source, Target,
        Verdict,
        build::{Writer, push_percent},
        canonical::{Event, KINDS, Kind, quoted, unix_ms},
        recipe::follow,
    },
};

/// One vendor's format. For every field the vendor's file says where it is from.
#[derive(Debug)]
pub(super) struct Dialect {
    /// See [`Format::encoder`].
    pub(super) encoder: &'static str,
    /// The vendor's own host; empty where everybody has one of their own.
    pub(super) host: &'static str,
    /// Whether projects are told apart by a key.
    pub(super) needs_key: bool,
    /// Unless the page's option says another.
    pub(super) content_type: ContentType,
    /// See [`Format::gzip`].
    pub(super) gzip: Gzip,
    /// A line for each option: `<name> <what it has to be>`, the words that it may be parted by `|`.
    pub(super) options: &'static str,
    /// By route, the rest of the URL.
    pub(super) paths: &'static [&'static str],
    /// The parameters of the URL that hold the key and the send time; empty for none.
    pub(super) in_query: [&'static str; 2],
    /// See [`Format::limits`].
    pub(super) limits: Limits,
    /// Bytes of one event's text and of its name, and its age, beyond which it would be lost without a word.
    pub(super) event_bytes_max: usize,
    pub(super) name_bytes_max: usize,
    pub(super) age_ms_max: u64,
    /// The vendor's names for sendoff's own events, a line each.
    pub(super) names: &'static str,
    /// The recipe of a request, up to its list of events; of nothing in particular.
    pub(super) envelope: &'static str,
    /// The member that is this list; empty where the list is the whole body.
    pub(super) list: &'static str,
    /// What every answer has as a member, if the vendor's answers have a shape.
    pub(super) spoken: &'static str,
    /// By which route an event of each kind goes.
    pub(super) routes: [u8; KINDS],
    /// The recipes that an event of the first route has before and after that of its kind.
    pub(super) around: [&'static str; 2],
    /// The recipe for each kind of event. All that is left open is closed behind it.
    pub(super) recipes: [&'static str; KINDS],
    /// Chooses the recipe itself where that is not by the kind.
    pub(super) choose: Option<fn(&mut Event<'_>) -> &'static str>,
    /// See [`Format::read_answer`].
    pub(super) read_answer: fn(usize, &Answer<'_>) -> Verdict,
}

/// A vendor's format, set up.
#[derive(Debug)]
pub(super) struct Vendor {
    pub(super) dialect: &'static Dialect,
    /// Without a slash at its end.
    pub(super) host: String,
    pub(super) key: String,
    /// JSON object that fits the dialect's table; empty for none.
    pub(super) options: String,
}

/// All events by one route.
pub(super) const ONE_ROUTE: [u8; KINDS] = [0; KINDS];

impl Vendor {
    fn option(&self, name: &str) -> Option<&str> {
        member(&self.options, name)
    }

    /// An event with what recipes may want from outside of it.
    fn prepared<'a>(
        &self,
        entry: &'a Entry,
        source: &Source<'a>,
        sent_at: UnixMillis,
    ) -> Event<'a> {
        let mut event = Event::of(entry, source);
        event.add_name(self.dialect.names);
        event.add_text("key", &self.key);
        event.add("tab", &quoted(&source.tab.text()));
        if !self.options.is_empty() {
            event.add("options", &self.options);
        }
        if sent_at != NO_SEND_TIME {
            let mut text = String::new();
            push_timestamp(&mut text, sent_at.0);
            event.add("sentAt", &quoted(&text));
        }
        event
    }

    fn list(&self, out: &mut Writer, batch: &Batch<'_>) {
        let dialect = self.dialect;
        let [before, after] = dialect.around;
        for entry in batch.events {
            let mut event = self.prepared(entry, &batch.source, batch.sent_at);
            let by_kind = dialect.recipes.get(event.kind as usize).unwrap_or(&"");
            let own = match dialect.choose {
                Some(choose) => choose(&mut event),
                None => by_kind,
            };
            let depth = out.depth();
            out.begin();
            let first = batch.route == Route(0);
            for (recipe, wanted) in [(before, first), (own, true), (after, first)] {
                if wanted {
                    follow(out, &event, recipe);
                }
            }
            while out.depth() > depth {
                out.end();
            }
        }
    }
}

impl Format for Vendor {
    fn encoder(&self) -> &'static str {
        self.dialect.encoder
    }

    fn limits(&self) -> Limits {
        let limits = self.dialect.limits;
        Limits {
            overhead_bytes: limits.overhead_bytes + self.key.len() + 8 * self.options.len(),
            event_overhead_bytes: limits.event_overhead_bytes + self.options.len(),
            ..limits
        }
    }

    fn route(&self, event: &EventView<'_>) -> Option<Route> {
        let route = self.dialect.routes.get(Kind::of(event) as usize);
        Some(Route(route.copied().unwrap_or(0)))
    }

    fn refuses(&self, event: &EventView<'_>, now: UnixMillis) -> Option<DropReason> {
        let dialect = self.dialect;
        let large = event.text().len() > dialect.event_bytes_max
            || event.name().len() > dialect.name_bytes_max;
        if large {
            return Some(DropReason::TooLarge);
        }
        let at = unix_ms(unquoted(event.get("timestamp").unwrap_or("")));
        let stale = at.saturating_add(dialect.age_ms_max) < now.0;
        (stale && self.route(event) == Some(Route(0))).then_some(DropReason::Expired)
    }

    fn authorization(&self) -> Option<&str> {
        self.option("authorization").map(unquoted)
    }

    fn gzip(&self) -> Gzip {
        self.dialect.gzip
    }

    fn target(&self, route: Route, now: UnixMillis) -> Target {
        let path = self.dialect.paths.get(usize::from(route.0)).unwrap_or(&"");
        let mut url = join(&[&self.host, path]);
        if self.option("ip") == Some("false") {
            url.truncate(url.len().saturating_sub(1));
            url.push('0');
        }
        let [key, time] = self.dialect.in_query;
        if !key.is_empty() && !self.key.is_empty() {
            push_parameter(&mut url, key);
            push_percent(&mut url, &self.key);
        }
        if !time.is_empty() && now != NO_SEND_TIME {
            push_parameter(&mut url, time);
            push_u64(&mut url, now.0);
        }
        let json = self.option("contentType") == Some("\"json\"");
        let content_type = if json {
            ContentType::Json
        } else {
            self.dialect.content_type
        };
        Target { url, content_type }
    }

    fn encode(&self, batch: &Batch<'_>) -> String {
        let mut out = Writer::default();
        let dialect = self.dialect;
        if dialect.limits.events == 1 {
            self.list(&mut out, batch);
            return out.done();
        }
        if !dialect.list.is_empty() {
            let nothing = Entry {
                page: usize::MAX,
                ..Entry::default()
            };
            out.begin();
            let of_tab = self.prepared(&nothing, &batch.source, batch.sent_at);
            follow(&mut out, &of_tab, dialect.envelope);
            out.key(dialect.list);
        }
        out.push("[");
        self.list(&mut out, batch);
        out.push("]");
        while out.depth() > 0 {
            out.end();
        }
        if dialect.content_type != ContentType::Form {
            return out.done();
        }
        let mut body = owned("data=");
        push_percent(&mut body, &out.done());
        body
    }

    fn read_answer(&self, events: usize, answer: &Answer<'_>) -> Verdict {
        (self.dialect.read_answer)(events, answer)
    }

    fn refuses_all_for_one(&self) -> bool {
        true
    }

    fn is_dialect(&self, body: &str) -> Option<bool> {
        let spoken = self.dialect.spoken;
        (!spoken.is_empty()).then(|| member(body, spoken).is_some())
    }
}

fn push_parameter(url: &mut String, name: &str) {
    let more = url.bytes().any(|byte| byte == b'?');
    url.push(if more { '&' } else { '?' });
    url.push_str(name);
    url.push('=');
}
