//! A destination as it is configured: a dialect, and the events that go there.

use crate::{journal::cursor::Owed, wire::Format};

/// See the module.
pub struct Destination {
    /// Its name.
    pub name: String,
    /// Its dialect.
    pub format: Box<dyn Format>,
    /// Names of events that go there; none: all. A `*` at the end stands for anything.
    pub only: Vec<String>,
    /// Names of events that do not.
    pub except: Vec<String>,
    /// It is for marketing: what is recorded without that consent does not go there.
    pub marketing: bool,
}

impl Destination {
    /// Whether events of that name go there.
    #[must_use]
    pub fn takes(&self, name: &str) -> bool {
        let named = |patterns: &[String]| patterns.iter().any(|pattern| matches(pattern, name));
        (self.only.is_empty() || named(&self.only)) && !named(&self.except)
    }

    /// As streams know it.
    #[must_use]
    pub fn owed(&self) -> Owed {
        Owed {
            name: self.name.clone(),
            encoder: self.format.encoder(),
            tells_gaps: self.format.tells_gaps(),
        }
    }
}

fn matches(pattern: &str, name: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(start) => name.starts_with(start),
        None => pattern == name,
    }
}
