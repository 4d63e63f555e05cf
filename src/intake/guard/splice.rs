//! A text, with what was found in it replaced. Nothing is allocated until there is something.

use sha2::{Digest, Sha256};

use super::{Checked, Guard, Kind, Pii, bytes::unit};
use crate::text::{
    fields::part,
    json::{push_digits, push_string},
};

/// See the module.
pub(super) struct Splice<'a> {
    guard: &'a Guard,
    mode: Pii,
    text: &'a str,
    /// The text up to here is in `out`.
    copied: usize,
    out: Option<String>,
    found: Option<Kind>,
}

/// A state to come back to.
pub(super) struct Mark {
    copied: usize,
    length: usize,
    found: Option<Kind>,
}

impl<'a> Splice<'a> {
    pub(super) const fn new(guard: &'a Guard, mode: Pii, text: &'a str) -> Self {
        Self {
            guard,
            mode,
            text,
            copied: 0,
            out: None,
            found: None,
        }
    }

    /// Nothing that is still to be found would change the answer.
    pub(super) const fn is_decided(&self) -> bool {
        match self.mode {
            Pii::Off => true,
            Pii::Warn | Pii::Reject => self.found.is_some(),
            Pii::Redact | Pii::Hash => false,
        }
    }

    pub(super) fn mark(&self) -> Mark {
        let length = self.out.as_ref().map_or(0, String::len);
        Mark {
            copied: self.copied,
            length,
            found: self.found,
        }
    }

    pub(super) fn return_to(&mut self, mark: &Mark) {
        self.copied = mark.copied;
        self.found = mark.found;
        if let Some(out) = &mut self.out {
            out.truncate(mark.length);
        }
    }

    /// Replaces some bytes by what stands for the value.
    pub(super) fn replace(&mut self, kind: Kind, from: usize, to: usize, value: &str) {
        self.write(kind, from, to, |guard, mode, out| {
            push_marker(out, guard, mode, kind, value)
        });
    }

    /// Replaces some bytes by a JSON string with what stands for the value.
    pub(super) fn replace_quoted(&mut self, kind: Kind, from: usize, to: usize, value: &str) {
        self.write(kind, from, to, |guard, mode, out| {
            out.push('"');
            push_marker(out, guard, mode, kind, value);
            out.push('"');
        });
    }

    /// Replaces some bytes by a JSON string with the text.
    pub(super) fn replace_string(&mut self, kind: Kind, from: usize, to: usize, text: &str) {
        self.write(kind, from, to, |_, _, out| push_string(out, text));
    }

    fn write(
        &mut self,
        kind: Kind,
        from: usize,
        to: usize,
        with: impl FnOnce(&Guard, Pii, &mut String),
    ) {
        self.found = self.found.or(Some(kind));
        if !matches!(self.mode, Pii::Redact | Pii::Hash) {
            return;
        }
        let out = self
            .out
            .get_or_insert_with(|| String::with_capacity(self.text.len()));
        out.push_str(part(self.text, self.copied, from));
        with(self.guard, self.mode, out);
        self.copied = to;
    }

    pub(super) fn end(self) -> Checked {
        let text = self.out.filter(|_| self.found.is_some()).map(|mut out| {
            out.push_str(part(self.text, self.copied, self.text.len()));
            out
        });
        let rejected = self.mode == Pii::Reject && self.found.is_some();
        Checked {
            text,
            found: self.found,
            rejected,
        }
    }
}

/// `[redacted:email]`, or `[hashed:9f86d081884c7d65]`: no character that JSON escapes.
fn push_marker(out: &mut String, guard: &Guard, mode: Pii, kind: Kind, value: &str) {
    if mode != Pii::Hash {
        out.push_str("[redacted:");
        out.push_str(kind.name());
        out.push(']');
        return;
    }
    let mut hash = Sha256::new_with_prefix(guard.config.salt.as_bytes());
    if kind == Kind::Key {
        hash.update(value.as_bytes());
    } else {
        // The same address has the same hash, in a text as in a URL.
        let (bytes, mut place) = (value.as_bytes(), 0);
        while place < bytes.len() {
            let (byte, length) = unit(bytes, place);
            hash.update([byte]);
            place += length;
        }
    }
    out.push_str("[hashed:");
    for byte in hash.finalize().iter().take(8) {
        push_digits(out, u64::from(*byte), 16, 2);
    }
    out.push(']');
}
