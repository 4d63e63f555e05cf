//! The few JSON pieces an encoder writes itself: numbers, strings and timestamps. Written out by
//! hand because `core::fmt` would be the larger part of a small wasm.

use crate::engine::report::Fields;
use crate::model::time::UnixMillis;
use crate::text::fields::{line_at, name_of, owned, part};

/// Appends a decimal number.
pub fn push_u64(out: &mut String, number: u64) {
    push_digits(out, number, 10, 1);
}

/// Appends a number in a base of at most 16, with at least `width` digits.
pub fn push_digits(out: &mut String, number: u64, base: u64, width: u32) {
    if number >= base || width > 1 {
        push_digits(out, number / base, base, width.saturating_sub(1));
    }
    let digit = (number % base) as u8;
    out.push(char::from(if digit < 10 {
        b'0' + digit
    } else {
        b'a' + digit - 10
    }));
}

/// Appends a JSON string literal.
pub fn push_string(out: &mut String, text: &str) {
    out.push('"');
    // What needs no escape is appended a stretch at a time.
    let mut from = 0;
    for (at, byte) in text.bytes().enumerate() {
        if byte >= b' ' && byte != b'"' && byte != b'\\' {
            continue;
        }
        out.push_str(part(text, from, at));
        from = at;
        out.push('\\');
        if byte < b' ' {
            out.push_str("u00");
            push_digits(out, byte.into(), 16, 2);
            from += 1;
        }
    }
    out.push_str(part(text, from, text.len()));
    out.push('"');
}

/// Appends an ISO 8601 UTC timestamp with milliseconds, unquoted.
pub fn push_timestamp(out: &mut String, at: UnixMillis) {
    let (days, ms) = (at.0 / 86_400_000, at.0 % 86_400_000);
    // Days to civil date: Neri and Schneider, "Euclidean affine functions and their application to calendar
    // algorithms", in years that begin with March.
    let quarters = 4 * (days + 719_468) + 3;
    let (century, quarters) = (quarters / 146_097, (quarters % 146_097) | 3);
    let (year, day) = (100 * century + quarters / 1_461, quarters % 1_461 / 4);
    let month = 2_141 * day + 197_913;
    let next = u64::from(day >= 306);
    let mut field = |number, width, separator| {
        push_digits(out, number, 10, width);
        out.push(separator);
    };
    field(year + next, 4, '-');
    field((month >> 16) - 12 * next, 2, '-');
    field((month & 0xffff) / 2_141 + 1, 2, 'T');
    field(ms / 3_600_000, 2, ':');
    field(ms / 60_000 % 60, 2, ':');
    field(ms / 1_000 % 60, 2, '.');
    field(ms % 1_000, 3, 'Z');
}

/// What the page is told, being written: a list of values in the order in which they are told. Their names are
/// for whoever reads the list; it does without them.
#[derive(Debug)]
pub struct List(String);

impl Default for List {
    fn default() -> Self {
        Self(owned("["))
    }
}

impl List {
    /// The whole of it.
    #[must_use]
    pub fn end(mut self) -> String {
        self.0.push(']');
        self.0
    }

    fn item(&mut self) {
        if !matches!(self.0.as_bytes().last(), Some(b'{' | b'[')) {
            self.0.push(',');
        }
    }
}

impl Fields for List {
    fn number(&mut self, _: &'static str, value: u64) {
        self.item();
        push_u64(&mut self.0, value);
    }

    fn text(&mut self, _: &'static str, value: Option<&str>) {
        self.item();
        match value {
            Some(text) => push_string(&mut self.0, text),
            None => self.0.push_str("null"),
        }
    }

    fn flag(&mut self, _: &'static str, value: bool) {
        self.item();
        self.0.push_str(if value { "true" } else { "false" });
    }

    fn texts(&mut self, name: &'static str, values: impl Iterator<Item = String>) {
        self.item();
        self.0.push('[');
        for value in values {
            self.text(name, Some(&value));
        }
        self.0.push(']');
    }

    fn counts(&mut self, name: &'static str, names: &'static str, counts: &[u64]) {
        self.item();
        self.0.push('{');
        for (index, count) in counts.iter().enumerate() {
            if *count > 0 {
                self.text(name, Some(name_of(line_at(names, index))));
                self.0.push(':');
                push_u64(&mut self.0, *count);
            }
        }
        self.0.push('}');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(write: impl FnOnce(&mut String)) -> String {
        let mut out = String::new();
        write(&mut out);
        out
    }

    #[test]
    fn timestamps_follow_the_calendar() {
        for (ms, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (1_768_478_400_007, "2026-01-15T12:00:00.007Z"),
            (1_798_761_599_999, "2026-12-31T23:59:59.999Z"),
            (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
        ] {
            assert_eq!(written(|out| push_timestamp(out, UnixMillis(ms))), text);
        }
    }

    #[test]
    fn timestamps_know_every_month() {
        let mut days = 0;
        for year in 1970..10_000_u64 {
            let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
            let february = 28 + u64::from(leap);
            for (month, length) in [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
                .into_iter()
                .enumerate()
            {
                for day in [1, length] {
                    let at = UnixMillis((days + day) * 86_400_000 - 1);
                    let text = format!("{year}-{:02}-{day:02}T23:59:59.999Z", month + 1);
                    assert_eq!(written(|out| push_timestamp(out, at)), text);
                }
                days += length;
            }
        }
    }

    #[test]
    fn a_list_is_written_value_by_value() {
        let mut list = List::default();
        list.counts("none", "a\nb", &[0, 0]);
        list.counts("some", "a why\nb why not\nc", &[1, 0, 2]);
        list.number("number", 7);
        list.texts("texts", ["\"".to_owned(), String::new()].into_iter());
        list.text("absent", None);
        list.word("word", "w");
        list.flag("yes", true);
        assert_eq!(
            list.end(),
            r#"[{},{"a":1,"c":2},7,["\"",""],null,"w",true]"#
        );
        assert_eq!(List::default().end(), "[]");
    }

    proptest::proptest! {
        #[test]
        fn strings_survive_a_json_parser(text in ".*") {
            let json = written(|out| push_string(out, &text));
            proptest::prop_assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text);
        }

        #[test]
        fn numbers_read_back(number: u64) {
            proptest::prop_assert_eq!(written(|out| push_u64(out, number)), number.to_string());
        }
    }
}
