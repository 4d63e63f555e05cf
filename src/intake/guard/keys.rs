//! Keys whose value is nobody's business, whatever it looks like.

use super::bytes::{is_word, unit};

/// What a key says of its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Denied {
    /// Nothing.
    No,
    /// It is a secret if it is text: `code: 404` and `session: { number: 3 }` are none.
    Text,
    /// It is a secret, and so is everything beneath it.
    All,
}

/// Denied by the whole name.
const WHOLE: &[&[u8]] = &[
    b"accesskey",
    b"apikey",
    b"auth",
    b"authcode",
    b"bearer",
    b"cardnumber",
    b"cookie",
    b"credential",
    b"credentials",
    b"creditcard",
    b"cvc",
    b"cvv",
    b"email",
    b"emailaddress",
    b"iban",
    b"jsessionid",
    b"jwt",
    b"otp",
    b"passcode",
    b"passphrase",
    b"passwd",
    b"phpsessid",
    b"privatekey",
    b"pwd",
    b"sessid",
    b"sessionkey",
    b"setcookie",
    b"sid",
    b"socialsecuritynumber",
    b"ssn",
    b"useremail",
    b"xapikey",
];
/// Denied by the end of the name: `access_token`, `newPassword`, `clientSecret`.
const ENDING: &[&[u8]] = &[
    b"token",
    b"password",
    b"secret",
    b"authorization",
    b"sessionid",
];
/// Denied by the whole name if the value is text.
const WHOLE_TEXT: &[&[u8]] = &[b"code", b"session"];

/// Longer names are not compared.
const FOLDED_LENGTH_MAX: usize = 24;

/// What the built-in list says of a key. Case, `_`, `-`, `.` and brackets do not matter.
pub(super) fn denied(name: &[u8]) -> Denied {
    let mut folded = [0_u8; FOLDED_LENGTH_MAX];
    let Some(name) = fold(name, &mut folded) else {
        return Denied::No;
    };
    if WHOLE.contains(&name) || ENDING.iter().any(|end| name.ends_with(end)) {
        Denied::All
    } else if WHOLE_TEXT.contains(&name) {
        Denied::Text
    } else {
        Denied::No
    }
}

/// The name's letters and digits, in small letters; its last ones if there are too many.
fn fold<'a>(name: &[u8], folded: &'a mut [u8; FOLDED_LENGTH_MAX]) -> Option<&'a [u8]> {
    let (mut place, mut length) = (0, 0);
    while place < name.len() {
        let (byte, size) = unit(name, place);
        place += size;
        if !is_word(byte) || byte == b'_' {
            continue;
        }
        if length == FOLDED_LENGTH_MAX {
            folded.rotate_left(1);
            length -= 1;
        }
        *folded.get_mut(length)? = byte.to_ascii_lowercase();
        length += 1;
    }
    folded.get(..length)
}

/// Whether the guard wrote this value: what was looked at twice (before the early log, and before the journal) stays.
pub(super) fn is_done(value: &[u8]) -> bool {
    value.starts_with(b"[redacted:") || value.starts_with(b"[hashed:")
}
