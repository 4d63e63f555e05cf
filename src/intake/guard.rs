//! What is personal and was not meant to be sent: found before anything is written or sent.
//!
//! One pass over the text, without a regular-expression engine, and without an allocation while nothing is found.
//! A kind is taken for found only if its own rules hold: a card by issuer, length and check digit, an account number
//! by country and check digits. So that ordinary numbers stay what they are; `tests/pii` counts how often that fails.

mod addresses;
mod bytes;
mod keys;
mod numbers;
mod pattern;
mod scan;
mod secrets;
mod splice;
mod walk;

use self::{
    keys::Denied,
    pattern::Pattern,
    scan::{Scan, Step},
    splice::Splice,
    walk::Walk,
};
use crate::text::fields::part;

/// What is done with something personal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pii {
    /// Nothing: it is not looked for.
    Off,
    /// It is reported and sent.
    Warn,
    /// `[redacted:<kind>]` takes its place.
    #[default]
    Redact,
    /// `[hashed:<16 hexadecimal digits>]` takes its place: of the SHA-256 of the salt and the value.
    Hash,
    /// The call is refused.
    Reject,
}

/// Options of the guard.
#[derive(Clone, Debug)]
pub struct GuardConfig {
    /// For properties, names, URLs, titles and referrers: [`Pii::Redact`] by default.
    pub values: Pii,
    /// For traits, which may hold a mail address on purpose: [`Pii::Off`] by default.
    pub traits: Pii,
    /// What is hashed before a value; empty by default. Without one, a hash of a telephone number is found by trying.
    pub salt: String,
    /// Network addresses are personal: no by default.
    pub ip: bool,
    /// What else is personal: none by default. `*` is any run of word characters (letters, digits, `_`, all that is
    /// not ASCII), `#` a digit, `?` any one character, everything else itself, whether large or small. A match begins
    /// and ends at the edge of a word and holds no `"` and no `\`.
    pub patterns: Vec<String>,
    /// What is left alone, as patterns of the same kind for all of a found value, or for a key, with all that is
    /// beneath it: none by default.
    pub allow: Vec<String>,
    /// Keys and URL parameters whose value is personal whatever it looks like, as patterns for all of a key; besides
    /// the built-in ones (`password`, `…token`, `email`, `code` …). None by default.
    pub deny_keys: Vec<String>,
}

impl Default for GuardConfig {
    fn default() -> Self {
        Self {
            values: Pii::Redact,
            traits: Pii::Off,
            salt: String::new(),
            ip: false,
            patterns: Vec::new(),
            allow: Vec::new(),
            deny_keys: Vec::new(),
        }
    }
}

/// What was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A mail address.
    Email,
    /// A number of a payment card.
    Card,
    /// A telephone number in international form.
    Phone,
    /// An international bank account number.
    Iban,
    /// A JSON Web Token.
    Jwt,
    /// A bearer token.
    Bearer,
    /// A key of a known shape, or a name and password in a URL.
    Secret,
    /// A network address.
    Ip,
    /// The value of a key or parameter on the deny-list.
    Key,
    /// What a pattern of the page's own found.
    Pattern,
}

impl Kind {
    /// As in `[redacted:email]`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Card => "card",
            Self::Phone => "phone",
            Self::Iban => "iban",
            Self::Jwt => "jwt",
            Self::Bearer => "bearer",
            Self::Secret => "secret",
            Self::Ip => "ip",
            Self::Key => "key",
            Self::Pattern => "pattern",
        }
    }
}

/// What became of a text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Checked {
    /// What takes its place; `None` if it stays.
    pub text: Option<String>,
    /// What was found first.
    pub found: Option<Kind>,
    /// It is to be refused.
    pub rejected: bool,
}

/// See the module.
#[derive(Clone, Debug)]
pub struct Guard {
    config: GuardConfig,
    patterns: Vec<Pattern>,
    allow: Vec<Pattern>,
    deny_keys: Vec<Pattern>,
}

impl Guard {
    /// With its options.
    #[must_use]
    pub fn new(config: GuardConfig) -> Self {
        let read = |texts: &[String]| texts.iter().filter_map(|text| Pattern::new(text)).collect();
        Self {
            patterns: read(&config.patterns),
            allow: read(&config.allow),
            deny_keys: read(&config.deny_keys),
            config,
        }
    }

    /// Its options.
    #[must_use]
    pub const fn config(&self) -> &GuardConfig {
        &self.config
    }

    /// Checks JSON text: the strings, keys and numbers of an object at any depth. Valid JSON stays valid JSON.
    #[must_use]
    pub fn json(&self, text: &str, mode: Pii) -> Checked {
        Walk::new(self, mode, text).end()
    }

    /// Checks one JSON string, with its quotation marks: the name of an event, a title.
    #[must_use]
    pub fn string(&self, json_string: &str) -> Checked {
        self.json(json_string, self.config.values)
    }

    /// Checks a URL, whole or not, as plain text: name and password, path, parameters in query and fragment.
    #[must_use]
    pub fn url(&self, url: &str) -> Checked {
        self.plain(url, self.config.values)
    }

    fn plain(&self, text: &str, mode: Pii) -> Checked {
        let mut out = Splice::new(self, mode, text);
        let mut scan = Scan::new(self, text, 0);
        while !out.is_decided() {
            match scan.step() {
                Step::Found(it) => out.replace(it.kind, it.from, it.to, part(text, it.from, it.to)),
                Step::Mark(_) => {}
                Step::End => break,
            }
        }
        out.end()
    }

    /// What the deny-lists say of a key.
    fn denied(&self, name: &[u8]) -> Denied {
        let own = |name: &str| self.deny_keys.iter().any(|pattern| pattern.is(name));
        let text = || str::from_utf8(name).unwrap_or("");
        match keys::denied(name) {
            Denied::No if self.deny_keys.is_empty() || !own(text()) => Denied::No,
            Denied::No => Denied::All,
            _ if !self.allow.is_empty() && self.allows(text()) => Denied::No,
            denied => denied,
        }
    }

    fn allows(&self, text: &str) -> bool {
        self.allow.iter().any(|pattern| pattern.is(text))
    }
}
