//! What must hold, numbered as in the documentation of `main.rs`.

use std::rc::Rc;

use sendoff::engine::config::MultiTabMode;
use sendoff::engine::io::{Means, Request};
use sendoff::engine::report::Stats;
use sendoff::model::drop_reason::DropReason;

use crate::collector::{Body, Envelope, WireEvent};
use crate::model::Sent;
use crate::network::BUDGET_BYTES;
use crate::rng::hash;
use crate::storage::PREFIX;
use crate::world::World;

/// Of a message, unless a seed is replayed.
const TEXT_CHARS_MAX: usize = 400;
/// Room for what a journal holds beside events: offsets, sealed batches, headers.
const STORAGE_SLACK_BYTES: usize = 8_192;

impl World {
    /// Ends the run: invariant `number` is broken.
    pub(crate) fn fail(&self, number: u32, what: &str) -> ! {
        let short: String = what.chars().take(TEXT_CHARS_MAX).collect();
        let text = if self.verbose { what } else { &short };
        panic!("invariant {number} is broken at {} ms: {text}", self.now)
    }

    /// Reads a body that an engine wants to send. Every event in it must be one that was tracked,
    /// unchanged (2), under the key and with the bytes it always had (5), in its tab's order (4), in
    /// a batch whose id never stood for other bytes (6).
    pub(crate) fn inspect(&mut self, sender: usize, text: &str) -> Rc<Body> {
        let hash = hash(text.as_bytes());
        if let Some(body) = self.bodies.get(&hash) {
            if body.batch.is_some() {
                self.coverage.hit("batch re-sent");
            }
            return body.clone();
        }
        let body = Rc::new(self.read_body(sender, text, hash));
        self.bodies.insert(hash, body.clone());
        body
    }

    fn read_body(&mut self, sender: usize, text: &str, hash: u64) -> Body {
        let envelope: Envelope<'_> = match serde_json::from_str(text) {
            Ok(envelope) => envelope,
            Err(error) => self.fail(2, &format!("tab {sender} sends bad JSON ({error}): {text}")),
        };
        let mut body = Body {
            hash,
            bytes: text.len(),
            tab: sender,
            ..Body::default()
        };
        if envelope.api_key != "demo" || envelope.sent_at.len() != 24 {
            self.fail(
                2,
                &format!("tab {sender} sends a wrong envelope: {text:.200}"),
            );
        }
        body.receipts = envelope.receipts;
        if envelope.events.is_empty() && envelope.dropped.is_empty() {
            return body;
        }
        let tab = envelope.tab.and_then(|tab| self.model.tab_numbers.get(tab));
        let Some(tab) = tab.copied() else {
            self.fail(
                2,
                &format!("tab {sender} sends events of no tab: {text:.200}"),
            )
        };
        body.tab = tab;
        body.batch = envelope.batch_id.map(str::to_owned);
        for gap in &envelope.dropped {
            self.bury(tab, gap.from, gap.to, &gap.reason);
            body.dropped.push((gap.from, gap.to));
        }
        for event in &envelope.events {
            body.seqs.push(self.read_event(sender, tab, event.get()));
        }
        body
    }

    fn bury(&mut self, tab: usize, from: u64, to: u64, reason: &str) {
        for seq in from..=to {
            match self.model.event(tab, seq) {
                Some(event) => event.buried = true,
                None => self.fail(
                    2,
                    &format!("event {seq} of tab {tab}, never tracked, is given up: {reason}"),
                ),
            }
        }
    }

    fn read_event(&mut self, sender: usize, tab: usize, text: &str) -> u64 {
        let event: WireEvent<'_> = match serde_json::from_str(text) {
            Ok(event) => event,
            Err(error) => self.fail(
                2,
                &format!("tab {sender} sends a bad event ({error}): {text}"),
            ),
        };
        let (seq, key, bytes_hash) = (event.seq, event.idempotency_key, hash(text.as_bytes()));
        let new_key = !self.model.keys.contains(key);
        let ids_may_differ = self.model.books[tab].was_early;
        let Some(tracked) = self.model.event(tab, seq) else {
            self.fail(
                2,
                &format!("tab {sender} sends event {seq} of tab {tab}, never tracked: {text}"),
            )
        };
        let wrong = match &tracked.sent {
            Some(sent) if sent.key != key => Some((5, "has another key")),
            Some(sent) if sent.bytes_hash != bytes_hash && !ids_may_differ => {
                Some((5, "has other bytes under its key"))
            }
            None if !new_key => Some((5, "has a key that was used before")),
            _ if tracked.name != event.name => Some((2, "has another name")),
            _ if tracked.properties != event.properties.get() => Some((2, "has other properties")),
            _ if tracked.timestamp != event.timestamp => Some((2, "has another timestamp")),
            _ if tracked.user_id.is_some() && tracked.user_id != event.user_id => {
                Some((2, "has another user"))
            }
            _ => None,
        };
        if let Some((number, what)) = wrong {
            let text = format!("event {seq} of tab {tab}, sent by tab {sender}, {what}: {text}");
            self.fail(number, &text);
        }
        if tracked.sent.is_none() {
            tracked.sent = Some(Sent {
                key: key.to_owned(),
                bytes_hash,
            });
            self.model.keys.insert(key.to_owned());
        }
        seq
    }

    /// A body leaves the machine (a deferred one may never do). It must be what its batch id always
    /// stood for (6), and in its tab's order (4); on the way out, what can go goes.
    pub(crate) fn check_departure(&mut self, sender: usize, body: &Body, exit: bool) {
        if let Some(batch) = &body.batch {
            let first = *self.batches.entry(batch.clone()).or_insert(body.hash);
            if first != body.hash {
                self.fail(
                    6,
                    &format!("batch {batch} is sent by tab {sender} with other bytes"),
                );
            }
        }
        if !exit {
            self.check_order(sender, body.tab, &body.seqs);
        }
        for seq in &body.seqs {
            if let Some(event) = self.model.event(body.tab, *seq) {
                event.left = true;
            }
        }
    }

    /// No event of a tab is sent before those that came before it, unless they were given up.
    fn check_order(&mut self, sender: usize, tab: usize, seqs: &[u64]) {
        // Tombstones may follow later: what is sealed or deferred already keeps its bytes.
        let dropped = self.model.reported.contains_key(&DropReason::Expired)
            || !self.tabs[tab].seen.dropped.is_empty();
        let book = &mut self.model.books[tab];
        let known = |seq: u64| {
            let event = &book.events[seq as usize - 1];
            event.left || event.buried || event.refused || dropped
        };
        let last = seqs.last().copied().unwrap_or(0);
        let mut before = book.sent_upto + 1..=last;
        let skipped = before.find(|seq| !known(*seq) && seqs.binary_search(seq).is_err());
        let falls = seqs.windows(2).any(|pair| pair[0] >= pair[1]);
        let damaged = book.damaged;
        let all = last.max(book.sent_upto);
        book.sent_upto = skipped.map_or(all, |skipped| skipped - 1);
        if falls {
            self.fail(
                4,
                &format!("a batch of tab {tab} is out of order: {seqs:?}"),
            );
        }
        if let Some(skipped) = skipped.filter(|_| !damaged) {
            let what =
                format!("tab {sender} sends {last} of tab {tab}, but {skipped} was never sent");
            self.fail(4, &what);
        }
    }

    /// No request before `Retry-After` has passed or while the breaker is open (8), other than on the
    /// way out.
    pub(crate) fn check_may_send(&mut self, tab: usize, means: Means, body: &Body, exit: bool) {
        self.cover_send(tab, body, exit, means);
        if exit || matches!(means, Means::Deferred | Means::Beacon) {
            return;
        }
        let seen = &self.tabs[tab].seen;
        if self.now < seen.hold_until {
            let until = seen.hold_until;
            self.fail(
                8,
                &format!("tab {tab} was told to wait until {until} ms and sends"),
            );
        }
        if self.now < seen.breaker_until {
            let until = seen.breaker_until;
            self.fail(
                8,
                &format!("tab {tab} sends though its breaker is open until {until} ms"),
            );
        }
    }

    /// A follower leaves sending to its leader (10), other than on the way out.
    pub(crate) fn check_role_may_send(
        &mut self,
        tab: usize,
        sent: &Request,
        exit: bool,
        was: bool,
    ) {
        let leader_mode = self.profile.config.multi_tab_mode == MultiTabMode::Leader;
        let follows = was && self.stats(tab).role == "follower";
        if leader_mode && follows && !exit && sent.means != Means::Deferred {
            self.fail(
                10,
                &format!("tab {tab} is a follower and sends by {:?}", sent.means),
            );
        }
    }

    /// After every call: the account is even (1), the bounds hold (9), no key of someone else was
    /// touched (15).
    pub(crate) fn check_after_call(&mut self, tab: usize, before: &Stats) {
        let stats = &self.tabs[tab].seen.stats;
        let dropped: u64 = stats.dropped.iter().map(|count| count.count).sum();
        if stats.accepted + stats.adopted
            != stats.delivered + stats.pending + stats.handed_back + dropped
        {
            self.fail(
                1,
                &format!("the account of tab {tab} is not even: {stats:?}"),
            );
        }
        let expected = self.model.books[tab].events.len() as u64;
        let early = self.model.books[tab].early;
        if !early && (stats.accepted != expected || stats.last_seq != expected) {
            self.fail(
                1,
                &format!("tab {tab} was called {expected} times well: {stats:?}"),
            );
        }
        let reported: u64 = self.tabs[tab].seen.dropped.values().sum();
        if reported != dropped {
            self.fail(
                1,
                &format!("tab {tab} reported {reported} drops: {stats:?}"),
            );
        }
        // What was taken over is bounded by what its tabs were allowed.
        let taken = stats.adopted - stats.handed_back;
        if stats.pending > u64::from(self.profile.config.max_queue_size) + taken {
            self.fail(
                9,
                &format!("more than maxQueueSize events are waiting in tab {tab}: {stats:?}"),
            );
        }
        if let Some(key) = self.storage.notes.foreign.take() {
            self.fail(15, &format!("tab {tab} changes the key {key:?}"));
        }
        self.cover_call(tab, before);
    }

    /// What was tracked is in the store when the call returns (19), unless there is none, it is full,
    /// or the cap may be the reason.
    pub(crate) fn check_durable(&mut self, tab: usize) {
        let (at, stats) = (&self.tabs[tab], self.stats(tab));
        if stats.volatile == 0 {
            // Everything that waits has been written again.
            self.model.books[tab].cleared_at = None;
            return;
        }
        let cap = self.profile.config.max_storage_bytes as usize;
        // What a leader holds of dead tabs counts, and it learns late that their records are gone.
        let room = at.memory.is_none()
            && self.model.books[tab].cleared_at.is_none()
            && !at.seen.met_quota
            && self.profile.padding_max <= 200
            && stats.pending <= 40
            && self.storage.used_bytes(at.process) + 40 * 1_000 < cap / 8;
        if room && !at.stopped {
            self.fail(
                19,
                &format!("tab {tab} keeps calls in memory alone: {stats:?}"),
            );
        }
    }

    /// No tab takes more of the origin's storage than the cap, and all together not much more (9):
    /// tabs share it as they come and go, and what was written before stays until it is delivered.
    pub(crate) fn check_storage(&self) {
        let cap = self.profile.config.max_storage_bytes as usize;
        let mut bytes = vec![0; self.tabs.len()];
        for (key, value) in self
            .storage
            .entries(PREFIX)
            .filter(|(key, _)| !key.ends_with(":e"))
        {
            if let Some(tab) = self.tab_of_key(key) {
                bytes[tab] += key.len() + value.len();
            }
        }
        if let Some(tab) = bytes
            .iter()
            .position(|bytes| *bytes > cap + STORAGE_SLACK_BYTES)
        {
            let bytes = bytes[tab];
            self.fail(
                9,
                &format!("tab {tab} holds {bytes} bytes of storage, allowed: {cap}"),
            );
        }
        let holders = bytes.iter().filter(|bytes| **bytes > 0).count();
        let total: usize = bytes.iter().sum();
        if total > cap * 3 + holders * STORAGE_SLACK_BYTES {
            self.fail(
                9,
                &format!("{holders} tabs hold {total} bytes of storage, allowed: {cap}"),
            );
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
    pub(crate) fn check_delivered(&mut self, tab: usize, count: u32, of: &str, from: u64, to: u64) {
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
        let arrived = events
            .filter(|event| event.stored || event.declined)
            .count();
        if arrived < count as usize {
            let what = format!("tab {tab} reports {count} of {from}-{to} of tab {of} delivered");
            self.fail(11, &format!("{what}, but {arrived} of them have arrived"));
        }
    }

    /// One answer for each `flush()` and `shutdown()` (17).
    pub(crate) fn check_flushed(&mut self, tab: usize, id: u32) {
        match self.tabs[tab].seen.flushes.remove(&id) {
            Some(false) => self.coverage.hit("flush answered"),
            Some(true) => self.coverage.hit("shutdown answered"),
            None => self.fail(
                17,
                &format!("tab {tab} answers flush {id} twice or unasked"),
            ),
        }
    }
}
