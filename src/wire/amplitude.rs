//! Amplitude's HTTP API, version 2: `POST <host>/2/httpapi`, one JSON object. The documentation asks for
//! `application/json`; what Amplitude's own browser client sends as it leaves a page is `text/plain`, which needs
//! no preflight and is what we send unless `contentType: "json"` is set.
//!
//! Deduplicated for seven days by `insert_id` on a device. The send time is the body's, at each attempt: beyond a
//! minute of difference Amplitude shifts every event by it.

use crate::{
    text::view::{member, members},
    wire::{
        Answer, ContentType, Gzip, Limits, Verdict,
        answers::rest_again,
        vendor::{Dialect, ONE_ROUTE},
        verdict_of_status,
    },
};
/// How long Amplitude's own client holds events of a device that sends too much.
const THROTTLED_MS: u64 = 30_000;

const NAMES: &str = "\
$page_view [Amplitude] Page Viewed
$identify $identify
$set_traits $identify
$alias $identify
$group $identify
$exposure $exposure
$session session_start
$opt_out Opted Out";

const HEAD: &str = concat!(
    "\
userId user_id
anonymousId device_id
ms time
sessionMs|=-1 session_id
seq event_id
idempotencyKey insert_id
=\"Web\" platform
=\"$remote\" ip
context.locale language
context.userAgent user_agent
options.partnerId partner_id
=\"sendoff/",
    env!("CARGO_PKG_VERSION"),
    "\" library"
);

macro_rules! track {
    ($renamed:literal) => {
        concat!(
            "event event_type\ngroups groups\n{ event_properties\n*properties",
            $renamed,
            "
*page page_
~ url [Amplitude] Page Location
~ path [Amplitude] Page Path
~ title [Amplitude] Page Title
~ referrer referrer
referringHost referring_domain
host [Amplitude] Page Domain
bareUrl [Amplitude] Page URL
*context context_
~ locale -
~ userAgent -
~ screen -
~ viewport -
context.screen.width screen_width
context.screen.height screen_height
context.viewport.width viewport_width
context.viewport.height viewport_height
*attribution.last
~ referrer last_referrer
~ landing last_landing
*attribution.first initial_
sessionId session_id
sessionSeq session_seq
value value
sampleRate sample_rate
}"
        )
    };
}

const TRACK: &str = track!("");

const EXPOSURE: &str = track!("\n~ experiment flag_key");

const IDENTIFY: &str = "\
event event_type
groups groups
{ user_properties
? $set
*properties
~ previousId previous_id
}
? $setOnce
*attribution.first initial_
}
}";

/// With traits a group's own properties are set.
const GROUP: &str = "\
=\"$groupidentify\" event_type
pair groups
{ group_properties
{ $set
*properties
~ groupType -
~ groupId -
}
}";

/// Without, the user becomes a member of it.
const MEMBER: &str = "event event_type\npair groups\n{ user_properties\npair $set\n}";

/// The format `amplitude`. Options: `contentType`, `partnerId`.
pub(super) static AMPLITUDE: Dialect = Dialect {
    encoder: "amplitude/1",
    host: "https://api2.amplitude.com",
    needs_key: true,
    content_type: ContentType::Text,
    gzip: Gzip::ByHeader,
    options: "contentType \"text\"|\"json\"\npartnerId text",
    paths: &["/2/httpapi"],
    in_query: ["", ""],
    // Below 1 MB and 2,000 events.
    limits: Limits {
        events: 1_000,
        bytes: 900_000,
        overhead_bytes: 140,
        event_overhead_bytes: 1_400,
    },
    event_bytes_max: usize::MAX,
    name_bytes_max: usize::MAX,
    age_ms_max: u64::MAX,
    names: NAMES,
    envelope: "key api_key\nsentAt client_upload_time\n={\"min_id_length\":1} options",
    list: "events",
    spoken: "code",
    routes: ONE_ROUTE,
    around: [HEAD, ""],
    recipes: [
        TRACK, TRACK, EXPOSURE, IDENTIFY, IDENTIFY, IDENTIFY, IDENTIFY, MEMBER, GROUP,
    ],
    choose: None,
    read_answer,
};

/// Of a request with bad events nothing is stored; the answer names them by their index, and not always all
/// at once.
fn read_answer(events: usize, answer: &Answer<'_>) -> Verdict {
    match answer.status {
        400 => bad_request(events, answer.body),
        429 => throttled(answer),
        _ => verdict_of_status(answer),
    }
}

fn bad_request(events: usize, body: &str) -> Verdict {
    let error = member(body, "error").unwrap_or("");
    let missing = member(body, "missing_field").unwrap_or("");
    if error.starts_with("\"Invalid API key") || missing == "\"api_key\"" {
        return Verdict::Unwelcome;
    }
    rest_again(
        events,
        body,
        "events_with_invalid_fields\nevents_with_missing_fields\n\
        events_with_invalid_id_lengths\nsilenced_events",
    )
}

/// Too much of one device or user: nothing is stored. In a browser that is one device, so the whole batch waits;
/// whoever is over the quota of a day waits for the next day.
fn throttled(answer: &Answer<'_>) -> Verdict {
    let over = |name| {
        members(member(answer.body, name).unwrap_or(""))
            .next()
            .is_some()
    };
    if over("exceeded_daily_quota_devices") || over("exceeded_daily_quota_users") {
        return Verdict::Unwelcome;
    }
    let named = member(answer.body, "throttled_events").is_some();
    Verdict::Retry {
        after_ms: answer
            .retry_after_ms
            .or_else(|| named.then_some(THROTTLED_MS)),
    }
}
