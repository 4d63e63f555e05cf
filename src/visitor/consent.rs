//! What the visitor allows.

use crate::text::{fields::unquoted, json::Object, view::member};

/// One question, and its answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Answer {
    /// Yes.
    #[default]
    Granted,
    /// Not asked, or not answered yet.
    Pending,
    /// No.
    Denied,
}

impl Answer {
    /// The answer of that name.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Some(match word {
            "granted" => Self::Granted,
            "pending" => Self::Pending,
            "denied" => Self::Denied,
            _ => return None,
        })
    }

    /// Its name.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Granted => "granted",
            Self::Pending => "pending",
            Self::Denied => "denied",
        }
    }
}

/// See the module.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Consent {
    /// Whether events may be kept and sent at all.
    pub analytics: Answer,
    /// Whether campaigns, click ids and referrers may be.
    pub marketing: Answer,
}

impl Consent {
    /// Nothing at all.
    #[must_use]
    pub const fn denied() -> Self {
        Self {
            analytics: Answer::Denied,
            marketing: Answer::Denied,
        }
    }

    /// Reads a JSON object.
    #[must_use]
    pub fn read(json: &str) -> Option<Self> {
        let answer = |name: &str| Answer::from_word(unquoted(member(json, name)?));
        Some(Self {
            analytics: answer("analytics")?,
            marketing: answer("marketing")?,
        })
    }

    /// As a JSON object.
    #[must_use]
    pub fn write(self) -> String {
        let mut out = Object::default();
        out.text("analytics", self.analytics.word());
        out.text("marketing", self.marketing.word());
        out.end()
    }
}
