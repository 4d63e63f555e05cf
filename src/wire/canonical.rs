//! A canonical event as the vendors' formats read it: every member found once, the page and the context that
//! were in force beside it.

use crate::{
    model::event::Entry,
    text::{
        fields::{after, parse_digits, parse_u64, part, unquoted},
        view::{EventView, member, members},
    },
    wire::{Source, build::Writer},
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

/// One event. Every `&str` is JSON text.
#[derive(Debug, Default)]
pub(super) struct Event<'a> {
    pub(super) kind: Kind,
    /// The idempotency key.
    pub(super) key: &'a str,
    pub(super) seq: &'a str,
    pub(super) name: &'a str,
    pub(super) user: Option<&'a str>,
    pub(super) anonymous: &'a str,
    pub(super) timestamp: &'a str,
    /// An object.
    pub(super) properties: &'a str,
    pub(super) session: Option<&'a str>,
    pub(super) session_seq: Option<&'a str>,
    pub(super) value: Option<&'a str>,
    pub(super) sample_rate: Option<&'a str>,
    pub(super) groups: Option<&'a str>,
    /// The objects of first and last touch.
    pub(super) attribution: Option<&'a str>,
    /// The page, an object; empty for none.
    pub(super) page: &'a str,
    /// What else was in force, an object: the event's own context before that of its tab, without the page.
    pub(super) context: String,
}

/// The properties of `$group` that are not traits.
pub(super) const GROUP_IDS: &str = "groupType -\ngroupId -";

impl<'a> Event<'a> {
    /// Reads an event that `source` recorded.
    pub(super) fn of(entry: &'a Entry, source: &Source<'a>) -> Self {
        let view = EventView::of(&entry.text);
        let mut event = Self {
            kind: Kind::of(view.name()),
            properties: "{}",
            anonymous: "\"\"",
            ..Self::default()
        };
        let mut own = "";
        for (name, value) in members(view.text()) {
            match name {
                "idempotencyKey" => event.key = value,
                "seq" => event.seq = value,
                "name" => event.name = value,
                "userId" => event.user = (value != "null").then_some(value),
                "anonymousId" => event.anonymous = value,
                "timestamp" => event.timestamp = value,
                "properties" => event.properties = value,
                "sessionId" => event.session = Some(value),
                "sessionSeq" => event.session_seq = Some(value),
                "value" => event.value = Some(value),
                "sampleRate" => event.sample_rate = Some(value),
                "groups" => event.groups = Some(value),
                "attribution" => event.attribution = Some(value),
                "context" => own = value,
                _ => {}
            }
        }
        let pages = source.pages.get(entry.page).map(String::as_str);
        let page = member(own, "page").or(pages);
        event.page = page
            .or_else(|| member(source.context, "page"))
            .unwrap_or("");
        event.context = merged(own, source.context);
        event
    }

    /// The type of the group that `$group` names, without quotes.
    pub(super) fn group_type(&self) -> &'a str {
        self.property("groupType").map_or("group", unquoted)
    }

    /// The id of the group that `$group` names.
    pub(super) fn group_id(&self) -> &'a str {
        self.property("groupId").unwrap_or("null")
    }

    /// A property of its own.
    pub(super) fn property(&self, name: &str) -> Option<&'a str> {
        member(self.properties, name)
    }

    /// The user, or else the anonymous id.
    pub(super) fn who(&self) -> &'a str {
        self.user.unwrap_or(self.anonymous)
    }

    /// One member of the context.
    pub(super) fn context(&self, name: &str) -> Option<&str> {
        member(&self.context, name)
    }

    /// One member of the page.
    pub(super) fn of_page(&self, name: &str) -> Option<&'a str> {
        member(self.page, name)
    }

    /// First or last touch.
    pub(super) fn touch(&self, which: &str) -> &'a str {
        self.attribution
            .and_then(|all| member(all, which))
            .unwrap_or("")
    }

    /// Its time in milliseconds since 1970.
    pub(super) fn unix_ms(&self) -> u64 {
        unix_ms(unquoted(self.timestamp))
    }

    /// When its session began, if the session's id is a UUID of version 7, which begins with that.
    pub(super) fn session_start_ms(&self) -> Option<u64> {
        let id = unquoted(self.session?);
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

/// The host of an absolute URL: what is behind `//`, up to a slash, a question mark or a hash.
pub(super) fn host_of(url: &str) -> Option<&str> {
    let rest = after(url, "://")?;
    let end = rest.bytes().position(|byte| b"/?#\"\\".contains(&byte));
    Some(part(rest, 0, end.unwrap_or(rest.len()))).filter(|host| !host.is_empty())
}

/// The members of `own`, and those of `base` that it does not have; no page.
fn merged(own: &str, base: &str) -> String {
    let mut writer = Writer::default();
    writer.begin();
    writer.copied(own, "page");
    for (name, value) in members(base) {
        if name != "page" && member(own, name).is_none() {
            writer.raw(name, value);
        }
    }
    writer.end("}");
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
    use crate::{
        model::{ids::TabId, time::UnixMillis},
        text::json::push_timestamp,
    };

    #[test]
    fn the_page_in_force_and_the_nearer_context_win() {
        let entry = Entry {
            seq: 1,
            page: 1,
            text: r#"{"name":"a","userId":null,"context":{"locale":"fr","plan":1}}"#.to_owned(),
        };
        let pages = [r#"{"path":"/0"}"#.to_owned(), r#"{"path":"/1"}"#.to_owned()];
        let source = Source {
            tab: TabId::parse("000000000000000000a1").unwrap(),
            sdk: "{}",
            context: r#"{"locale":"de","page":{"path":"/base"},"screen":{}}"#,
            pages: &pages,
        };
        let event = Event::of(&entry, &source);
        assert_eq!(event.page, r#"{"path":"/1"}"#);
        assert_eq!(event.context, r#"{"locale":"fr","plan":1,"screen":{}}"#);
        assert_eq!(event.user, None);
        let gone = Entry { page: 9, ..entry };
        assert_eq!(Event::of(&gone, &source).page, r#"{"path":"/base"}"#);
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

    #[test]
    fn sessions_begin_when_their_id_says() {
        let began = |id| {
            let session = Some(id);
            Event {
                session,
                ..Event::default()
            }
            .session_start_ms()
        };
        let id = "\"019bc1a0-3333-7abc-8def-0123456789ab\"";
        assert_eq!(began(id), Some(0x019b_c1a0_3333));
        assert_eq!(began("\"019bc1a0-3333-4abc-8def-0123456789ab\""), None);
        assert_eq!(began("\"é19bc1a0-3333-7abc-8def-0123456789a\""), None);
        assert_eq!(began("\"\""), None);
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
            Event { session: Some(&text), ..Event::default() }.session_start_ms();
        }
    }
}
