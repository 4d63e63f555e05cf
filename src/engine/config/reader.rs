//! The options, read one by one: what cannot be used is named, and costs only itself.

use super::{ConfigError, DestinationConfig};
use crate::{
    intake::{
        IdentityPolicy, IntakeConfig,
        guard::Pii,
        sampling::{SampleBy, SamplingRule, read_rate},
    },
    text::{
        fields::{join, listed, parse_u64, unquoted, up_to},
        json::{Object, push_u64},
        unescape::unescape,
        view::{items, member, members},
    },
};

/// Destinations at most.
const DESTINATIONS_MAX: usize = 16;

/// Characters of a destination's name at most.
const NAME_CHARS_MAX: usize = 64;

pub(super) struct Reader<'a> {
    pub(super) json: &'a str,
    pub(super) errors: Vec<ConfigError>,
}

impl<'a> Reader<'a> {
    /// The value of an option that is given.
    fn get(&self, name: &str) -> Option<&'a str> {
        member(self.json, name).filter(|value| *value != "null")
    }

    pub(super) fn small(
        &mut self,
        name: &str,
        range: core::ops::RangeInclusive<u32>,
        to: &mut u32,
    ) {
        let mut wide = u64::from(*to);
        self.number(
            name,
            u64::from(*range.start())..=u64::from(*range.end()),
            &mut wide,
        );
        *to = wide as u32;
    }

    pub(super) fn number(
        &mut self,
        name: &str,
        range: core::ops::RangeInclusive<u64>,
        to: &mut u64,
    ) {
        let Some(value) = self.get(name) else { return };
        let is_number = value.starts_with(|first: char| first.is_ascii_digit() || first == '-');
        // A fraction is cut off.
        let whole = parse_u64(up_to(value, b".eE"));
        match whole {
            Some(number) if range.contains(&number) && !value.contains(['e', 'E']) => *to = number,
            _ => {
                let mut expected = "a number from ".to_owned();
                push_u64(&mut expected, *range.start());
                expected.push_str(" to ");
                push_u64(&mut expected, *range.end());
                let option = name.to_owned();
                self.errors.push(if is_number {
                    ConfigError::OutOfRange { option, expected }
                } else {
                    ConfigError::WrongType { option, expected }
                });
            }
        }
    }

    pub(super) fn intake(&mut self, to: &mut IntakeConfig) {
        to.sessions = true;
        self.number(
            "sessionTimeoutMs",
            1_000..=86_400_000,
            &mut to.session.timeout_ms,
        );
        self.number("sessionMaxMs", 60_000..=604_800_000, &mut to.session.max_ms);
        self.flag("newSessionOnCampaign", &mut to.session_on_campaign);
        to.identity = match self
            .word("identityPolicy", &["guard", "reset", "allow"])
            .as_deref()
        {
            Some("reset") => IdentityPolicy::Reset,
            Some("allow") => IdentityPolicy::Allow,
            _ => IdentityPolicy::Guard,
        };
        to.flat = self.word("propertyMode", &["nested", "flat"]).as_deref() == Some("flat");
        to.sample_by = match self
            .word("sampleBy", &["user", "session", "event"])
            .as_deref()
        {
            Some("session") => SampleBy::Session,
            Some("event") => SampleBy::Event,
            _ => SampleBy::User,
        };
        let every = self.word("attribution", &["session", "every"]);
        to.attribution_every = every.as_deref() == Some("every");
        let list = |value: Option<&str>| {
            items(value.unwrap_or(""))
                .into_iter()
                .filter_map(string_of)
                .collect()
        };
        to.attribution.click_ids = list(self.get("clickIds"));
        to.attribution.exclusions = list(self.get("referralExclusions"));
        let modes = ["off", "warn", "redact", "hash", "reject"];
        let mode = |word: Option<String>| word.as_deref().map(pii_of);
        to.guard.values = mode(self.word("pii", &modes)).unwrap_or(to.guard.values);
        to.guard.traits = mode(self.word("piiTraits", &modes)).unwrap_or(to.guard.traits);
        to.guard.salt = self.get("piiSalt").and_then(string_of).unwrap_or_default();
        self.flag("piiIp", &mut to.guard.ip);
        to.guard.patterns = list(self.get("piiPatterns"));
        to.guard.allow = list(self.get("piiAllow"));
        to.guard.deny_keys = list(self.get("piiKeys"));
        for (name, rate) in members(self.get("sampling").unwrap_or("")) {
            match read_rate(rate) {
                Some(rate) => to.sampling.push(SamplingRule {
                    name: name.to_owned(),
                    rate,
                }),
                None => self.wrong(
                    "sampling",
                    "an object of event names and rates from 0.01 to 1",
                ),
            }
        }
    }

    pub(super) fn flag(&mut self, name: &str, to: &mut bool) {
        match self.get(name) {
            Some("true") => *to = true,
            Some("false") => *to = false,
            Some(_) => self.wrong(name, "true or false"),
            None => {}
        }
    }

    pub(super) fn text(&mut self, name: &str) -> Option<String> {
        let value = self.get(name)?;
        let text = string_of(value).filter(|text| !text.is_empty());
        if text.is_none() {
            self.wrong(name, "a non-empty string");
        }
        text
    }

    pub(super) fn word(&mut self, name: &str, words: &[&str]) -> Option<String> {
        let value = self.get(name)?;
        let word = string_of(value).filter(|text| words.contains(&text.as_str()));
        if word.is_none() {
            let quoted: Vec<String> = words.iter().map(|word| join(&["\"", word, "\""])).collect();
            self.wrong(name, &listed(quoted.iter().map(String::as_str), " or "));
        }
        word
    }

    fn wrong(&mut self, option: &str, expected: &str) {
        self.errors.push(ConfigError::WrongType {
            option: option.to_owned(),
            expected: expected.to_owned(),
        });
    }

    pub(super) fn destinations(&mut self) -> Vec<DestinationConfig> {
        let mut list: Vec<DestinationConfig> = Vec::new();
        for json in items(self.get("destinations").unwrap_or("[]")) {
            let one = destination(json);
            let why = if !is_name(&one.name) {
                "needs a name of letters, digits, _, - and ."
            } else if list.iter().any(|other| other.name == one.name) {
                "is there twice: names are unique"
            } else if list.len() >= DESTINATIONS_MAX {
                "is one too many: 16 is the limit"
            } else {
                list.push(one);
                continue;
            };
            self.errors.push(ConfigError::Destination {
                name: one.name,
                why: why.to_owned(),
            });
        }
        list
    }
}

fn pii_of(word: &str) -> Pii {
    match word {
        "off" => Pii::Off,
        "warn" => Pii::Warn,
        "hash" => Pii::Hash,
        "reject" => Pii::Reject,
        _ => Pii::Redact,
    }
}

fn is_name(name: &str) -> bool {
    let good = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    !name.is_empty() && name.len() <= NAME_CHARS_MAX && name.bytes().all(good)
}

fn destination(json: &str) -> DestinationConfig {
    let mut options = Object::default();
    let mut one = DestinationConfig {
        format: "native".to_owned(),
        ..DestinationConfig::default()
    };
    for (key, value) in members(json) {
        let text = || string_of(value).unwrap_or_default();
        let list = || items(value).into_iter().filter_map(string_of).collect();
        match key {
            "name" => one.name = text(),
            "format" => one.format = text(),
            "endpoint" => one.endpoint = text(),
            "apiKey" => one.api_key = text(),
            "only" => one.only = list(),
            "except" => one.except = list(),
            "consent" => one.marketing = value == "\"marketing\"",
            _ => options.escaped(key, value),
        }
    }
    one.options = options.end();
    one
}

/// The text of a JSON string; `None` for anything else.
fn string_of(json: &str) -> Option<String> {
    let is_string = json.len() >= 2 && json.starts_with('"') && json.ends_with('"');
    is_string.then(|| unescape(unquoted(json)))
}
