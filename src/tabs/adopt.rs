//! When storage is searched for journals of tabs that are gone, and whose they are.

use crate::{
    model::{ids::TabId, time::Instant},
    text::fields::split_once,
};

/// A journal that was written to this recently may have a living owner, unless it says that its tab has left:
/// one that is still loading the engine, or has not been heard because the machine is slow, in milliseconds.
pub const UNHEARD_MS: u64 = 5_000;
/// The same without a channel, where no tab can be heard.
pub const BLIND_MS: u64 = 10_000;
/// When storage is searched again for a journal that grew after it was read, in milliseconds.
pub const LOOK_AGAIN_MS: u64 = 300;
/// When storage is searched after a tab is gone, in milliseconds: what another process wrote may be seen late.
pub const AFTER_GONE_MS: [u64; 3] = [50, 1_000, 4_000];
/// And after taking the lead, when the living have had time to say so: the one that led before, if only silence
/// says that it is gone, has not had much.
pub const AFTER_CLAIM_MS: [u64; 2] = [2_000, 6_000];
/// And when nobody answered this tab's hello, or none can.
pub const ALONE_MS: [u64; 3] = [0, 2_000, 6_000];
/// Journals read in one go at most, so that hundreds of them do not hold the page; the next go is at once.
pub const ADOPTED_AT_ONCE_MAX: usize = 16;
/// The same of bytes, while the page is seen: 10,000 events of one tab are 3 MB, and 0.1 s on a slow machine.
pub const READ_AT_ONCE_BYTES: usize = 128 * 1024;
/// Tabs with a hole that are waited for at most, in the life of a page.
const HOLED_MAX: usize = 64;
/// Searches planned at most.
const PLANNED_MAX: usize = 64;

/// See the module.
#[derive(Debug, Default)]
pub struct Searches(Vec<Instant>);

impl Searches {
    /// Plans searches, so many milliseconds from now.
    pub fn plan(&mut self, now: Instant, after_ms: &[u64]) {
        self.0.extend(after_ms.iter().map(|ms| now + *ms));
        let excess = self.0.len().saturating_sub(PLANNED_MAX);
        // The last are kept: they are the ones that find what comes late.
        self.0.drain(..excess);
    }

    /// Whether one is due; all that are count as done.
    pub fn take_due(&mut self, now: Instant) -> bool {
        let before = self.0.len();
        self.0.retain(|at| *at > now);
        self.0.len() < before
    }

    /// When the next one is due.
    #[must_use]
    pub fn next(&self) -> Instant {
        self.0.iter().copied().min().unwrap_or(Instant::NEVER)
    }
}

/// Tabs in whose journals something is missing: it may be seen later, what another process wrote often is.
#[derive(Debug, Default)]
pub struct Holed(Vec<(TabId, Instant)>);

impl Holed {
    /// Whether it has not been known for long enough to be believed.
    pub fn is_new(&mut self, tab: TabId, now: Instant) -> bool {
        if let Some((_, since)) = self.0.iter().find(|(holed, _)| *holed == tab) {
            return now.since_ms(*since) < UNHEARD_MS;
        }
        let has_room = self.0.len() < HOLED_MAX;
        if has_room {
            self.0.push((tab, now));
        }
        has_room
    }
}

/// The tabs whose journals are among `keys`, which all begin with `prefix`.
#[must_use]
pub fn tabs_in(keys: &[String], prefix: &str) -> Vec<TabId> {
    let mut tabs = Vec::new();
    for key in keys {
        let rest = key.strip_prefix(prefix).unwrap_or("");
        if let Some((tab, _)) = split_once(rest, b':')
            && let Some(tab) = TabId::parse(tab)
            && !tabs.contains(&tab)
        {
            tabs.push(tab);
        }
    }
    tabs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn searches_are_due_once_and_bounded() {
        let mut searches = Searches::default();
        searches.plan(Instant(100), &[0, 50]);
        assert!(searches.take_due(Instant(100)) && !searches.take_due(Instant(100)));
        assert_eq!(searches.next(), Instant(150));
        (0..200).for_each(|_| searches.plan(Instant(0), &[1_000]));
        assert_eq!(searches.0.len(), PLANNED_MAX);
        assert!(searches.take_due(Instant(1_000)));
        assert_eq!(searches.next(), Instant::NEVER);
    }

    #[test]
    fn a_hole_is_believed_after_a_while() {
        let (mut holed, tab) = (
            Holed::default(),
            TabId::parse("00000000000000000001").unwrap(),
        );
        assert!(holed.is_new(tab, Instant(100)));
        assert!(holed.is_new(tab, Instant(5_099)));
        assert!(!holed.is_new(tab, Instant(5_100)));
        for number in 2..200_u64 {
            let tab = TabId::parse(&format!("{number:020x}")).unwrap();
            let waits = holed.is_new(tab, Instant(0));
            assert_eq!(waits, number <= HOLED_MAX as u64);
        }
    }

    #[test]
    fn tabs_are_found_by_their_keys() {
        let keys = [
            "sendoff:p:00000000000000000001:h",
            "sendoff:p:00000000000000000001:1-2",
            "sendoff:p:identity",
            "sendoff:p:0000000000000000000X:h",
        ];
        let keys = keys.map(str::to_owned);
        assert_eq!(tabs_in(&keys, "sendoff:p:").len(), 1);
    }
}
