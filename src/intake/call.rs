//! What the page said, before it is an event.
//!
//! A burst of calls crosses into the engine as text: one record per line, fields separated by tabs. Values are JSON,
//! exactly as the page's `JSON.stringify` wrote them, so none of them holds a raw tab or line break.
//!
//! ```text
//! <kind>\t<wall ms>\t<mono ms>{\t<tag>=<value>}
//! ```
//!
//! Tags that this version does not know are skipped; a kind that it does not know is refused alone.

pub use crate::intake::refusal::CallError;
use crate::{
    intake::sampling::read_rate,
    model::time::{Instant, Now, UnixMillis},
    text::{
        fields::{fields, split_once, unquoted},
        scan::{Kind, scan},
        view::{items, member},
    },
};

/// Characters in an event name at most.
pub const NAME_CHARS_MAX: u32 = 64;
/// Characters in a user id, anonymous id, group id or variant at most.
pub const ID_CHARS_MAX: u32 = 120;
/// Nesting of properties at most; `{}` is 1.
pub const PROPERTIES_DEPTH_MAX: u32 = 8;
/// Bytes of the properties as JSON where they are to be flat.
pub const FLAT_BYTES_MAX: usize = 4_096;
/// UTF-8 bytes of properties at most, as JSON.
pub const PROPERTIES_BYTES_MAX: usize = 32 * 1024;
/// How far back an event may be dated, in milliseconds: 30 days.
const BACK_MS_MAX: u64 = 30 * 24 * 3_600_000;
/// And how far ahead: a day.
const AHEAD_MS_MAX: u64 = 24 * 3_600_000;
/// 9999-12-31T23:59:59.999Z: the last moment that ISO 8601 has four digits for.
const LAST_MS: u64 = 253_402_300_799_999;

/// What programs write where they have no id: merging those who bear it would make one user of thousands.
const NO_IDS: &[&str] = &[
    "null",
    "undefined",
    "[object Object]",
    "NaN",
    "true",
    "false",
    "anonymous",
    "guest",
    "0",
    "none",
    "nil",
];

/// What a record asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallKind {
    /// `track`.
    Track,
    /// `page`.
    Page,
    /// `identify`.
    Identify,
    /// `setTraits`.
    SetTraits,
    /// `alias`.
    Alias,
    /// `group`.
    Group,
    /// `exposure`.
    Exposure,
    /// `reset`.
    Reset,
    /// `register`.
    Register,
    /// `registerOnce`.
    RegisterOnce,
    /// `unregister`.
    Unregister,
    /// `time`.
    Time,
    /// `setConsent` and its kin.
    Consent,
}

impl CallKind {
    /// Whether its properties are traits of somebody: `piiTraits` is for them, and `propertyMode` is not.
    #[must_use]
    pub const fn has_traits(self) -> bool {
        matches!(self, Self::Identify | Self::SetTraits | Self::Group)
    }
}

/// A call that passed every check that does not depend on visitor or queue. Values are JSON as they came, empty
/// where they are missing.
#[derive(Clone, Debug, PartialEq)]
pub struct Call<'a> {
    /// Which method.
    pub kind: CallKind,
    /// When it was made.
    pub made: Now,
    /// When it happened, where the page said so.
    pub explicit: Option<UnixMillis>,
    /// Name of event, experiment, timer or property.
    pub name: &'a str,
    /// User, group or new user.
    pub user: &'a str,
    /// Anonymous id for this event only; where another visitor begins, the one that is proposed for him.
    pub anonymous: &'a str,
    /// Where another visitor begins: the id that is proposed for his session.
    pub session: &'a str,
    /// Of an alias.
    pub previous: &'a str,
    /// Kind of group.
    pub group_type: &'a str,
    /// Of an experiment.
    pub variant: &'a str,
    /// Properties or traits.
    pub properties: &'a str,
    /// Context for this event only.
    pub context: &'a str,
    /// A number that goes with the event.
    pub value: &'a str,
    /// The rate at which such events are kept.
    pub sample: Option<f64>,
    /// What waits is to go at once.
    pub urgent: bool,
    /// Of an exposure: once in each session.
    pub each_session: bool,
    /// The page that calls are made on from now on.
    pub page: &'a str,
    /// Names of destinations that are not to have it, with spaces between them.
    pub not_for: &'a str,
    /// What hooks of destinations changed: see [`edits`](crate::model::edits).
    pub edits: &'a str,
    /// What the visitor allows, in plain words.
    pub analytics: &'a str,
    /// The same of campaigns and referrers.
    pub marketing: &'a str,
}

/// One record, as far as all of them are alike.
#[derive(Clone, Copy, Debug)]
pub struct Record<'a> {
    /// Its first word.
    pub kind: &'a str,
    wall: &'a str,
    mono: &'a str,
    tags: &'a str,
}

impl<'a> Record<'a> {
    /// Takes a line apart.
    #[must_use]
    pub fn of(line: &'a str) -> Self {
        let mut words = fields(line, b'\t');
        let mut next = || words.next().unwrap_or("");
        let (kind, wall, mono) = (next(), next(), next());
        Self {
            kind,
            wall,
            mono,
            tags: words.rest(),
        }
    }

    /// The value of a tag, as JSON; empty where it is missing or null.
    #[must_use]
    pub fn get(&self, tag: &str) -> &'a str {
        let pairs = fields(self.tags, b'\t').filter_map(|field| split_once(field, b'='));
        let mut named = pairs.filter(|(name, _)| *name == tag);
        let value = named.next().map_or("", |(_, value)| value);
        if value == "null" { "" } else { value }
    }

    /// When the call was made.
    ///
    /// # Errors
    /// The wall clock is none.
    pub fn made(&self) -> Result<Now, CallError> {
        Ok(Now {
            wall: UnixMillis(whole(self.wall).ok_or(CallError::TimestampInvalid)?),
            mono: Instant(whole(self.mono).unwrap_or(0)),
        })
    }

    /// When it happened, where the page said so.
    ///
    /// # Errors
    /// It is no date, or too far from when the call was made.
    pub fn explicit(&self) -> Result<Option<UnixMillis>, CallError> {
        explicit(self.get("ts"), self.made()?.wall)
    }
}

impl<'a> Call<'a> {
    /// Reads one record.
    ///
    /// # Errors
    /// The first rule that the call breaks.
    pub fn parse(record: &'a str) -> Result<Self, CallError> {
        let tags = Record::of(record);
        if tags.kind == "refused" {
            return Err(CallError::from_code(tags.get("code")));
        }
        let kind = kind_of(tags.kind).ok_or(CallError::CallMalformed)?;
        let made = tags.made()?;
        let call = Self {
            kind,
            made,
            explicit: tags.explicit()?,
            name: tags.get("name"),
            user: or(tags.get("user"), tags.get("group")),
            anonymous: tags.get("anon"),
            session: tags.get("session"),
            previous: tags.get("prev"),
            group_type: tags.get("type"),
            variant: tags.get("variant"),
            properties: tags.get("props"),
            context: tags.get("ctx"),
            value: tags.get("value"),
            sample: sample(tags.get("sample"))?,
            urgent: !tags.get("urgent").is_empty(),
            each_session: tags.get("every") == "session",
            page: tags.get("page"),
            not_for: unquoted(tags.get("not")),
            edits: tags.get("edits"),
            analytics: tags.get("analytics"),
            marketing: tags.get("marketing"),
        };
        call.check()?;
        Ok(call)
    }

    fn check(&self) -> Result<(), CallError> {
        let track = self.kind == CallKind::Track;
        if track
            || matches!(
                self.kind,
                CallKind::Exposure | CallKind::Time | CallKind::Unregister
            )
            || !self.name.is_empty()
        {
            check_name(self.name, track)?;
        }
        let needs_id = matches!(
            self.kind,
            CallKind::Identify | CallKind::Alias | CallKind::Group
        );
        check_id(self.user, needs_id)?;
        check_id(self.anonymous, false)?;
        check_id(self.session, false)?;
        check_id(self.previous, false)?;
        check_id(self.group_type, false)?;
        check_id(self.variant, self.kind == CallKind::Exposure)?;
        check_properties(self.properties)?;
        check_properties(self.context)?;
        self.check_edits()?;
        if !self.value.is_empty()
            && (scan(self.value) != Some(Kind::Other) || !is_number(self.value))
        {
            return Err(CallError::ValueInvalid);
        }
        Ok(())
    }

    /// What a hook made of the event has to be as good as what the page said.
    fn check_edits(&self) -> Result<(), CallError> {
        if !self.edits.is_empty() && scan(self.edits).is_none() {
            return Err(CallError::CallMalformed);
        }
        for edit in items(self.edits) {
            let of = |name| member(edit, name).unwrap_or("");
            if !of("name").is_empty() {
                check_name(of("name"), true)?;
            }
            check_properties(of("properties"))?;
            check_properties(of("context"))?;
        }
        Ok(())
    }

    /// The page that a record says calls are made on from now on, whatever else is wrong with it.
    #[must_use]
    pub fn page_of(record: &str) -> Option<&str> {
        let page = Record::of(record).get("page");
        matches!(scan(page), Some(Kind::Object(_))).then_some(page)
    }

    /// What the facade had to say about a call that it refused itself, or nothing.
    #[must_use]
    pub fn detail(record: &str) -> String {
        if !record.starts_with("refused\t") {
            return String::new();
        }
        unquoted(Record::of(record).get("detail")).to_owned()
    }
}

fn kind_of(word: &str) -> Option<CallKind> {
    Some(match word {
        "track" => CallKind::Track,
        "page" => CallKind::Page,
        "identify" => CallKind::Identify,
        "set_traits" => CallKind::SetTraits,
        "alias" => CallKind::Alias,
        "group" => CallKind::Group,
        "exposure" => CallKind::Exposure,
        "reset" => CallKind::Reset,
        "register" => CallKind::Register,
        "register_once" => CallKind::RegisterOnce,
        "unregister" => CallKind::Unregister,
        "time" => CallKind::Time,
        "consent" => CallKind::Consent,
        _ => return None,
    })
}

/// The text, or another where it is empty.
const fn or<'a>(text: &'a str, other: &'a str) -> &'a str {
    if text.is_empty() { other } else { text }
}

/// A number without its fraction (`performance.timeOrigin + now()` has one).
fn whole(text: &str) -> Option<u64> {
    fields(text, b'.').number().filter(|ms| *ms <= LAST_MS)
}

/// Whether a JSON value, which is none of the others, is a number.
#[must_use]
pub fn is_number(json: &str) -> bool {
    json.bytes()
        .next()
        .is_some_and(|first| first == b'-' || first.is_ascii_digit())
}

fn explicit(text: &str, made: UnixMillis) -> Result<Option<UnixMillis>, CallError> {
    if text.is_empty() {
        return Ok(None);
    }
    let ms = whole(text).ok_or(CallError::TimestampInvalid)?;
    let fits = |ms: u64| ms + BACK_MS_MAX >= made.0 && ms <= made.0 + AHEAD_MS_MAX;
    if fits(ms) {
        Ok(Some(UnixMillis(ms)))
    } else if ms < LAST_MS / 1_000 && fits(ms * 1_000) {
        Err(CallError::TimestampInSeconds)
    } else {
        Err(CallError::TimestampOutOfRange)
    }
}

fn sample(text: &str) -> Result<Option<f64>, CallError> {
    if text.is_empty() {
        return Ok(None);
    }
    match read_rate(text) {
        Some(rate) => Ok(Some(rate)),
        None => Err(CallError::SampleInvalid),
    }
}

fn check_name(name: &str, track: bool) -> Result<(), CallError> {
    match scan(name) {
        Some(Kind::String(0)) => Err(CallError::NameMissing),
        Some(Kind::String(chars)) if chars > NAME_CHARS_MAX => Err(CallError::NameTooLong),
        Some(Kind::String(_)) if track && name.starts_with("\"$") => Err(CallError::NameReserved),
        Some(Kind::String(_)) => Ok(()),
        Some(_) => Err(CallError::NameNotString),
        None if name.is_empty() => Err(CallError::NameMissing),
        None => Err(CallError::CallMalformed),
    }
}

/// An id that may be missing, unless it is `required`.
fn check_id(id: &str, required: bool) -> Result<(), CallError> {
    match scan(id) {
        None if id.is_empty() && !required => Ok(()),
        None if id.is_empty() => Err(CallError::UserIdMissing),
        Some(Kind::String(0)) => Err(CallError::UserIdMissing),
        Some(Kind::String(chars)) if chars > ID_CHARS_MAX => Err(CallError::UserIdTooLong),
        Some(Kind::String(_)) => {
            let text = unquoted(id).trim();
            if text.is_empty() || NO_IDS.contains(&text) {
                return Err(CallError::UserIdInvalid);
            }
            Ok(())
        }
        Some(_) => Err(CallError::UserIdNotString),
        None => Err(CallError::CallMalformed),
    }
}

/// Whether properties are what `propertyMode: "flat"` takes: nothing in them is an object or a list.
#[must_use]
pub fn is_flat(properties: &str) -> bool {
    properties.len() <= FLAT_BYTES_MAX && matches!(scan(properties), None | Some(Kind::Object(1)))
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

#[cfg(test)]
mod tests {
    use super::*;

    const AT: u64 = 1_768_478_400_000;

    fn refused(record: &str) -> &'static str {
        Call::parse(record).expect_err(record).code()
    }

    #[test]
    fn limits_are_exact() {
        let name = |n: usize| format!("track\t1\t0\tname=\"{}\"", "é".repeat(n));
        assert!(Call::parse(&name(64)).is_ok());
        assert_eq!(refused(&name(65)), "name_too_long");
        let user = |n: usize| format!("track\t1\t0\tname=\"n\"\tuser=\"{}\"", "u".repeat(n));
        assert!(Call::parse(&user(120)).is_ok());
        assert_eq!(refused(&user(121)), "user_id_too_long");
        let nested = |n: usize| {
            format!(
                "track\t1\t0\tname=\"n\"\tprops={}1{}",
                "{\"a\":".repeat(n),
                "}".repeat(n)
            )
        };
        assert!(Call::parse(&nested(8)).is_ok());
        assert_eq!(refused(&nested(9)), "properties_too_deep");
        // Bytes, not characters: each é is two.
        let large = |bytes: usize| {
            format!(
                "track\t1\t0\tname=\"n\"\tprops={{\"a\":\"{}\"}}",
                "é".repeat((bytes - 8) / 2)
            )
        };
        assert!(Call::parse(&large(32 * 1024)).is_ok());
        assert_eq!(refused(&large(32 * 1024 + 2)), "properties_too_large");
    }

    #[test]
    fn every_refusal_has_its_name() {
        for (record, code) in [
            ("track\t1\t0", "name_missing"),
            ("track\t1\t0\tname=\"\"", "name_missing"),
            ("track\t1\t0\tname=12", "name_not_string"),
            ("track\t1\t0\tname=\"$identify\"", "name_reserved"),
            ("identify\t1\t0", "user_id_missing"),
            ("identify\t1\t0\tuser=null", "user_id_missing"),
            ("alias\t1\t0\tuser=\"\"", "user_id_missing"),
            ("identify\t1\t0\tuser=12", "user_id_not_string"),
            ("identify\t1\t0\tuser=\" undefined \"", "user_id_invalid"),
            ("identify\t1\t0\tuser=\"  \"", "user_id_invalid"),
            (
                "track\t1\t0\tname=\"n\"\tprops=[1]",
                "properties_not_object",
            ),
            (
                "track\t1\t0\tname=\"n\"\tprops=\"text\"",
                "properties_not_object",
            ),
            ("track\tNaN\t0\tname=\"n\"", "timestamp_invalid"),
            ("track\t-5\t0\tname=\"n\"", "timestamp_invalid"),
            ("track\t253402300800000\t0\tname=\"n\"", "timestamp_invalid"),
            ("track\t1\t0\tname=\"n\"\tvalue=true", "value_invalid"),
            ("track\t1\t0\tname=\"n\"\tsample=0.009", "sample_invalid"),
            (
                "refused\t1\t0\tcode=properties_not_serializable\tdetail=\"cycle\"",
                "properties_not_serializable",
            ),
            ("refused\t1\t0\tcode=no_such_code", "call_malformed"),
            ("sing\t1\t0", "call_malformed"),
            ("", "call_malformed"),
            ("track\t1\t0\tname=\"n\"\tprops={\"a\":", "call_malformed"),
        ] {
            assert_eq!(refused(record), code, "{record}");
        }
        assert_eq!(
            Call::detail("refused\t1\t0\tcode=x\tdetail=\"cycle\""),
            "cycle"
        );
    }

    #[test]
    fn every_error_is_found_by_its_name() {
        for error in CallError::ALL {
            assert_eq!(CallError::from_code(error.code()), error);
            assert!(!error.message().is_empty());
        }
    }

    #[test]
    fn dates_may_be_near_and_seconds_are_recognised() {
        let dated = |ts: u64| {
            Call::parse(&format!("track\t{AT}\t0\tname=\"n\"\tts={ts}"))
                .map(|call| call.explicit)
                .map_err(CallError::code)
        };
        assert_eq!(
            dated(AT - BACK_MS_MAX),
            Ok(Some(UnixMillis(AT - BACK_MS_MAX)))
        );
        assert_eq!(dated(AT - BACK_MS_MAX - 1), Err("timestamp_out_of_range"));
        assert_eq!(dated(AT + AHEAD_MS_MAX + 1), Err("timestamp_out_of_range"));
        assert_eq!(dated(AT / 1_000), Err("timestamp_in_seconds"));
    }

    #[test]
    fn what_a_newer_facade_adds_is_skipped() {
        let call =
            Call::parse("track\t1\t2\tlater={\"x\":1}\tname=\"n\"\tsample=3\turgent=1").unwrap();
        assert_eq!(
            (call.name, call.sample, call.urgent, call.made.mono),
            ("\"n\"", Some(1.0), true, Instant(2))
        );
    }
}
