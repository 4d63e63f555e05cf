//! Mixpanel, with its simplified id merge: events to `/track`, profiles to `/engage`, groups to `/groups`; all of
//! them a form whose field `data` is a JSON list. 200 alone says nothing there: `verbose=1` makes it say
//! whether anything of the list was valid.
//!
//! One event goes one way, so that it is sent once. The two that would need two ways take the one that loses
//! nothing for good: `$identify` with traits sets the profile, and the link of device and user is made by the next
//! event, which names both; `$group` with traits sets the group's profile, and whose group it is stands in every
//! later event. Updates of profiles are idempotent; events are deduplicated by `$insert_id`.

use crate::{
    model::{drop_reason::DropReason, time::UnixMillis},
    text::{
        fields::{join, owned, parse_u64, unquoted},
        view::{EventView, members},
    },
    wire::{
        Answer, Batch, ContentType, Format, Limits, Route, Target, Verdict,
        answers::number,
        build::{LIBRARY_VERSION, Writer, push_percent},
        canonical::{Event, GROUP_IDS, Kind, has_group_traits, unix_ms},
        formats::{Settings, SettingsError},
        verdict_of_status,
    },
};

const TRACK: Route = Route(0);
const ENGAGE: Route = Route(1);
const GROUPS: Route = Route(2);

/// `/track` takes the last five days only, and does not say so when it throws an event away.
const AGE_MS_MAX: u64 = 5 * 24 * 3_600_000;

const NAMES: &str = "\
$page_view $mp_web_page_view
$alias $create_alias
$exposure $experiment_started
$session Session Started
$opt_out Opted Out";

/// What Mixpanel takes for its own in an event's properties; `$ignore` would make it throw the event away.
const PROPERTIES: &str = "\
token event_token
ip event_ip
time event_time
distinct_id event_distinct_id
alias event_alias
bucket event_bucket
$ignore event_ignore
$distinct_id event_distinct_id
$device_id event_device_id
$user_id event_user_id
$insert_id event_insert_id
$time event_time
$anon_distinct_id event_anon_distinct_id";

/// What some kinds of events call by a name of Mixpanel's.
const OF_KIND: &str = "experiment Experiment name\nvariant Variant name\npreviousId alias";

const PAGE: &str = "\
url $current_url
referrer $referrer
title current_page_title
path current_url_path
search current_url_search";

const CONTEXT: &str =
    "locale $locale\ntimezone $timezone\nuserAgent user_agent\nscreen -\nviewport -";

const LAST_TOUCH: &str = "referrer last_referrer\nlanding last_landing";

const FIRST_TOUCH: &str = "referrer $initial_referrer";

/// The format `mixpanel`.
#[derive(Debug)]
pub(super) struct Mixpanel {
    host: String,
    token: String,
    /// Whether Mixpanel is to find the place by the request's address.
    ip: bool,
}

impl Mixpanel {
    /// Options: `ip`: `true` (default) or `false`.
    pub(super) fn new(settings: &Settings) -> Result<Self, SettingsError> {
        Ok(Self {
            host: settings.host("https://api-js.mixpanel.com")?,
            token: settings.key()?,
            ip: settings.flag("ip", true)?,
        })
    }

    fn track(&self, out: &mut Writer, event: &Event<'_>) {
        out.begin();
        out.event_name("event", event.name, NAMES);
        out.filled("properties", |out| self.properties(out, event));
        out.end("}");
    }

    fn properties(&self, out: &mut Writer, event: &Event<'_>) {
        let own_names = match event.kind {
            Kind::Exposure | Kind::Alias => OF_KIND,
            _ => "",
        };
        out.renamed(event.properties, &[PROPERTIES, own_names], "");
        out.string("token", &self.token);
        out.number("time", event.unix_ms());
        out.raw("$insert_id", event.key);
        person(out, event, ["distinct_id", "$device_id", "$user_id"]);
        if event.kind == Kind::Identify {
            device(out, "$anon_distinct_id", event);
        }
        out.ours("mp_lib", Some("\"sendoff\""));
        out.ours("$lib_version", Some(LIBRARY_VERSION));
        surroundings(out, event);
    }

    /// What sets something of a person: one item for each operation.
    fn engage(&self, out: &mut Writer, event: &Event<'_>) {
        if event.kind == Kind::Group {
            self.open_update(out, event);
            out.object("$union");
            out.list(event.group_type());
            out.value(event.group_id());
            out.end("]}}");
            return;
        }
        if members(event.properties).next().is_some() {
            self.open_update(out, event);
            out.raw("$set", event.properties);
            out.end("}");
        }
        if members(event.touch("first")).next().is_some() {
            self.open_update(out, event);
            let first = event.touch("first");
            out.filled("$set_once", |out| {
                out.renamed(first, &[FIRST_TOUCH], "initial_")
            });
            out.end("}");
        }
    }

    fn open_update(&self, out: &mut Writer, event: &Event<'_>) {
        out.begin();
        out.string("$token", &self.token);
        person(out, event, ["$distinct_id", "$device_id", "$user_id"]);
    }

    fn group(&self, out: &mut Writer, event: &Event<'_>) {
        out.begin();
        out.string("$token", &self.token);
        out.quoted("$group_key", event.group_type());
        out.raw("$group_id", event.group_id());
        out.filled("$set", |out| {
            out.renamed(event.properties, &[GROUP_IDS], "")
        });
        out.end("}");
    }
}

impl Format for Mixpanel {
    fn encoder(&self) -> &'static str {
        "mixpanel/1"
    }

    /// In bytes of JSON, of which the form makes one and a half to twice as many (letters that are not ASCII:
    /// three times).
    fn limits(&self) -> Limits {
        Limits {
            events: 1_000,
            bytes: 36_000,
            overhead_bytes: 8,
            event_overhead_bytes: 1_200 + self.token.len(),
        }
    }

    fn route(&self, event: &EventView<'_>) -> Option<Route> {
        let properties = event.get("properties").unwrap_or("");
        Some(match Kind::of(event.name()) {
            Kind::SetTraits => ENGAGE,
            Kind::Identify if members(properties).next().is_some() => ENGAGE,
            Kind::Group if has_group_traits(properties) => GROUPS,
            Kind::Group => ENGAGE,
            _ => TRACK,
        })
    }

    fn refuses(&self, event: &EventView<'_>, now: UnixMillis) -> Option<DropReason> {
        let at = unix_ms(unquoted(event.get("timestamp").unwrap_or("")));
        let stale = self.route(event) == Some(TRACK) && at.saturating_add(AGE_MS_MAX) < now.0;
        stale.then_some(DropReason::Expired)
    }

    fn target(&self, route: Route, _: UnixMillis) -> Target {
        let path = match route {
            ENGAGE => "/engage/?verbose=1&ip=",
            GROUPS => "/groups/?verbose=1&ip=",
            _ => "/track/?verbose=1&ip=",
        };
        Target {
            url: join(&[&self.host, path, if self.ip { "1" } else { "0" }]),
            content_type: ContentType::Form,
        }
    }

    fn encode(&self, batch: &Batch<'_>) -> String {
        let mut out = Writer::default();
        out.text().push('[');
        for entry in batch.events {
            let event = Event::of(entry, &batch.source);
            match batch.route {
                ENGAGE => self.engage(&mut out, &event),
                GROUPS => self.group(&mut out, &event),
                _ => self.track(&mut out, &event),
            }
        }
        out.end("]");
        let mut body = owned("data=");
        push_percent(&mut body, &out.done());
        body
    }

    /// 1 says that at least one of the list was valid, 0 that none was; plain, or in `status` of an object.
    fn read_answer(&self, _: usize, answer: &Answer<'_>) -> Verdict {
        let said = number(answer.body, "status").or_else(|| parse_u64(answer.body.trim_ascii()));
        match (answer.status, said) {
            (200..=299, Some(0)) => Verdict::Rejected,
            (200..=299, None) if !answer.body.is_empty() => Verdict::Retry { after_ms: None },
            _ => verdict_of_status(answer),
        }
    }

    fn is_dialect(&self, body: &str) -> Option<bool> {
        Some(number(body, "status").is_some() || matches!(body.trim_ascii(), "0" | "1"))
    }
}

/// Who it was, under the names that the route has. A user id that looks like a device's would join two people.
fn person(out: &mut Writer, event: &Event<'_>, [distinct, device_id, user_id]: [&str; 3]) {
    out.raw(device_id, event.anonymous);
    match event.user {
        Some(user) if !user.starts_with("\"$device:") => {
            out.raw(user_id, user);
            out.raw(distinct, user);
        }
        Some(user) => {
            device(out, distinct, event);
            out.raw("user_id", user);
        }
        None => device(out, distinct, event),
    }
}

/// The device as a distinct id.
fn device(out: &mut Writer, name: &str, event: &Event<'_>) {
    out.quoted(name, &join(&["$device:", unquoted(event.anonymous)]));
}

/// Each type of group with a list of ids, as Mixpanel has them.
fn group_lists(groups: &str) -> String {
    let mut out = Writer::default();
    out.begin();
    for (group_type, id) in members(groups) {
        out.list(group_type);
        out.value(id);
        out.end("]");
    }
    out.end("}");
    out.done()
}

/// Groups, page, context, attribution and measures.
fn surroundings(out: &mut Writer, event: &Event<'_>) {
    out.renamed(&group_lists(event.groups.unwrap_or("")), &[PROPERTIES], "");
    out.renamed(event.page, &[PAGE], "page_");
    out.host("current_domain", event.of_page("url"));
    out.host("$referring_domain", event.of_page("referrer"));
    out.renamed(&event.context, &[CONTEXT], "context_");
    out.sizes(event, "$");
    out.renamed(event.touch("last"), &[LAST_TOUCH, PROPERTIES], "");
    out.renamed(event.touch("first"), &[], "initial_");
    out.ours("session_id", event.session);
    out.ours("session_seq", event.session_seq);
    out.ours("value", event.value);
    out.ours("sample_rate", event.sample_rate);
}
