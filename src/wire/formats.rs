//! The vendors' formats by name, and what each is set up with.

use crate::{
    model::time::UnixMillis,
    text::{
        fields::{fields, join, owned, unquoted},
        json::{push_string, push_timestamp},
        scan::{Kind, scan},
        view::member,
    },
    wire::{
        ContentType, Format,
        amplitude::Amplitude,
        mixpanel::Mixpanel,
        otlp::Otlp,
        otlp_metrics::OtlpMetrics,
        posthog::Posthog,
        segment::{Dialect, Segment},
        webhook::Webhook,
    },
};

/// What the page says of a destination.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// The vendor's host with its scheme, or a path of the page's own origin (a first-party proxy). Empty: the
    /// vendor's own, where it has one.
    pub endpoint: String,
    /// The public key, as text; each vendor has another word for it.
    pub api_key: String,
    /// A JSON object with what only this format knows. Empty: none.
    pub options: String,
}

/// Why a destination cannot be set up.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SettingsError {
    /// The vendor tells projects apart by a key, and there is none.
    KeyMissing,
    /// The format has no host of its own, and none was given.
    EndpointMissing,
    /// The options are not a JSON object.
    OptionsMalformed,
    /// The option of that name is not what it has to be; the second text lists what may be there.
    OptionWrong(&'static str, &'static str),
}

impl SettingsError {
    /// A stable name for programs.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::KeyMissing => "destination_key_missing",
            Self::EndpointMissing => "destination_endpoint_missing",
            Self::OptionsMalformed => "destination_options_malformed",
            Self::OptionWrong(..) => "destination_option_wrong",
        }
    }

    /// What is to be done, for people.
    #[must_use]
    pub fn message(&self) -> String {
        match self {
            Self::KeyMissing => owned("destination.apiKey is empty; give the project's public key"),
            Self::EndpointMissing => owned("destination.endpoint is empty; this format has none"),
            Self::OptionsMalformed => owned("destination.options must be an object"),
            Self::OptionWrong(name, expected) => {
                join(&["destination.options.", name, " must be one of: ", expected])
            }
        }
    }
}

impl Settings {
    /// The key, which must not be empty.
    pub(super) fn key(&self) -> Result<String, SettingsError> {
        let key = &self.api_key;
        if key.is_empty() {
            return Err(SettingsError::KeyMissing);
        }
        Ok(owned(key))
    }

    /// The key as JSON text.
    pub(super) fn key_json(&self) -> Result<String, SettingsError> {
        let mut out = String::new();
        push_string(&mut out, &self.key()?);
        Ok(out)
    }

    /// The endpoint, or `default`, without a slash at its end.
    pub(super) fn host(&self, default: &str) -> Result<String, SettingsError> {
        let given = if self.endpoint.is_empty() {
            default
        } else {
            &self.endpoint
        };
        if given.is_empty() {
            return Err(SettingsError::EndpointMissing);
        }
        Ok(owned(given.strip_suffix('/').unwrap_or(given)))
    }

    /// The text of an option; `null` is as if it were not there.
    pub(super) fn option(&self, name: &str) -> Result<Option<&str>, SettingsError> {
        if !self.options.is_empty() && !matches!(scan(&self.options), Some(Kind::Object(_))) {
            return Err(SettingsError::OptionsMalformed);
        }
        Ok(member(&self.options, name).filter(|value| *value != "null"))
    }

    /// An option that is one of some JSON texts, which a space parts; the first is the default. Gives its number.
    pub(super) fn word(
        &self,
        name: &'static str,
        words: &'static str,
    ) -> Result<usize, SettingsError> {
        let Some(value) = self.option(name)? else {
            return Ok(0);
        };
        let at = fields(words, b' ').position(|word| word == value);
        at.ok_or(SettingsError::OptionWrong(name, words))
    }

    /// An option that is a text without escapes; empty if it is not there.
    pub(super) fn text(&self, name: &'static str) -> Result<String, SettingsError> {
        let Some(value) = self.option(name)? else {
            return Ok(String::new());
        };
        if !value.starts_with('"') || value.bytes().any(|byte| byte == b'\\') {
            return Err(SettingsError::OptionWrong(name, "a text without escapes"));
        }
        Ok(owned(unquoted(value)))
    }

    /// An option that is an object; empty if it is not there.
    pub(super) fn object(&self, name: &'static str) -> Result<String, SettingsError> {
        let value = self.option(name)?.unwrap_or("");
        if !value.is_empty() && !value.starts_with('{') {
            return Err(SettingsError::OptionWrong(name, "an object"));
        }
        Ok(owned(value))
    }

    /// `contentType`: JSON as `text/plain`, which needs no preflight, or as what it is.
    pub(super) fn content_type(&self) -> Result<ContentType, SettingsError> {
        Ok(match self.word("contentType", "\"text\" \"json\"")? {
            0 => ContentType::Text,
            _ => ContentType::Json,
        })
    }
}

/// A time as a JSON string.
pub(super) fn iso(at: UnixMillis) -> String {
    let mut out = String::new();
    out.push('"');
    push_timestamp(&mut out, at);
    out.push('"');
    out
}

/// The format of that name, set up; `None` for a name that is not known.
#[must_use]
pub fn by_name(name: &str, settings: &Settings) -> Option<Result<Box<dyn Format>, SettingsError>> {
    fn boxed<F: Format + 'static>(
        made: Result<F, SettingsError>,
    ) -> Result<Box<dyn Format>, SettingsError> {
        Ok(Box::new(made?))
    }
    Some(match name {
        "posthog" => boxed(Posthog::new(settings)),
        "mixpanel" => boxed(Mixpanel::new(settings)),
        "amplitude" => boxed(Amplitude::new(settings)),
        "segment" => boxed(Segment::new(Dialect::Segment, settings)),
        "rudderstack" => boxed(Segment::new(Dialect::Rudderstack, settings)),
        "jitsu" => boxed(Segment::new(Dialect::Jitsu, settings)),
        "webhook" => boxed(Webhook::new(settings)),
        "otlp" => boxed(Otlp::new(settings)),
        "otlp_metrics" => boxed(OtlpMetrics::new(settings)),
        _ => return None,
    })
}
