//! What an onlooker notes about the tabs: when they may send again, who leads, who hears whom; and
//! the coverage that follows from it.

use sendoff::engine::io::{Means, Outcome, RetryAfter};
use sendoff::engine::report::Stats;
use sendoff::model::drop_reason::DropReason;

use crate::collector::Body;
use crate::tab::{Arrival, Life};
use crate::world::World;

/// How long the breaker stays open at least.
const BREAKER_MS: u64 = 5_000;
/// It opens after five failures in a row; those that the world counts a little differently leave room.
const BREAKER_FAILURES_MAX: u32 = 8;

impl World {
    /// Looks at an input just before an engine gets it.
    pub(crate) fn watch_arrival(&mut self, tab: usize, arrival: &Arrival) {
        match arrival {
            Arrival::Peer { from, .. } => self.watch_peer(tab, *from),
            Arrival::Answer {
                outcome,
                about: Some(about),
                ..
            } => {
                self.watch_outcome(tab, outcome, &about.body, about.exit);
            }
            _ => {}
        }
    }

    fn watch_peer(&mut self, tab: usize, from: usize) {
        let both = from != tab && self.tabs[tab].leads() && self.tabs[from].leads();
        if both && self.faults.channel_loss == 0 {
            let now = self.now;
            self.overlaps
                .entry((tab.min(from), tab.max(from)))
                .or_insert(now);
        }
    }

    fn watch_outcome(&mut self, tab: usize, outcome: &Outcome, body: &Body, exit: bool) {
        let Outcome::Status {
            code, retry_after, ..
        } = outcome
        else {
            if matches!(outcome, Outcome::Network | Outcome::TimedOut) && !exit {
                self.saw_failure(tab);
            }
            return;
        };
        match code {
            200..=299 => {
                self.tabs[tab].seen.failures = 0;
            }
            408 | 429 | 500..=599 => {
                if let Some(when) = retry_after {
                    self.saw_retry_after(tab, *when);
                }
                if !exit {
                    self.saw_failure(tab);
                }
            }
            413 if body.seqs.len() > 1 => {
                self.tabs[tab].seen.too_large = Some((body.seqs[0], body.seqs.len()));
                self.tabs[tab].seen.failures = 0;
            }
            _ => {
                self.tabs[tab].seen.failures = 0;
                for seq in &body.seqs {
                    if let Some(event) = self.model.event(body.tab, *seq) {
                        event.refused = true;
                    }
                }
                // Nothing of that tab is left that could tell it again.
                let untold = body.dropped.iter().filter(|_| body.seqs.is_empty());
                for seq in untold.flat_map(|(from, to)| *from..=*to) {
                    if let Some(event) = self.model.event(body.tab, seq) {
                        event.unwanted = true;
                    }
                }
            }
        }
    }

    fn saw_retry_after(&mut self, tab: usize, when: RetryAfter) {
        let (now, wall) = (self.now, self.wall());
        let wait_ms = match when {
            RetryAfter::Millis(ms) => ms,
            RetryAfter::At(at) => at.0.saturating_sub(wall),
        };
        let seen = &mut self.tabs[tab].seen;
        seen.held_by_date = matches!(when, RetryAfter::At(_));
        seen.hold_until = seen.hold_until.max(now + wait_ms);
    }

    /// A request has failed.
    pub(crate) fn saw_failure(&mut self, tab: usize) {
        let now = self.now;
        let seen = &mut self.tabs[tab].seen;
        seen.failures += 1;
        seen.attempts.push_back(now);
        while seen.attempts.front().is_some_and(|at| at + 10_000 < now) {
            seen.attempts.pop_front();
        }
        if seen.attempts.len() > 40 {
            self.fail(
                8,
                &format!("tab {tab} has failed 40 times in ten seconds and goes on"),
            );
        }
    }

    /// Follows the breaker: it opens after some failures in a row, and then nothing is sent.
    pub(crate) fn watch_breaker(&mut self, tab: usize, before: &Stats) {
        let now = self.now;
        let seen = &mut self.tabs[tab].seen;
        match seen.stats.breaker {
            "open" if before.breaker != "open" => {
                seen.breaker_until = now + BREAKER_MS;
                self.coverage.hit("breaker open");
            }
            // A late answer of a request sent before may close it again.
            "closed" if seen.failures == 0 => seen.breaker_until = 0,
            "closed" if seen.failures >= BREAKER_FAILURES_MAX => {
                let failures = seen.failures;
                self.fail(
                    8,
                    &format!("tab {tab} has failed {failures} times and its breaker is closed"),
                );
            }
            _ => {}
        }
    }

    pub(crate) fn cover_send(&mut self, tab: usize, body: &Body, exit: bool, means: Means) {
        let now = self.now;
        let seen = &mut self.tabs[tab].seen;
        let (first, events) = (body.seqs.first().copied(), body.seqs.len());
        if let Some((from, more)) = seen.too_large
            && first == Some(from)
            && events < more
        {
            seen.too_large = None;
            self.coverage.hit("413 split");
        }
        if exit && means == Means::Keepalive {
            self.coverage.hit("keepalive sent at exit");
        }
        let outside = !exit && means == Means::Fetch;
        if outside && seen.hold_until > 0 && now >= seen.hold_until {
            seen.hold_until = 0;
            let case = if seen.held_by_date {
                "retry-after date obeyed"
            } else {
                "retry-after seconds obeyed"
            };
            self.coverage.hit(case);
        }
        if outside && seen.stats.breaker == "half_open" {
            self.coverage.hit("half-open probe");
        }
    }

    pub(crate) fn cover_drop(&mut self, reason: DropReason) {
        self.coverage.hit(match reason {
            DropReason::Overflow => "dropped: overflow",
            DropReason::Blocked => "dropped: blocked",
            DropReason::Rejected => "dropped: rejected",
            DropReason::TooLarge => "dropped: too large",
            DropReason::SetAside => "dropped: set aside",
            DropReason::Expired => "dropped: expired",
            _ => "dropped: corrupt",
        });
    }

    pub(crate) fn cover_call(&mut self, tab: usize, before: &Stats) {
        let notes = &mut self.storage.notes;
        self.tabs[tab].seen.met_quota |= notes.quota_errors > 0;
        let seen = [
            (std::mem::take(&mut notes.quota_errors), "quota error"),
            (
                std::mem::take(&mut notes.gave_back),
                "quota gave space back",
            ),
            (std::mem::take(&mut notes.stale_reads), "stale read"),
        ];
        let stats = &self.tabs[tab].seen.stats;
        let cases = [
            (stats.adopted > before.adopted, "orphan adopted"),
            (stats.handed_back > before.handed_back, "handed back"),
            (stats.volatile > 0, "volatile events"),
            (stats.blocked, "blocked endpoint"),
        ];
        let seen = seen.into_iter().map(|(count, case)| (count > 0, case));
        for (_, case) in seen.chain(cases).filter(|(hit, _)| *hit) {
            self.coverage.hit(case);
        }
    }

    /// Notes a change of role.
    pub(crate) fn watch_roles(&mut self, tab: usize, before: &Stats) {
        let (was, term) = (before.role, before.term);
        let stats = &self.tabs[tab].seen.stats;
        let is = stats.role;
        if was == is && term == stats.term {
            return;
        }
        let (term, leader) = (stats.term, stats.leader.clone());
        self.log("role", tab, term, || {
            format!("{was} -> {is}, leader {leader:?}")
        });
        if is == "leader" && was != "leader" {
            self.leaders.insert(tab);
            if self.leaders.len() > 1 {
                self.coverage.hit("split brain");
            }
        } else if was == "leader" && is != "leader" {
            self.step_down(tab, leader.as_deref());
        }
    }

    fn step_down(&mut self, tab: usize, leader: Option<&str>) {
        self.leaders.remove(&tab);
        self.forget_overlaps(tab);
        self.coverage.hit("leader stepped down");
        if !self.leaders.is_empty() {
            self.coverage.hit("split brain resolved");
        }
        let heir = leader.and_then(|name| self.model.tab_numbers.get(name));
        let heir_visible = heir.is_some_and(|heir| self.tabs[*heir].visible);
        let at = &self.tabs[tab];
        if !at.visible && at.life == Life::Live && heir_visible && !at.leaving {
            self.coverage.hit("hidden leader yielded");
        }
    }

    /// A tab is about to die without having said goodbye.
    pub(crate) fn note_death(&mut self, tab: usize) {
        if self.tabs[tab].seen.stats.role == "leader" {
            self.coverage.hit("leader lost");
        }
    }

    pub(crate) fn forget_overlaps(&mut self, tab: usize) {
        self.overlaps
            .retain(|(one, other), _| *one != tab && *other != tab);
    }

    /// Nothing that an engine complains about may be its own fault.
    pub(crate) fn check_error(&mut self, _tab: usize, code: &str) {
        if code == "journal_damaged" {
            self.coverage.hit("corrupt record");
        }
    }
}
