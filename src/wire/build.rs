//! Writing JSON by hand for the vendors' formats: an encoder splices texts that are JSON already, so all that
//! it needs is commas in the right places, and care that no object has a name twice.

use crate::{
    text::{
        fields::{fields, join, owned, part, split_once},
        json::{push_string, push_u64},
        view::{member, members},
    },
    wire::otlp::push_attributes,
};

/// JSON being written, from the outside in.
#[derive(Debug, Default)]
pub(super) struct Writer {
    text: String,
    /// The objects that are open, the innermost last.
    open: Vec<Open>,
    /// Where the names of their members begin and end, in the order in which they were written.
    names: Vec<(usize, usize)>,
}

/// An object that is open.
#[derive(Clone, Copy, Debug)]
struct Open {
    /// Where the member that it is begins; where it is no member, the object itself.
    member: usize,
    /// Where its brace stands.
    brace: usize,
    /// How many names were written before its own.
    names: usize,
    shape: Shape,
}

/// What becomes of an object when it is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// It stays one.
    Object,
    /// It stays one, or is left out if nothing came into it.
    Optional,
    /// It was the last of a list.
    Listed,
    /// It is written as a list of OTLP's attributes.
    Attributes,
}

impl Writer {
    /// What was written.
    pub(super) fn done(self) -> String {
        self.text
    }

    /// What was written so far: an object that is still open reads like one that is not.
    pub(super) fn so_far(&self) -> &str {
        &self.text
    }

    fn comma(&mut self) {
        if !matches!(self.text.as_bytes().last(), None | Some(b'{' | b'[' | b':')) {
            self.text.push(',');
        }
    }

    /// A value that is JSON text already, as an item of a list.
    pub(super) fn item(&mut self, json: &str) {
        self.comma();
        self.text.push_str(json);
    }

    /// As it stands: brackets.
    pub(super) fn push(&mut self, brackets: &str) {
        self.text.push_str(brackets);
    }

    /// The name of a member; its value comes next. The name is JSON text without its quotes.
    pub(super) fn key(&mut self, name: &str) {
        self.comma();
        self.text.push('"');
        let from = self.text.len();
        self.text.push_str(name);
        self.names.push((from, self.text.len()));
        self.text.push_str("\":");
    }

    /// A member whose value is JSON text already.
    pub(super) fn raw(&mut self, name: &str, json: &str) {
        self.key(name);
        self.text.push_str(json);
    }

    /// A member whose value is JSON text already, unless that is empty.
    pub(super) fn raw_if(&mut self, name: &str, json: &str) {
        if !json.is_empty() {
            self.raw(name, json);
        }
    }

    /// A member whose value is a part of a JSON string, unless that is empty.
    pub(super) fn quoted_if(&mut self, name: &str, inside: &str) {
        if !inside.is_empty() {
            self.key(name);
            self.push("\"");
            self.push(inside);
            self.push("\"");
        }
    }

    /// A whole number, as it stands.
    pub(super) fn digits(&mut self, number: u64) {
        push_u64(&mut self.text, number);
    }

    /// A member whose value is plain text.
    pub(super) fn string(&mut self, name: &str, text: &str) {
        self.key(name);
        push_string(&mut self.text, text);
    }

    /// A member whose value is a whole number.
    pub(super) fn number(&mut self, name: &str, number: u64) {
        self.key(name);
        self.digits(number);
    }

    /// Opens an object as an item of a list, or as the whole.
    pub(super) fn begin(&mut self) {
        self.comma();
        self.opened(self.text.len(), Shape::Object);
    }

    /// Opens an object as a member, or as the first of a list that is one.
    pub(super) fn object(&mut self, name: &str, shape: Shape) {
        let member = self.text.len();
        self.key(name);
        if shape == Shape::Listed {
            self.text.push('[');
        }
        self.opened(member, shape);
    }

    fn opened(&mut self, member: usize, shape: Shape) {
        let brace = self.text.len();
        self.text.push('{');
        self.open.push(Open {
            member,
            brace,
            names: self.names.len(),
            shape,
        });
    }

    /// Closes the innermost object.
    pub(super) fn end(&mut self) {
        let Some(open) = self.open.pop() else {
            return;
        };
        let empty = self.text.len() == open.brace + 1;
        self.names.truncate(open.names);
        self.text.push('}');
        match open.shape {
            Shape::Object => {}
            Shape::Optional if !empty => {}
            Shape::Optional => self.text.truncate(open.member),
            Shape::Listed => self.text.push(']'),
            Shape::Attributes => {
                let object = owned(part(&self.text, open.brace, self.text.len()));
                self.text.truncate(open.brace);
                push_attributes(self, &object, 0);
            }
        }
    }

    /// How many objects are open.
    pub(super) const fn depth(&self) -> usize {
        self.open.len()
    }

    /// A member that is there once: where the object has one of that name already, this one is written with
    /// `sendoff_` before it, so that neither the page's value nor ours is lost.
    pub(super) fn ours(&mut self, name: &str, json: &str) {
        self.ours_unless(false, name, json);
    }

    fn ours_unless(&mut self, taken: bool, name: &str, json: &str) {
        let taken = taken || self.has(name);
        self.key(&join(&[if taken { "sendoff_" } else { "" }, name]));
        self.text.push_str(json);
    }

    /// Whether the innermost object has a member of that name.
    fn has(&self, name: &str) -> bool {
        let from = self.open.last().map_or(0, |open| open.names);
        let mut names = self.names.iter().skip(from);
        names.any(|(from, to)| part(&self.text, *from, *to) == name)
    }

    /// The members of `object`, each under the name that the table has for it, or else under its own behind
    /// `prefix`. A line of the table is `<name> <other name>`; the other name `-` leaves a member out.
    pub(super) fn renamed(&mut self, object: &str, table: &str, prefix: &str) {
        for (name, value) in members(object) {
            match other_name(table, name) {
                Some("-") => {}
                Some(other) => {
                    // What is on its way under that very name comes first.
                    let own = other != name && member(object, other).is_some();
                    self.ours_unless(own, other, value);
                }
                None => self.ours_unless(false, &join(&[prefix, name]), value),
            }
        }
    }

    /// The members of `object` that the innermost object does not have.
    pub(super) fn missing(&mut self, object: &str) {
        for (name, value) in members(object) {
            if !self.has(name) {
                self.raw(name, value);
            }
        }
    }
}

/// What `table` has for a name.
pub(super) fn other_name<'a>(table: &'a str, name: &str) -> Option<&'a str> {
    let mut lines = fields(table, b'\n').filter_map(|line| split_once(line, b' '));
    lines.find(|(of, _)| *of == name).map(|(_, other)| other)
}

/// Appends text as `encodeURIComponent` writes it.
pub(super) fn push_percent(out: &mut String, text: &str) {
    for byte in text.bytes() {
        let bare = byte.is_ascii_alphanumeric()
            || matches!(
                byte,
                b'-' | b'_' | b'.' | b'!' | b'~' | b'*' | b'\'' | b'(' | b')'
            );
        if bare {
            out.push(char::from(byte));
            continue;
        }
        out.push('%');
        for digit in [byte >> 4, byte & 15] {
            let letter = if digit < 10 { b'0' } else { b'A' - 10 };
            out.push(char::from(letter + digit));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commas_stand_between_and_nowhere_else() {
        let mut writer = Writer::default();
        writer.begin();
        writer.raw("a", "1");
        writer.key("c");
        writer.push("[");
        writer.begin();
        writer.end();
        writer.begin();
        writer.string("d", "\"");
        writer.end();
        writer.item("2");
        writer.push("]");
        writer.end();
        assert_eq!(writer.done(), r#"{"a":1,"c":[{},{"d":"\""},2]}"#);
    }

    #[test]
    fn what_stays_empty_is_left_out_where_it_may() {
        let mut writer = Writer::default();
        writer.begin();
        writer.object("kept", Shape::Object);
        writer.end();
        writer.object("gone", Shape::Optional);
        writer.end();
        writer.object("full", Shape::Optional);
        writer.number("a", 1);
        writer.end();
        writer.end();
        assert_eq!(writer.done(), r#"{"kept":{},"full":{"a":1}}"#);
    }

    #[test]
    fn members_get_other_names_and_lose_none() {
        let mut writer = Writer::default();
        writer.begin();
        writer.object("in", Shape::Object);
        let table = "a A name\nb -\nc d";
        writer.renamed(r#"{"a":1,"b":2,"c":3,"d":4}"#, table, "");
        writer.renamed(r#"{"a":1,"e":5}"#, "", "x_");
        writer.object("inner", Shape::Object);
        writer.ours("d", "6");
        writer.end();
        writer.ours("d", "7");
        writer.missing(r#"{"d":0,"f":9}"#);
        writer.end();
        writer.ours("d", "8");
        writer.end();
        let inside =
            r#""A name":1,"sendoff_d":3,"d":4,"x_a":1,"x_e":5,"inner":{"d":6},"sendoff_d":7,"f":9"#;
        assert_eq!(writer.done(), format!(r#"{{"in":{{{inside}}},"d":8}}"#));
    }

    #[test]
    fn percent_encoding_is_that_of_the_browser() {
        let mut out = String::new();
        push_percent(&mut out, "Az09-_.!~*'()\"{ é\u{1f600}");
        assert_eq!(out, "Az09-_.!~*'()%22%7B%20%C3%A9%F0%9F%98%80");
    }
}
