//! The message model of Segment, which RudderStack and Jitsu took over: track, identify, page, group and alias,
//! deduplicated by `messageId`. What differs is the route, where the key stands and how a clock that is wrong is
//! corrected.

use crate::{
    text::view::member,
    wire::{
        Answer, ContentType, Gzip, Limits, Verdict,
        answers::{number, some_refused},
        vendor::{Dialect, ONE_ROUTE},
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

const IDENTIFY: &str = "=\"identify\" type\nproperties traits\n{ context";

/// RudderStack has them where the page's other surroundings are.
const IDENTIFY_RUDDERSTACK: &str = "=\"identify\" type\n{ context\nproperties traits";

const ALIAS: &str = "=\"alias\" type\nproperties.previousId previousId\n{ context";

/// Segment has no types of groups: one that was named is a trait.
const GROUP: &str = "\
=\"group\" type
properties.groupId groupId
{ traits
*properties
~ groupId -
}
{ context";

const PAGE: &str = "\
=\"page\" type
properties.name name
{ properties
*properties
~ name -
+page
value value
sampleRate sample_rate
}
{ context";

const TRACK: &str = "\
=\"track\" type
event event
{ properties
*properties
value value
sampleRate sample_rate
}
{ context";

const EXPOSURE: &str = "\
=\"track\" type
event event
{ properties
*properties
~ experiment experiment_name
~ variant variation_name
value value
sampleRate sample_rate
}
{ context";

const TIME: &str = "timestamp timestamp";

const TIME_RUDDERSTACK: &str = "\
=\"web\" channel
timestamp originalTimestamp
sentAt sentAt";

macro_rules! context {
    () => {
        concat!(
            "\
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
tab windowId
}
idempotencyKey messageId
anonymousId anonymousId
userId userId
options.integrations integrations"
        )
    };
}

const CONTEXT: &str = concat!("sessionId sessionId\n", context!());

/// RudderStack's session id is a number: when the session began.
const CONTEXT_RUDDERSTACK: &str = concat!(
    "sessionMs sessionId\nsessionBegins sessionStart\nsessionId sessionKey\n",
    context!()
);

/// The format `segment`: key in the body; `timestamp` corrected by the body's `sentAt`. Options: `contentType`,
/// `integrations`.
pub(super) static SEGMENT: Dialect = COMMON;

/// The format `rudderstack`: key in the query of its route for beacons; `originalTimestamp` corrected by each
/// message's `sentAt`.
pub(super) static RUDDERSTACK: Dialect = Dialect {
    encoder: "rudderstack/1",
    gzip: Gzip::ByHeader,
    host: "",
    paths: &["/beacon/v1/batch"],
    in_query: ["writeKey", ""],
    event_bytes_max: usize::MAX,
    envelope: "sentAt sentAt",
    around: [TIME_RUDDERSTACK, CONTEXT_RUDDERSTACK],
    recipes: [
        TRACK,
        PAGE,
        EXPOSURE,
        IDENTIFY_RUDDERSTACK,
        IDENTIFY_RUDDERSTACK,
        IDENTIFY_RUDDERSTACK,
        ALIAS,
        GROUP,
        GROUP,
    ],
    ..COMMON
};

/// The format `jitsu`: key in the body; times are taken as they are. 200 is said, too, where messages were refused.
pub(super) static JITSU: Dialect = Dialect {
    encoder: "jitsu/1",
    gzip: Gzip::ByHeader,
    host: "",
    event_bytes_max: usize::MAX,
    name_bytes_max: JITSU_NAME_BYTES_MAX,
    envelope: "key writeKey",
    spoken: "ok",
    read_answer: jitsu,
    ..COMMON
};

const COMMON: Dialect = Dialect {
    encoder: "segment/1",
    host: "https://api.segment.io",
    needs_key: true,
    content_type: ContentType::Text,
    gzip: Gzip::No,
    options: "contentType \"text\"|\"json\"\nintegrations object",
    paths: &["/v1/batch"],
    in_query: ["", ""],
    limits: Limits {
        // 2,500 at Segment, which answers 200 to more and takes none.
        events: 1_000,
        // 500 KB at Segment.
        bytes: 450_000,
        overhead_bytes: 100,
        event_overhead_bytes: EVENT_OVERHEAD_BYTES,
    },
    event_bytes_max: SEGMENT_EVENT_BYTES_MAX,
    name_bytes_max: usize::MAX,
    age_ms_max: u64::MAX,
    names: NAMES,
    envelope: "key writeKey\nsentAt sentAt",
    list: "batch",
    spoken: "",
    routes: ONE_ROUTE,
    around: [TIME, CONTEXT],
    recipes: [
        TRACK, PAGE, EXPOSURE, IDENTIFY, IDENTIFY, IDENTIFY, ALIAS, GROUP, GROUP,
    ],
    choose: None,
    read_answer: verdict,
};

fn verdict(_: usize, answer: &Answer<'_>) -> Verdict {
    verdict_of_status(answer)
}

/// Jitsu's 200 counts what it took; sending the whole again would double that.
fn jitsu(events: usize, answer: &Answer<'_>) -> Verdict {
    if answer.status >= 300 || member(answer.body, "ok") != Some("false") {
        return verdict_of_status(answer);
    }
    let received = number(answer.body, "receivedEvents").unwrap_or(events as u64);
    match received.saturating_sub(number(answer.body, "okEvents").unwrap_or(0)) {
        refused if refused >= events as u64 => Verdict::Rejected,
        refused => some_refused(events, refused),
    }
}
