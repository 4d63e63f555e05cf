//! A canonical event as the vendors' formats read it: what it says itself, the page and the context that were in
//! force, and what follows from them, all found by path.

use crate::{
    model::event::Entry,
    text::{
        fields::{after, fields, join, owned, parse_digits, parse_u64, part, unquoted},
        view::{EventView, member, members},
    },
    wire::{
        Source,
        build::{Shape, Writer, other_name},
    },
};

/// What an event says, where that decides its shape. A vendor has a recipe and a route for each, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Something happened. `$session` and `$opt_out` are of this kind, under a name of the vendor's.
    Track,
    /// `$page_view`.
    Page,
    /// `$exposure`: `experiment` and `variant` were seen.
    Exposure,
    /// `$identify`: an anonymous id becomes a known one.
    Identify,
    /// The same, and the properties are traits.
    IdentifyWithTraits,
    /// `$set_traits`: the properties are traits of who it is anyway.
    SetTraits,
    /// `$alias`: `previousId` is the same as the user.
    Alias,
    /// `$group`: `groupType` and `groupId`, which the user is a member of.
    Group,
    /// The same, and the other properties are traits of the group.
    GroupWithTraits,
}

/// How many kinds there are.
pub(super) const KINDS: usize = 9;

impl Kind {
    /// Of an event.
    pub(super) fn of(event: &EventView<'_>) -> Self {
        let properties = event.get("properties").unwrap_or("");
        let named = |name: &str| usize::from(member(properties, name).is_some());
        let more_than = |count| members(properties).nth(count).is_some();
        match event.name() {
            "$page_view" => Self::Page,
            "$exposure" => Self::Exposure,
            "$identify" if more_than(0) => Self::IdentifyWithTraits,
            "$identify" => Self::Identify,
            "$set_traits" => Self::SetTraits,
            "$alias" => Self::Alias,
            "$group" if more_than(named("groupType") + named("groupId")) => Self::GroupWithTraits,
            "$group" => Self::Group,
            _ => Self::Track,
        }
    }
}

/// One event.
#[derive(Debug)]
pub(super) struct Event<'a> {
    pub(super) kind: Kind,
    /// The members of the canonical text.
    said: Vec<(&'a str, &'a str)>,
    /// The page, an object; empty for none.
    page: &'a str,
    /// What else was in force, an object: the event's own context before that of its tab, without the page.
    context: String,
    /// An object, not closed: what follows from the event, and what the format adds.
    more: Writer,
}

impl<'a> Event<'a> {
    /// Reads an event that `source` recorded.
    pub(super) fn of(entry: &'a Entry, source: &Source<'a>) -> Self {
        let view = EventView::of(&entry.text);
        let own = view.get("context").unwrap_or("");
        let recorded = source.pages.get(entry.page).map(String::as_str);
        let page = member(own, "page")
            .or(recorded)
            .or_else(|| member(source.context, "page"));
        let mut event = Self {
            kind: Kind::of(&view),
            said: members(view.text()).collect(),
            page: page.unwrap_or(""),
            context: merged(own, source.context),
            more: Writer::default(),
        };
        event.more = event.derived();
        event
    }

    /// The value at a path: in the page, the context, the event's `own` part of that, the event, or
    /// else what was added; empty if there is none, or `null`. What stands behind `=` is the value itself, and of paths with `|`
    /// between them it is the first that leads to one.
    pub(super) fn find<'s>(&'s self, paths: &'s str) -> &'s str {
        for path in fields(paths, b'|') {
            let value = self.at(path);
            if path.starts_with('=') || !matches!(value, "" | "null") {
                return value;
            }
        }
        ""
    }

    fn said(&self, name: &str) -> &'a str {
        let found = self.said.iter().find(|(of, _)| *of == name);
        found.map_or("", |(_, value)| value)
    }

    fn at<'s>(&'s self, path: &'s str) -> &'s str {
        if path.starts_with('=') {
            return part(path, 1, path.len());
        }
        let mut names = fields(path, b'.');
        let first = names.next().unwrap_or("");
        let mut value = match first {
            "page" => self.page,
            "context" => &self.context,
            "own" => self.said("context"),
            _ => match self.said(first) {
                "" => member(self.more.so_far(), first).unwrap_or(""),
                said => said,
            },
        };
        for name in names {
            value = member(value, name).unwrap_or("");
        }
        value
    }

    /// Adds a value for recipes to find.
    pub(super) fn add(&mut self, name: &str, json: &str) {
        self.more.raw(name, json);
    }

    /// Adds plain text.
    pub(super) fn add_text(&mut self, name: &str, text: &str) {
        self.more.string(name, text);
    }

    /// Adds `event`: the vendor's name for one of sendoff's own events, or the event's name as it stands.
    pub(super) fn add_name(&mut self, table: &str) {
        let name = self.find("name|=\"\"");
        let other = other_name(table, unquoted(name)).map(quoted);
        let name = other.unwrap_or_else(|| owned(name));
        self.add("event", &name);
    }

    /// What follows from the event and has no member of its own in it.
    fn derived(&self) -> Writer {
        let mut out = Writer::default();
        out.begin();
        let ms = unix_ms(unquoted(self.said("timestamp")));
        out.number("ms", ms);
        out.key("nanos");
        out.push("\"");
        out.digits(ms);
        out.push("000000\"");
        self.derive_user(&mut out);
        self.derive_page(&mut out);
        self.derive_groups(&mut out);
        if let Some(began) = session_start_ms(unquoted(self.said("sessionId"))) {
            out.number("sessionMs", began);
            if self.said("sessionSeq") == "1" {
                out.raw("sessionBegins", "true");
            }
        }
        out
    }

    /// `identified`; `device`: the anonymous id as Mixpanel writes it, and `user` unless it looks like one: that would
    /// join two people.
    fn derive_user(&self, out: &mut Writer) {
        out.key("device");
        out.push("\"$device:");
        out.push(unquoted(self.said("anonymousId")));
        out.push("\"");
        let user = self.find("userId");
        let known = if user.is_empty() { "false" } else { "true" };
        out.raw("identified", known);
        let odd = user.starts_with("\"$device:");
        out.raw_if(if odd { "oddUser" } else { "user" }, user);
    }

    fn derive_page(&self, out: &mut Writer) {
        let url = unquoted(self.at("page.url"));
        let end = url.bytes().position(|byte| matches!(byte, b'?' | b'#'));
        out.quoted_if("bareUrl", part(url, 0, end.unwrap_or(url.len())));
        out.quoted_if("host", host_of(url));
        out.quoted_if("referringHost", host_of(unquoted(self.at("page.referrer"))));
    }

    /// Of `$group` the group that it names, of other events all that the visitor is in: `group`, the id of the first;
    /// `pair`, the types with their ids; `lists`, the types with each id in a list.
    fn derive_groups(&self, out: &mut Writer) {
        let name = unquoted(self.find("properties.groupType|=\"group\""));
        let id = self.find("properties.groupId|=null");
        let in_pair = matches!(self.kind, Kind::Group | Kind::GroupWithTraits);
        let mut pair = Writer::default();
        pair.begin();
        pair.raw(name, id);
        pair.end();
        let groups = if in_pair {
            pair.so_far()
        } else {
            self.said("groups")
        };
        out.raw_if("pair", groups);
        out.object("lists", Shape::Object);
        let mut first = "";
        for (name, id) in members(groups) {
            first = if first.is_empty() { id } else { first };
            out.key(name);
            out.push("[");
            out.push(id);
            out.push("]");
        }
        out.end();
        out.raw_if("group", first);
    }
}

/// When a session began, if its id is a UUID of version 7, which begins with that.
fn session_start_ms(id: &str) -> Option<u64> {
    let version_7 = id.len() == 36 && part(id, 14, 15) == "7";
    let high = parse_digits(part(id, 0, 8), 16)?;
    let low = parse_digits(part(id, 9, 13), 16)?;
    version_7.then_some(high << 16 | low)
}

/// A part of a JSON string as one.
pub(super) fn quoted(inside: &str) -> String {
    join(&["\"", inside, "\""])
}

/// The host of an absolute URL: what is behind `//`, up to a slash, a question mark or a hash; empty for none.
fn host_of(url: &str) -> &str {
    let rest = after(url, "://").unwrap_or("");
    let end = rest
        .bytes()
        .position(|byte| matches!(byte, b'/' | b'?' | b'#' | b'\\'));
    part(rest, 0, end.unwrap_or(rest.len()))
}

/// The members of `own`, and those of `base` that it does not have; no page.
fn merged(own: &str, base: &str) -> String {
    let mut writer = Writer::default();
    writer.begin();
    writer.renamed(own, "page -", "");
    for (name, value) in members(base).filter(|(name, _)| *name != "page") {
        if member(own, name).is_none() {
            writer.raw(name, value);
        }
    }
    writer.end();
    writer.done()
}

/// Reads `2026-01-15T12:00:00.000Z`, as `push_timestamp` writes it. Days of the civil date: Howard Hinnant,
/// "chrono-Compatible Low-Level Date Algorithms", in years that begin with March.
pub(super) fn unix_ms(iso: &str) -> u64 {
    let number = |from, to| parse_u64(part(iso, from, to)).unwrap_or(0);
    let (year, month, day) = (number(0, 4), number(5, 7), number(8, 10));
    let (year, month) = if month > 2 {
        (year, month - 3)
    } else {
        (year.saturating_sub(1), month + 9)
    };
    let leap_days = (year / 4 + year / 400).saturating_sub(year / 100);
    let days = 365 * year + leap_days + (153 * month + 2) / 5 + day;
    let hours = days.saturating_sub(719_469) * 24 + number(11, 13);
    ((hours * 60 + number(14, 16)) * 60 + number(17, 19)) * 1_000 + number(20, 23)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{model::ids::TabId, text::json::push_timestamp};

    fn read<T>(text: &str, page: usize, then: impl FnOnce(&Event<'_>) -> T) -> T {
        let entry = Entry {
            seq: 1,
            page,
            text: text.to_owned(),
        };
        let pages = [r#"{"path":"/0"}"#.to_owned(), r#"{"path":"/1"}"#.to_owned()];
        let source = Source {
            tab: TabId::parse("000000000000000000a1").unwrap(),
            sdk: "{}",
            context: r#"{"locale":"de","page":{"path":"/base"},"screen":{"width":9}}"#,
            pages: &pages,
        };
        then(&Event::of(&entry, &source))
    }

    #[test]
    fn the_page_in_force_and_the_nearer_context_win() {
        let text = r#"{"name":"a","userId":null,"context":{"locale":"fr","plan":1}}"#;
        read(text, 1, |event| {
            assert_eq!(event.find("page.path"), "\"/1\"");
            let context = r#"{"locale":"fr","plan":1,"screen":{"width":9}}"#;
            assert_eq!(event.find("context"), context);
            assert_eq!(event.find("context.screen.width"), "9");
            assert_eq!(event.find("own.locale"), "\"fr\"");
        });
        read(text, 9, |event| {
            assert_eq!(event.find("page.path"), "\"/base\"")
        });
    }

    #[test]
    fn paths_lead_to_the_first_value_that_there_is() {
        let text = r#"{"name":"a","userId":null,"anonymousId":"x","properties":{"a":{"b":0}}}"#;
        read(text, 0, |event| {
            assert_eq!(event.find("userId"), "");
            assert_eq!(event.find("userId|anonymousId"), "\"x\"");
            assert_eq!(event.find("userId|nothing|=-1"), "-1");
            assert_eq!(event.find("properties.a.b|=1"), "0");
            assert_eq!(event.find("properties.a.b.c"), "");
            assert_eq!(event.find(""), "");
        });
    }

    #[test]
    fn hosts_are_found() {
        for (url, host) in [
            ("https://shop.example/cart?x=1", "shop.example"),
            ("http://localhost:8080", "localhost:8080"),
            ("https://a?b", "a"),
            ("about:blank", ""),
            ("file:///home", ""),
            ("", ""),
        ] {
            assert_eq!(host_of(url), host, "{url}");
        }
    }

    #[test]
    fn sessions_begin_when_their_id_says() {
        let at = Some(0x019b_c1a0_3333);
        assert_eq!(session_start_ms("019bc1a0-3333-7abc-8def-0123456789ab"), at);
        assert_eq!(
            session_start_ms("019bc1a0-3333-4abc-8def-0123456789ab"),
            None
        );
        assert_eq!(
            session_start_ms("é19bc1a0-3333-7abc-8def-0123456789a"),
            None
        );
        assert_eq!(session_start_ms(""), None);
    }

    proptest::proptest! {
        #[test]
        fn times_read_back(ms in 0_u64..253_402_300_800_000) {
            let mut text = String::new();
            push_timestamp(&mut text, ms);
            proptest::prop_assert_eq!(unix_ms(&text), ms);
        }

        #[test]
        fn any_text_is_survived(text in ".{0,40}") {
            unix_ms(&text);
            session_start_ms(&text);
            read(&text, 0, |event| event.find(&text).len());
        }
    }
}
