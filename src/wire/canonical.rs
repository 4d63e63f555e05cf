//! A canonical event as the vendors' formats read it: what it says itself, the page and the context that were in
//! force, and what follows from them, all found by path.

use crate::{
    model::event::Entry,
    text::{
        fields::{after, fields, join, owned, parse_digits, parse_u64, part, unquoted},
        json::push_u64,
        view::{EventView, member, members},
    },
    wire::{
        Source,
        build::{Writer, other_name},
    },
};

/// What an event says, where that decides its shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(super) enum Kind {
    /// Something happened. `$session` and `$opt_out` are of this kind, under a name of the vendor's.
    #[default]
    Track,
    /// `$page_view`.
    Page,
    /// `$identify`: an anonymous id becomes a known one; the properties are traits.
    Identify,
    /// `$set_traits`: the properties are traits of who it is anyway.
    SetTraits,
    /// `$alias`: `previousId` is the same as the user.
    Alias,
    /// `$group`: `groupType`, `groupId` and traits of the group.
    Group,
    /// `$exposure`: `experiment` and `variant` were seen.
    Exposure,
}

impl Kind {
    /// By the event's name.
    pub(super) fn of(name: &str) -> Self {
        match name {
            "$page_view" => Self::Page,
            "$identify" => Self::Identify,
            "$set_traits" => Self::SetTraits,
            "$alias" => Self::Alias,
            "$group" => Self::Group,
            "$exposure" => Self::Exposure,
            _ => Self::Track,
        }
    }
}

/// One event.
#[derive(Debug)]
pub(super) struct Event<'a> {
    pub(super) kind: Kind,
    /// The canonical text.
    text: &'a str,
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
            kind: Kind::of(view.name()),
            text: view.text(),
            page: page.unwrap_or(""),
            context: merged(own, source.context),
            more: Writer::default(),
        };
        event.more.begin();
        event.derive();
        event
    }

    /// What follows from the event and has no member of its own in it.
    fn derive(&mut self) {
        let at = self.unix_ms();
        let anonymous = self.find("anonymousId").unwrap_or("\"\"");
        let device = join(&["\"$device:", unquoted(anonymous), "\""]);
        let user = self.find("userId").map(owned);
        // To Mixpanel a user id that looks like a device's would join two people.
        let odd = user
            .as_ref()
            .is_some_and(|user| user.starts_with("\"$device:"));
        let who = owned(user.as_deref().unwrap_or(anonymous));
        self.add("who", &who);
        self.add("device", &device);
        self.add(
            "distinct",
            if odd || user.is_none() { &device } else { &who },
        );
        self.add_if(if odd { "oddUser" } else { "user" }, user.as_deref());
        self.add("nullableUser", user.as_deref().unwrap_or("null"));
        self.add("identified", if user.is_some() { "true" } else { "false" });
        self.more.number("ms", at);
        self.add("nanos", &join(&["\"", &decimal(at), "000000\""]));
        self.derive_page();
        self.derive_session();
        self.derive_groups();
    }

    fn derive_page(&mut self) {
        let url = self.find("page.url").unwrap_or("");
        let end = url.bytes().position(|byte| matches!(byte, b'?' | b'#'));
        let bare = end.map_or_else(|| owned(url), |end| join(&[part(url, 0, end), "\""]));
        let host = host_of(url).map(quoted);
        let referring = self.find("page.referrer").and_then(host_of).map(quoted);
        self.add_if("bareUrl", Some(bare.as_str()).filter(|url| !url.is_empty()));
        self.add_if("host", host.as_deref());
        self.add_if("referringHost", referring.as_deref());
    }

    /// Some vendors name a session by when it began; one whose id does not say so is odd.
    fn derive_session(&mut self) {
        match self.session_start_ms() {
            Some(began) => {
                self.more.number("sessionMs", began);
                self.more.number("session", began);
                if self.find("sessionSeq") == Some("1") {
                    self.add("begins", "true");
                }
            }
            None => {
                let odd = self.find("sessionId").map(owned);
                self.add("session", "-1");
                self.add_if("oddSession", odd.as_deref());
            }
        }
    }

    /// `pair`: of `$group`, its type with its id; `lists`: each group's id in a list; `group`: the first id.
    fn derive_groups(&mut self) {
        let mut groups = owned(self.find("groups").unwrap_or(""));
        if self.kind == Kind::Group {
            let name = unquoted(self.find("properties.groupType").unwrap_or("\"group\""));
            let id = self.find("properties.groupId").unwrap_or("null");
            groups = join(&["{\"", name, "\":", id, "}"]);
            self.add("pair", &groups);
        }
        let mut lists = Writer::default();
        lists.begin();
        for (name, id) in members(&groups) {
            lists.raw(name, &join(&["[", id, "]"]));
        }
        lists.end();
        self.add("lists", &lists.done());
        let first = members(&groups).next().map(|(_, id)| id);
        self.add_if("group", first);
    }

    /// The value at a path: in the page, the context, the event's `own` part of that, what was added, or else the
    /// event. A user that is `null` is none. What stands behind `=` is the value itself.
    pub(super) fn find<'s>(&'s self, path: &'s str) -> Option<&'s str> {
        if let Some(value) = path.strip_prefix('=') {
            return Some(value);
        }
        let mut names = fields(path, b'.');
        let first = names.next()?;
        let found = match first {
            "page" => Some(self.page).filter(|page| !page.is_empty()),
            "context" => Some(self.context.as_str()),
            "own" => member(self.text, "context"),
            _ => member(self.more.so_far(), first).or_else(|| member(self.text, first)),
        };
        let found = found.filter(|value| first != "userId" || *value != "null");
        names.try_fold(found?, member)
    }

    /// Adds a value for recipes to find.
    pub(super) fn add(&mut self, name: &str, json: &str) {
        self.more.raw(name, json);
    }

    /// Adds a value, if there is one.
    pub(super) fn add_if(&mut self, name: &str, json: Option<&str>) {
        if let Some(json) = json {
            self.add(name, json);
        }
    }

    /// Adds plain text.
    pub(super) fn add_text(&mut self, name: &str, text: &str) {
        self.more.string(name, text);
    }

    /// Adds `event`: the vendor's name for one of sendoff's own events, or the event's name as it stands.
    pub(super) fn add_name(&mut self, table: &str) {
        let name = member(self.text, "name").unwrap_or("\"\"");
        match other_name(table, unquoted(name)) {
            Some(other) => self.add("event", &quoted(other)),
            None => self.add("event", name),
        }
    }

    /// Its time in milliseconds since 1970.
    fn unix_ms(&self) -> u64 {
        self.find("timestamp")
            .map_or(0, |iso| unix_ms(unquoted(iso)))
    }

    /// When its session began, if the session's id is a UUID of version 7, which begins with that.
    fn session_start_ms(&self) -> Option<u64> {
        let id = unquoted(self.find("sessionId")?);
        let version_7 = id.len() == 36 && part(id, 14, 15) == "7";
        let high = parse_digits(part(id, 0, 8), 16)?;
        let low = parse_digits(part(id, 9, 13), 16)?;
        version_7.then_some(high << 16 | low)
    }
}

/// Whether the properties of `$group` say something of the group beside its id.
pub(super) fn has_group_traits(properties: &str) -> bool {
    members(properties).any(|(name, _)| !matches!(name, "groupType" | "groupId"))
}

/// A part of a JSON string as one.
pub(super) fn quoted(inside: &str) -> String {
    join(&["\"", inside, "\""])
}

/// The host of an absolute URL: what is behind `//`, up to a slash, a question mark or a hash.
fn host_of(url: &str) -> Option<&str> {
    let rest = after(url, "://")?;
    let end = rest.bytes().position(|byte| b"/?#\"\\".contains(&byte));
    Some(part(rest, 0, end.unwrap_or(rest.len()))).filter(|host| !host.is_empty())
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

fn decimal(number: u64) -> String {
    let mut out = String::new();
    push_u64(&mut out, number);
    out
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
    use crate::{
        model::{ids::TabId, time::UnixMillis},
        text::json::push_timestamp,
    };

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
            assert_eq!(event.find("page.path"), Some("\"/1\""));
            let context = r#"{"locale":"fr","plan":1,"screen":{"width":9}}"#;
            assert_eq!(event.find("context"), Some(context));
            assert_eq!(event.find("context.screen.width"), Some("9"));
            assert_eq!(event.find("userId"), None);
            assert_eq!(event.find("who"), Some("\"\""));
        });
        read(text, 9, |event| {
            assert_eq!(event.find("page.path"), Some("\"/base\""))
        });
    }

    #[test]
    fn hosts_are_found() {
        for (url, host) in [
            ("\"https://shop.example/cart?x=1\"", Some("shop.example")),
            ("\"http://localhost:8080\"", Some("localhost:8080")),
            ("https://a?b", Some("a")),
            ("\"about:blank\"", None),
            ("\"file:///home\"", None),
            ("\"\"", None),
        ] {
            assert_eq!(host_of(url), host, "{url}");
        }
    }

    fn began(id: &str) -> Option<u64> {
        let text = serde_json::json!({ "sessionId": id }).to_string();
        read(&text, 0, |event| event.session_start_ms())
    }

    #[test]
    fn sessions_begin_when_their_id_says() {
        let at = Some(0x019b_c1a0_3333);
        assert_eq!(began("019bc1a0-3333-7abc-8def-0123456789ab"), at);
        assert_eq!(began("019bc1a0-3333-4abc-8def-0123456789ab"), None);
        assert_eq!(began("é19bc1a0-3333-7abc-8def-0123456789a"), None);
        assert_eq!(began(""), None);
    }

    proptest::proptest! {
        #[test]
        fn times_read_back(ms in 0_u64..253_402_300_800_000) {
            let mut text = String::new();
            push_timestamp(&mut text, UnixMillis(ms));
            proptest::prop_assert_eq!(unix_ms(&text), ms);
        }

        #[test]
        fn any_text_is_survived(text in ".{0,40}") {
            unix_ms(&text);
            began(&text);
            read(&text, 0, |event| event.find("properties.a").map(str::to_owned));
        }
    }
}
