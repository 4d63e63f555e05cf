//! What a JSON string says, its escapes undone.

/// What a JSON string says. A lone surrogate, which no text can hold, becomes U+FFFD.
#[must_use]
pub fn unescape(raw: &str) -> String {
    let mut out = String::with_capacity(raw.len());
    let (mut rest, mut high) = (raw.chars(), None);
    while let Some(letter) = rest.next() {
        let letter = match (letter, letter == '\\') {
            (_, true) => match rest.next() {
                Some('u') => {
                    let code = (0..4).fold(0, |code, _| {
                        let digit = rest.next().and_then(|digit| digit.to_digit(16));
                        code << 4 | digit.unwrap_or(0)
                    });
                    if matches!(code, 0xd800..=0xdbff) {
                        if high.replace(code).is_some() {
                            out.push(char::REPLACEMENT_CHARACTER);
                        }
                        continue;
                    }
                    unescaped(code, high.take(), &mut out)
                }
                Some('n') => '\n',
                Some('t') => '\t',
                Some('r') => '\r',
                Some('b') => '\u{8}',
                Some('f') => '\u{c}',
                Some(itself) => itself,
                None => break,
            },
            (letter, false) => letter,
        };
        if high.take().is_some() {
            out.push(char::REPLACEMENT_CHARACTER);
        }
        out.push(letter);
    }
    if high.is_some() {
        out.push(char::REPLACEMENT_CHARACTER);
    }
    out
}

/// The character of a code unit, with the high surrogate before it.
fn unescaped(code: u32, high: Option<u32>, out: &mut String) -> char {
    let pair = match (high, code) {
        (Some(high), 0xdc00..=0xdfff) => 0x10000 + ((high - 0xd800) << 10 | (code - 0xdc00)),
        (Some(_), code) => {
            out.push(char::REPLACEMENT_CHARACTER);
            code
        }
        (None, code) => code,
    };
    char::from_u32(pair).unwrap_or(char::REPLACEMENT_CHARACTER)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::text::fields::part;

    #[test]
    fn halves_of_characters_are_told() {
        assert_eq!(unescape(r"\udbff\udfff\ud840\udc00"), "\u{10ffff}\u{20000}");
        assert_eq!(
            unescape(r"\ud83dx\ude00\ud83d"),
            "\u{fffd}x\u{fffd}\u{fffd}"
        );
        assert_eq!(
            unescape(r"\ud83d\ud83d\ude00\ud83dA\n\"),
            "\u{fffd}😀\u{fffd}A\n"
        );
    }

    proptest! {
        #[test]
        fn reads_as_a_real_parser(text in ".*") {
            let units = text.encode_utf16().map(|unit| format!("\\u{unit:04x}"));
            prop_assert_eq!(unescape(&units.collect::<String>()), text.clone());
            let json = serde_json::to_string(&text).unwrap();
            prop_assert_eq!(unescape(part(&json, 1, json.len() - 1)), text);
        }
    }
}
