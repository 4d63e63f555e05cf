//! Mixpanel, with its simplified id merge: events to `/track`, profiles to `/engage`, groups to `/groups`; all of
//! them a form whose field `data` is a JSON list. 200 alone says nothing there: `verbose=1` makes it say
//! whether anything of the list was valid.
//!
//! One event goes one way, so that it is sent once. The two that would need two ways take the one that loses
//! nothing for good: `$identify` with traits sets the profile, and the link of device and user is made by the next
//! event, which names both; `$group` with traits sets the group's profile, and whose group it is stands in every
//! later event. Updates of profiles are idempotent; events are deduplicated by `$insert_id`.

use crate::{
    text::fields::parse_u64,
    wire::{
        Answer, ContentType, Gzip, Limits, Verdict, answers::number, vendor::Dialect,
        verdict_of_status,
    },
};
const TRACK: u8 = 0;
const ENGAGE: u8 = 1;
const GROUPS: u8 = 2;

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
    "key token\nms time\nidempotencyKey $insert_id\n\
    anonymousId $device_id\nuser $user_id\noddUser user_id\nuser|device distinct_id\n\
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
~ referrer $initial_referrer
sessionId session_id
sessionSeq session_seq
value value
sampleRate sample_rate
}"
);

/// An update of a profile, up to what it does.
macro_rules! update {
    () => {
        "key $token\nuser|device $distinct_id\nanonymousId $device_id\nuser $user_id"
    };
}

/// An update does one thing, so the second is another.
const SET: &str = concat!(
    update!(),
    "\nproperties $set\n!attribution.first\n/\n",
    update!(),
    "\n{ $set_once\n*attribution.first initial_\n~ referrer $initial_referrer"
);

const JOIN: &str = concat!(update!(), "\nlists $union");

const GROUP: &str = "\
key $token
properties.groupType $group_key
properties.groupId $group_id
{ $set
*properties
~ groupType -
~ groupId -
}";

/// The format `mixpanel`. Option `ip`: whether Mixpanel is to find the place by the request's address.
pub(super) static MIXPANEL: Dialect = Dialect {
    encoder: "mixpanel/1",
    host: "https://api-js.mixpanel.com",
    needs_key: true,
    content_type: ContentType::Form,
    gzip: Gzip::No,
    options: "ip true|false",
    paths: &[
        "/track/?verbose=1&ip=1",
        "/engage/?verbose=1&ip=1",
        "/groups/?verbose=1&ip=1",
    ],
    in_query: ["", ""],
    // In bytes of JSON, of which the form makes one and a half to twice as many (letters that are not ASCII: three
    // times).
    limits: Limits {
        events: 1_000,
        bytes: 36_000,
        overhead_bytes: 8,
        event_overhead_bytes: 1_300,
    },
    event_bytes_max: usize::MAX,
    name_bytes_max: usize::MAX,
    age_ms_max: AGE_MS_MAX,
    names: NAMES,
    envelope: "",
    list: "",
    spoken: "",
    routes: [
        TRACK, TRACK, TRACK, TRACK, ENGAGE, ENGAGE, TRACK, ENGAGE, GROUPS,
    ],
    around: [HEAD, TAIL],
    recipes: [
        HAPPENED, HAPPENED, EXPOSURE, IDENTIFY, SET, SET, ALIAS, JOIN, GROUP,
    ],
    choose: None,
    read_answer,
};

/// 1 says that at least one of the list was valid, 0 that none was; plain, or in `status` of an object.
fn read_answer(_: usize, answer: &Answer<'_>) -> Verdict {
    let said = number(answer.body, "status").or_else(|| parse_u64(answer.body));
    match (answer.status, said) {
        (200..=299, Some(0)) => Verdict::Rejected,
        (200..=299, None) if !answer.body.is_empty() => Verdict::Retry { after_ms: None },
        _ => verdict_of_status(answer),
    }
}
