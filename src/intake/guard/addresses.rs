//! Addresses: of electronic mail, and what URLs carry: names and passwords, parameters.

use super::{
    bytes::{
        at, before, ends_parameter, is_digit, is_host, is_letter, is_local, is_word, skip, unit,
    },
    keys::{self, Denied},
};

/// RFC 5321.
const LOCAL_LENGTH_MAX: usize = 64;
/// A user's name and password in a URL, and the name of a parameter.
const NAME_LENGTH_MAX: usize = 256;

/// The mail address around the `@` there, which takes `length` bytes (`%40` takes three).
pub(super) fn email(
    text: &[u8],
    floor: usize,
    sign: usize,
    length: usize,
) -> Option<(usize, usize)> {
    let mut from = sign;
    while is_local(before(text, floor, from)) && sign - from < LOCAL_LENGTH_MAX {
        from -= 1;
    }
    // An encoded `=` or space is no part of it.
    let mut place = from;
    while place < sign {
        let (byte, size) = unit(text, place);
        place += size;
        if size > 1 && !is_local(byte) {
            from = place;
        }
    }
    // Neither begins nor ends with a point or a quotation mark.
    while from < sign && matches!(at(text, from), b'.' | b'\'' | b'-' | b'+') {
        from += 1;
    }
    let end = domain(text, sign + length)?;
    (from < sign && at(text, sign - 1) != b'.').then_some((from, end))
}

/// The end of a domain name of two labels or more. `logo@2x.png` and `lodash@4.17.21` are no mail addresses.
fn domain(text: &[u8], from: usize) -> Option<usize> {
    let (mut label, mut labels, mut end) = (from, 0, None);
    loop {
        let stop = host_part(text, label);
        let name = text.get(label..stop)?;
        let (Some(&first), Some(&last)) = (name.first(), name.last()) else {
            break;
        };
        if labels > 0 && name.iter().all(|&byte| is_digit(byte)) {
            return None;
        }
        let top = labels > 0 && name.len() > 1 && !is_digit(first) && !matches!(last, b'-' | b'_');
        if top
            && name
                .iter()
                .all(|&byte| is_letter(byte) || byte >= 0x80 || name.starts_with(b"xn--"))
        {
            end = Some(stop);
        }
        labels += 1;
        // `@2x`, `@1.5x`: an image for such a screen.
        let density = labels <= 2
            && name.len() > 1
            && last == b'x'
            && skip(text, label, is_digit) == stop - 1;
        if at(text, stop) != b'.' || density {
            break;
        }
        label = stop + 1;
    }
    end
}

/// Where a label of a host name ends; letters beyond ASCII may be encoded.
fn host_part(text: &[u8], from: usize) -> usize {
    let mut end = from;
    loop {
        let (byte, size) = unit(text, end);
        if !is_host(byte) {
            return end;
        }
        end += size;
    }
}

/// The name and password between `://` and `@`; `from` is behind the slashes.
pub(super) fn user_info(text: &[u8], from: usize) -> Option<usize> {
    let end = skip(text, from, |byte| {
        !ends_parameter(byte) && !matches!(byte, b'/' | b'?' | b'@')
    });
    (at(text, end) == b'@' && end > from && end - from <= NAME_LENGTH_MAX).then_some(end)
}

/// The value of a parameter whose name is on the deny-list; the `=` is there and takes `length` bytes.
pub(super) fn parameter(
    text: &[u8],
    floor: usize,
    sign: usize,
    length: usize,
    denied: impl Fn(&[u8]) -> Denied,
) -> Option<(usize, usize)> {
    // What is not denied ends here: looking for its end as well would be looking at the text again and again.
    let name = name_before(text, floor, sign)?;
    if denied(name) == Denied::No {
        return None;
    }
    let from = sign + length;
    // One that was encoded ends where an encoded `&` or `#` stands.
    let mut end = from;
    while !ends_parameter(at(text, end)) {
        let (byte, size) = unit(text, end);
        if length > 1 && matches!(byte, b'&' | b'#') {
            break;
        }
        end += size;
    }
    let end = end.min(text.len());
    let value = text.get(from..end)?;
    (!value.is_empty() && !keys::is_done(value)).then_some((from, end))
}

/// The name that ends there, if it begins as a parameter's does: behind `?`, `&`, `#` or `;`, or with the text.
fn name_before(text: &[u8], floor: usize, end: usize) -> Option<&[u8]> {
    let mut from = end;
    let named = |byte| is_word(byte) || matches!(byte, b'-' | b'.' | b'[' | b']' | b'%' | b'$');
    while named(before(text, floor, from)) && end - from < NAME_LENGTH_MAX {
        // An encoded `?`, `&` or `#` begins a name as well.
        from -= 1;
        let (byte, size) = unit(text, from);
        if size > 1 && matches!(byte, b'?' | b'&' | b'#') {
            return text.get(from + size..end);
        }
    }
    // Before it is its sign, the beginning of the text (0), or what JSON writes as an escape.
    let begins = matches!(
        before(text, floor, from),
        b'?' | b'&' | b'#' | b';' | 0..=0x1f | b'"' | b'\\'
    );
    begins.then(|| text.get(from..end)).flatten()
}
