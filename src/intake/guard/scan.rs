//! The one pass over a text: from word to word, and from sign to sign between them.
//!
//! Most bytes are the middle of a word and cost one look into a table. Looking ahead and back from where
//! something may begin is bounded, so the cost is linear whatever the text.

use super::{
    Guard, Kind,
    addresses::{email, parameter, user_info},
    bytes::{begins, hex, is_digit, is_sign, is_word, starts, unit, word_end},
    numbers::{card, iban, ipv4, ipv6, phone},
    secrets::secret,
};
use crate::text::fields::part;

/// What the scan came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Something personal.
    Found(Found),
    /// A `"` or a `\`, there.
    Mark(usize),
    /// The end of the text.
    End,
}

/// Something personal: what, and which bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) kind: Kind,
    pub(super) from: usize,
    pub(super) to: usize,
}

/// See the module.
pub(super) struct Scan<'a> {
    guard: &'a Guard,
    text: &'a str,
    /// What lies before has been dealt with and is not looked at again.
    floor: usize,
    place: usize,
}

impl<'a> Scan<'a> {
    pub(super) const fn new(guard: &'a Guard, text: &'a str, from: usize) -> Self {
        Self {
            guard,
            text,
            floor: from,
            place: from,
        }
    }

    /// Goes on there, as if the text began there.
    pub(super) const fn resume(&mut self, from: usize) {
        self.floor = from;
        self.place = from;
    }

    /// Goes on to what is next.
    pub(super) fn step(&mut self) -> Step {
        let bytes = self.text.as_bytes();
        while let Some(&byte) = bytes.get(self.place) {
            let from = self.place;
            if matches!(byte, b'"' | b'\\') {
                self.place += 1;
                return Step::Mark(from);
            }
            let found = if is_word(byte) {
                self.word(byte)
            } else {
                self.sign(byte)
            };
            let Some(found) = found.or_else(|| self.own(from)) else {
                // Behind a percent encoding a word begins.
                self.place = if is_word(byte) {
                    word_end(bytes, from)
                } else {
                    from + if byte == b'%' { unit(bytes, from).1 } else { 1 }
                };
                continue;
            };
            self.resume(found.to.max(from + 1));
            if !self.guard.allows(part(self.text, found.from, found.to)) {
                return Step::Found(found);
            }
        }
        Step::End
    }

    /// What begins with a word.
    fn word(&self, first: u8) -> Option<Found> {
        let (bytes, from) = (self.text.as_bytes(), self.place);
        if self.guard.config.ip && hex(first).is_some() {
            let floor = self.floor;
            let end = ipv4(bytes, floor, from).or_else(|| ipv6(bytes, floor, from));
            if let Some(end) = end {
                return Some(self.found(Kind::Ip, end));
            }
        }
        if is_digit(first) {
            return card(bytes, self.floor, from).map(|end| self.found(Kind::Card, end));
        }
        secret(bytes, from)
            .map(|(kind, end)| self.found(kind, end))
            .or_else(|| iban(bytes, from).map(|end| self.found(Kind::Iban, end)))
    }

    /// What a sign tells of: an address is found by its `@`, a parameter by its `=`.
    fn sign(&self, first: u8) -> Option<Found> {
        if !is_sign(first) {
            return None;
        }
        let (bytes, floor, from) = (self.text.as_bytes(), self.floor, self.place);
        let (sign, length) = match first {
            b'%' => unit(bytes, from),
            _ => (first, 1),
        };
        let range = |kind| move |(from, to)| Found { kind, from, to };
        match sign {
            b'@' => email(bytes, floor, from, length).map(range(Kind::Email)),
            b'=' => parameter(bytes, floor, from, length, |name| self.guard.denied(name))
                .map(range(Kind::Key)),
            b'+' if begins(bytes, floor, from) => {
                phone(bytes, from + length).map(|end| self.found(Kind::Phone, end))
            }
            b':' if starts(bytes, from + 1, b"//") => user_info(bytes, from + 3).map(|to| Found {
                kind: Kind::Secret,
                from: from + 3,
                to,
            }),
            _ => None,
        }
    }

    /// What the page's own patterns find there.
    fn own(&self, from: usize) -> Option<Found> {
        if self.guard.patterns.is_empty() {
            return None;
        }
        let rest = self.text.get(from..)?;
        let length = self
            .guard
            .patterns
            .iter()
            .filter_map(|own| own.length(rest))
            .max()?;
        (length > 0).then(|| self.found(Kind::Pattern, from + length))
    }

    const fn found(&self, kind: Kind, to: usize) -> Found {
        Found {
            kind,
            from: self.place,
            to,
        }
    }
}
