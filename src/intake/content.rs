//! What is in an event: its properties, and what the visitor adds to them. All of it is JSON text.

use crate::{
    intake::call::Call,
    text::{
        fields::{join, unquoted},
        json::Object,
        view::{member, members},
    },
    visitor::record::Visitor,
};

/// The text, or another where it is empty.
pub(super) const fn or<'a>(text: &'a str, other: &'a str) -> &'a str {
    if text.is_empty() { other } else { text }
}

/// An object with one member more at its end, unless the value is missing or the member is there.
pub(super) fn with(object: &str, name: &str, value: &str) -> String {
    if value.is_empty() || member(object, name).is_some() {
        return object.to_owned();
    }
    let body = object.trim_end().strip_suffix('}').unwrap_or("{");
    let comma = if body.ends_with('{') { "\"" } else { ",\"" };
    join(&[body, comma, name, "\":", value, "}"])
}

/// An object with the members that it does not have itself.
fn with_all<'a>(object: String, more: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let mut all = object;
    for (name, value) in more {
        all = with(&all, name, value);
    }
    all
}

/// An event's properties with the super properties that it does not have itself.
pub(super) fn with_super(properties: String, visitor: &Visitor) -> String {
    let more = visitor.properties.iter();
    with_all(
        properties,
        more.map(|(name, value)| (name.as_str(), value.as_str())),
    )
}

/// The properties of a group's event; later events are of it, too.
pub(super) fn group(call: &Call<'_>, visitor: &mut Visitor, traits: &str) -> String {
    let kind = or(call.group_type, "\"group\"");
    let known = visitor.groups.iter().position(|(known, _)| known == kind);
    let entry = (kind.to_owned(), call.user.to_owned());
    match known.and_then(|index| visitor.groups.get_mut(index)) {
        Some(known) => *known = entry,
        None => visitor.groups.push(entry),
    }
    visitor.touch();
    let head = join(&["{\"groupType\":", kind, ",\"groupId\":", call.user, "}"]);
    with_all(head, members(traits))
}

/// The properties of an exposure's event; `None` if it has been told before.
pub(super) fn exposure(call: &Call<'_>, visitor: &mut Visitor, properties: &str) -> Option<String> {
    let session = visitor.session.as_ref().filter(|_| call.each_session);
    let session = session.map_or("", |session| unquoted(&session.id));
    let key = join(&[
        "\"",
        unquoted(call.name),
        "/",
        unquoted(call.variant),
        "/",
        session,
        "\"",
    ]);
    if !visitor.expose(key) {
        return None;
    }
    let head = join(&[
        "{\"experiment\":",
        call.name,
        ",\"variant\":",
        call.variant,
        "}",
    ]);
    Some(with_all(head, members(properties)))
}

/// Where the visitor came from, first and last; empty where that is not known.
pub(super) fn attribution(visitor: &Visitor) -> String {
    if visitor.first.is_none() && visitor.last.is_none() {
        return String::new();
    }
    let mut out = Object::default();
    out.raw("first", visitor.first.as_deref().unwrap_or("null"));
    out.raw(
        "last",
        visitor
            .last
            .as_deref()
            .or(visitor.first.as_deref())
            .unwrap_or("null"),
    );
    out.end()
}
