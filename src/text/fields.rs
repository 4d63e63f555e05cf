//! Reading texts field by field, by bytes. `str`'s own `split`, `trim`, `find` and `parse` are generic over
//! what they look for, and every pattern type brings a searcher of its own into the wasm.

/// The fields of a text between separators (ASCII), as `str::split` finds them: never none.
#[derive(Clone, Debug)]
pub struct Fields<'a> {
    rest: Option<&'a str>,
    separator: u8,
}

/// The fields of `text`.
// Three words to fill in, in two dozen places.
#[inline(never)]
#[must_use]
pub const fn fields(text: &str, separator: u8) -> Fields<'_> {
    Fields {
        rest: Some(text),
        separator,
    }
}

impl<'a> Fields<'a> {
    /// The next field as a decimal number.
    pub fn number(&mut self) -> Option<u64> {
        parse_u64(self.next()?)
    }

    /// The next fields as numbers; `None` as soon as one is none.
    pub fn numbers(&mut self, numbers: &mut [u64]) -> Option<()> {
        for number in numbers {
            *number = self.number()?;
        }
        Some(())
    }

    /// Everything after the last field read.
    #[must_use]
    pub fn rest(&self) -> &'a str {
        self.rest.unwrap_or("")
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        let rest = self.rest?;
        let (field, rest) = match split_once(rest, self.separator) {
            Some((field, rest)) => (field, Some(rest)),
            None => (rest, None),
        };
        self.rest = rest;
        Some(field)
    }
}

/// What is before and after the first `separator` (ASCII).
#[must_use]
pub fn split_once(text: &str, separator: u8) -> Option<(&str, &str)> {
    let at = text.bytes().position(|byte| byte == separator)?;
    Some((part(text, 0, at), part(text, at + 1, text.len())))
}

/// The bytes from `from` up to `to`, or nothing where these are no part of the text.
#[must_use]
pub fn part(text: &str, from: usize, to: usize) -> &str {
    text.get(from..to).unwrap_or("")
}

/// Line number `index` of a table.
#[must_use]
pub fn line_at(table: &str, index: usize) -> &str {
    field_at(table, b'\n', index)
}

/// Field number `index`, or nothing.
#[must_use]
pub fn field_at(text: &str, separator: u8, index: usize) -> &str {
    let mut fields = fields(text, separator);
    for _ in 0..index {
        fields.next();
    }
    fields.next().unwrap_or("")
}

/// The name that a line of a table begins with; what follows it is a space away.
#[must_use]
pub fn name_of(line: &str) -> &str {
    split_once(line, b' ').map_or(line, |(name, _)| name)
}

/// What is after the first `needle`; nothing is after an empty one.
#[must_use]
pub fn after<'a>(text: &'a str, needle: &str) -> Option<&'a str> {
    let mut windows = text.as_bytes().windows(needle.len().max(1));
    let at = windows.position(|window| window == needle.as_bytes())?;
    Some(part(text, at + needle.len(), text.len()))
}

/// What is after `byte` (ASCII), if that is the first thing after white space.
#[must_use]
pub fn after_byte(text: &str, byte: u8) -> Option<&str> {
    let at = text.bytes().position(|byte| !byte.is_ascii_whitespace())?;
    (text.as_bytes().get(at) == Some(&byte)).then(|| part(text, at + 1, text.len()))
}

/// A decimal number of at most 19 digits: as many as surely fit.
#[must_use]
pub fn parse_u64(text: &str) -> Option<u64> {
    parse_digits(text, 10)
}

/// A number of at most 19 digits in a base of at most 16, the letters in lower case.
#[must_use]
pub fn parse_digits(text: &str, base: u64) -> Option<u64> {
    if text.is_empty() || text.len() > 19 {
        return None;
    }
    let mut number = 0_u64;
    for byte in text.bytes() {
        let digit = match byte {
            b'0'..=b'9' => byte - b'0',
            b'a'..=b'f' => byte - b'a' + 10,
            _ => return None,
        };
        if u64::from(digit) >= base {
            return None;
        }
        number = number.wrapping_mul(base).wrapping_add(digit.into());
    }
    Some(number)
}

/// A JSON string without its quotes; its escapes stay.
#[must_use]
pub fn unquoted(text: &str) -> &str {
    part(text, 1, text.len().wrapping_sub(1))
}

/// A text of one's own. `str::to_owned` has another way to memory than a text that grows.
#[must_use]
pub fn owned(text: &str) -> String {
    let mut out = String::new();
    out.push_str(text);
    out
}

/// The pieces as one text.
#[must_use]
pub fn join(pieces: &[&str]) -> String {
    let mut out = String::new();
    for piece in pieces {
        out.push_str(piece);
    }
    out
}

/// The texts as one, with something between them.
#[must_use]
pub fn listed<'a>(texts: impl IntoIterator<Item = &'a str>, between: &str) -> String {
    let mut out = String::new();
    for (index, text) in texts.into_iter().enumerate() {
        if index > 0 {
            out.push_str(between);
        }
        out.push_str(text);
    }
    out
}

/// What is before the first of these bytes (ASCII); all of it where there is none.
#[must_use]
pub fn up_to<'a>(text: &'a str, stops: &[u8]) -> &'a str {
    let end = text.bytes().position(|byte| stops.contains(&byte));
    part(text, 0, end.unwrap_or(text.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_cut_and_listed() {
        assert_eq!(up_to("a.example/b?c", b"/?"), "a.example");
        assert_eq!(up_to("é", b"/"), "é");
        assert_eq!(listed(["a", "b"], " or "), "a or b");
        assert_eq!(listed([], ","), "");
    }

    #[test]
    fn numbers_are_digits_and_nothing_else() {
        assert_eq!(parse_u64("0"), Some(0));
        assert_eq!(
            parse_u64("9999999999999999999"),
            Some(9_999_999_999_999_999_999)
        );
        assert_eq!(parse_digits("00ff", 16), Some(255));
        for bad in ["", "+1", "-1", " 1", "1.5", "a", "10000000000000000000"] {
            assert_eq!(parse_u64(bad), None, "{bad}");
        }
    }

    #[test]
    fn what_is_looked_for_is_found_behind_white_space() {
        assert_eq!(after("abab:c", "ab:"), Some("c"));
        assert_eq!(after("ab", "abc"), None);
        assert_eq!(after("ab", ""), None);
        assert_eq!(after_byte(" \n: x", b':'), Some(" x"));
        assert_eq!(after_byte(" x:", b':'), None);
        assert_eq!(after_byte("", b':'), None);
    }

    proptest::proptest! {
        #[test]
        fn fields_are_those_of_split(text in "[é,\t]{0,9}") {
            let expected: Vec<&str> = text.split(',').collect();
            proptest::prop_assert_eq!(fields(&text, b',').collect::<Vec<_>>(), expected);
            proptest::prop_assert_eq!(split_once(&text, b','), text.split_once(','));
        }
    }
}
