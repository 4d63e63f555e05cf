//! The few JSON pieces an encoder writes itself: numbers, strings and timestamps. Written out by
//! hand because `core::fmt` would be the larger part of a small wasm.

use crate::text::fields::part;

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

/// Appends an ISO 8601 UTC timestamp with milliseconds, unquoted. `at`: milliseconds since 1970.
pub fn push_timestamp(out: &mut String, at: u64) {
    let (days, ms) = (at / 86_400_000, at % 86_400_000);
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

/// A JSON object, being written member by member.
#[derive(Debug)]
pub struct Object(String);

impl Default for Object {
    fn default() -> Self {
        Self("{".to_owned())
    }
}

impl Object {
    /// The whole of it.
    #[must_use]
    pub fn end(mut self) -> String {
        self.0.push('}');
        self.0
    }

    /// A value that is JSON already.
    pub fn raw(&mut self, name: &str, json: &str) {
        if self.0.len() > 1 {
            self.0.push(',');
        }
        push_string(&mut self.0, name);
        self.0.push(':');
        self.0.push_str(json);
    }

    /// A name and a value that both are as they stand in JSON, the name without its quotes.
    pub fn escaped(&mut self, name: &str, json: &str) {
        if self.0.len() > 1 {
            self.0.push(',');
        }
        self.0.push('"');
        self.0.push_str(name);
        self.0.push_str("\":");
        self.0.push_str(json);
    }

    /// A number.
    pub fn number(&mut self, name: &str, value: u64) {
        let mut json = String::new();
        push_u64(&mut json, value);
        self.raw(name, &json);
    }

    /// A text.
    pub fn text(&mut self, name: &str, value: &str) {
        let mut json = String::new();
        push_string(&mut json, value);
        self.raw(name, &json);
    }

    /// A text, or `null`.
    pub fn maybe(&mut self, name: &str, value: Option<&str>) {
        match value {
            Some(text) => self.text(name, text),
            None => self.raw(name, "null"),
        }
    }

    /// True or false.
    pub fn flag(&mut self, name: &str, value: bool) {
        self.raw(name, if value { "true" } else { "false" });
    }

    /// Some texts.
    pub fn texts<'a>(&mut self, name: &str, values: impl IntoIterator<Item = &'a str>) {
        let mut json = "[".to_owned();
        for value in values {
            if json.len() > 1 {
                json.push(',');
            }
            push_string(&mut json, value);
        }
        json.push(']');
        self.raw(name, &json);
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
            assert_eq!(written(|out| push_timestamp(out, ms)), text);
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
                    let at = (days + day) * 86_400_000 - 1;
                    let text = format!("{year}-{:02}-{day:02}T23:59:59.999Z", month + 1);
                    assert_eq!(written(|out| push_timestamp(out, at)), text);
                }
                days += length;
            }
        }
    }

    #[test]
    fn an_object_is_written_member_by_member() {
        let mut inner = Object::default();
        inner.number("n", 7);
        let mut object = Object::default();
        object.raw("inner", &inner.end());
        object.texts("texts", ["\"", ""]);
        object.maybe("absent", None);
        object.maybe("there", Some("x"));
        object.flag("yes", true);
        assert_eq!(
            object.end(),
            r#"{"inner":{"n":7},"texts":["\"",""],"absent":null,"there":"x","yes":true}"#
        );
        assert_eq!(Object::default().end(), "{}");
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
