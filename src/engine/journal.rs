//! The durable copy of one tab's log: segments of events in the store, and one small record of
//! what is settled and what is sealed.
//!
//! Keys are `sendoff:<project>:<tab>:<segment>`; while a tab lives it alone writes its keys, since
//! localStorage has no transactions between tabs. A segment is written once, named by its first
//! and last event, and removed when all its events are settled, so neither recording nor delivering an event
//! costs more when more are waiting.
//!
//! ```text
//! …:h      1 <checksum>\n<constant part of the envelope>
//! …:<n>-<m>  1 <written at> <count> <checksum>\n<seq>\t<event>\n<seq>\t<event> …
//! …:o      1 <checksum>\nn <settled>, then a line per sealed or deferred batch and hole
//! …:e      1\n<records>   calls the facade kept while the engine was still loading
//! ```
//!
//! The first character is the version of the format: keys of another version are left alone.

use super::{
    log::{Log, Seal},
    record,
    store::{Store, StoreError},
    time::{Instant, Now},
};
use crate::wire::{json::push_u64, text::join};

/// Bytes of events in one segment at most.
pub const SEGMENT_BYTES_MAX: usize = 64 * 1024;
/// Segments smaller than this are merged when idle.
const SMALL_BYTES: usize = 8 * 1024;
/// Room that is left for the record.
const RECORD_BYTES: usize = 512;
/// How long after a quota error more space is asked for again, in milliseconds.
const SQUEEZE_MS: u64 = 30_000;

/// One segment in the store.
#[derive(Clone, Copy, Debug)]
pub(super) struct Segment {
    /// Its first event.
    pub(super) from: u64,
    /// Its last event.
    pub(super) to: u64,
    /// Bytes of key and value.
    pub(super) bytes: usize,
}

/// Adds a segment where its range belongs.
pub(super) fn insert(segments: &mut Vec<Segment>, segment: Segment) {
    segments.insert(position(segments, segment.from, segment.to), segment);
}

/// Where a segment of that range is, or would be.
fn position(segments: &[Segment], from: u64, to: u64) -> usize {
    segments.partition_point(|other| (other.from, other.to) < (from, to))
}

/// Where one tab's log is kept. It holds no events itself.
#[derive(Clone, Debug)]
pub struct Journal {
    prefix: String,
    /// In order. Taking from the front moves the rest, which is a few words for each: what costs
    /// is the store, and that is only asked for what goes.
    segments: Vec<Segment>,
    /// Events after this one are only in memory.
    stored_to: u64,
    header_bytes: usize,
    record_bytes: usize,
    cap_bytes: usize,
    /// Lower than the cap after a quota error: the page needs the space more than we do.
    soft_cap_bytes: usize,
    squeezed_at: Option<Instant>,
    last_chance: bool,
}

impl Journal {
    /// A journal that holds nothing yet.
    #[must_use]
    pub fn new(project: &str, tab: &str, cap_bytes: usize) -> Self {
        Self {
            prefix: join(&["sendoff:", project, ":", tab, ":"]),
            segments: Vec::new(),
            stored_to: 0,
            header_bytes: 0,
            record_bytes: 0,
            cap_bytes,
            soft_cap_bytes: cap_bytes,
            squeezed_at: None,
            last_chance: false,
        }
    }

    /// Takes over segments found in the store, in order.
    pub(super) fn take_over(&mut self, found: Vec<Segment>, header_bytes: usize) {
        for segment in &found {
            self.stored_to = self.stored_to.max(segment.to);
        }
        self.segments = found;
        self.header_bytes = header_bytes;
    }

    /// Whether every segment of this journal that is among `keys` is known.
    #[must_use]
    pub fn knows(&self, keys: &[String]) -> bool {
        for key in keys {
            if let Some((from, to)) = self.name_of(key).and_then(record::segment_range)
                && !self.has_segment(from, to)
            {
                return false;
            }
        }
        true
    }

    fn has_segment(&self, from: u64, to: u64) -> bool {
        let mut segments = self.segments.iter();
        segments.any(|segment| (segment.from, segment.to) == (from, to))
    }

    /// What a key names within this journal, if it is one of its own.
    pub(super) fn name_of<'a>(&self, key: &'a str) -> Option<&'a str> {
        let (prefix, name) = key.split_at_checked(self.prefix.len())?;
        (prefix == self.prefix).then_some(name)
    }

    /// Whether the cap leaves room for about one more event.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.bytes() + RECORD_BYTES + 1024 < self.cap_bytes
    }

    /// Bytes in the store, keys and values.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.header_bytes + self.record_bytes + self.segments.iter().map(|s| s.bytes).sum::<usize>()
    }

    /// Pending events of `log` that are only in memory.
    #[must_use]
    pub fn volatile(&self, log: &Log) -> usize {
        log.entries_after(self.stored_to).count()
    }

    /// Whether every pending event is in the store.
    #[must_use]
    pub fn is_complete(&self, log: &Log) -> bool {
        log.next_seq() <= self.stored_to + 1 || self.volatile(log) == 0
    }

    /// Lowers or raises the cap; takes effect on what is written from now on.
    pub fn set_cap(&mut self, cap_bytes: usize) {
        self.cap_bytes = cap_bytes;
        self.soft_cap_bytes =
            self.soft_cap_bytes
                .min(cap_bytes)
                .max(if self.squeezed_at.is_none() {
                    cap_bytes
                } else {
                    0
                });
    }

    /// Writes what is only in memory, as far as the cap allows.
    ///
    /// # Errors
    /// When the store refuses. After a quota error half of what this journal held is given back,
    /// and for a while it stays small: the events are still in memory, the page's own data is not.
    pub fn append(&mut self, log: &Log, now: Now, store: &mut dyn Store) -> Result<(), StoreError> {
        self.recover(now.mono);
        while self.has_unstored(log) && self.write_next(log, now, store)? {}
        Ok(())
    }

    /// The last chance to write, whatever the quota said before: the page is about to go, and with
    /// it the copy in memory. Nothing is given back on failure.
    pub fn append_last(&mut self, log: &Log, now: Now, store: &mut dyn Store) {
        let (soft_cap_bytes, squeezed_at) = (self.soft_cap_bytes, self.squeezed_at);
        self.soft_cap_bytes = self.cap_bytes;
        self.last_chance = true;
        while self.has_unstored(log) && self.write_next(log, now, store) == Ok(true) {}
        self.last_chance = false;
        (self.soft_cap_bytes, self.squeezed_at) = (soft_cap_bytes, squeezed_at);
    }

    /// Removes header and record once nothing is left to be told.
    pub fn close_if_done(&mut self, log: &Log, store: &mut dyn Store) {
        if log.is_done() {
            self.remove_rest(store);
        }
    }

    /// Removes segments whose events are all settled.
    pub fn trim_segments(&mut self, log: &Log, store: &mut dyn Store) {
        let settled = log.settled();
        self.remove_where(store, &|segment| segment.to <= settled);
    }

    /// Removes segments in a range that was given up, from behind what is still to be answered.
    pub fn drop_range(&mut self, log: &Log, from: u64, to: u64, store: &mut dyn Store) {
        self.remove_where(store, &|segment| {
            segment.to >= from && segment.from <= to && log.count(segment.from, segment.to) == 0
        });
    }

    fn remove_where(&mut self, store: &mut dyn Store, is_over: &dyn Fn(&Segment) -> bool) {
        let mut segments = core::mem::take(&mut self.segments);
        segments.retain(|segment| {
            let over = is_over(segment);
            if over {
                store.remove(&self.segment_key(segment.from, segment.to));
            }
            !over
        });
        self.segments = segments;
    }

    /// Writes what is settled and sealed. Called before a batch first leaves, so that whoever finds
    /// this journal sends the same bytes under the same id.
    pub fn write_record(&mut self, log: &Log, deferred: &[Seal], store: &mut dyn Store) {
        let key = self.key("o");
        if log.is_done() {
            self.remove_rest(store);
            return;
        }
        let text = &record::write_record(log, deferred);
        // Without room for the new one the old record stays: what it says of settled events and gaps
        // is still true, and batches that are not what they were are told by their stamp.
        if store.set(&key, text).is_ok() {
            self.record_bytes = key.len() + text.len();
        }
    }

    /// The batches that the stored record names as sealed: by this tab, or by one that took its
    /// journal over while it was away.
    #[must_use]
    pub fn stored_seals(&self, store: &dyn Store) -> Vec<Seal> {
        store
            .get(&self.key("o"))
            .map_or_else(Vec::new, |text| record::read_seals(&text))
    }

    /// Whether there is something to merge.
    #[must_use]
    pub fn is_fragmented(&self) -> bool {
        let mut small = 0;
        for segment in &self.segments {
            small += usize::from(segment.bytes < SMALL_BYTES);
        }
        small > 8
    }

    /// Merges runs of small segments. A crash in between leaves events twice in the store, never
    /// not at all; a reader keeps one of each number.
    pub fn merge(&mut self, log: &Log, now: Now, store: &mut dyn Store) {
        let is_small = |segment: &Segment| segment.bytes < SMALL_BYTES;
        let start = self.segments.iter().position(is_small);
        let run = start.and_then(|start| self.segments.get(start..));
        let Some(run @ [first, ..]) = run else { return };
        // Only a run without larger ones between: the merged segment must not overlap any.
        let end = run.iter().position(|segment| !is_small(segment));
        let run = run.get(..end.unwrap_or(run.len())).unwrap_or_default();
        let last = run.last().map_or(0, |segment| segment.to);
        let (text, written_to) =
            record::write_segment(log, first.from - 1, last, SEGMENT_BYTES_MAX, now.wall);
        let (from, mut to, mut merged) = (first.from, 0, 0);
        for segment in run {
            if segment.to <= written_to {
                (to, merged) = (segment.to, merged + 1);
            }
        }
        // A name of its own: whoever still reads the old ones removes those, and not this one.
        let key = self.segment_key(from, to);
        if merged < 2 || store.set(&key, &text).is_err() {
            return;
        }
        self.remove_where(store, &|segment| segment.from >= from && segment.to <= to);
        let bytes = key.len() + text.len();
        insert(&mut self.segments, Segment { from, to, bytes });
    }

    /// Whether somebody removed our keys: the user cleared the site's data, or another tab took
    /// the journal over and is done with it. The header is small and goes last.
    #[must_use]
    pub fn was_cleared(&self, store: &dyn Store) -> bool {
        self.header_bytes > 0 && store.get(&self.key("h")).is_none()
    }

    /// Drops what is stored, so that the next `append` writes everything again.
    pub fn start_over(&mut self, store: &mut dyn Store) {
        self.remove_all(store);
        self.stored_to = 0;
    }

    /// Removes every key of this journal that it knows of.
    pub fn remove_all(&mut self, store: &mut dyn Store) {
        self.remove_where(store, &|_| true);
        for name in ["o", "h", "e"] {
            store.remove(&self.key(name));
        }
        (self.record_bytes, self.header_bytes) = (0, 0);
    }

    fn remove_rest(&mut self, store: &mut dyn Store) {
        for (name, bytes) in [("o", self.record_bytes), ("h", self.header_bytes)] {
            if bytes > 0 {
                store.remove(&self.key(name));
            }
        }
        (self.record_bytes, self.header_bytes) = (0, 0);
    }

    fn has_unstored(&self, log: &Log) -> bool {
        log.next_seq() > self.stored_to + 1 && log.entries_after(self.stored_to).next().is_some()
    }

    /// Writes one segment; false when the cap leaves no room.
    fn write_next(
        &mut self,
        log: &Log,
        now: Now,
        store: &mut dyn Store,
    ) -> Result<bool, StoreError> {
        let header_bytes = if self.header_bytes == 0 {
            self.prefix.len() + log.header.len() + 16
        } else {
            0
        };
        let reserved = header_bytes + RECORD_BYTES.saturating_sub(self.record_bytes);
        let room = self.soft_cap_bytes.saturating_sub(self.bytes() + reserved);
        let first = log.entries_after(self.stored_to).next();
        let Some(first) = first.filter(|entry| entry.text.len() + 256 < room) else {
            return Ok(false);
        };
        self.write_header(log, store)?;
        let (text, to) = record::write_segment(
            log,
            self.stored_to,
            u64::MAX,
            SEGMENT_BYTES_MAX.min(room - 200),
            now.wall,
        );
        let key = self.segment_key(first.seq, to);
        if let Err(error) = store.set(&key, &text) {
            self.squeeze(error, now.mono, store);
            return Err(error);
        }
        self.segments.push(Segment {
            from: first.seq,
            to,
            bytes: key.len() + text.len(),
        });
        self.stored_to = to;
        Ok(true)
    }

    fn write_header(&mut self, log: &Log, store: &mut dyn Store) -> Result<(), StoreError> {
        if self.header_bytes == 0 {
            let (key, value) = (self.key("h"), record::guard(&[], &log.header));
            store.set(&key, &value)?;
            self.header_bytes = key.len() + value.len();
        }
        Ok(())
    }

    fn squeeze(&mut self, error: StoreError, now: Instant, store: &mut dyn Store) {
        if error == StoreError::QuotaExceeded && !self.last_chance {
            self.soft_cap_bytes = self.bytes() / 2;
            self.squeezed_at = Some(now);
            while self.bytes() > self.soft_cap_bytes
                && let Some(segment) = self.segments.pop()
            {
                store.remove(&self.segment_key(segment.from, segment.to));
                self.stored_to = segment.from - 1;
            }
        }
    }

    fn recover(&mut self, now: Instant) {
        if let Some(since) = self.squeezed_at
            && now.since_ms(since) >= SQUEEZE_MS
        {
            self.soft_cap_bytes = (self.soft_cap_bytes * 2)
                .clamp(SEGMENT_BYTES_MAX.min(self.cap_bytes), self.cap_bytes);
            self.squeezed_at = (self.soft_cap_bytes < self.cap_bytes).then_some(now);
        }
    }

    pub(super) fn segment_key(&self, from: u64, to: u64) -> String {
        let mut key = self.prefix.clone();
        push_u64(&mut key, from);
        key.push('-');
        push_u64(&mut key, to);
        key
    }

    pub(super) fn key(&self, name: &str) -> String {
        join(&[&self.prefix, name])
    }
}
