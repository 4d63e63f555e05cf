//! What an onlooker notes about the tabs: when they may send again, who leads, who hears whom; and
//! the coverage that follows from it.

use sendoff::engine::io::{Means, Nature, Outcome, Request, RetryAfter, Why};
use sendoff::engine::report::Stats;
use sendoff::model::drop_reason::DropReason;

use crate::bodies::Body;
use crate::places::{Dialect, PLACES, place_named};
use crate::tab::{About, Arrival, Life};
use crate::world::World;

/// How long the breaker stays open at least.
const BREAKER_MS: u64 = 5_000;
/// It opens after five failures in a row; those that the world counts a little differently leave room.
const BREAKER_FAILURES_MAX: u32 = 8;

impl World {
    /// Looks at an input just before an engine gets it.
    pub(crate) fn watch_arrival(&mut self, tab: usize, arrival: &Arrival) {
        match arrival {
            Arrival::Peer { from, text } => {
                self.watch_peer(tab, *from);
                self.watch_declined(tab, text);
            }
            Arrival::Answer {
                outcome,
                about: Some(about),
                ..
            } => {
                self.watch_outcome(tab, outcome, about);
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

    /// The leader may leave a destination to a follower: that it does not know, or that it does not get through to.
    fn watch_declined(&mut self, tab: usize, text: &str) {
        let mut fields = text.split('\t');
        if fields.nth(1) != Some("declined") {
            return;
        }
        let tag = |name: &str| fields.clone().find_map(|field| field.strip_prefix(name));
        let to_me = tag("to=") == Some(self.tabs[tab].name.as_str());
        if let Some(place) = tag("destination=").and_then(place_named)
            && to_me
        {
            self.coverage
                .hit("leader leaves a destination to its follower");
            self.tabs[tab].seen.lanes[place].declined = true;
        }
    }

    fn watch_outcome(&mut self, tab: usize, outcome: &Outcome, about: &About) {
        let (body, exit) = (&about.body, about.exit);
        let place = body.place;
        let Outcome::Status {
            code,
            retry_after,
            nature,
            ..
        } = outcome
        else {
            if matches!(outcome, Outcome::Network | Outcome::TimedOut) {
                self.saw_lone_failure(body);
                if !exit {
                    self.saw_failure(tab, place);
                }
            }
            return;
        };
        if matches!(nature, Nature::Html | Nature::Opaque) {
            if !exit {
                self.saw_failure(tab, place);
            }
            return;
        }
        match code {
            200..=299 => self.saw_success(tab, outcome, body),
            400 | 422 => self.saw_refusal(tab, body),
            413 if body.seqs.len() > 1 => {
                let lane = &mut self.tabs[tab].seen.lanes[place];
                lane.too_large = Some((body.seqs[0], body.seqs.len()));
                lane.failures = 0;
            }
            413 => self.saw_refusal(tab, body),
            _ => {
                if let Some(when) = retry_after {
                    self.saw_retry_after(tab, place, *when);
                }
                self.saw_lone_failure(body);
                if !exit {
                    self.saw_failure(tab, place);
                }
            }
        }
    }

    fn saw_success(&mut self, tab: usize, outcome: &Outcome, body: &Body) {
        let lane = &mut self.tabs[tab].seen.lanes[body.place];
        lane.failures = 0;
        lane.attempts.clear();
        if let Outcome::Status {
            nature: Nature::Plain,
            body: Some(text),
            ..
        } = outcome
        {
            let dialect = PLACES[body.place].dialect;
            lane.spoke |= dialect != Dialect::TwoRoutes
                && (text.contains("\"accepted\"") || text.contains("\"ok\""));
        }
    }

    /// A batch that will never be taken as it is.
    fn saw_refusal(&mut self, tab: usize, body: &Body) {
        self.tabs[tab].seen.lanes[body.place].failures = 0;
        for seq in &body.seqs {
            if let Some(fate) = self.model.fate(body.tab, *seq, body.place) {
                fate.refused = true;
            }
        }
        // Nothing of that tab is left that could tell it again.
        let untold = body.dropped.iter().filter(|_| body.seqs.is_empty());
        for seq in untold.flat_map(|(from, to)| *from..=*to) {
            if let Some(fate) = self.model.fate(body.tab, seq, body.place) {
                fate.unwanted = true;
            }
        }
    }

    /// A request with one event failed: time after time, that is a reason to set it aside.
    fn saw_lone_failure(&mut self, body: &Body) {
        if let [seq] = body.seqs[..]
            && let Some(fate) = self.model.fate(body.tab, seq, body.place)
        {
            fate.alone += 1;
        }
    }

    fn saw_retry_after(&mut self, tab: usize, place: usize, when: RetryAfter) {
        let (now, wall) = (self.now, self.wall());
        let wait_ms = match when {
            RetryAfter::Millis(ms) => ms,
            RetryAfter::At(at) => at.0.saturating_sub(wall),
        };
        let lane = &mut self.tabs[tab].seen.lanes[place];
        lane.held_by_date = matches!(when, RetryAfter::At(_));
        lane.hold_until = lane.hold_until.max(now + wait_ms);
    }

    /// A request has failed.
    pub(crate) fn saw_failure(&mut self, tab: usize, place: usize) {
        let now = self.now;
        let lane = &mut self.tabs[tab].seen.lanes[place];
        lane.failures += 1;
        lane.attempts.push_back(now);
        while lane.attempts.front().is_some_and(|at| at + 10_000 < now) {
            lane.attempts.pop_front();
        }
        if lane.attempts.len() > 40 {
            self.fail(
                8,
                &format!("tab {tab} has failed 40 times in ten seconds and goes on"),
            );
        }
    }

    /// Follows the breakers: one opens after some failures in a row, and then nothing is sent.
    pub(crate) fn watch_breakers(&mut self, tab: usize, before: &Stats) {
        let figures = self.tabs[tab].seen.stats.destinations.clone();
        for (index, (name, figures)) in figures.iter().enumerate() {
            let Some(place) = place_named(name) else {
                continue;
            };
            let was = before.destinations.get(index);
            let was = was.map_or("closed", |(_, figures)| figures.breaker);
            self.watch_breaker(tab, place, was, figures.breaker);
        }
    }

    fn watch_breaker(&mut self, tab: usize, place: usize, was: &str, is: &str) {
        let now = self.now;
        let lane = &mut self.tabs[tab].seen.lanes[place];
        match is {
            "open" if was != "open" => {
                lane.breaker_until = now + BREAKER_MS;
                self.coverage.hit("breaker open");
            }
            // A late answer of a request sent before may close it again.
            "closed" if lane.failures == 0 => lane.breaker_until = 0,
            "closed" if lane.failures >= BREAKER_FAILURES_MAX => {
                let (failures, name) = (lane.failures, PLACES[place].name);
                self.fail(
                    8,
                    &format!(
                        "tab {tab} has failed {failures} times at {name} and its breaker is closed"
                    ),
                );
            }
            _ => {}
        }
    }

    pub(crate) fn cover_send(&mut self, tab: usize, body: &Body, exit: bool, request: &Request) {
        let (now, means) = (self.now, request.means);
        let breaker = self.breaker(tab, body.place);
        let lane = &mut self.tabs[tab].seen.lanes[body.place];
        let (first, events) = (body.seqs.first().copied(), body.seqs.len());
        if let Some((from, more)) = lane.too_large
            && first == Some(from)
            && events < more
        {
            lane.too_large = None;
            self.coverage.hit("413 split");
        }
        if exit && means == Means::Keepalive {
            self.coverage.hit("keepalive sent at exit");
        }
        if request.why == Why::Overtakes {
            self.coverage.hit("batch overtaken");
        }
        let lane = &mut self.tabs[tab].seen.lanes[body.place];
        let outside = !exit && means == Means::Fetch;
        if outside && lane.hold_until > 0 && now >= lane.hold_until {
            lane.hold_until = 0;
            let case = if lane.held_by_date {
                "retry-after date obeyed"
            } else {
                "retry-after seconds obeyed"
            };
            self.coverage.hit(case);
        }
        if outside && breaker == "half_open" {
            self.coverage.hit("half-open probe");
        }
    }

    fn breaker(&self, tab: usize, place: usize) -> &'static str {
        let mut figures = self.stats(tab).destinations.iter();
        let found = figures.find(|(name, _)| *name == PLACES[place].name);
        found.map_or("closed", |(_, figures)| figures.breaker)
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
        for lane in &mut self.tabs[tab].seen.lanes {
            lane.declined = false;
        }
        self.log("role", tab, term, || {
            format!("{was} -> {is}, leader {leader:?}")
        });
        if is == "leader" && was != "leader" {
            self.leaders.insert(tab);
            if self.rivals(tab) > 0 {
                self.coverage.hit("split brain");
            }
        } else if was == "leader" && is != "leader" {
            self.step_down(tab, leader.as_deref());
        }
    }

    /// Other leaders of the same project.
    fn rivals(&self, tab: usize) -> usize {
        let project = self.tabs[tab].project;
        let rivals = self.leaders.iter().filter(|other| **other != tab);
        rivals
            .filter(|other| self.tabs[**other].project == project)
            .count()
    }

    fn step_down(&mut self, tab: usize, leader: Option<&str>) {
        self.leaders.remove(&tab);
        self.forget_overlaps(tab);
        self.coverage.hit("leader stepped down");
        if self.rivals(tab) > 0 {
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
        let case = match code {
            "journal_damaged" => "corrupt record",
            "journal_foreign_version" => "another version's journal",
            "destination_unknown" => "unknown destination told",
            "storage_forgetful" => "forgetful storage told",
            _ => return,
        };
        self.coverage.hit(case);
    }
}
