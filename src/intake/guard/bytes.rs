//! Bytes looked at one by one: which kinds there are, and what stands for one in a URL.
//!
//! Every part of the guard reads bytes through [`at`], which has an answer (0, a kind of its own that
//! nothing matches) for every place, so that no look ahead or back can be one too far.

/// A letter, a digit or `_`.
const WORD: u8 = 1;
/// 0–9.
const DIGIT: u8 = 2;
/// A–Z, a–z.
const LETTER: u8 = 4;
/// A byte at which something that is not a word may begin or, in JSON, a string may end.
const SIGN: u8 = 8;
/// What the part of an address before the `@` is made of.
const LOCAL: u8 = 16;
/// What a key, a token or base64url is made of.
const TOKEN: u8 = 32;
/// What a host name is made of.
const HOST: u8 = 64;
/// What ends a parameter of a URL.
const PARAMETER_END: u8 = 128;

static KINDS: [u8; 256] = kinds();

const fn kinds() -> [u8; 256] {
    let mut table = [0; 256];
    let (mut rest, mut byte) = (table.as_mut_slice(), 0_u8);
    while let Some((first, more)) = rest.split_first_mut() {
        *first = kind(byte);
        (rest, byte) = (more, byte.wrapping_add(1));
    }
    table
}

const fn kind(byte: u8) -> u8 {
    match byte {
        b'0'..=b'9' => WORD | DIGIT | LOCAL | TOKEN | HOST,
        b'a'..=b'z' | b'A'..=b'Z' => WORD | LETTER | LOCAL | TOKEN | HOST,
        b'_' => WORD | LOCAL | TOKEN,
        b'-' => LOCAL | TOKEN | HOST,
        b'.' | b'\'' => LOCAL,
        b'+' | b'%' => LOCAL | SIGN,
        0x80..=0xff => LOCAL | HOST,
        b'"' | b'\\' | b'&' | b'#' => SIGN | PARAMETER_END,
        0..=b' ' | b'<' | b'>' => PARAMETER_END,
        b'@' | b'=' | b':' => SIGN,
        _ => 0,
    }
}

#[inline]
fn has(byte: u8, kind: u8) -> bool {
    // The table has an entry for every byte: the bounds check is compiled away.
    KINDS.get(usize::from(byte)).copied().unwrap_or(0) & kind != 0
}

/// A letter, a digit or `_`.
#[inline]
pub(super) fn is_word(byte: u8) -> bool {
    has(byte, WORD)
}

/// 0–9.
#[inline]
pub(super) fn is_digit(byte: u8) -> bool {
    has(byte, DIGIT)
}

/// A–Z, a–z.
#[inline]
pub(super) fn is_letter(byte: u8) -> bool {
    has(byte, LETTER)
}

/// Something that is not a word may begin here.
#[inline]
pub(super) fn is_sign(byte: u8) -> bool {
    has(byte, SIGN)
}

/// Part of an address before the `@`. Not all that RFC 5322 allows: `/`, `=`, `?` and the like divide URLs.
#[inline]
pub(super) fn is_local(byte: u8) -> bool {
    has(byte, LOCAL)
}

/// Part of a key, a token or base64url.
#[inline]
pub(super) fn is_token(byte: u8) -> bool {
    has(byte, TOKEN)
}

/// Part of a host name.
#[inline]
pub(super) fn is_host(byte: u8) -> bool {
    has(byte, HOST)
}

/// Ends a parameter of a URL, or the URL.
#[inline]
pub(super) fn ends_parameter(byte: u8) -> bool {
    has(byte, PARAMETER_END)
}

/// The byte there; 0 outside of the text.
#[inline]
pub(super) fn at(text: &[u8], place: usize) -> u8 {
    text.get(place).copied().unwrap_or(0)
}

/// The byte before that place; 0 at `floor`, before which nothing is looked at.
pub(super) fn before(text: &[u8], floor: usize, place: usize) -> u8 {
    if place > floor {
        at(text, place - 1)
    } else {
        0
    }
}

/// Where bytes that `is` end, beginning there.
pub(super) fn skip(text: &[u8], from: usize, is: impl Fn(u8) -> bool) -> usize {
    let rest = text.get(from..).unwrap_or(&[]);
    from + rest
        .iter()
        .position(|&byte| !is(byte))
        .unwrap_or(rest.len())
}

/// Where the word ends that goes on there: what most of the time goes into.
pub(super) fn word_end(text: &[u8], from: usize) -> usize {
    let mut place = from;
    for &byte in text.get(from..).unwrap_or(&[]) {
        if !is_word(byte) {
            break;
        }
        place += 1;
    }
    place
}

/// The text begins with `word` there, in any case.
pub(super) fn starts(text: &[u8], from: usize, word: &[u8]) -> bool {
    let there = text.get(from..).and_then(|rest| rest.get(..word.len()));
    there.is_some_and(|there| there.eq_ignore_ascii_case(word))
}

/// What stands there, and how many bytes it takes: a byte, or one in percent encoding, also if that was
/// encoded again (`%40`, `%2540`), as an address within a parameter of an address is.
#[inline]
pub(super) fn unit(text: &[u8], from: usize) -> (u8, usize) {
    match at(text, from) {
        b'%' => encoded(text, from),
        byte => (byte, 1),
    }
}

/// As [`unit()`], where a `%` is.
fn encoded(text: &[u8], from: usize) -> (u8, usize) {
    let mut digits = from + 1;
    while at(text, digits) == b'2' && at(text, digits + 1) == b'5' && digits < from + 9 {
        digits += 2;
    }
    match (hex(at(text, digits)), hex(at(text, digits + 1))) {
        (Some(high), Some(low)) => (high << 4 | low, digits + 2 - from),
        _ => (b'%', 1),
    }
}

/// The worth of a hexadecimal digit.
pub(super) const fn hex(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    }
}

/// No word goes on there: what is before is none, or the end of a percent encoding (`%3D`).
pub(super) fn begins(text: &[u8], floor: usize, place: usize) -> bool {
    let encoded = place >= floor + 3 && unit(text, place - 3).1 == 3
        || place >= floor + 5 && unit(text, place - 5).1 == 5;
    encoded || !is_word(before(text, floor, place))
}

/// Whether there is a digit between.
pub(super) fn holds_digit(text: &[u8], from: usize, to: usize) -> bool {
    let between = text.get(from..to).unwrap_or(&[]);
    between.iter().any(|&byte| is_digit(byte))
}
