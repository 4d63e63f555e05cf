//! Names of tabs, and the idempotency keys derived from them.

use uuid::{Uuid, Version};

use crate::model::rng::{Rng, mix};
use crate::model::time::UnixMillis;
use crate::text::fields::{parse_digits, part};
use crate::text::json::{push_digits, push_u64};

/// One load of one page: 80 random bits, written as 20 hex digits. The first 64 of them are the upper
/// half of the number, the rest is the lower.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TabId(u128);

impl TabId {
    /// Reads 20 lower-case hex digits; anything else is not one of ours.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let high = parse_digits(part(text, 0, 16), 16)?;
        let low = parse_digits(part(text, 16, text.len()), 16)?;
        (text.len() == 20).then_some(Self(u128::from(high) << 64 | u128::from(low)))
    }

    /// A random one, where the host's was not usable.
    #[must_use]
    pub fn random(rng: &mut Rng) -> Self {
        Self(u128::from(rng.next_u64()) << 64 | u128::from(rng.next_u64() >> 48))
    }

    /// As 20 hex digits.
    #[must_use]
    pub fn text(self) -> String {
        let mut out = String::new();
        push_digits(&mut out, (self.0 >> 64) as u64, 16, 16);
        push_digits(&mut out, self.0 as u64, 16, 4);
        out
    }

    /// Appends the idempotency key of this tab's event number `seq`: a UUID v7 that is a function of tab,
    /// number and timestamp, so that whoever reads the event from wherever it was kept names it the
    /// same. Two tabs differ in 80 random bits, two events of one tab in the number.
    pub fn push_key(self, out: &mut String, seq: u64, at: UnixMillis) {
        let rare = self.0 as u64;
        let scattered = mix((self.0 >> 64) as u64 ^ mix(seq ^ rare << 48));
        let rest = mix(rare ^ scattered.rotate_left(17));
        push_uuid(out, at.0 << 16 | rest >> 48, scattered, Version::SortRand);
    }
}

/// Appends a UUID (RFC 9562), hyphenated, of 128 bits of which some give way to version and variant.
pub(crate) fn push_uuid(out: &mut String, high: u64, low: u64, version: Version) {
    let version = version as u64;
    let uuid = Uuid::from_u64_pair(high & !0xf000 | version << 12, low & !0 >> 2 | 1 << 63);
    let (high, low) = uuid.as_u64_pair();
    push_digits(out, high >> 32, 16, 8);
    for group in [high >> 16, high, low >> 48] {
        out.push('-');
        push_digits(out, group & 0xffff, 16, 4);
    }
    out.push('-');
    push_digits(out, low & !0 >> 16, 16, 12);
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
    push_digits(&mut out, stamp.into(), 16, 8);
    out
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
                let (mut key, mut again) = (String::new(), String::new());
                tab.push_key(&mut key, seq, UnixMillis(1_768_478_400_000));
                tab.push_key(&mut again, seq, UnixMillis(1_768_478_400_000));
                assert_eq!(key, again);
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
