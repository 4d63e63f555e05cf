//! Which events are kept: by a hash, so that a visitor is in or out as a whole.

use crate::{
    model::rng::mix,
    text::fields::{parse_u64, unquoted},
};

/// Rates below this would leave nothing to count.
const RATE_MIN: f64 = 0.01;

/// A rule of the configuration: events of that name (a `*` at the end stands for anything) are kept at this rate.
#[derive(Clone, Debug, PartialEq)]
pub struct SamplingRule {
    /// Of the event.
    pub name: String,
    /// From 0.01 to 1.
    pub rate: f64,
}

/// By what a sample is drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SampleBy {
    /// A user, or an anonymous visitor, is in or out.
    #[default]
    User,
    /// A session is.
    Session,
    /// Each event for itself.
    Event,
}

/// A rate as it stands in JSON, at most 1; `None` for less than 0.01 and for what is no number. Read by hand: the
/// standard library's reader of floats is larger than most of this crate's parts.
#[must_use]
pub fn read_rate(text: &str) -> Option<f64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let mut rate = parse_u64(whole)? as f64;
    let mut unit = 0.1;
    for byte in fraction.bytes() {
        if !byte.is_ascii_digit() {
            return None;
        }
        rate += f64::from(byte - b'0') * unit;
        unit /= 10.0;
    }
    // A sum of decimals may miss the bound by the last bit.
    (rate >= RATE_MIN - 1e-12).then_some(rate.min(1.0))
}

/// The rate that the rules set for events of that name (a JSON string).
#[must_use]
pub fn rate_of(rules: &[SamplingRule], name: &str) -> Option<f64> {
    let name = unquoted(name);
    let matches = |rule: &&SamplingRule| match rule.name.strip_suffix('*') {
        Some(start) => name.starts_with(start),
        None => rule.name == name,
    };
    rules.iter().find(matches).map(|rule| rule.rate)
}

/// Whether what goes by that id is in a sample of that rate.
#[must_use]
pub fn is_in(id: &str, rate: f64) -> bool {
    let mut hash = 0x9e37_79b9_7f4a_7c15;
    for byte in id.bytes() {
        hash = mix(hash ^ u64::from(byte)).wrapping_add(0x9e37_79b9_7f4a_7c15);
    }
    // The upper 53 bits are a number from 0 to 1.
    ((mix(hash) >> 11) as f64) < rate * (1_u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Chi-square over 100 classes of a million ids: above 150 about once in a thousand hashes that are good.
    #[test]
    fn the_hash_spreads_a_million_ids_evenly() {
        let mut counts = [0_u64; 100];
        for number in 0..1_000_000_u64 {
            let id = format!("anon_{number}");
            let class = (1..=100)
                .find(|class| is_in(&id, f64::from(*class) / 100.0))
                .unwrap();
            counts[class as usize - 1] += 1;
        }
        let chi: f64 = counts
            .iter()
            .map(|count| (*count as f64 - 10_000.0).powi(2) / 10_000.0)
            .sum();
        assert!(chi < 150.0, "{chi}");
    }

    #[test]
    fn rates_are_read_as_json_has_them() {
        for (text, rate) in [
            ("1", Some(1.0)),
            ("3", Some(1.0)),
            ("0.25", Some(0.25)),
            ("0.01", Some(0.01)),
        ] {
            assert_eq!(read_rate(text), rate, "{text}");
        }
        for bad in ["0", "0.009", "-1", "1e-7", "", ".5", "0.5x", "true"] {
            assert_eq!(read_rate(bad), None, "{bad}");
        }
    }

    #[test]
    fn rules_go_by_name_and_one_is_always_in() {
        let rule = |name: &str, rate| SamplingRule {
            name: name.into(),
            rate,
        };
        let rules = [rule("page_view", 0.1), rule("debug.*", 0.01)];
        assert_eq!(rate_of(&rules, "\"debug.x\""), Some(0.01));
        assert_eq!(rate_of(&rules, "\"page_views\""), None);
        assert!((0..100).all(|number| is_in(&number.to_string(), 1.0)));
    }
}
