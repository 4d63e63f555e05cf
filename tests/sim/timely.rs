//! Invariants about time: leaders that meet, orphans that wait, events on a calm day, last words; and whose journal
//! is touched while its tab lives.

use sendoff::engine::config::MultiTabMode;

use crate::coverage::LAST_WORDS;
use crate::places::PLACES;
use crate::seed::Scenario;
use crate::tab::Life;
use crate::world::{Event, World};

/// Two leaders that hear each other agree within this time.
const OVERLAP_MS_MAX: u64 = 2_000;
/// The events of a crashed tab arrive within this time: 10 s until adoption, and the delivery.
const ADOPTION_MS_MAX: u64 = 10_000 + 1_500;
/// An event of a visible tab arrives within this time: the flush interval, a leader's loss noticed
/// and made good, what others have waiting, and the delivery.
const PROMPT_MS_MAX: u64 = 10_000;
/// What a page had when it was left arrives within this time, before anybody can have adopted it.
const LAST_WORDS_MS_MAX: u64 = 500;
/// What all requests that outlive a page may have in flight together, less what other parts of a page may use.
const LAST_WORDS_BYTES: usize = 63 * 1024 - 1_000;
/// Bytes around an event, and around a batch, at most, in these worlds.
const EVENT_BYTES: usize = 330;
const BATCH_BYTES: usize = 900;
/// A tab that was away for a while, or is new, may not be known to the others for so long.
const KNOWN_AFTER_MS: u64 = 5_000;

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
        let seen: Vec<bool> = (0..2).map(|project| self.is_seen(project)).collect();
        let now = self.now;
        for (tab, at) in &mut self.orphans {
            let seen = seen[self.tabs[*tab].project];
            *at = if seen {
                now + ADOPTION_MS_MAX
            } else {
                u64::MAX
            };
        }
    }

    fn is_seen(&self, project: usize) -> bool {
        let running = self.running().into_iter().map(|tab| &self.tabs[tab]);
        running
            .into_iter()
            .any(|tab| tab.visible && tab.project == project)
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
            .filter(|(_, event)| event.is_open())
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
            if !steady {
                self.tabs[tab].seen.steady_since = None;
                continue;
            }
            let since = *self.tabs[tab].seen.steady_since.get_or_insert(now);
            for place in self.model.books[tab].places.clone() {
                self.check_prompt_at(tab, place, since);
            }
        }
    }

    fn check_prompt_at(&mut self, tab: usize, place: usize, since: u64) {
        let upto = &mut self.tabs[tab].seen.stored_upto[place];
        let events = &self.model.books[tab].events;
        while events
            .get(*upto)
            .is_some_and(|event| !event.fates[place].is_open())
        {
            *upto += 1;
        }
        let oldest = events
            .get(*upto)
            .map_or(self.now, |event| event.at.max(since));
        if self.now > oldest + PROMPT_MS_MAX {
            let (seq, name) = (*upto + 1, PLACES[place].name);
            self.fail(
                20,
                &format!("event {seq} of visible tab {tab} waits for {name} since {oldest} ms"),
            );
        }
    }

    /// A page is left in an orderly way: what it had arrives without a later visit (21), with a healthy network and
    /// up to what may be in flight.
    pub(crate) fn expect_last_words(&mut self, tab: usize) {
        let healthy = matches!(self.profile.scenario, Scenario::Calm | Scenario::Left);
        if !healthy || self.tabs[tab].stopped || !self.profile.config.auto_flush_on_exit {
            return;
        }
        let book = &self.model.books[tab];
        let (mut owed, mut bytes) = (Vec::new(), 0);
        for place in &book.places {
            let events = (1..).zip(&book.events);
            let open = events.filter(|(_, event)| event.fates[*place].is_open());
            let open: Vec<_> = open.collect();
            let lengths = open
                .iter()
                .map(|(_, event)| event.properties.len() + EVENT_BYTES);
            bytes += lengths.sum::<usize>();
            bytes += (open.len() / PLACES[*place].limits().0 + 2) * BATCH_BYTES;
            owed.extend(open.iter().map(|(seq, _)| (*place, *seq)));
        }
        let budget = self.tabs[tab].budget;
        let sharers = self.tabs.iter().filter(|other| other.budget == budget);
        let held: usize = sharers.map(|other| other.keepalive_bytes).sum();
        if !owed.is_empty() && bytes + held < LAST_WORDS_BYTES {
            self.coverage.hit(LAST_WORDS);
            self.at(LAST_WORDS_MS_MAX, Event::LastWords(tab, owed));
        }
    }

    pub(crate) fn check_last_words(&mut self, tab: usize, owed: &[(usize, u64)]) {
        // It is back, and asks before it repeats what it has called off.
        if self.tabs[tab].seen.back_at + LAST_WORDS_MS_MAX > self.now {
            return;
        }
        let book = &self.model.books[tab];
        let missing: Vec<_> = owed
            .iter()
            .filter(|(place, seq)| book.events[*seq as usize - 1].fates[*place].is_open())
            .map(|(place, seq)| (PLACES[*place].name, seq))
            .collect();
        if !missing.is_empty() {
            let count = missing.len();
            let what =
                format!("{count} events of tab {tab}, which has been left, have not arrived");
            self.fail(21, &format!("{what}: {missing:?}"));
        }
    }

    /// Nobody touches the journal of a tab that lives and is heard (22).
    pub(crate) fn check_owners(&mut self, tab: usize) {
        for key in std::mem::take(&mut self.storage.notes.of_others) {
            let Some((owner, _)) = self.record_of(&key) else {
                continue;
            };
            if owner != tab && self.is_known_to(tab, owner) {
                self.fail(
                    22,
                    &format!("tab {tab} changes {key:?} of tab {owner}, which lives"),
                );
            }
        }
    }

    /// Whether a tab must know that another one lives: both have been there for a while, and messages come through.
    fn is_known_to(&self, tab: usize, other: usize) -> bool {
        let faults = &self.profile.faults;
        let sound = faults.channel_loss == 0 && faults.channel_delay_ms_max <= 150;
        let leader_mode = self.profile.config.multi_tab_mode == MultiTabMode::Leader;
        let settled = |tab: usize| {
            let at = &self.tabs[tab];
            let there = at.life == Life::Live && !at.leaving && !at.stopped && at.channel.is_some();
            there && at.seen.back_at + KNOWN_AFTER_MS < self.now
        };
        sound && leader_mode && self.profile.platform.has_channel && settled(tab) && settled(other)
    }
}
