//! PostHog: `POST <host>/batch/`, one JSON object as `text/plain`, which its router takes as it is, gzipped or not.
//!
//! The send time stands in the query (`sent_at`), so that the body keeps its bytes over all attempts. What it
//! dedupes by is (UTC day, event, distinct_id, uuid), at merge time: all four are the event's own.

use crate::{
    model::time::UnixMillis,
    text::{
        fields::join,
        json::push_u64,
        view::{EventView, items, member},
    },
    wire::{
        Answer, Batch, ContentType, Format, Limits, NO_SEND_TIME, Route, Target, Verdict,
        build::Writer,
        canonical::{Event, Kind, quoted},
        formats::{Settings, SettingsError},
        recipe::follow,
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
who distinct_id
timestamp timestamp
{ properties";

/// `token` and `distinct_id` of the properties would be taken for those of the project and the person.
const TRACK: &str = "\
*properties
~ token event_token
~ distinct_id event_distinct_id";

const EXPOSURE: &str = "\
*properties
~ token event_token
~ distinct_id event_distinct_id
~ experiment $feature_flag
~ variant $feature_flag_response";

const IDENTIFY: &str = "anonymousId $anon_distinct_id\nproperties $set";

const SET_TRAITS: &str = "properties $set";

/// The person of `alias` becomes one with that of `distinct_id`.
const ALIAS: &str = "who distinct_id\nproperties.previousId alias";

const GROUP: &str = "\
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
profile $process_person_profile
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

/// The format `posthog`.
#[derive(Debug)]
pub(super) struct Posthog {
    host: String,
    key: String,
    /// Whether a person profile is made for visitors who are not known, too.
    always_profile: bool,
}

impl Posthog {
    /// Options: `personProfiles`: `"identified_only"` (default) or `"always"`.
    pub(super) fn new(settings: &Settings) -> Result<Self, SettingsError> {
        let words = "\"identified_only\" \"always\"";
        Ok(Self {
            host: settings.host("https://us.i.posthog.com")?,
            key: settings.key()?,
            always_profile: settings.word("personProfiles", words)? == 1,
        })
    }

    fn event(&self, out: &mut Writer, mut event: Event<'_>, tab: &str) {
        let identified = event.find("userId").is_some();
        let profile = identified || event.kind == Kind::SetTraits || self.always_profile;
        event.add_name(NAMES);
        event.add("tab", tab);
        event.add("identified", word(identified));
        event.add("profile", word(profile));
        let own = match event.kind {
            Kind::Track | Kind::Page => TRACK,
            Kind::Exposure => EXPOSURE,
            Kind::Identify => IDENTIFY,
            Kind::SetTraits => SET_TRAITS,
            Kind::Alias => ALIAS,
            Kind::Group => GROUP,
        };
        out.begin();
        for recipe in [HEAD, own, TAIL] {
            follow(out, &event, recipe);
        }
        out.end();
    }
}

const fn word(yes: bool) -> &'static str {
    if yes { "true" } else { "false" }
}

impl Format for Posthog {
    fn encoder(&self) -> &'static str {
        "posthog/1"
    }

    fn limits(&self) -> Limits {
        Limits {
            events: 1_000,
            // The router takes 20 MiB, the queue behind it 1,000,000 bytes an event.
            bytes: 900_000,
            overhead_bytes: 40 + self.key.len(),
            event_overhead_bytes: 1_500,
        }
    }

    fn route(&self, _: &EventView<'_>) -> Option<Route> {
        Some(Route(0))
    }

    fn target(&self, _: Route, now: UnixMillis) -> Target {
        let mut url = join(&[&self.host, "/batch/"]);
        if now != NO_SEND_TIME {
            url.push_str("?sent_at=");
            push_u64(&mut url, now.0);
        }
        let content_type = ContentType::Text;
        Target { url, content_type }
    }

    fn encode(&self, batch: &Batch<'_>) -> String {
        let mut out = Writer::default();
        let tab = quoted(&batch.source.tab.text());
        out.begin();
        out.string("api_key", &self.key);
        out.key("batch");
        out.push("[");
        for entry in batch.events {
            self.event(&mut out, Event::of(entry, &batch.source), &tab);
        }
        out.push("]");
        out.end();
        out.done()
    }

    /// 200 is said, too, where the billing quota had the events thrown away: `quota_limited` names them. They are
    /// kept, and tried after the pause that PostHog's own client makes.
    fn read_answer(&self, _: usize, answer: &Answer<'_>) -> Verdict {
        let limited = items(member(answer.body, "quota_limited").unwrap_or(""));
        let ours = ["\"events\"", "\"analytics\""];
        if answer.status < 300 && limited.iter().any(|name| ours.contains(name)) {
            return Verdict::Retry {
                after_ms: Some(answer.retry_after_ms.unwrap_or(QUOTA_PAUSE_MS)),
            };
        }
        verdict_of_status(answer)
    }
}
