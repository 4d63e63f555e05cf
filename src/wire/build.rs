//! Writing JSON by hand for the vendors' formats: an encoder splices texts that are JSON already, so all that
//! it needs is commas in the right places and a way to give members other names.

use crate::{
    model::time::UnixMillis,
    text::{
        fields::{fields, join, part, split_once, unquoted},
        json::{push_digits, push_string, push_timestamp, push_u64},
        view::{member, members},
    },
    wire::canonical::{Event, host_of},
};

/// The version that the vendors' members for the library tell, as JSON text.
pub(super) const LIBRARY_VERSION: &str = concat!("\"", env!("CARGO_PKG_VERSION"), "\"");

/// JSON being written, from the outside in.
#[derive(Debug, Default)]
pub(super) struct Writer {
    text: String,
    /// Where the object begins that is filled by [`ours`](Self::ours) and [`renamed`](Self::renamed).
    filled: usize,
}

impl Writer {
    /// What was written.
    pub(super) fn done(self) -> String {
        self.text
    }

    /// A comma, unless what comes now is the first of its kind.
    fn comma(&mut self) {
        if !matches!(self.text.as_bytes().last(), None | Some(b'{' | b'[' | b':')) {
            self.text.push(',');
        }
    }

    /// Opens an object as an item of a list, or as the whole.
    pub(super) fn begin(&mut self) {
        self.comma();
        self.text.push('{');
    }

    /// As it stands: closing brackets.
    pub(super) fn end(&mut self, brackets: &str) {
        self.text.push_str(brackets);
    }

    /// The name of a member; its value comes next. The name is JSON text without its quotes.
    pub(super) fn key(&mut self, name: &str) {
        self.prefixed("", name);
    }

    fn prefixed(&mut self, prefix: &str, name: &str) {
        self.comma();
        self.text.push('"');
        self.text.push_str(prefix);
        self.text.push_str(name);
        self.text.push_str("\":");
    }

    /// Opens an object as a member.
    pub(super) fn object(&mut self, name: &str) {
        self.key(name);
        self.text.push('{');
    }

    /// A member that is an object, which `fill` fills.
    pub(super) fn filled(&mut self, name: &str, fill: impl FnOnce(&mut Self)) {
        self.key(name);
        let outer = core::mem::replace(&mut self.filled, self.text.len());
        self.text.push('{');
        fill(self);
        self.text.push('}');
        self.filled = outer;
    }

    /// Opens a list as a member.
    pub(super) fn list(&mut self, name: &str) {
        self.key(name);
        self.text.push('[');
    }

    /// A value that is JSON text already, as an item or after a key.
    pub(super) fn value(&mut self, json: &str) {
        self.comma();
        self.text.push_str(json);
    }

    /// A member whose value is JSON text already.
    pub(super) fn raw(&mut self, name: &str, json: &str) {
        self.key(name);
        self.text.push_str(json);
    }

    /// A member, if there is a value.
    pub(super) fn raw_if(&mut self, name: &str, json: Option<&str>) {
        if let Some(json) = json {
            self.raw(name, json);
        }
    }

    /// A member whose value is plain text.
    pub(super) fn string(&mut self, name: &str, text: &str) {
        self.key(name);
        push_string(&mut self.text, text);
    }

    /// A member whose value is a part of a JSON string, its escapes as they stand.
    pub(super) fn quoted(&mut self, name: &str, inside: &str) {
        self.key(name);
        self.text.push('"');
        self.text.push_str(inside);
        self.text.push('"');
    }

    /// A member that is a time.
    pub(super) fn timestamp(&mut self, name: &str, at: UnixMillis) {
        self.key(name);
        self.text.push('"');
        push_timestamp(&mut self.text, at);
        self.text.push('"');
    }

    /// Width and height of screen and viewport, a member each.
    pub(super) fn sizes(&mut self, event: &Event<'_>, prefix: &str) {
        for name in [
            "screen_width",
            "screen_height",
            "viewport_width",
            "viewport_height",
        ] {
            if let Some((of, side)) = split_once(name, b'_') {
                let json = event.context(of).and_then(|size| member(size, side));
                self.ours(&join(&[prefix, name]), json);
            }
        }
    }

    /// A member that is the host of a URL, if it has one.
    pub(super) fn host(&mut self, name: &str, url: Option<&str>) {
        if let Some(host) = url.and_then(host_of) {
            self.ours(name, Some(&join(&["\"", host, "\""])));
        }
    }

    /// The event's name: the vendor's for one of sendoff's own, or as it stands.
    pub(super) fn event_name(&mut self, key: &str, name: &str, table: &str) {
        match other_name(table, unquoted(name)) {
            Some(name) => self.quoted(key, name),
            None => self.raw(key, name),
        }
    }

    /// A member whose value is a whole number.
    pub(super) fn number(&mut self, name: &str, number: u64) {
        self.key(name);
        push_u64(&mut self.text, number);
    }

    /// The text itself, to append what has no method.
    pub(super) const fn text(&mut self) -> &mut String {
        &mut self.text
    }

    /// The members of `object`, each under the name that a table has for it, or else under its own behind
    /// `prefix`. A line of a table is `<name> <other name>`; the other name `-` leaves a member out.
    pub(super) fn renamed(&mut self, object: &str, tables: &[&str], prefix: &str) {
        for (name, value) in members(object) {
            let mut others = tables.iter().filter_map(|table| other_name(table, name));
            match others.next() {
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

    /// The members of `object` as they stand, but one.
    pub(super) fn copied(&mut self, object: &str, but: &str) {
        for (name, value) in members(object).filter(|(name, _)| *name != but) {
            self.raw(name, value);
        }
    }

    /// The members of `object` that `own` does not have.
    pub(super) fn missing(&mut self, object: &str, own: &str) {
        for (name, value) in members(object) {
            if member(own, name).is_none() {
                self.raw(name, value);
            }
        }
    }

    /// A member that is there once: where the object has one of that name already, this one is written with
    /// `sendoff_` before it, so that neither the page's value nor ours is lost.
    pub(super) fn ours(&mut self, name: &str, json: Option<&str>) {
        if let Some(json) = json {
            self.ours_unless(false, name, json);
        }
    }

    fn ours_unless(&mut self, taken: bool, name: &str, json: &str) {
        let so_far = part(&self.text, self.filled, self.text.len());
        let taken = taken || member(so_far, name).is_some();
        self.prefixed(if taken { "sendoff_" } else { "" }, name);
        self.text.push_str(json);
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
        let bare = byte.is_ascii_alphanumeric() || b"-_.!~*'()".contains(&byte);
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

/// Appends a time in milliseconds as OTLP writes it: nanoseconds, in quotes.
pub(super) fn push_nanos(out: &mut String, ms: u64) {
    out.push('"');
    push_digits(out, ms, 10, 1);
    out.push_str("000000\"");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commas_stand_between_and_nowhere_else() {
        let mut writer = Writer::default();
        writer.begin();
        writer.raw("a", "1");
        writer.raw_if("b", None);
        writer.list("c");
        writer.begin();
        writer.end("}");
        writer.begin();
        writer.string("d", "\"");
        writer.end("}");
        writer.value("2");
        writer.end("]}");
        assert_eq!(writer.done(), r#"{"a":1,"c":[{},{"d":"\""},2]}"#);
    }

    #[test]
    fn members_get_other_names_and_lose_none() {
        let mut writer = Writer::default();
        writer.begin();
        writer.filled("in", |writer| {
            let table = "a A name\nb -\nc d";
            writer.renamed(r#"{"a":1,"b":2,"c":3,"d":4}"#, &[table], "");
            writer.renamed(r#"{"a":1,"e":5}"#, &[], "x_");
            writer.filled("inner", |writer| writer.ours("d", Some("6")));
            writer.ours("d", Some("7"));
            writer.ours("e", None);
        });
        writer.ours("d", Some("8"));
        writer.end("}");
        let inside =
            r#""A name":1,"sendoff_d":3,"d":4,"x_a":1,"x_e":5,"inner":{"d":6},"sendoff_d":7"#;
        assert_eq!(writer.done(), format!(r#"{{"in":{{{inside}}},"d":8}}"#));
    }

    #[test]
    fn percent_encoding_is_that_of_the_browser() {
        let mut out = String::new();
        push_percent(&mut out, "Az09-_.!~*'()\"{ é\u{1f600}");
        assert_eq!(out, "Az09-_.!~*'()%22%7B%20%C3%A9%F0%9F%98%80");
    }
}
