//! PostHog: `POST <host>/batch/`, one JSON object as `text/plain`, which its router takes as it is, gzipped or not.
//!
//! The send time stands in the query (`sent_at`), so that the body keeps its bytes over all attempts. What it
//! dedupes by is (UTC day, event, distinct_id, uuid), at merge time: all four are the event's own.

use crate::{
    text::view::{items, member},
    wire::{
        Answer, ContentType, Gzip, Limits, Verdict,
        vendor::{Dialect, ONE_ROUTE},
        verdict_of_status,
    },
};
/// How long PostHog's own client holds a stream that is over its quota.
const QUOTA_PAUSE_MS: u64 = 60_000;

const NAMES: &str = "\
$page_view $pageview
$identify $identify
$set_traits $set
$alias $create_alias
$group $groupidentify
$exposure $feature_flag_called
$session Session Started
$opt_out Opted Out";

const HEAD: &str = "\
event event
idempotencyKey uuid
userId|anonymousId distinct_id
timestamp timestamp
{ properties";

/// `token` and `distinct_id` of the properties would be taken for those of the project and the person.
const TRACK: &str = "\
options.profiles|identified $process_person_profile
*properties
~ token event_token
~ distinct_id event_distinct_id";

const EXPOSURE: &str = "\
options.profiles|identified $process_person_profile
*properties
~ token event_token
~ distinct_id event_distinct_id
~ experiment $feature_flag
~ variant $feature_flag_response";

const IDENTIFY: &str =
    "=true $process_person_profile\nanonymousId $anon_distinct_id\nproperties $set";

const SET_TRAITS: &str = "=true $process_person_profile\nproperties $set";

/// The person of `alias` becomes one with that of `distinct_id`.
const ALIAS: &str = "\\
userId|anonymousId distinct_id
properties.previousId alias
=true $process_person_profile";

const GROUP: &str = "\
=true $process_person_profile
properties.groupType $group_type
properties.groupId $group_key
{ $group_set
*properties
~ groupType -
~ groupId -
}";

const TAIL: &str = concat!(
    "=\"sendoff\" $lib\n=\"",
    env!("CARGO_PKG_VERSION"),
    "\" $lib_version\n",
    "\
anonymousId $device_id
sessionId $session_id
tab $window_id
groups $groups
identified $is_identified
*page page_
~ url $current_url
~ path $pathname
~ search $search
~ title title
~ referrer $referrer
host $host
referringHost $referring_domain
*context context_
~ locale $browser_language
~ timezone $timezone
~ userAgent $raw_user_agent
~ screen -
~ viewport -
context.screen.width $screen_width
context.screen.height $screen_height
context.viewport.width $viewport_width
context.viewport.height $viewport_height
*attribution.last
~ referrer $last_referrer
~ landing $last_landing
~ token last_token
~ distinct_id last_distinct_id
? $set_once
*attribution.first $initial_
}
value value
sampleRate sample_rate
sessionSeq session_seq
}"
);

/// The format `posthog`. Option `profiles`: `true` makes a person profile for visitors who are not known, too.
pub(super) static POSTHOG: Dialect = Dialect {
    encoder: "posthog/1",
    host: "https://us.i.posthog.com",
    needs_key: true,
    content_type: ContentType::Text,
    gzip: Gzip::BySniffing,
    options: "profiles true",
    paths: &["/batch/"],
    in_query: ["", "sent_at"],
    // The router takes 20 MiB, the queue behind it 1,000,000 bytes an event.
    limits: Limits {
        events: 1_000,
        bytes: 900_000,
        overhead_bytes: 60,
        event_overhead_bytes: 1_500,
    },
    event_bytes_max: usize::MAX,
    name_bytes_max: usize::MAX,
    age_ms_max: u64::MAX,
    names: NAMES,
    envelope: "key api_key",
    list: "batch",
    spoken: "",
    routes: ONE_ROUTE,
    around: [HEAD, TAIL],
    recipes: [
        TRACK, TRACK, EXPOSURE, IDENTIFY, IDENTIFY, SET_TRAITS, ALIAS, GROUP, GROUP,
    ],
    choose: None,
    read_answer,
};

/// 200 is said, too, where the billing quota had the events thrown away: `quota_limited` names them. They are kept, and
/// tried after the pause that PostHog's own client makes.
fn read_answer(_: usize, answer: &Answer<'_>) -> Verdict {
    let limited = items(member(answer.body, "quota_limited").unwrap_or(""));
    let ours = |name: &&str| matches!(*name, "\"events\"" | "\"analytics\"");
    if answer.status < 300 && limited.iter().any(ours) {
        return Verdict::Retry {
            after_ms: Some(answer.retry_after_ms.unwrap_or(QUOTA_PAUSE_MS)),
        };
    }
    verdict_of_status(answer)
}
