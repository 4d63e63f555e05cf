//! The guard's way through JSON text: strings at any depth, what keys say of what is beneath them, numbers.
//!
//! The text stays text, and every replacement is a JSON string or a part of one without escapes, so valid
//! JSON stays valid. A text that is not JSON is walked to its end, and nothing promised about it.

use super::{
    Checked, Guard, Kind, Pii,
    bytes::{at, is_digit, skip},
    keys::{Denied, is_done},
    numbers::card,
    scan::{Scan, Step},
    splice::Splice,
};
use crate::text::{fields::part, unescape::unescape};

/// What a key above says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Under {
    /// Nothing.
    Nothing,
    /// A secret: all of it, or texts only.
    Secret(Denied),
    /// It is allowed.
    Allowed,
}

/// See the module.
pub(super) struct Walk<'a> {
    guard: &'a Guard,
    mode: Pii,
    text: &'a str,
    out: Splice<'a>,
    place: usize,
    depth: u32,
    under: Under,
    /// The depth of the key that says so.
    since: u32,
}

impl<'a> Walk<'a> {
    pub(super) const fn new(guard: &'a Guard, mode: Pii, text: &'a str) -> Self {
        let out = Splice::new(guard, mode, text);
        Self {
            guard,
            mode,
            text,
            out,
            place: 0,
            depth: 0,
            under: Under::Nothing,
            since: 0,
        }
    }

    pub(super) fn end(mut self) -> Checked {
        while let Some(&byte) = self.text.as_bytes().get(self.place) {
            if self.out.is_decided() {
                break;
            }
            match byte {
                b'"' => self.string(),
                b'-' | b'0'..=b'9' => self.number(),
                _ => self.mark(byte),
            }
        }
        self.out.end()
    }

    fn mark(&mut self, byte: u8) {
        self.place += 1;
        match byte {
            b'{' | b'[' => {
                self.depth += 1;
                if byte == b'{' && self.under == Under::Secret(Denied::Text) {
                    self.under = Under::Nothing;
                }
            }
            b'}' | b']' => {
                self.depth = self.depth.saturating_sub(1);
                if self.depth < self.since {
                    self.under = Under::Nothing;
                }
            }
            b',' if self.depth == self.since => self.under = Under::Nothing,
            _ => {}
        }
    }

    fn string(&mut self) {
        let from = self.place + 1;
        let to = match self.under {
            Under::Nothing => self.content(from),
            Under::Secret(_) | Under::Allowed => string_end(self.text, from),
        };
        self.place = to + 1;
        let next = skip(self.text.as_bytes(), self.place, |byte| {
            byte.is_ascii_whitespace()
        });
        let is_key = at(self.text.as_bytes(), next) == b':';
        match self.under {
            Under::Nothing if is_key => self.key(part(self.text, from, to)),
            Under::Secret(_) if !is_key => self.secret(from, to),
            Under::Nothing | Under::Secret(_) | Under::Allowed => {}
        }
    }

    /// Looks through a string; answers where it ends.
    fn content(&mut self, from: usize) -> usize {
        let bytes = self.text.as_bytes();
        let mark = self.out.mark();
        let mut scan = Scan::new(self.guard, self.text, from);
        loop {
            match scan.step() {
                Step::Found(it) => {
                    self.out
                        .replace(it.kind, it.from, it.to, part(self.text, it.from, it.to));
                }
                Step::End => return self.text.len(),
                Step::Mark(place) if at(bytes, place) == b'"' => return place,
                Step::Mark(place) => match escape(bytes, place) {
                    Some(length) => scan.resume(place + length),
                    None => {
                        self.out.return_to(&mark);
                        return self.escaped(from);
                    }
                },
            }
        }
    }

    /// A string with escapes that something may hide behind: looked through as what it says.
    fn escaped(&mut self, from: usize) -> usize {
        let to = string_end(self.text, from);
        let checked = self
            .guard
            .plain(&unescape(part(self.text, from, to)), self.mode);
        if let Some(kind) = checked.found {
            let text = checked.text.as_deref().unwrap_or("");
            self.out.replace_string(kind, from - 1, to + 1, text);
        }
        to
    }

    fn key(&mut self, raw: &str) {
        let decoded = raw.contains('\\').then(|| unescape(raw));
        let name = decoded.as_deref().unwrap_or(raw);
        self.under = match self.guard.denied(name.as_bytes()) {
            _ if self.guard.allows(name) => Under::Allowed,
            Denied::No => return,
            denied => Under::Secret(denied),
        };
        self.since = self.depth;
    }

    fn secret(&mut self, from: usize, to: usize) {
        let raw = part(self.text, from, to);
        if raw.is_empty() || is_done(raw.as_bytes()) {
            return;
        }
        let value = unescape(raw);
        if !self.guard.allows(&value) {
            self.out.replace_quoted(Kind::Key, from - 1, to + 1, &value);
        }
    }

    fn number(&mut self) {
        let from = self.place;
        let bytes = self.text.as_bytes();
        self.place = skip(bytes, from, |byte| {
            is_digit(byte) || matches!(byte, b'-' | b'+' | b'.' | b'e' | b'E')
        });
        let value = part(self.text, from, self.place);
        let kind = match self.under {
            Under::Secret(Denied::All) => Kind::Key,
            Under::Nothing if card(bytes, from, from) == Some(self.place) => Kind::Card,
            Under::Nothing | Under::Secret(_) | Under::Allowed => return,
        };
        if !self.guard.allows(value) {
            self.out.replace_quoted(kind, from, self.place, value);
        }
    }
}

/// The length of an escape that hides nothing, as `JSON.stringify` writes them: of control characters, `"` and `\`.
fn escape(text: &[u8], place: usize) -> Option<usize> {
    match at(text, place + 1) {
        b'/' => None,
        b'u' => {
            let control = text
                .get(place + 2..)
                .is_some_and(|code| code.starts_with(b"000") || code.starts_with(b"001"));
            control.then_some(6)
        }
        _ => Some(2),
    }
}

/// Where the string ends that begins there: the place of its closing quotation mark.
fn string_end(text: &str, from: usize) -> usize {
    let (bytes, mut place) = (text.as_bytes(), from);
    loop {
        place = skip(bytes, place, |byte| !matches!(byte, b'"' | b'\\'));
        match at(bytes, place) {
            b'\\' => place = (place + 2).min(bytes.len()),
            _ => return place,
        }
    }
}
