//! One pass over JSON text that stays text: its kind, its depth, its length as a string.
//!
//! The page's own `JSON.stringify` wrote it, so this is no parser: it checks that the text is one
//! complete value (which is what an encoder that splices it relies on) and measures it.

/// What a JSON text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `{…}`, nested this deep; `{}` is 1.
    Object(u32),
    /// `"…"`, of this many characters (Unicode code points).
    String(u32),
    /// Any other value.
    Other,
}

/// Nesting beyond which a value is not read to its end: it is too deep for anything we take.
const DEPTH_MAX: u32 = 64;

/// Measures one JSON value; `None` if it is not exactly one, or holds a raw control character. One that is
/// deeper than 64 levels counts as an object of that depth.
#[must_use]
pub fn scan(text: &str) -> Option<Kind> {
    let mut rest = text.bytes();
    let first = *text.as_bytes().first()?;
    if !matches!(first, b'"' | b'{' | b'[') {
        return rest.all(is_bare).then_some(Kind::Other);
    }
    // One bit an open bracket, object or array, the innermost last.
    let (mut kinds, mut depth, mut deepest) = (0_u64, 0_u32, 0_u32);
    let (mut quoted, mut chars) = (false, 0);
    loop {
        let byte = rest.next()?;
        match byte {
            b'"' => quoted = !quoted,
            b'\\' if quoted => {
                // A low surrogate (dc00–dfff) completes the character before it; lone ones,
                // which JSON.stringify writes as escapes, are undercounted by at most half.
                let mut counts = true;
                match rest.next()? {
                    b'u' => {
                        let (a, b, c, d) = (rest.next()?, rest.next()?, rest.next()?, rest.next()?);
                        if ![a, b, c, d].iter().all(u8::is_ascii_hexdigit) {
                            return None;
                        }
                        counts = !matches!((a | 0x20, b | 0x20), (b'd', b'c'..=b'f'));
                    }
                    b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => {}
                    _ => return None,
                }
                chars += u32::from(counts);
            }
            // In strings JSON escapes them, and between values `JSON.stringify` writes nothing.
            0..=0x1f => return None,
            // Continuation bytes of UTF-8 belong to the character they continue.
            0x80..=0xbf => {}
            _ if quoted => chars += 1,
            b'{' | b'[' => {
                kinds = kinds << 1 | u64::from(byte == b'{');
                depth += 1;
                deepest = deepest.max(depth);
                if depth > DEPTH_MAX {
                    return Some(Kind::Object(depth));
                }
            }
            b'}' | b']' => {
                if (kinds & 1 == 1) != (byte == b'}') {
                    return None;
                }
                kinds >>= 1;
                depth -= 1;
            }
            _ => {}
        }
        if depth == 0 && !quoted {
            break;
        }
    }
    rest.next().is_none().then_some(match first {
        b'"' => Kind::String(chars),
        b'{' => Kind::Object(deepest),
        _ => Kind::Other,
    })
}

/// Whether the byte may stand in a number, `true`, `false` or `null`.
const fn is_bare(byte: u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'a'..=b'z' | b'E' | b'+' | b'-' | b'.')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    #[test]
    fn kinds_and_measures() {
        assert_eq!(scan("{}"), Some(Kind::Object(1)));
        assert_eq!(scan(r#"{"a":[{"b":"}]"}]}"#), Some(Kind::Object(3)));
        assert_eq!(scan("[1,2]"), Some(Kind::Other));
        assert_eq!(scan("-1.5e3"), Some(Kind::Other));
        assert_eq!(scan(r#""""#), Some(Kind::String(0)));
        assert_eq!(scan(r#""aé\n\ud83d\ude00""#), Some(Kind::String(4)));
    }

    #[test]
    fn incomplete_or_more_than_one_value_is_refused() {
        for bad in [
            "",
            "{",
            "{}{}",
            "{]",
            r#"{"a":"}"#,
            r#"""""#,
            "\"",
            "\"\\\"",
            "[}",
            "{\n}",
            "a b",
            "}",
            r#""\x""#,
            r#""\u12g4""#,
            r#"{"a":"\2c3d"}"#,
        ] {
            assert_eq!(scan(bad), None, "{bad}");
        }
    }

    fn depth(value: &Value) -> u32 {
        match value {
            Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
            Value::Object(map) => 1 + map.values().map(depth).max().unwrap_or(0),
            _ => 0,
        }
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            ".*".prop_map(Value::from)
        ];
        leaf.prop_recursive(6, 40, 5, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map(".*", inner, 0..4)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn agrees_with_a_real_parser(value in any_json()) {
            let expected = match &value {
                Value::Object(_) => Kind::Object(depth(&value)),
                Value::String(text) => Kind::String(text.chars().count() as u32),
                _ => Kind::Other,
            };
            prop_assert_eq!(scan(&value.to_string()), Some(expected));
        }

        #[test]
        fn a_cut_object_is_never_complete(value in any_json(), cut in 1_usize..50) {
            let text = serde_json::json!({ "v": value }).to_string();
            let end = text.len().saturating_sub(cut);
            if let Some(part) = text.get(..end) {
                prop_assert!(!matches!(scan(part), Some(Kind::Object(_))));
            }
        }
    }
}
