//! What a destination's own hook changed of an event. It is kept with the event, and is for that destination alone.
//!
//! ```json
//! {"edits":[{"to":"posthog","name":"…","properties":{…},"without":["margin"],"context":{…}}],"idempotencyKey":"…", …}
//! ```
//!
//! `name` and `context` stand for the event's own; `properties` are those that are new or other, and `without` names those that
//! are gone. It stands first, so that one look tells whether there are edits; no destination is ever sent them.

use std::borrow::Cow;

use crate::text::{
    fields::unquoted,
    json::Object,
    view::{items, member, members},
};

/// How an event that has edits begins.
pub const OPENING: &str = "{\"edits\":";

/// Whether a canonical event has edits.
#[must_use]
pub fn has_edits(event: &str) -> bool {
    event.starts_with(OPENING)
}

/// A canonical event as a destination is to have it.
#[must_use]
pub fn edited<'a>(event: &'a str, destination: &str) -> Cow<'a, str> {
    if !has_edits(event) {
        return Cow::Borrowed(event);
    }
    let edits = items(member(event, "edits").unwrap_or("[]"));
    let is_its = |edit: &&&str| member(edit, "to").is_some_and(|to| unquoted(to) == destination);
    let edit = edits.iter().find(is_its).copied().unwrap_or("{}");
    let mut out = Object::default();
    for (name, value) in members(event).skip(1) {
        match name {
            "properties" => out.escaped(name, &merged(value, edit)),
            "name" | "context" => out.escaped(name, member(edit, name).unwrap_or(value)),
            _ => out.escaped(name, value),
        }
    }
    if let (None, Some(context)) = (member(event, "context"), member(edit, "context")) {
        out.escaped("context", context);
    }
    Cow::Owned(out.end())
}

/// An event's properties with what was changed of them.
fn merged(properties: &str, edit: &str) -> String {
    let changed = member(edit, "properties").unwrap_or("{}");
    let without = items(member(edit, "without").unwrap_or("[]"));
    let gone = |name: &str| without.iter().any(|one| unquoted(one) == name);
    let mut out = Object::default();
    for (name, value) in members(properties).filter(|(name, _)| !gone(name)) {
        out.escaped(name, member(changed, name).unwrap_or(value));
    }
    for (name, value) in members(changed).filter(|(name, _)| member(properties, name).is_none()) {
        out.escaped(name, value);
    }
    out.end()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_destination_has_its_own_and_none_has_the_edits() {
        let event = r#"{"edits":[{"to":"a","name":"n2","properties":{"x":2,"z":3},"without":["y"]},{"to":"b","context":{"c":1}}],"idempotencyKey":"k","name":"n","properties":{"x":1,"y":1,"super":1}}"#;
        let of = |name| edited(event, name).into_owned();
        assert_eq!(
            of("a"),
            r#"{"idempotencyKey":"k","name":"n2","properties":{"x":2,"super":1,"z":3}}"#
        );
        let rest = r#"{"idempotencyKey":"k","name":"n","properties":{"x":1,"y":1,"super":1}"#;
        assert_eq!(of("b"), format!("{rest},\"context\":{{\"c\":1}}}}"));
        assert_eq!(of("c"), format!("{rest}}}"));
    }

    #[test]
    fn an_event_without_edits_is_not_looked_at() {
        let event = r#"{"idempotencyKey":"k","name":"edits"}"#;
        assert!(matches!(edited(event, "a"), Cow::Borrowed(text) if text == event));
    }

    #[test]
    fn a_context_is_replaced_where_it_stands() {
        let event = r#"{"edits":[{"to":"a","context":{"c":1}}],"name":"n","context":{"c":2}}"#;
        assert_eq!(edited(event, "a"), r#"{"name":"n","context":{"c":1}}"#);
    }
}
