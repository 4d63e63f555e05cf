//! The vendors' formats by name, and what each is set up with.

use crate::{
    text::{
        fields::{fields, join, owned},
        scan::{Kind, scan},
        view::{member, members},
    },
    wire::{
        Format,
        amplitude::AMPLITUDE,
        build::other_name,
        mixpanel::MIXPANEL,
        otlp::OTLP,
        otlp_metrics::OTLP_METRICS,
        posthog::POSTHOG,
        segment::{JITSU, RUDDERSTACK, SEGMENT},
        vendor::{Dialect, Vendor},
        webhook::{WEBHOOK, WEBHOOK_SINGLE},
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
    /// The format has no option of that name; the second text is a table of those that it has.
    OptionUnknown(String, &'static str),
    /// The option of that name is not what it has to be, which the second text says.
    OptionWrong(String, &'static str),
}

impl SettingsError {
    /// A stable name for programs.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::KeyMissing => "destination_key_missing",
            Self::EndpointMissing => "destination_endpoint_missing",
            Self::OptionsMalformed => "destination_options_malformed",
            Self::OptionUnknown(..) => "destination_option_unknown",
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
            Self::OptionUnknown(name, known) => join(&[
                "destination.options.",
                name,
                " is not known; there are: ",
                known,
            ]),
            Self::OptionWrong(name, expected) => {
                join(&["destination.options.", name, " must be ", expected])
            }
        }
    }
}

/// The format of that name, set up; `None` for a name that is not known.
#[must_use]
pub fn by_name(name: &str, settings: &Settings) -> Option<Result<Box<dyn Format>, SettingsError>> {
    let single = member(&settings.options, "shape") == Some("\"event\"");
    let dialect = match name {
        "posthog" => &POSTHOG,
        "mixpanel" => &MIXPANEL,
        "amplitude" => &AMPLITUDE,
        "segment" => &SEGMENT,
        "rudderstack" => &RUDDERSTACK,
        "jitsu" => &JITSU,
        "webhook" if single => &WEBHOOK_SINGLE,
        "webhook" => &WEBHOOK,
        "otlp" => &OTLP,
        "otlp_metrics" => &OTLP_METRICS,
        _ => return None,
    };
    Some(match set_up(dialect, settings) {
        Ok(vendor) => Ok(Box::new(vendor)),
        Err(error) => Err(error),
    })
}

fn set_up(dialect: &'static Dialect, settings: &Settings) -> Result<Vendor, SettingsError> {
    if dialect.needs_key && settings.api_key.is_empty() {
        return Err(SettingsError::KeyMissing);
    }
    let given = settings.endpoint.as_str();
    let host = if given.is_empty() {
        dialect.host
    } else {
        given
    };
    if host.is_empty() {
        return Err(SettingsError::EndpointMissing);
    }
    check_options(dialect, &settings.options)?;
    Ok(Vendor {
        dialect,
        host: owned(host.strip_suffix('/').unwrap_or(host)),
        key: owned(&settings.api_key),
        options: owned(&settings.options),
    })
}

fn check_options(dialect: &'static Dialect, options: &str) -> Result<(), SettingsError> {
    if !options.is_empty() && !matches!(scan(options), Some(Kind::Object(_))) {
        return Err(SettingsError::OptionsMalformed);
    }
    for (name, value) in members(options) {
        let Some(expected) = other_name(dialect.options, name) else {
            return Err(SettingsError::OptionUnknown(owned(name), dialect.options));
        };
        let escaped = value.bytes().any(|byte| byte == b'\\');
        let fits = match expected {
            "text" => value.starts_with('"') && !escaped,
            "object" => value.starts_with('{'),
            words => fields(words, b'|').any(|word| word == value),
        };
        if !fits {
            return Err(SettingsError::OptionWrong(owned(name), expected));
        }
    }
    Ok(())
}
