//! Who the visitor is, as one versioned value that all tabs share.
//!
//! Texts are kept as JSON, as they came and as they are spliced into events.

use crate::{
    model::time::UnixMillis,
    text::{
        fields::{join, listed, parse_u64, split_once, unquoted},
        json::{Object, push_string},
        scan::{Kind, scan},
        view::{items, member, members},
    },
    visitor::consent::Consent,
};

/// Version of the record; another's is left alone.
const VERSION: &str = "2";
/// Exposures remembered, the latest.
const EXPOSURES_MAX: usize = 200;

/// A visit: events with no long pause between them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Session {
    /// JSON string.
    pub id: String,
    /// When its first event was.
    pub started_at: UnixMillis,
    /// When its latest was.
    pub last_at: UnixMillis,
    /// Events so far.
    pub events: u64,
}

/// See the module.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Visitor {
    /// Changes so far: the higher one wins.
    pub rev: u64,
    /// The tab that made the last one: the higher one wins among equals.
    pub by: String,
    /// JSON string.
    pub anonymous: String,
    /// JSON string, once the page has told it.
    pub user: Option<String>,
    /// Kind and id of each group, both JSON strings.
    pub groups: Vec<(String, String)>,
    /// Super properties: name (as in JSON, without quotes) and JSON value.
    pub properties: Vec<(String, String)>,
    /// The present session, or the latest.
    pub session: Option<Session>,
    /// JSON object: where the visitor came from at first.
    pub first: Option<String>,
    /// JSON object: where he came from last, if that was from somewhere.
    pub last: Option<String>,
    /// Experiments and variants that he was exposed to, as JSON strings `experiment/variant`, oldest first.
    pub exposures: Vec<String>,
    /// What he allows, where it is to be remembered.
    pub consent: Option<Consent>,
}

impl Visitor {
    /// A visitor of whom nothing is known but an id (plain text).
    #[must_use]
    pub fn new(anonymous_id: &str) -> Self {
        let mut anonymous = String::new();
        push_string(&mut anonymous, anonymous_id);
        Self {
            anonymous,
            ..Self::default()
        }
    }

    /// Reads a stored record of this version, or of the first one (two lines: the ids). `None` for damage.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        if let Some(first) = text.strip_prefix("1\n") {
            let (anonymous, user) = split_once(first, b'\n')?;
            let mut visitor = Self::new(anonymous);
            visitor.user = string(user);
            return (!anonymous.is_empty()).then_some(visitor);
        }
        if !matches!(scan(text)?, Kind::Object(_)) || member(text, "v") != Some(VERSION) {
            return None;
        }
        let number = |name: &str| member(text, name).and_then(parse_u64).unwrap_or(0);
        let object = |name: &str| {
            let value = member(text, name).filter(|value| value.starts_with('{'));
            value.map(ToOwned::to_owned)
        };
        Some(Self {
            rev: number("rev"),
            by: unquoted(member(text, "by").unwrap_or("")).to_owned(),
            anonymous: string(member(text, "anonymousId")?)?,
            user: member(text, "userId").and_then(string),
            groups: members(member(text, "groups").unwrap_or(""))
                .filter_map(|(kind, id)| Some((join(&["\"", kind, "\""]), string(id)?)))
                .collect(),
            properties: members(member(text, "super").unwrap_or(""))
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
            session: member(text, "session").and_then(read_session),
            first: object("first"),
            last: object("last"),
            exposures: items(member(text, "exposures").unwrap_or(""))
                .into_iter()
                .filter_map(string)
                .collect(),
            consent: member(text, "consent").and_then(Consent::read),
        })
    }

    /// Whether a stored text is of a version that is not ours to overwrite.
    #[must_use]
    pub fn is_newer(text: &str) -> bool {
        let version = member(text, "v").and_then(parse_u64);
        version.is_some_and(|version| version > 2)
    }

    /// As it is stored.
    #[must_use]
    pub fn write(&self) -> String {
        let mut out = Object::default();
        out.raw("v", VERSION);
        out.number("rev", self.rev);
        out.text("by", &self.by);
        out.raw("anonymousId", &self.anonymous);
        out.raw("userId", self.user.as_deref().unwrap_or("null"));
        out.raw("groups", &self.groups_json());
        let mut properties = Object::default();
        for (name, value) in &self.properties {
            properties.escaped(name, value);
        }
        out.raw("super", &properties.end());
        out.raw(
            "session",
            &self
                .session
                .as_ref()
                .map_or_else(|| "null".to_owned(), write_session),
        );
        out.raw("first", self.first.as_deref().unwrap_or("null"));
        out.raw("last", self.last.as_deref().unwrap_or("null"));
        out.raw(
            "exposures",
            &join(&[
                "[",
                &listed(self.exposures.iter().map(String::as_str), ","),
                "]",
            ]),
        );
        out.raw(
            "consent",
            &self
                .consent
                .map_or_else(|| "null".to_owned(), |consent| consent.write()),
        );
        out.end()
    }

    /// The groups as a JSON object.
    #[must_use]
    pub fn groups_json(&self) -> String {
        let mut out = Object::default();
        for (kind, id) in &self.groups {
            out.escaped(unquoted(kind), id);
        }
        out.end()
    }

    /// What two tabs know, as one: of what each changed the later, and the session's activity of both.
    #[must_use]
    pub fn merge(self, other: Self) -> Self {
        let ours = (self.rev, &self.by) >= (other.rev, &other.by);
        let (mut winner, loser) = if ours { (self, other) } else { (other, self) };
        if let (Some(session), Some(known)) = (&mut winner.session, &loser.session)
            && session.id == known.id
        {
            session.last_at = session.last_at.max(known.last_at);
            session.events = session.events.max(known.events);
        }
        winner
    }

    /// Something that matters to all tabs has changed.
    pub const fn touch(&mut self) {
        self.rev += 1;
    }

    /// The page says who it is. `false`: it is somebody else already.
    #[must_use]
    pub fn is_somebody_else(&self, user: &str) -> bool {
        self.user.as_deref().is_some_and(|known| known != user)
    }

    /// Forgets who it was; the anonymous id is plain text.
    pub fn reset(&mut self, anonymous_id: &str) {
        *self = Self {
            rev: self.rev + 1,
            by: core::mem::take(&mut self.by),
            first: self.first.take(),
            consent: self.consent,
            ..Self::new(anonymous_id)
        };
    }

    /// Sets a super property, or keeps the one there is.
    pub fn register(&mut self, name: &str, value: &str, once: bool) {
        match self.properties.iter_mut().find(|(known, _)| known == name) {
            Some(_) if once => return,
            Some((_, known)) => *known = value.to_owned(),
            None => self.properties.push((name.to_owned(), value.to_owned())),
        }
        self.touch();
    }

    /// Removes a super property.
    pub fn unregister(&mut self, name: &str) {
        self.properties.retain(|(known, _)| known != name);
        self.touch();
    }

    /// Remembers an exposure (a JSON string); tells whether it is new.
    pub fn expose(&mut self, exposure: String) -> bool {
        if self.exposures.contains(&exposure) {
            return false;
        }
        if self.exposures.len() >= EXPOSURES_MAX {
            self.exposures.remove(0);
        }
        self.exposures.push(exposure);
        self.touch();
        true
    }
}

/// A JSON string, if it is one with something in it.
fn string(json: &str) -> Option<String> {
    matches!(scan(json), Some(Kind::String(1..))).then(|| json.to_owned())
}

fn read_session(json: &str) -> Option<Session> {
    let number = |name: &str| member(json, name).and_then(parse_u64);
    Some(Session {
        id: string(member(json, "id")?)?,
        started_at: UnixMillis(number("startedAt")?),
        last_at: UnixMillis(number("lastAt")?),
        events: number("events").unwrap_or(0),
    })
}

fn write_session(session: &Session) -> String {
    let mut out = Object::default();
    out.raw("id", &session.id);
    out.number("startedAt", session.started_at.0);
    out.number("lastAt", session.last_at.0);
    out.number("events", session.events);
    out.end()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn full() -> Visitor {
        let mut visitor = Visitor::new("anon_1");
        (visitor.rev, visitor.by) = (7, "a1".into());
        visitor.user = Some("\"u\\\"1\"".into());
        visitor.groups = vec![("\"company\"".into(), "\"acme\"".into())];
        visitor.register("plan", "{\"a\":[1,\"}\"]}", false);
        visitor.session = Some(Session {
            id: "\"s1\"".into(),
            started_at: UnixMillis(5),
            last_at: UnixMillis(9),
            events: 3,
        });
        visitor.first = Some("{\"utm_source\":\"x\"}".into());
        visitor.exposures = vec!["\"exp/a\"".into()];
        visitor.consent = Some(Consent::default());
        visitor
    }

    #[test]
    fn a_record_reads_back_and_damage_does_not() {
        let text = full().write();
        serde_json::from_str::<serde_json::Value>(&text).unwrap();
        assert_eq!(Visitor::read(&text), Some(full()));
        for at in 0..text.len() {
            let cut = text.get(..at).unwrap_or("");
            assert_eq!(Visitor::read(cut), None, "{cut}");
        }
        assert_eq!(Visitor::read(&text.replacen("\"v\":2", "\"v\":3", 1)), None);
        assert!(Visitor::is_newer("{\"v\":3}") && !Visitor::is_newer(&text));
    }

    #[test]
    fn the_first_versions_ids_are_carried_over() {
        let visitor = Visitor::read("1\nold-id\n\"u1\"").unwrap();
        assert_eq!(
            (visitor.anonymous.as_str(), visitor.user.as_deref()),
            ("\"old-id\"", Some("\"u1\""))
        );
        assert_eq!(
            Visitor::read("1\nold-id\nu1\"").unwrap().user,
            None,
            "damaged"
        );
        assert_eq!(Visitor::read("1\n\n"), None);
    }

    #[test]
    fn the_later_change_wins_and_activity_is_not_lost() {
        let (older, mut newer) = (full(), full());
        newer.user = Some("\"u2\"".into());
        newer.touch();
        newer.session.as_mut().unwrap().events = 1;
        let merged = older.clone().merge(newer.clone());
        assert_eq!(
            merged,
            newer.clone().merge(older.clone()),
            "in either order"
        );
        assert_eq!(merged.user.as_deref(), Some("\"u2\""));
        assert_eq!(merged.session.unwrap().events, 3);
    }
}
