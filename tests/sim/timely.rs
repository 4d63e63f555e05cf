//! Invariants about time: leaders that meet, orphans that wait, events on a calm day.

use crate::profile::Scenario;
use crate::world::World;

/// Two leaders that hear each other agree within this time.
const OVERLAP_MS_MAX: u64 = 2_000;
/// The events of a crashed tab arrive within this time: 10 s until adoption, and the delivery.
const ADOPTION_MS_MAX: u64 = 10_000 + 1_500;
/// An event of a visible tab arrives within this time: the flush interval, a leader's loss noticed
/// and made good, what others have waiting, and the delivery.
const PROMPT_MS_MAX: u64 = 10_000;

impl World {
    /// Leaders that hear each other become one in time (7).
    pub(crate) fn check_overlaps(&self) {
        for ((one, other), since) in &self.overlaps {
            if self.now > since + OVERLAP_MS_MAX {
                let (first, second) = (self.stats(*one).term, self.stats(*other).term);
                self.fail(7, &format!(
                    "tabs {one} (term {first}) and {other} (term {second}) have both led since {since} ms \
                     though they hear each other"
                ));
            }
        }
    }

    /// A crash or a new tab may have changed who is there to adopt: the clock starts again for every
    /// orphan, and stands while nobody is there.
    pub(crate) fn expect_adoption(&mut self) {
        if self.profile.scenario != Scenario::Adoption {
            return self.orphans.clear();
        }
        let seen = self.running().iter().any(|tab| self.tabs[*tab].visible);
        let due = if seen {
            self.now + ADOPTION_MS_MAX
        } else {
            u64::MAX
        };
        self.orphans.iter_mut().for_each(|(_, at)| *at = due);
    }

    /// With a visible tab and a healthy network, a crashed tab's events arrive in time (14).
    pub(crate) fn check_orphans(&mut self) {
        let now = self.now;
        let Some((tab, _)) = self.orphans.iter().find(|(_, due)| *due < now).copied() else {
            return;
        };
        self.orphans.retain(|(orphan, _)| *orphan != tab);
        let events = (1..).zip(&self.model.books[tab].events);
        let missing: Vec<u64> = events
            .filter(|(_, event)| !event.stored)
            .map(|(seq, _)| seq)
            .collect();
        if !missing.is_empty() {
            self.fail(
                14,
                &format!("events {missing:?} of crashed tab {tab} have not arrived in time"),
            );
        }
    }

    /// On a calm day the events of a page that is looked at arrive soon (20), whatever happens to the
    /// tab that sends them.
    pub(crate) fn check_prompt(&mut self) {
        if self.profile.scenario != Scenario::Calm {
            return;
        }
        for tab in 0..self.tabs.len() {
            let steady = self.tabs[tab].runs() && self.tabs[tab].visible && !self.tabs[tab].stopped;
            let now = self.now;
            let seen = &mut self.tabs[tab].seen;
            if !steady {
                seen.steady_since = None;
                continue;
            }
            let since = *seen.steady_since.get_or_insert(now);
            let events = &self.model.books[tab].events;
            while events
                .get(seen.stored_upto)
                .is_some_and(|event| event.stored)
            {
                seen.stored_upto += 1;
            }
            let oldest = events
                .get(seen.stored_upto)
                .map_or(now, |event| event.at.max(since));
            if now > oldest + PROMPT_MS_MAX {
                let seq = self.tabs[tab].seen.stored_upto + 1;
                self.fail(
                    20,
                    &format!("event {seq} of visible tab {tab} waits since {oldest} ms"),
                );
            }
        }
    }
}
