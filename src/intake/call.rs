//! From a call of the page to an event, or to a named refusal.
//!
//! A burst of calls crosses into the engine as text: one record per line, fields separated by
//! tabs. Strings are JSON strings and properties JSON objects, exactly as the page's
//! `JSON.stringify` wrote them, so none of them holds a raw tab or line break.
//!
//! ```text
//! t  timestamp  name  userId?  anonymousId?  properties?     track
//! i  timestamp        userId                 traits?         identify
//! a  timestamp        newUserId  previousId?                 alias
//! x  timestamp  code  detail                                 refused by the facade already
//! ```

use crate::model::ids::TabId;
use crate::model::time::UnixMillis;
use crate::text::fields::{field_at, fields, join, line_at, name_of};
use crate::text::scan::{Kind, scan};
use crate::visitor::identity::Identity;
use crate::wire::envelope::{EventParts, event};

/// Characters in an event name at most.
pub const NAME_CHARS_MAX: u32 = 64;
/// Characters in a user id, anonymous id or previous id at most.
pub const USER_ID_CHARS_MAX: u32 = 120;
/// Nesting of properties at most; `{}` is 1.
pub const PROPERTIES_DEPTH_MAX: u32 = 8;
/// UTF-8 bytes of properties at most, as JSON.
pub const PROPERTIES_BYTES_MAX: usize = 32 * 1024;

/// Why a call was refused. Nothing of it is recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum CallError {
    /// `track` without a name, or with an empty one.
    NameMissing,
    /// The name is not a string.
    NameNotString,
    /// More than [`NAME_CHARS_MAX`].
    NameTooLong,
    /// `identify` or `alias` without an id, or an empty id.
    UserIdMissing,
    /// An id is not a string.
    UserIdNotString,
    /// More than [`USER_ID_CHARS_MAX`].
    UserIdTooLong,
    /// Properties or traits are not an object.
    PropertiesNotObject,
    /// Deeper than [`PROPERTIES_DEPTH_MAX`].
    PropertiesTooDeep,
    /// More than [`PROPERTIES_BYTES_MAX`].
    PropertiesTooLarge,
    /// The page's serialiser failed on them (cycle, BigInt, throwing getter).
    PropertiesNotSerializable,
    /// Not a date between 1970 and 9999.
    TimestampInvalid,
    /// The event alone exceeds `maxPayloadBytes`.
    EventTooLarge,
    /// Called after `shutdown()` or `destroy()`.
    ShutDown,
    /// The call could not be read.
    CallMalformed,
}

impl CallError {
    /// Every one, in the order of statistics.
    pub const ALL: [Self; 14] = [
        Self::NameMissing,
        Self::NameNotString,
        Self::NameTooLong,
        Self::UserIdMissing,
        Self::UserIdNotString,
        Self::UserIdTooLong,
        Self::PropertiesNotObject,
        Self::PropertiesTooDeep,
        Self::PropertiesTooLarge,
        Self::PropertiesNotSerializable,
        Self::TimestampInvalid,
        Self::EventTooLarge,
        Self::ShutDown,
        Self::CallMalformed,
    ];

    /// Their names, each with what was wrong and what to do, a line each.
    pub(crate) const TEXTS: &str = "\
name_missing the event needs a name, a non-empty string
name_not_string the event name must be a string
name_too_long the event name exceeds 64 characters; use properties for details
user_id_missing the user id is missing or empty
user_id_not_string ids must be strings; use String(id)
user_id_too_long the id exceeds 120 characters
properties_not_object properties must be a plain object, or left out
properties_too_deep properties exceed 8 levels; flatten them
properties_too_large properties exceed 32 KB as JSON; send less
properties_not_serializable properties fail in JSON.stringify; remove cycles, BigInt, throwing getters
timestamp_invalid timestamp must be a Date, ISO string or milliseconds since 1970
event_too_large the event exceeds maxPayloadBytes; send less or raise it
shut_down the client is shut down; create a new one
call_malformed the call could not be read";

    /// Stable name.
    #[must_use]
    pub fn code(self) -> &'static str {
        name_of(self.line())
    }

    /// Stable name, a space, and what was wrong and what to do.
    pub(crate) fn line(self) -> &'static str {
        line_at(Self::TEXTS, self as usize)
    }

    fn from_code(code: &str) -> Self {
        let found = Self::ALL.iter().find(|error| error.code() == code);
        *found.unwrap_or(&Self::CallMalformed)
    }
}

/// What a record asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallKind {
    /// `track`.
    Track,
    /// `identify`.
    Identify,
    /// `alias`.
    Alias,
}

/// A call that passed every check that does not depend on identity or queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call<'a> {
    /// Which method.
    pub kind: CallKind,
    timestamp: UnixMillis,
    name: &'a str,
    user_id: &'a str,
    other_id: &'a str,
    properties: &'a str,
}

impl<'a> Call<'a> {
    /// Reads one record.
    ///
    /// # Errors
    /// The first rule that the call breaks.
    pub fn parse(record: &'a str) -> Result<Self, CallError> {
        let mut parts = [""; 6];
        let mut read = fields(record, b'\t');
        for part in &mut parts {
            *part = read.next().unwrap_or("");
        }
        let [kind, timestamp, name, user_id, other_id, properties] = parts;
        let (kind, name) = match kind.as_bytes() {
            b"t" => (CallKind::Track, name),
            b"i" => (CallKind::Identify, "\"$identify\""),
            b"a" => (CallKind::Alias, "\"$alias\""),
            b"x" => return Err(CallError::from_code(name)),
            _ => return Err(CallError::CallMalformed),
        };
        if kind == CallKind::Track {
            let errors = [
                CallError::NameMissing,
                CallError::NameNotString,
                CallError::NameTooLong,
            ];
            check_string(name, NAME_CHARS_MAX, errors)?;
        }
        check_id(user_id, kind != CallKind::Track)?;
        check_id(other_id, false)?;
        check_properties(properties)?;
        Ok(Self {
            kind,
            timestamp: parse_timestamp(timestamp)?,
            name,
            user_id,
            other_id,
            properties,
        })
    }

    /// What the facade had to say about a call that it refused itself (a JSON string), or nothing.
    #[must_use]
    pub fn detail(record: &str) -> &str {
        if !record.starts_with("x\t") {
            return "";
        }
        field_at(record, b'\t', 3)
    }

    /// When it was called, or what the page gave instead.
    #[must_use]
    pub const fn timestamp(&self) -> UnixMillis {
        self.timestamp
    }

    /// Whether it is to be flushed at once: who the user is matters to every event after it.
    #[must_use]
    pub fn is_urgent(&self) -> bool {
        self.kind != CallKind::Track
    }

    /// Applies what the call says about who the user is.
    pub fn apply(&self, identity: &mut Identity) {
        if self.kind != CallKind::Track {
            identity.set_user(self.user_id);
        }
    }

    /// The event's wire text, given who the user was when it was called.
    #[must_use]
    pub fn encode(&self, tab: TabId, seq: u64, identity: &Identity) -> String {
        let (mut anonymous_id, mut properties) = (self.other_id, self.properties);
        let alias;
        if self.kind == CallKind::Alias {
            let known = or(&identity.user_id, &identity.anonymous_id);
            alias = join(&["{\"previousId\":", or(self.other_id, known), "}"]);
            properties = &alias;
        }
        if self.is_urgent() {
            anonymous_id = "";
        }
        event(EventParts {
            tab,
            seq,
            name: self.name,
            user_id: or(self.user_id, &identity.user_id),
            anonymous_id: or(anonymous_id, &identity.anonymous_id),
            timestamp: self.timestamp,
            properties: or(properties, "{}"),
        })
    }
}

/// The text, or another where it is empty.
const fn or<'a>(text: &'a str, other: &'a str) -> &'a str {
    if text.is_empty() { other } else { text }
}

/// An id that may be missing, unless it is `required`.
fn check_id(id: &str, required: bool) -> Result<(), CallError> {
    if !required && (id.is_empty() || id == "null") {
        return Ok(());
    }
    let errors = [
        CallError::UserIdMissing,
        CallError::UserIdNotString,
        CallError::UserIdTooLong,
    ];
    check_string(id, USER_ID_CHARS_MAX, errors)
}

/// A string of some characters but not too many; else one of the errors for a missing one, for
/// another type, and for too many.
fn check_string(
    text: &str,
    chars_max: u32,
    [missing, not_string, too_long]: [CallError; 3],
) -> Result<(), CallError> {
    match scan(text) {
        Some(Kind::String(0)) => Err(missing),
        Some(Kind::String(chars)) if chars > chars_max => Err(too_long),
        Some(Kind::String(_)) => Ok(()),
        Some(_) if text != "null" => Err(not_string),
        None if !text.is_empty() => Err(CallError::CallMalformed),
        _ => Err(missing),
    }
}

fn check_properties(properties: &str) -> Result<(), CallError> {
    if properties.len() > PROPERTIES_BYTES_MAX {
        return Err(CallError::PropertiesTooLarge);
    }
    match scan(properties) {
        Some(Kind::Object(depth)) if depth > PROPERTIES_DEPTH_MAX => {
            Err(CallError::PropertiesTooDeep)
        }
        Some(Kind::Object(_)) => Ok(()),
        None if properties.is_empty() => Ok(()),
        Some(_) => Err(CallError::PropertiesNotObject),
        None => Err(CallError::CallMalformed),
    }
}

fn parse_timestamp(text: &str) -> Result<UnixMillis, CallError> {
    // A fraction of a millisecond may come with it (`performance.timeOrigin + now()`).
    match fields(text, b'.').number() {
        Some(ms) if ms <= 253_402_300_799_999 => Ok(UnixMillis(ms)),
        _ => Err(CallError::TimestampInvalid),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(record: &str) -> &'static str {
        Call::parse(record).expect_err(record).code()
    }

    fn identity() -> Identity {
        Identity {
            anonymous_id: "\"anon\"".into(),
            user_id: String::new(),
        }
    }

    #[test]
    fn limits_are_exact() {
        let name = |n: usize| format!("t\t1\t\"{}\"\t\t\t", "é".repeat(n));
        assert!(Call::parse(&name(64)).is_ok());
        assert_eq!(refused(&name(65)), "name_too_long");
        let user = |n: usize| format!("t\t1\t\"n\"\t\"{}\"\t\t", "u".repeat(n));
        assert!(Call::parse(&user(120)).is_ok());
        assert_eq!(refused(&user(121)), "user_id_too_long");
        let nested =
            |n: usize| format!("t\t1\t\"n\"\t\t\t{}1{}", "{\"a\":".repeat(n), "}".repeat(n));
        assert!(Call::parse(&nested(8)).is_ok());
        assert_eq!(refused(&nested(9)), "properties_too_deep");
        // Bytes, not characters: each é is two.
        let large = |bytes: usize| {
            format!(
                "t\t1\t\"n\"\t\t\t{{\"a\":\"{}\"}}",
                "é".repeat((bytes - 8) / 2)
            )
        };
        assert!(Call::parse(&large(32 * 1024)).is_ok());
        assert_eq!(refused(&large(32 * 1024 + 2)), "properties_too_large");
    }

    #[test]
    fn every_refusal_has_its_name() {
        for (record, code) in [
            ("t\t1\t\t\t\t", "name_missing"),
            ("t\t1\t\"\"\t\t\t", "name_missing"),
            ("t\t1\t12\t\t\t", "name_not_string"),
            ("i\t1\t\t\t\t", "user_id_missing"),
            ("i\t1\t\tnull\t\t", "user_id_missing"),
            ("a\t1\t\t\"\"\t\t", "user_id_missing"),
            ("i\t1\t\t12\t\t", "user_id_not_string"),
            ("t\t1\t\"n\"\t\t\t[1]", "properties_not_object"),
            ("t\t1\t\"n\"\t\t\t\"text\"", "properties_not_object"),
            ("t\tNaN\t\"n\"\t\t\t", "timestamp_invalid"),
            ("t\t-5\t\"n\"\t\t\t", "timestamp_invalid"),
            ("t\t253402300800000\t\"n\"\t\t\t", "timestamp_invalid"),
            (
                "x\t1\tproperties_not_serializable\t\"cycle\"",
                "properties_not_serializable",
            ),
            ("x\t1\tno_such_code\t\"?\"", "call_malformed"),
            ("z\t1", "call_malformed"),
            ("", "call_malformed"),
            ("t\t1\t\"n\"\t\t\t{\"a\":", "call_malformed"),
        ] {
            assert_eq!(refused(record), code, "{record}");
        }
    }

    #[test]
    fn an_event_takes_no_more_room_than_its_text() {
        let tab = TabId::parse("00000000000000000001").unwrap();
        for record in ["t\t1\t\"n\"\t\t\t", "t\t1\t\"n\"\t\"u\"\t\"a\"\t{\"a\":1}"] {
            let text = Call::parse(record)
                .unwrap()
                .encode(tab, 999_999, &identity());
            assert!(text.capacity() - text.len() <= 10, "{text}");
        }
    }

    #[test]
    fn identify_and_alias_travel_as_reserved_events() {
        let tab = TabId::parse("00000000000000000001").unwrap();
        let mut identity = identity();
        let record = "i\t5\t\t\"u1\"\t\t{\"plan\":\"pro\"}";
        let call = Call::parse(record).unwrap();
        call.apply(&mut identity);
        let event: serde_json::Value =
            serde_json::from_str(&call.encode(tab, 1, &identity)).unwrap();
        assert_eq!(
            (&event["name"], &event["userId"]),
            (&"$identify".into(), &"u1".into())
        );
        assert_eq!(event["properties"]["plan"], "pro");

        let call = Call::parse("a\t6\t\t\"u2\"\t\t").unwrap();
        let event: serde_json::Value =
            serde_json::from_str(&call.encode(tab, 2, &identity)).unwrap();
        assert_eq!(
            (&event["name"], &event["userId"]),
            (&"$alias".into(), &"u2".into())
        );
        assert_eq!(event["properties"]["previousId"], "u1");
        call.apply(&mut identity);
        assert_eq!(identity.user_id, "\"u2\"");
    }
}
