//! What opens doors: JSON Web Tokens, bearer tokens, keys whose makers gave them a shape.

use super::{
    Kind,
    bytes::{at, holds_digit, is_digit, is_token, is_word, skip, starts, unit},
};

/// Beginnings of keys, with the least length of what follows. That must hold a digit, and tells
/// `sk_test_4eC39H…` from an event named `sk_test_started`.
const SHAPES: [(&[u8], usize); 21] = [
    (b"sk_live_", 10), // Stripe: secret and restricted keys, secrets of webhooks
    (b"sk_test_", 10),
    (b"rk_live_", 10),
    (b"rk_test_", 10),
    (b"whsec_", 16),
    (b"sk-", 32),  // OpenAI, Anthropic
    (b"ghp_", 20), // GitHub
    (b"gho_", 20),
    (b"ghs_", 20),
    (b"ghu_", 20),
    (b"ghr_", 20),
    (b"github_pat_", 20),
    (b"glpat-", 16), // GitLab
    (b"AKIA", 16),   // AWS
    (b"ASIA", 16),
    (b"AIza", 30),  // Google
    (b"xoxa-", 10), // Slack
    (b"xoxb-", 10),
    (b"xoxp-", 10),
    (b"xoxr-", 10),
    (b"xoxs-", 10),
];

/// Whether something is a secret is told by this many of its bytes: it is looked at from every place where one may
/// begin, and a text of nothing but beginnings must not take longer than another.
const TOLD_BY: usize = 128;

/// A secret that begins with the word there: its kind and its end.
pub(super) fn secret(text: &[u8], from: usize) -> Option<(Kind, usize)> {
    match at(text, from) {
        b'e' => jwt(text, from).map(|end| (Kind::Jwt, end)),
        b'b' | b'B' => bearer(text, from).map(|end| (Kind::Bearer, end)),
        b's' | b'r' | b'w' | b'g' | b'A' | b'x' => shape(text, from).map(|end| (Kind::Secret, end)),
        _ => None,
    }
}

/// RFC 7519: three parts in base64url, the first two JSON objects: `{"` is `eyJ` there.
fn jwt(text: &[u8], from: usize) -> Option<usize> {
    let exactly = |place: usize| {
        text.get(place..)
            .is_some_and(|rest| rest.starts_with(b"eyJ"))
    };
    if !exactly(from) {
        return None;
    }
    let header = skip(near(text, from, 4 * TOLD_BY), from, is_token);
    if header - from < 12 || at(text, header) != b'.' {
        return None;
    }
    let payload = skip(text, header + 1, is_token);
    (payload - header >= 8 && at(text, payload) == b'.').then(|| {
        // An encrypted one (RFC 7516) has five parts.
        let mut end = skip(text, payload + 1, is_token);
        while at(text, end) == b'.' && is_token(at(text, end + 1)) {
            end = skip(text, end + 1, is_token);
        }
        end
    })
}

/// RFC 6750: `Bearer` and a token, which unlike a word of English has a digit.
fn bearer(text: &[u8], from: usize) -> Option<usize> {
    const WORD: &[u8] = b"bearer";
    let gap = from + WORD.len();
    let (space, length) = unit(text, gap);
    if !starts(text, from, WORD) || !matches!(space, b' ' | b'+') {
        return None;
    }
    let token = gap + length;
    let part = |byte| is_token(byte) || matches!(byte, b'.' | b'~' | b'+' | b'/' | b'=');
    let told = skip(near(text, token, TOLD_BY), token, part);
    (told - token >= 8 && holds_digit(text, token, told)).then(|| skip(text, told, part))
}

/// The text, to no more than `length` bytes behind that place.
fn near(text: &[u8], from: usize, length: usize) -> &[u8] {
    text.get(..from + length).unwrap_or(text)
}

fn shape(text: &[u8], from: usize) -> Option<usize> {
    let rest = text.get(from..)?;
    // Most words are told from a key by three letters.
    let ([b's' | b'r', b'k', b'_' | b'-', ..]
    | [b'w', b'h', b's', ..]
    | [
        b'g',
        b'h' | b'i' | b'l',
        b'_' | b'p' | b'o' | b's' | b'u' | b'r' | b't',
        ..,
    ]
    | [b'A', b'K' | b'S' | b'I', b'I' | b'z', ..]
    | [b'x', b'o', b'x', ..]) = rest
    else {
        return None;
    };
    let (prefix, least) = SHAPES.iter().find(|(prefix, _)| rest.starts_with(prefix))?;
    let key = from + prefix.len();
    let upper = |byte| is_digit(byte) || byte.is_ascii_uppercase();
    let text_near = near(text, key, TOLD_BY);
    let aws = at(text, from) == b'A' && *least == 16;
    let told = if aws {
        skip(text_near, key, upper)
    } else {
        skip(text_near, key, is_token)
    };
    let whole = !aws || told - key == 16 && !is_word(at(text, told));
    let found = whole && told - key >= *least && holds_digit(text, key, told);
    found.then(|| {
        if aws {
            told
        } else {
            skip(text, told, is_token)
        }
    })
}
