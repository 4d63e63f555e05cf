//! Invariants that are checked as things happen, each with a number (see the top of `main.rs`).

use sendoff::engine::config::MultiTabMode;
use sendoff::engine::io::{Means, Request};
use sendoff::engine::report::{Figures, Stats};
use sendoff::model::drop_reason::DropReason;

use crate::bodies::Body;
use crate::network::BUDGET_BYTES;
use crate::places::{PLACES, place_named, place_of};
use crate::storage::PREFIXES;
use crate::world::World;

/// Of a message, unless a seed is replayed.
const TEXT_CHARS_MAX: usize = 400;
/// Room for what a journal holds beside events: offsets, sealed batches, headers.
const STORAGE_SLACK_BYTES: usize = 8_192;
/// What other tabs hold is weighed anew that often while there seems to be no room, in milliseconds.
const ROOM_SEEN_MS: u64 = 1_000;

impl World {
    /// Ends the run: invariant `number` is broken.
    pub(crate) fn fail(&self, number: u32, what: &str) -> ! {
        let short: String = what.chars().take(TEXT_CHARS_MAX).collect();
        let text = if self.verbose { what } else { &short };
        panic!("invariant {number} is broken at {} ms: {text}", self.now)
    }

    /// A body leaves the machine (a deferred one may never do). It must be what its batch id always
    /// stood for (6), and in its tab's order (4); on the way out, what can go goes.
    pub(crate) fn check_departure(&mut self, sender: usize, body: &Body, exit: bool) {
        if let Some(batch) = &body.batch {
            let name = format!("{batch} for {}", PLACES[body.place].name);
            let first = *self.batches.entry(name).or_insert(body.hash);
            if first != body.hash {
                let what = format!("batch {batch} is sent by tab {sender} with other bytes");
                self.fail(6, &what);
            }
        }
        self.check_order(sender, body, exit);
        for seq in &body.seqs {
            if let Some(fate) = self.model.fate(body.tab, *seq, body.place) {
                fate.left = true;
            }
        }
    }

    /// No event of a tab is sent before those that came before it, unless they were given up: so many as were
    /// reported, since tombstones may follow later (what is sealed or deferred already keeps its bytes).
    fn check_order(&mut self, sender: usize, body: &Body, exit: bool) {
        let Body {
            tab, place, seqs, ..
        } = body;
        if seqs.windows(2).any(|pair| pair[0] >= pair[1]) {
            self.fail(
                4,
                &format!("a batch of tab {tab} is out of order: {seqs:?}"),
            );
        }
        if exit {
            return;
        }
        let expired = self.model.reported(*place, DropReason::Expired);
        let book = &mut self.model.books[*tab];
        let last = seqs.last().copied().unwrap_or(0);
        let before = book.sent_upto[*place] + 1..=last;
        let skipped = before.filter(|seq| {
            let event = &book.events[*seq as usize - 1];
            let fate = &event.fates[*place];
            let known = fate.left || !fate.is_open() || event.hit.is_some();
            !known && seqs.binary_search(seq).is_err()
        });
        let mut skipped: Vec<u64> = skipped.collect();
        if sender != *tab && !skipped.is_empty() {
            // What memory alone holds, of a tab that sleeps or has just gone, nobody else can send.
            let held = self.in_store(*tab);
            skipped.retain(|seq| held.contains(seq));
        }
        let book = &mut self.model.books[*tab];
        book.sent_upto[*place] = last.max(book.sent_upto[*place]);
        book.skipped[*place] += skipped.len() as u64;
        let allowed = book.given_up(*place) + expired;
        if book.skipped[*place] > allowed && !book.left_alone {
            let name = PLACES[*place].name;
            let what = format!(
                "tab {sender} sends {last} of tab {tab} to {name}, but {skipped:?} were never sent"
            );
            self.fail(4, &what);
        }
    }

    /// No request before `Retry-After` has passed or while the breaker is open (8), other than on the
    /// way out; none to a destination that the page has paused.
    pub(crate) fn check_may_send(
        &mut self,
        tab: usize,
        request: &Request,
        body: &Body,
        exit: bool,
    ) {
        self.cover_send(tab, body, exit, request);
        let name = PLACES[body.place].name;
        if self.tabs[tab].paused.contains(&body.place) {
            self.fail(
                8,
                &format!("tab {tab} sends to {name}, which its page has paused"),
            );
        }
        if exit || matches!(request.means, Means::Deferred | Means::Beacon) {
            return;
        }
        let seen = &self.tabs[tab].seen.lanes[body.place];
        if self.now < seen.hold_until {
            let until = seen.hold_until;
            let what = format!("tab {tab} was told to wait until {until} ms and sends to {name}");
            self.fail(8, &what);
        }
        if self.now < seen.breaker_until {
            let until = seen.breaker_until;
            let what =
                format!("tab {tab} sends to {name} though its breaker is open until {until} ms");
            self.fail(8, &what);
        }
    }

    /// A follower leaves sending to its leader (10), other than on the way out, or where the leader does not send to
    /// that destination, or encodes otherwise.
    pub(crate) fn check_role_may_send(
        &mut self,
        tab: usize,
        sent: &Request,
        exit: bool,
        was: bool,
    ) {
        let leader_mode = self.profile.config.multi_tab_mode == MultiTabMode::Leader;
        let follows = was && self.stats(tab).role == "follower";
        if !leader_mode || !follows || exit || sent.means == Means::Deferred {
            return;
        }
        let place = place_of(&sent.url, sent.content_type, false).map(|(place, _)| place);
        let declined = place.is_some_and(|place| self.tabs[tab].seen.lanes[place].declined);
        if declined || self.is_left_to_itself(tab) {
            self.coverage.hit("follower sends what its leader cannot");
            return;
        }
        let (means, url) = (sent.means, &sent.url);
        self.fail(
            10,
            &format!("tab {tab} is a follower and sends by {means:?} to {url}"),
        );
    }

    /// Whether some tab of the project that may have led cannot do all that this one can, or messages get lost.
    fn is_left_to_itself(&self, tab: usize) -> bool {
        let this = &self.tabs[tab];
        let others = self
            .tabs
            .iter()
            .filter(|other| other.project == this.project);
        let mixed = others.clone().any(|other| {
            let same = this.site.iter().all(|lane| other.site.contains(lane));
            !same || other.lacks > 0
        });
        mixed || self.profile.faults.channel_loss > 0 || self.profile.faults.overtaking
    }

    /// After every call: the account is even (1), the bounds hold (9), no key of someone else was
    /// touched (15).
    pub(crate) fn check_after_call(&mut self, tab: usize, before: &Stats) {
        let stats = self.tabs[tab].seen.stats.clone();
        for (name, figures) in &stats.destinations {
            match place_named(name) {
                Some(place) => self.check_figures(tab, place, figures),
                None => self.fail(1, &format!("tab {tab} has a destination {name:?}")),
            }
        }
        let book = &self.model.books[tab];
        let expected = book.events.len() as u64;
        if !book.early && stats.last_seq != expected {
            self.fail(
                1,
                &format!("tab {tab} was called {expected} times well: {stats:?}"),
            );
        }
        if let Some(key) = self.storage.notes.foreign.take() {
            self.fail(15, &format!("tab {tab} changes the key {key:?}"));
        }
        self.records_written();
        self.check_owners(tab);
        self.cover_call(tab, before);
    }

    /// The account of one destination.
    fn check_figures(&self, tab: usize, place: usize, figures: &Figures) {
        let name = PLACES[place].name;
        let dropped: u64 = figures.dropped.iter().map(|count| count.count).sum();
        let ends = figures.delivered + figures.pending + figures.handed_back + dropped;
        if figures.accepted + figures.adopted != ends {
            self.fail(
                1,
                &format!("the account of tab {tab} with {name} is not even: {figures:?}"),
            );
        }
        let book = &self.model.books[tab];
        let owed = book.owed[place];
        if !book.early && figures.accepted != owed {
            self.fail(
                1,
                &format!("tab {tab} was called {owed} times well for {name}: {figures:?}"),
            );
        }
        let reported: u64 = book.reported[place].values().sum();
        if reported != dropped {
            self.fail(
                1,
                &format!("tab {tab} reported {reported} drops at {name}: {figures:?}"),
            );
        }
        // What was taken over is bounded by what its tabs were allowed.
        let taken = figures.adopted - figures.handed_back;
        if figures.pending > u64::from(self.profile.config.max_queue_size) + taken {
            self.fail(
                9,
                &format!(
                    "more than maxQueueSize events are waiting in tab {tab} for {name}: {figures:?}"
                ),
            );
        }
    }

    /// A tab runs, and may look how much room there is.
    pub(crate) fn see_room(&mut self, tab: usize) {
        let cap = self.profile.config.max_storage_bytes as usize;
        if self.storage.used_bytes(self.tabs[tab].process) + 40 * 1_000 >= cap / 8 {
            self.tabs[tab].seen.crowded_at = Some(self.now);
        }
    }

    /// What was tracked is in the store when the call returns (19), unless there is none, it is full,
    /// or the cap may be the reason. Room that somebody has made is seen a second later.
    pub(crate) fn check_durable(&mut self, tab: usize) {
        let (at, stats) = (&self.tabs[tab], self.stats(tab));
        if stats.volatile == 0 {
            return;
        }
        let hit = self.model.books[tab].events.iter();
        // What a leader holds of dead tabs counts, and it learns late that their records are gone.
        let room = at.memory.is_none()
            && !self.storage.forgets
            && !hit.clone().any(|event| event.hit.is_some())
            && !at.seen.met_quota
            && self.profile.padding_max <= 200
            && at.pending() <= 40
            && at
                .seen
                .crowded_at
                .is_none_or(|crowded| crowded + ROOM_SEEN_MS < self.now);
        if room && !at.stopped {
            self.fail(
                19,
                &format!("tab {tab} keeps calls in memory alone: {stats:?}"),
            );
        }
    }

    /// No tab takes more of the origin's storage than the cap, and all of a project together not much more (9):
    /// tabs share it as they come and go, and what was written before stays until it is delivered.
    pub(crate) fn check_storage(&self) {
        let cap = self.profile.config.max_storage_bytes as usize;
        for prefix in PREFIXES {
            let mut bytes = vec![0; self.tabs.len()];
            for (key, value) in self.storage.entries(prefix) {
                if let Some((tab, record)) = self.record_of(key)
                    && record != "e"
                {
                    bytes[tab] += key.len() + value.len();
                }
            }
            if let Some(tab) = bytes
                .iter()
                .position(|bytes| *bytes > cap + STORAGE_SLACK_BYTES)
            {
                let bytes = bytes[tab];
                let what = format!("tab {tab} holds {bytes} bytes of storage, allowed: {cap}");
                self.fail(9, &what);
            }
            let holders = bytes.iter().filter(|bytes| **bytes > 0).count();
            let total: usize = bytes.iter().sum();
            if total > cap * 3 + holders * STORAGE_SLACK_BYTES {
                let what = format!("{holders} tabs hold {total} bytes of storage, allowed: {cap}");
                self.fail(9, &what);
            }
        }
    }

    /// The engine keeps to the budget that its page's keepalive requests share (9); that the page
    /// itself uses some of it, it cannot know.
    pub(crate) fn check_keepalive(&self, tab: usize, bytes: usize) {
        let held = self.tabs[tab].keepalive_bytes;
        if held + bytes > BUDGET_BYTES {
            self.fail(
                9,
                &format!("tab {tab} adds {bytes} keepalive bytes to {held} in flight"),
            );
        }
    }

    /// What is called delivered has arrived (11).
    pub(crate) fn check_delivered(
        &mut self,
        tab: usize,
        place: usize,
        (of, from, to): (&str, u64, u64),
        count: u32,
    ) {
        let Some(book) = self
            .model
            .tab_numbers
            .get(of)
            .map(|of| &self.model.books[*of])
        else {
            self.fail(
                11,
                &format!("tab {tab} delivered events of unknown tab {of}"),
            )
        };
        let events = book
            .events
            .iter()
            .skip(from as usize - 1)
            .take((to + 1 - from) as usize);
        let fates = events.map(|event| &event.fates[place]);
        let arrived = fates.filter(|fate| fate.stored || fate.declined).count();
        if arrived < count as usize {
            let name = PLACES[place].name;
            let what =
                format!("tab {tab} reports {count} of {from}-{to} of tab {of} delivered to {name}");
            self.fail(11, &format!("{what}, but {arrived} of them have arrived"));
        }
    }

    /// One answer for each `flush()` and `shutdown()` (17).
    pub(crate) fn check_flushed(&mut self, tab: usize, id: u32) {
        match self.tabs[tab].seen.flushes.remove(&id) {
            Some(false) => self.coverage.hit("flush answered"),
            Some(true) => {
                self.coverage.hit("shutdown answered");
                self.memory_lost(tab);
            }
            None => self.fail(
                17,
                &format!("tab {tab} answers flush {id} twice or unasked"),
            ),
        }
    }
}
