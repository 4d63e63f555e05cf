//! Why a call was refused: the one list of codes and of what is said.

/// Why a call was refused. Nothing of it is recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum CallError {
    /// `track` without a name, or with an empty one.
    NameMissing,
    /// The name is not a string.
    NameNotString,
    /// More than [`NAME_CHARS_MAX`](super::call::NAME_CHARS_MAX).
    NameTooLong,
    /// `track` with a name that begins with `$`.
    NameReserved,
    /// `identify`, `alias` or `group` without an id, or an empty id.
    UserIdMissing,
    /// An id is not a string.
    UserIdNotString,
    /// More than [`ID_CHARS_MAX`](super::call::ID_CHARS_MAX).
    UserIdTooLong,
    /// An id that stands for "no id" in some program.
    UserIdInvalid,
    /// `identify` of a second user without `reset()`.
    IdentityConflict,
    /// Properties or traits are not an object.
    PropertiesNotObject,
    /// Deeper than [`PROPERTIES_DEPTH_MAX`](super::call::PROPERTIES_DEPTH_MAX).
    PropertiesTooDeep,
    /// An object or a list is in them, or they exceed [`FLAT_BYTES_MAX`](super::call::FLAT_BYTES_MAX), and `propertyMode` is
    /// `"flat"`.
    PropertiesNotFlat,
    /// More than [`PROPERTIES_BYTES_MAX`](super::call::PROPERTIES_BYTES_MAX).
    PropertiesTooLarge,
    /// The page's serialiser failed on them (cycle, BigInt, throwing getter).
    PropertiesNotSerializable,
    /// Not a date between 1970 and 9999.
    TimestampInvalid,
    /// Farther from now than events may be dated.
    TimestampOutOfRange,
    /// Seconds given for milliseconds.
    TimestampInSeconds,
    /// `value` is no finite number.
    ValueInvalid,
    /// `sample` is no number from 0.01 on.
    SampleInvalid,
    /// What is personal is in it, and `pii` is `"reject"`.
    Personal,
    /// A metric without a name, a finite value or a known type.
    MetricInvalid,
    /// The event alone exceeds `maxPayloadBytes`.
    EventTooLarge,
    /// Called after `shutdown()` or `destroy()`.
    ShutDown,
    /// A `beforeSend` of the page dropped it.
    Hook,
    /// A bot made it, and the filter for them is on.
    Bot,
    /// The call could not be read.
    CallMalformed,
}

impl CallError {
    /// Every one, in the order of statistics.
    pub const ALL: [Self; 26] = [
        Self::NameMissing,
        Self::NameNotString,
        Self::NameTooLong,
        Self::NameReserved,
        Self::UserIdMissing,
        Self::UserIdNotString,
        Self::UserIdTooLong,
        Self::UserIdInvalid,
        Self::IdentityConflict,
        Self::PropertiesNotObject,
        Self::PropertiesTooDeep,
        Self::PropertiesNotFlat,
        Self::PropertiesTooLarge,
        Self::PropertiesNotSerializable,
        Self::TimestampInvalid,
        Self::TimestampOutOfRange,
        Self::TimestampInSeconds,
        Self::ValueInvalid,
        Self::SampleInvalid,
        Self::Personal,
        Self::MetricInvalid,
        Self::EventTooLarge,
        Self::ShutDown,
        Self::Hook,
        Self::Bot,
        Self::CallMalformed,
    ];

    /// Stable name.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::NameMissing => "name_missing",
            Self::NameNotString => "name_not_string",
            Self::NameTooLong => "name_too_long",
            Self::NameReserved => "name_reserved",
            Self::UserIdMissing => "user_id_missing",
            Self::UserIdNotString => "user_id_not_string",
            Self::UserIdTooLong => "user_id_too_long",
            Self::UserIdInvalid => "user_id_invalid",
            Self::IdentityConflict => "identity_conflict",
            Self::PropertiesNotObject => "properties_not_object",
            Self::PropertiesTooDeep => "properties_too_deep",
            Self::PropertiesNotFlat => "properties_not_flat",
            Self::PropertiesTooLarge => "properties_too_large",
            Self::PropertiesNotSerializable => "properties_not_serializable",
            Self::TimestampInvalid => "timestamp_invalid",
            Self::TimestampOutOfRange => "timestamp_out_of_range",
            Self::TimestampInSeconds => "timestamp_in_seconds",
            Self::ValueInvalid => "value_invalid",
            Self::SampleInvalid => "sample_invalid",
            Self::Personal => "personal",
            Self::MetricInvalid => "metric_invalid",
            Self::EventTooLarge => "event_too_large",
            Self::ShutDown => "shut_down",
            Self::Hook => "hook",
            Self::Bot => "bot",
            Self::CallMalformed => "call_malformed",
        }
    }

    /// What was wrong and what to do.
    #[must_use]
    pub const fn message(self) -> &'static str {
        match self {
            Self::NameMissing => "the event needs a name, a non-empty string",
            Self::NameNotString => "the event name must be a string",
            Self::NameTooLong => "the event name exceeds 64 characters; use properties for details",
            Self::NameReserved => {
                "names that begin with $ are the SDK's own; call page(), identify(), alias(), group(), exposure()"
            }
            Self::UserIdMissing => "the user id is missing or empty",
            Self::UserIdNotString => "ids must be strings; use String(id)",
            Self::UserIdTooLong => "the id exceeds 120 characters",
            Self::UserIdInvalid => {
                "the id stands for no id (null, undefined, anonymous …); call identify() once the user is known"
            }
            Self::IdentityConflict => {
                "another user is identified already; call reset() when somebody signs out, or set identityPolicy"
            }
            Self::PropertiesNotObject => "properties must be a plain object, or left out",
            Self::PropertiesTooDeep => "properties exceed 8 levels; flatten them",
            Self::PropertiesNotFlat => {
                "propertyMode is \"flat\": give texts, numbers, booleans and null, 4 KB as JSON in all"
            }
            Self::PropertiesTooLarge => "properties exceed 32 KB as JSON; send less",
            Self::PropertiesNotSerializable => {
                "properties fail in JSON.stringify; remove cycles, BigInt, throwing getters"
            }
            Self::TimestampInvalid => {
                "timestamp must be a Date, ISO string or milliseconds since 1970"
            }
            Self::TimestampOutOfRange => "timestamp must be within 30 days back and one day ahead",
            Self::TimestampInSeconds => {
                "timestamp looks like seconds; multiply by 1000: milliseconds are expected"
            }
            Self::ValueInvalid => "value must be a finite number",
            Self::SampleInvalid => "sample must be a number from 0.01 to 1",
            Self::Personal => {
                "personal data was found and pii is \"reject\"; remove it or set piiAllow"
            }
            Self::MetricInvalid => {
                "a metric needs a name, a finite value and a known type; see MetricOptions for its tags and unit"
            }
            Self::EventTooLarge => "the event exceeds maxPayloadBytes; send less or raise it",
            Self::ShutDown => "the client is shut down; create a new one",
            Self::Hook => "a beforeSend hook dropped the event",
            Self::Bot => "the bot filter dropped the event; set botFilter: false to keep such",
            Self::CallMalformed => "the call could not be read",
        }
    }

    pub(super) fn from_code(code: &str) -> Self {
        let found = Self::ALL.iter().find(|error| error.code() == code);
        *found.unwrap_or(&Self::CallMalformed)
    }
}
