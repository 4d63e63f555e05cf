//! Names of tabs, and the idempotency keys derived from them.

use super::{
    rng::{Rng, mix},
    time::UnixMillis,
};
use crate::wire::json::{push_hex, push_u64};

/// One load of one page: 80 random bits, written as 20 hex digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TabId([u8; 10]);

impl TabId {
    /// Reads 20 lower-case hex digits; anything else is not one of ours.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut bytes = [0; 10];
        if text.len() != 20 {
            return None;
        }
        for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
            let [high, low] = pair else { return None };
            *byte = hex_digit(*high)? << 4 | hex_digit(*low)?;
        }
        Some(Self(bytes))
    }

    /// A random one, where the host's was not usable.
    #[must_use]
    pub fn random(rng: &mut Rng) -> Self {
        let [a, b, c, d, e, f, g, h] = rng.next_u64().to_be_bytes();
        let [i, j, ..] = rng.next_u64().to_be_bytes();
        Self([a, b, c, d, e, f, g, h, i, j])
    }

    /// As 20 hex digits.
    #[must_use]
    pub fn text(self) -> String {
        let mut out = String::with_capacity(20);
        self.0.iter().for_each(|byte| push_hex(&mut out, *byte));
        out
    }

    /// The idempotency key of this tab's event number `seq`: a UUID v7 that is a function of tab,
    /// number and timestamp, so that whoever reads the event from wherever it was kept names it the
    /// same. Two tabs differ in 80 random bits, two events of one tab in the number.
    #[must_use]
    pub fn idempotency_key(self, seq: u64, at: UnixMillis) -> String {
        let [a, b, c, d, e, f, g, h, i, j] = self.0;
        let rare = u64::from(u16::from_be_bytes([i, j]));
        let scattered = mix(u64::from_be_bytes([a, b, c, d, e, f, g, h]) ^ mix(seq ^ rare << 48));
        let rest = mix(rare ^ scattered.rotate_left(17));
        let [s0, s1, s2, s3, s4, s5, s6, s7] = scattered.to_be_bytes();
        let [r0, r1, ..] = rest.to_be_bytes();
        let random = [r0, r1, s0, s1, s2, s3, s4, s5, s6, s7];
        let uuid = uuid::Builder::from_unix_timestamp_millis(at.0, &random).into_uuid();
        uuid.hyphenated()
            .encode_lower(&mut uuid::Uuid::encode_buffer())
            .to_owned()
    }
}

/// The id of the batch that holds a tab's events `from` to `to`. The stamp tells batches apart that
/// were cut at the same place from different contents: one id is one content.
#[must_use]
pub fn batch_id(tab: TabId, from: u64, to: u64, stamp: u32) -> String {
    let mut out = tab.text();
    out.push(':');
    push_u64(&mut out, from);
    out.push('-');
    push_u64(&mut out, to);
    out.push('.');
    stamp
        .to_be_bytes()
        .iter()
        .for_each(|byte| push_hex(&mut out, *byte));
    out
}

const fn hex_digit(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn tab_ids_read_back_and_refuse_the_rest() {
        let tab = TabId::parse("00ff0123456789abcdef").unwrap();
        assert_eq!(tab.text(), "00ff0123456789abcdef");
        assert_eq!(
            batch_id(tab, 1, 40, 0xbeef),
            "00ff0123456789abcdef:1-40.0000beef"
        );
        for bad in [
            "",
            "00ff",
            "00FF0123456789abcdef",
            "00ff0123456789abcdefa",
            "é0ff0123456789abcde",
        ] {
            assert_eq!(TabId::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn keys_are_uuid_v7_stable_and_all_different() {
        let mut seen = BTreeSet::new();
        for tab in [
            "00000000000000000000",
            "00000000000000000001",
            "01000000000000000000",
        ] {
            let tab = TabId::parse(tab).unwrap();
            for seq in 1..2_000 {
                let key = tab.idempotency_key(seq, UnixMillis(1_768_478_400_000));
                assert_eq!(key, tab.idempotency_key(seq, UnixMillis(1_768_478_400_000)));
                assert!(
                    key.starts_with("019bc180-3600-7") || key.as_bytes()[14] == b'7',
                    "{key}"
                );
                assert!(
                    matches!(key.as_bytes()[19], b'8' | b'9' | b'a' | b'b'),
                    "{key}"
                );
                assert!(seen.insert(key));
            }
        }
    }
}
