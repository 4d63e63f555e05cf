//! The names of worlds.

use core::fmt;

use crate::rng::{Rng, mix};

/// Which family of worlds a seed belongs to; part of its written form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scenario {
    /// Anything may happen.
    General,
    /// One tab at a time and a faulty collector.
    Single,
    /// A healthy network; tabs crash beside a visible one.
    Adoption,
    /// A healthy network; pages come and go in every way.
    Calm,
    /// A machine that hardly gets anything done: many pages open, and everything takes its time.
    Starved,
    /// A healthy network; windows, pages with frames and with two clients are left in every orderly way.
    Left,
    /// A healthy network, but for somebody on the way who dislikes some events for good.
    Poison,
    /// A steady world that is played twice: with one destination down for good, and without.
    Apart,
    /// A healthy machine on which many pages are opened at once, track for a few seconds, and then do nothing.
    Crowd,
}

impl Scenario {
    pub(crate) const ALL: [(Self, &str); 9] = [
        (Self::General, "general"),
        (Self::Single, "single"),
        (Self::Adoption, "adoption"),
        (Self::Calm, "calm"),
        (Self::Starved, "starved"),
        (Self::Left, "left"),
        (Self::Poison, "poison"),
        (Self::Apart, "apart"),
        (Self::Crowd, "crowd"),
    ];
}

/// Names one world, for example `4711` or `single:12`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Seed {
    pub(crate) scenario: Scenario,
    pub(crate) number: u64,
}

impl Seed {
    pub(crate) fn rng(self) -> Rng {
        Rng::new(mix(self.number ^ (self.scenario as u64) << 56))
    }

    /// Reads what [`Display`](fmt::Display) writes.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let (scenario, number) = match text.split_once(':') {
            Some((scenario, number)) => (scenario, number),
            None => ("general", text),
        };
        let found = Scenario::ALL.iter().find(|(_, name)| *name == scenario);
        Some(Self {
            scenario: found?.0,
            number: number.parse().ok()?,
        })
    }
}

impl fmt::Display for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let found = Scenario::ALL.iter().find(|(one, _)| *one == self.scenario);
        match found {
            Some((Scenario::General, _)) | None => write!(f, "{}", self.number),
            Some((_, name)) => write!(f, "{name}:{}", self.number),
        }
    }
}
