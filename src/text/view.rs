//! Reading the members of a JSON object that stays text: of a canonical event, a configuration, an answer.
//!
//! Nothing is parsed that nobody asks for; what is given out is the raw text of each value.

use crate::text::fields::part;

/// The members of one JSON object, in order: each key (without quotes, escapes as they stand) and its value's text.
#[derive(Clone, Debug)]
pub struct Members<'a> {
    text: &'a str,
    at: usize,
}

/// The members of `text`, none if it is no object.
#[must_use]
pub const fn members(text: &str) -> Members<'_> {
    Members { text, at: 0 }
}

impl<'a> Iterator for Members<'a> {
    type Item = (&'a str, &'a str);

    fn next(&mut self) -> Option<Self::Item> {
        let opening = if self.at == 0 { b'{' } else { b',' };
        let start = skip_space(self.text, self.at);
        if self.text.as_bytes().get(start) != Some(&opening) {
            return None;
        }
        let key_start = skip_space(self.text, start + 1);
        if self.text.as_bytes().get(key_start) != Some(&b'"') {
            return None;
        }
        let key_end = value_end(self.text, key_start)?;
        let colon = skip_space(self.text, key_end);
        if self.text.as_bytes().get(colon) != Some(&b':') {
            return None;
        }
        let value_start = skip_space(self.text, colon + 1);
        let end = value_end(self.text, value_start)?;
        self.at = end;
        Some((
            part(self.text, key_start + 1, key_end - 1),
            part(self.text, value_start, end),
        ))
    }
}

/// The values of a JSON array, in order.
#[must_use]
pub fn items(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut at = skip_space(text, 0);
    if text.as_bytes().get(at) != Some(&b'[') {
        return found;
    }
    loop {
        let start = skip_space(text, at + 1);
        let Some(end) = value_end(text, start).filter(|end| *end > start) else {
            return found;
        };
        found.push(part(text, start, end));
        at = skip_space(text, end);
        if text.as_bytes().get(at) != Some(&b',') {
            return found;
        }
    }
}

/// The value of one member.
#[must_use]
pub fn member<'a>(object: &'a str, name: &str) -> Option<&'a str> {
    let mut all = members(object);
    all.find(|(key, _)| *key == name).map(|(_, value)| value)
}

/// Where the value that begins at `start` ends; `None` if it does not.
fn value_end(text: &str, start: usize) -> Option<usize> {
    let bytes = text.as_bytes();
    let (mut at, mut depth, mut quoted) = (start, 0_u32, false);
    loop {
        let byte = *bytes.get(at)?;
        at += 1;
        match byte {
            b'"' => quoted = !quoted,
            b'\\' if quoted => at += 1,
            _ if quoted => continue,
            b'{' | b'[' => depth += 1,
            b'}' | b']' if depth == 0 => return Some(at - 1),
            b'}' | b']' => depth -= 1,
            b',' if depth == 0 => return Some(at - 1),
            _ => {}
        }
        if depth == 0 && !quoted && matches!(byte, b'"' | b'}' | b']') {
            return Some(at);
        }
        if at == bytes.len() && depth == 0 && !quoted {
            return Some(at);
        }
    }
}

fn skip_space(text: &str, from: usize) -> usize {
    let rest = text.as_bytes().get(from..).unwrap_or_default();
    from + rest
        .iter()
        .take_while(|byte| byte.is_ascii_whitespace())
        .count()
}

/// A canonical event, read member by member.
#[derive(Clone, Copy, Debug)]
pub struct EventView<'a>(&'a str);

impl<'a> EventView<'a> {
    /// Reads `text`.
    #[must_use]
    pub const fn of(text: &'a str) -> Self {
        Self(text)
    }

    /// The text of one member, as JSON.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&'a str> {
        member(self.0, name)
    }

    /// Its name, without quotes.
    #[must_use]
    pub fn name(&self) -> &'a str {
        crate::text::fields::unquoted(self.get("name").unwrap_or(""))
    }

    /// All of it.
    #[must_use]
    pub const fn text(&self) -> &'a str {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_found_as_they_stand() {
        let text = r#" {"a" : 1, "b":"x,\"}", "c":{"a":[2,{"d":"]"}]},"e":[] ,"f":null}"#;
        let found: Vec<_> = members(text).collect();
        assert_eq!(
            found,
            [
                ("a", "1"),
                ("b", "\"x,\\\"}\""),
                ("c", r#"{"a":[2,{"d":"]"}]}"#),
                ("e", "[]"),
                ("f", "null"),
            ]
        );
        assert_eq!(member(text, "f"), Some("null"));
        assert_eq!(member(text, "d"), None);
        assert_eq!(members("[1]").count(), 0);
        assert_eq!(members("{").count(), 0);
    }

    #[test]
    fn items_are_found_as_they_stand() {
        assert_eq!(
            items(r#"[1, "a,b", {"c":[2]} ,[]]"#),
            ["1", "\"a,b\"", r#"{"c":[2]}"#, "[]"]
        );
        assert_eq!(items("[]"), [""; 0]);
        assert_eq!(items("{}"), [""; 0]);
    }

    proptest::proptest! {
        #[test]
        fn members_agree_with_a_parser(map in proptest::collection::btree_map("[a-z]{1,4}", ".{0,8}", 0..6)) {
            let text = serde_json::to_string(&map).unwrap();
            let found: Vec<_> = members(&text).map(|(key, value)| {
                (key.to_owned(), serde_json::from_str::<String>(value).unwrap())
            }).collect();
            proptest::prop_assert_eq!(found, map.into_iter().collect::<Vec<_>>());
        }
    }
}
