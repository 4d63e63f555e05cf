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

use crate::model::time::UnixMillis;
use crate::text::fields::{fields, line_at, name_of};
use crate::text::scan::{Kind, scan};

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
    /// What was wrong and what to do.
    #[must_use]
    pub fn message(self) -> &'static str {
        self.line().split_once(' ').map_or("", |(_, text)| text)
    }

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
    /// When.
    pub at: UnixMillis,
    /// JSON string.
    pub name: &'a str,
    /// JSON string or empty.
    pub user: &'a str,
    /// JSON string or empty.
    pub anonymous: &'a str,
    /// JSON string or empty.
    pub previous: &'a str,
    /// JSON object or empty.
    pub properties: &'a str,
    /// JSON object or empty.
    pub page: &'a str,
}

impl<'a> Call<'a> {
    /// Reads one record.
    ///
    /// # Errors
    /// The first rule that the call breaks.
    pub fn parse(record: &'a str) -> Result<Self, CallError> {
        let tag = |name: &str| {
            fields(record, b'\t')
                .skip(3)
                .find_map(|field| field.strip_prefix(name)?.strip_prefix('='))
                .unwrap_or("")
        };
        let mut head = fields(record, b'\t');
        let (kind, wall) = (head.next().unwrap_or(""), head.next().unwrap_or(""));
        let (kind, name) = match kind {
            "track" => (CallKind::Track, tag("name")),
            "identify" => (CallKind::Identify, "\"$identify\""),
            "alias" => (CallKind::Alias, "\"$alias\""),
            "refused" => return Err(CallError::from_code(tag("code"))),
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
        let (user, anonymous, previous, properties) =
            (tag("user"), tag("anon"), tag("prev"), tag("props"));
        check_id(user, kind != CallKind::Track)?;
        check_id(anonymous, false)?;
        check_id(previous, false)?;
        check_properties(properties)?;
        let explicit = tag("ts");
        Ok(Self {
            kind,
            at: parse_timestamp(if explicit.is_empty() { wall } else { explicit })?,
            name,
            user,
            anonymous,
            previous,
            properties,
            page: tag("page"),
        })
    }

    /// What the facade had to say about a call that it refused itself.
    #[must_use]
    pub fn detail(record: &str) -> String {
        let tag = |name: &str| {
            fields(record, b'\t')
                .skip(3)
                .find_map(|field| field.strip_prefix(name)?.strip_prefix('='))
        };
        if record.starts_with("refused\t") {
            return crate::text::fields::unquoted(tag("detail").unwrap_or("")).to_owned();
        }
        String::new()
    }
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
