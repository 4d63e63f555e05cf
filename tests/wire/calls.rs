//! Any calls that a page may make within the limits, and what a collector is to get for them. The
//! expectation is built from values, not from the text that the engine splices.

use proptest::{collection::vec, option, prelude::*};
use serde_json::{Map, Value, json};

/// One call of the page.
#[derive(Clone, Debug)]
pub(crate) enum PageCall {
    Track {
        at: u64,
        name: String,
        user: Option<String>,
        anonymous: Option<String>,
        properties: Option<Value>,
    },
    Identify {
        at: u64,
        user: String,
        traits: Option<Value>,
    },
    Alias {
        at: u64,
        user: String,
        previous: Option<String>,
    },
}

impl PageCall {
    /// As it crosses into the engine: what `JSON.stringify` writes, in fields.
    pub(crate) fn record(&self) -> String {
        let text =
            |tag: &str, text: &str| format!("\t{tag}={}", serde_json::to_string(text).unwrap());
        let maybe = |tag: &str, some: &Option<String>| {
            some.as_deref()
                .map_or_else(String::new, |some| text(tag, some))
        };
        let object = |some: &Option<Value>| {
            some.as_ref()
                .map_or_else(String::new, |some| format!("\tprops={some}"))
        };
        match self {
            Self::Track {
                at,
                name,
                user,
                anonymous,
                properties,
            } => {
                let (name, properties) = (text("name", name), object(properties));
                let (user, anonymous) = (maybe("user", user), maybe("anon", anonymous));
                format!("track\t{at}\t0{name}{user}{anonymous}{properties}")
            }
            Self::Identify { at, user, traits } => {
                format!("identify\t{at}\t0{}{}", text("user", user), object(traits))
            }
            Self::Alias { at, user, previous } => {
                format!(
                    "alias\t{at}\t0{}{}",
                    text("user", user),
                    maybe("prev", previous)
                )
            }
        }
    }
}

/// What the collector is to get, in order.
pub(crate) fn expected(bursts: &[Vec<PageCall>]) -> Vec<Value> {
    let visitor = "0a1b2c3d-0000-4000-a000-000000000001";
    let mut known: Option<String> = None;
    let mut clock = Clock(None);
    let events = bursts.iter().flatten().map(|call| match call {
        PageCall::Track {
            at,
            name,
            user,
            anonymous,
            properties,
        } => json!({
            "name": name,
            "userId": user.as_ref().or(known.as_ref()),
            "anonymousId": anonymous.as_deref().unwrap_or(visitor),
            "timestamp": iso(clock.stamp(*at)),
            "properties": read(properties),
        }),
        PageCall::Identify { at, user, traits } => {
            known = Some(user.clone());
            json!({
                "name": "$identify",
                "userId": user,
                "anonymousId": visitor,
                "timestamp": iso(clock.stamp(*at)),
                "properties": read(traits),
            })
        }
        PageCall::Alias { at, user, previous } => {
            let before = known.replace(user.clone());
            let before = before.unwrap_or_else(|| visitor.to_owned());
            json!({
                "name": "$alias",
                "userId": user,
                "anonymousId": visitor,
                "timestamp": iso(clock.stamp(*at)),
                "properties": {"previousId": previous.as_ref().unwrap_or(&before)},
            })
        }
    });
    events.collect()
}

/// The time of day while the monotonic clock of these calls stands still: it follows a jump ahead, and nothing back.
struct Clock(Option<u64>);

impl Clock {
    fn stamp(&mut self, at: u64) -> u64 {
        let now = self.0.filter(|now| at <= now + 1_000).unwrap_or(at);
        self.0 = Some(now);
        now
    }
}

/// What a parser makes of what the page wrote. (This one's last bit of a fraction may be another than
/// the page's, so both sides are read by it.)
fn read(written: &Option<Value>) -> Value {
    let text = written
        .as_ref()
        .map_or_else(|| "{}".to_owned(), Value::to_string);
    serde_json::from_str(&text).unwrap()
}

/// `Date.prototype.toISOString`, by another road than the engine's: counting years and months.
fn iso(ms: u64) -> String {
    let divides = |by: u64, year: u64| year.is_multiple_of(by);
    let leap = |year| divides(4, year) && (!divides(100, year) || divides(400, year));
    let (mut days, mut year) = (ms / 86_400_000, 1970);
    while days >= 365 + u64::from(leap(year)) {
        days -= 365 + u64::from(leap(year));
        year += 1;
    }
    let lengths = [
        31,
        28 + u64::from(leap(year)),
        31,
        30,
        31,
        30,
        31,
        31,
        30,
        31,
        30,
        31,
    ];
    let mut month = 1;
    for length in lengths {
        if days < length {
            break;
        }
        days -= length;
        month += 1;
    }
    let seconds = ms / 1_000 % 86_400;
    let (hour, minute, second) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    let (day, ms) = (days + 1, ms % 1_000);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{ms:03}Z")
}

/// A few bursts of calls.
pub(crate) fn any_calls() -> impl Strategy<Value = Vec<Vec<PageCall>>> {
    vec(vec(any_call(), 1..12), 1..8)
}

fn any_call() -> impl Strategy<Value = PageCall> {
    let at = || {
        prop_oneof![
            0..253_402_300_800_000_u64,
            1_700_000_000_000..1_800_000_000_000_u64
        ]
    };
    let name = prop_oneof![any_text(1, 64), "[a-z_]{1,64}"];
    let name = name.prop_filter("names of the SDK's own", |name| !name.starts_with('$'));
    // Long enough to stand for somebody: "0", "none" and blanks stand for nobody.
    let id = || any_text(1, 110).prop_map(|id| format!("id-{id}"));
    let track = (
        at(),
        name,
        option::of(id()),
        option::of(id()),
        option::of(any_object()),
    );
    let identify = (at(), id(), option::of(any_object()));
    let alias = (at(), id(), option::of(id()));
    prop_oneof![
        6 => track.prop_map(|(at, name, user, anonymous, properties)| PageCall::Track {
            at, name, user, anonymous, properties,
        }),
        1 => identify.prop_map(|(at, user, traits)| PageCall::Identify { at, user, traits }),
        1 => alias.prop_map(|(at, user, previous)| PageCall::Alias { at, user, previous }),
    ]
}

/// Any characters, also those that JSON escapes.
fn any_text(min: usize, max: usize) -> impl Strategy<Value = String> {
    let any = prop_oneof![
        any::<char>(),
        any::<char>(),
        prop::char::range('\0', '\u{7f}')
    ];
    vec(any, min..=max).prop_map(String::from_iter)
}

/// An object of at most eight levels and a kilobyte or two.
fn any_object() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_filter_map("JSON has no infinities", |number| {
            serde_json::Number::from_f64(number).map(Value::Number)
        }),
        any_text(0, 20).prop_map(Value::from),
    ];
    let value = leaf.prop_recursive(6, 24, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            vec((any_text(0, 8), inner), 0..4).prop_map(|members| members.into_iter().collect()),
        ]
    });
    vec((any_text(0, 8), value), 0..4)
        .prop_map(|members| Value::Object(members.into_iter().collect::<Map<_, _>>()))
}
