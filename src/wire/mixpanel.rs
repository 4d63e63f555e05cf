//! Mixpanel, with its simplified id merge: events to `/track`, profiles to `/engage`, groups to `/groups`; all of
//! them a form whose field `data` is a JSON list. 200 alone says nothing there: `verbose=1` makes it say
//! whether anything of the list was valid.
//!
//! One event goes one way, so that it is sent once. The two that would need two ways take the one that loses
//! nothing for good: `$identify` with traits sets the profile, and the link of device and user is made by the next
//! event, which names both; `$group` with traits sets the group's profile, and whose group it is stands in every
//! later event. Updates of profiles are idempotent; events are deduplicated by `$insert_id`.

use crate::{
    model::{drop_reason::DropReason, event::Entry, time::UnixMillis},
    text::{
        fields::{join, owned, parse_u64, unquoted},
        view::{EventView, members},
    },
    wire::{
        Answer, Batch, ContentType, Format, Limits, Route, Target, Verdict,
        answers::number,
        build::{Writer, push_percent},
        canonical::{Event, Kind, has_group_traits, unix_ms},
        formats::{Settings, SettingsError},
        recipe::follow,
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

/// The names below `*` are what Mixpanel takes for its own; `$ignore` would make it throw the event away.
macro_rules! reserved {
    () => {
        "
~ token event_token
~ ip event_ip
~ time event_time
~ distinct_id event_distinct_id
~ alias event_alias
~ bucket event_bucket
~ $ignore event_ignore
~ $time event_time
~ $distinct_id event_distinct_id
~ $device_id event_device_id
~ $user_id event_user_id
~ $insert_id event_insert_id
~ $anon_distinct_id event_anon_distinct_id"
    };
}

const HEAD: &str = "event event\n{ properties";

const HAPPENED: &str = concat!("*properties", reserved!());

const EXPOSURE: &str = concat!(
    "*properties",
    reserved!(),
    "\n~ experiment Experiment name\n~ variant Variant name"
);

const IDENTIFY: &str = "device $anon_distinct_id";

const ALIAS: &str = "properties.previousId alias";

const TAIL: &str = concat!(
    "token token\nms time\nidempotencyKey $insert_id\n\
    anonymousId $device_id\nuser $user_id\nodd_user user_id\ndistinct distinct_id\n\
    =\"sendoff\" mp_lib\n=\"",
    env!("CARGO_PKG_VERSION"),
    "\" $lib_version\n*lists",
    reserved!(),
    "\n\
*page page_
~ url $current_url
~ referrer $referrer
~ title current_page_title
~ path current_url_path
~ search current_url_search
host current_domain
referringHost $referring_domain
*context context_
~ locale $locale
~ timezone $timezone
~ userAgent user_agent
~ screen -
~ viewport -
context.screen.width $screen_width
context.screen.height $screen_height
context.viewport.width viewport_width
context.viewport.height viewport_height
*attribution.last
~ referrer last_referrer
~ landing last_landing",
    reserved!(),
    "
*attribution.first initial_
sessionId session_id
sessionSeq session_seq
value value
sampleRate sample_rate
}"
);

/// An update of a profile, up to what it does.
const UPDATE: &str = "\
token $token
distinct $distinct_id
anonymousId $device_id
user $user_id";

const SET: &str = "properties $set";

const SET_ONCE: &str = "{ $set_once\n*attribution.first initial_\n~ referrer $initial_referrer\n}";

const JOIN: &str = "lists $union";

const GROUP: &str = "\
token $token
properties.groupType $group_key
properties.groupId $group_id
{ $set
*properties
~ groupType -
~ groupId -
}";

/// The format `mixpanel`.
#[derive(Debug)]
pub(super) struct Mixpanel {
    host: String,
    /// JSON string.
    token: String,
    /// Whether Mixpanel is to find the place by the request's address.
    ip: bool,
}

impl Mixpanel {
    /// Options: `ip`: `true` (default) or `false`.
    pub(super) fn new(settings: &Settings) -> Result<Self, SettingsError> {
        Ok(Self {
            host: settings.host("https://api-js.mixpanel.com")?,
            token: settings.key_json()?,
            ip: settings.word("ip", "true false")? == 0,
        })
    }

    /// The event with what its recipes need beside it.
    fn read<'a>(&self, entry: &'a Entry, batch: &Batch<'a>) -> Event<'a> {
        let mut event = Event::of(entry, &batch.source);
        let device = join(&[
            "\"$device:",
            unquoted(event.find("anonymousId").unwrap_or("\"\"")),
            "\"",
        ]);
        let user = event.find("userId").map(|user| join(&[user]));
        // A user id that looks like a device's would join two people.
        let odd = user
            .as_ref()
            .is_some_and(|user| user.starts_with("\"$device:"));
        event.add("token", &self.token);
        event.add("device", &device);
        let (name, distinct) = match &user {
            Some(user) if !odd => ("user", user),
            _ => ("odd_user", &device),
        };
        event.add("distinct", distinct);
        event.add_if(name, user.as_deref());
        event.add_name(NAMES);
        event.add_pair();
        let in_pair = event.kind == Kind::Group;
        let groups = event.find(if in_pair { "pair" } else { "groups" });
        let lists = group_lists(groups.unwrap_or(""));
        event.add("lists", &lists);
        event
    }
}

fn track(out: &mut Writer, event: &Event<'_>) {
    let own = match event.kind {
        Kind::Exposure => EXPOSURE,
        Kind::Identify => IDENTIFY,
        Kind::Alias => ALIAS,
        _ => HAPPENED,
    };
    for recipe in [HEAD, own, TAIL] {
        follow(out, event, recipe);
    }
}

/// What sets something of a person: one item for each operation.
fn engage(out: &mut Writer, event: &Event<'_>) {
    let first = event.find("attribution.first").unwrap_or("");
    let own = if event.kind == Kind::Group { JOIN } else { SET };
    follow(out, event, UPDATE);
    follow(out, event, own);
    if own == SET && members(first).next().is_some() {
        out.end();
        out.begin();
        follow(out, event, UPDATE);
        follow(out, event, SET_ONCE);
    }
}

/// Each type of group with a list of ids, as Mixpanel has them.
fn group_lists(groups: &str) -> String {
    let mut out = Writer::default();
    out.begin();
    for (group_type, id) in members(groups) {
        out.raw(group_type, &join(&["[", id, "]"]));
    }
    out.end();
    out.done()
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
        out.push("[");
        for entry in batch.events {
            let event = self.read(entry, batch);
            out.begin();
            match batch.route {
                ENGAGE => engage(&mut out, &event),
                GROUPS => follow(&mut out, &event, GROUP),
                _ => track(&mut out, &event),
            }
            out.end();
        }
        out.push("]");
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
