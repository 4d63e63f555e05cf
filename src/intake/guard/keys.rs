//! Keys whose value is nobody's business, whatever it looks like.

use super::bytes::{at, is_word, unit};

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
    if !may_be_denied(name) {
        return Denied::No;
    }
    let mut folded = [0_u8; FOLDED_LENGTH_MAX];
    let Some(name) = fold(name, &mut folded) else {
        return Denied::No;
    };
    // Two letters are compared sooner than two names.
    let is = |own: &&[u8]| own.first() == name.first() && *own == name;
    if WHOLE.iter().any(is) || ENDING.iter().any(|end| name.ends_with(end)) {
        Denied::All
    } else if WHOLE_TEXT.iter().any(is) {
        Denied::Text
    } else {
        Denied::No
    }
}

/// Every event has its keys, and few of them are denied: most are told by their first and last letters.
fn may_be_denied(name: &[u8]) -> bool {
    let mut letters = name
        .iter()
        .map(|byte| byte.to_ascii_lowercase())
        .filter(u8::is_ascii_lowercase);
    let (Some(first), Some(last)) = (letters.next(), letters.next_back()) else {
        return false;
    };
    let whole = LASTS.get(usize::from(first - b'a')).unwrap_or(&0) >> (last - b'a') & 1 == 1;
    let pair = [letters.next_back().unwrap_or(0), last];
    let encoded = || {
        [0, name.len().wrapping_sub(3), name.len().wrapping_sub(4)]
            .iter()
            .any(|&place| at(name, place) == b'%')
    };
    whole || matches!(&pair, b"en" | b"rd" | b"et" | b"on" | b"id") || encoded()
}

/// For each first letter of a denied name, the last ones, a bit each.
static LASTS: [u32; 26] = lasts();

const fn lasts() -> [u32; 26] {
    let mut table = [0; 26];
    let lists = [WHOLE, WHOLE_TEXT];
    let mut lists = lists.as_slice();
    while let [list, more @ ..] = lists {
        let mut names = *list;
        while let [[first, .., last], others @ ..] = names {
            let (_, from) = table.as_mut_slice().split_at_mut((*first - b'a') as usize);
            if let [lasts, ..] = from {
                *lasts |= bit(*last);
            }
            names = others;
        }
        lists = more;
    }
    table
}

const fn bit(letter: u8) -> u32 {
    1 << (letter - b'a')
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_on_the_list_is_denied() {
        for name in WHOLE.iter().chain(ENDING) {
            assert!((2..=FOLDED_LENGTH_MAX).contains(&name.len()));
            assert_eq!(denied(name), Denied::All);
        }
    }

    #[test]
    fn case_and_signs_do_not_matter() {
        for name in [
            "api_key",
            "X-Api-Key",
            "user[password]",
            "my.very.long.name.of.an.accessToken",
            "%74oken",
            "proxy-authorization",
            "mySecret",
            "guest_session_id",
            "newPassword_",
        ] {
            assert_eq!(denied(name.as_bytes()), Denied::All, "{name}");
        }
        for name in ["", "tokens", "zipcode", "emailed", "position"] {
            assert_eq!(denied(name.as_bytes()), Denied::No, "{name}");
        }
        assert_eq!(denied(b"Code"), Denied::Text);
    }
}
