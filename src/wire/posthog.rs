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
        build::{LIBRARY_VERSION, Writer},
        canonical::{Event, GROUP_IDS, Kind},
        formats::{Settings, SettingsError},
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

/// `token` and `distinct_id` of the properties would be taken for those of the project and the person.
const PROPERTIES: &str = "token event_token\ndistinct_id event_distinct_id";

const EXPOSURE: &str = "experiment $feature_flag\nvariant $feature_flag_response";

const PAGE: &str = "\
url $current_url
path $pathname
search $search
title title
referrer $referrer";

const CONTEXT: &str = "\
locale $browser_language
timezone $timezone
userAgent $raw_user_agent
screen -
viewport -";

/// Of the last touch: what PostHog reads has its own names there, the rest must not look like the page's.
const LAST_TOUCH: &str = "referrer $last_referrer\nlanding $last_landing";

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
        let words = ["identified_only", "always"];
        let expected = "\"identified_only\" or \"always\"";
        Ok(Self {
            host: settings.host("https://us.i.posthog.com")?,
            key: settings.key()?,
            always_profile: settings.word("personProfiles", &words, expected)? == 1,
        })
    }

    fn event(&self, out: &mut Writer, event: &Event<'_>, tab: &str) {
        out.begin();
        out.event_name("event", event.name, NAMES);
        out.raw("uuid", event.key);
        out.raw("distinct_id", event.who());
        out.raw("timestamp", event.timestamp);
        out.filled("properties", |out| {
            own_properties(out, event);
            self.added_properties(out, event, tab);
        });
        out.end("}");
    }

    fn added_properties(&self, out: &mut Writer, event: &Event<'_>, tab: &str) {
        let word = |yes| Some(if yes { "true" } else { "false" });
        let known = event.user.is_some() || event.kind == Kind::SetTraits || self.always_profile;
        out.ours("$lib", Some("\"sendoff\""));
        out.ours("$lib_version", Some(LIBRARY_VERSION));
        out.ours("$device_id", Some(event.anonymous));
        out.ours("$session_id", event.session);
        out.ours("$window_id", Some(&join(&["\"", tab, "\""])));
        out.ours("$groups", event.groups);
        out.ours("$is_identified", word(event.user.is_some()));
        out.ours("$process_person_profile", word(known));
        surroundings(out, event);
    }
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
        let tab = batch.source.tab.text();
        out.begin();
        out.string("api_key", &self.key);
        out.list("batch");
        for entry in batch.events {
            self.event(&mut out, &Event::of(entry, &batch.source), &tab);
        }
        out.end("]}");
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

/// What the page itself said, in the shape that this kind of event has.
fn own_properties(out: &mut Writer, event: &Event<'_>) {
    let given = event.properties;
    match event.kind {
        Kind::Track | Kind::Page => out.renamed(given, &[PROPERTIES], ""),
        Kind::Exposure => out.renamed(given, &[PROPERTIES, EXPOSURE], ""),
        Kind::Identify | Kind::SetTraits => {
            let differs = event.user.is_some_and(|user| user != event.anonymous);
            if event.kind == Kind::Identify && differs {
                out.raw("$anon_distinct_id", event.anonymous);
            }
            out.raw("$set", given);
        }
        Kind::Alias => {
            out.raw("distinct_id", event.who());
            out.renamed(given, &[PROPERTIES, "previousId alias"], "");
        }
        Kind::Group => {
            out.quoted("$group_type", event.group_type());
            out.raw("$group_key", event.group_id());
            out.filled("$group_set", |out| out.renamed(given, &[GROUP_IDS], ""));
        }
    }
}

/// Page, context, attribution and measures.
fn surroundings(out: &mut Writer, event: &Event<'_>) {
    out.renamed(event.page, &[PAGE], "page_");
    out.host("$host", event.of_page("url"));
    out.host("$referring_domain", event.of_page("referrer"));
    out.renamed(&event.context, &[CONTEXT], "context_");
    out.sizes(event, "$");
    out.renamed(event.touch("last"), &[LAST_TOUCH, PROPERTIES], "");
    let first = event.touch("first");
    if !first.is_empty() {
        // A page may set something once by the same event.
        let own = event.property("$set_once").is_some() && event.kind == Kind::Track;
        let name = if own { "sendoff_set_once" } else { "$set_once" };
        out.filled(name, |out| out.renamed(first, &[], "$initial_"));
    }
    out.ours("value", event.value);
    out.ours("sample_rate", event.sample_rate);
    out.ours("session_seq", event.session_seq);
}
