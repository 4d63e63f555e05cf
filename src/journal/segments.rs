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
//! …:o      1 <checksum>\nn <settled> (l if the tab has left), then a line per sealed or deferred batch and hole
//! …:e      1 <begun at>\n<records>   calls the facade kept while the engine was still loading
//! ```
//!
//! The first character is the version of the format: keys of another version are left alone.

use crate::journal::log::{Log, Seal};
use crate::journal::record;
use crate::model::store::{Store, StoreError, read};
use crate::model::time::{Instant, Now};
use crate::text::fields::join;
use crate::text::json::push_u64;

/// Bytes of events in one segment at most.
pub const SEGMENT_BYTES_MAX: usize = 64 * 1024;
/// Segments smaller than this are merged when idle.
const SMALL_BYTES: usize = 8 * 1024;
/// Room that is left for the record.
const RECORD_BYTES: usize = 512;
/// How long after a quota error more space is asked for again, in milliseconds.
const SQUEEZE_MS: u64 = 30_000;

/// One segment in the store.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Segment {
    /// Its first event.
    pub(crate) from: u64,
    /// Its last event.
    pub(crate) to: u64,
    /// Bytes of key and value.
    pub(crate) bytes: usize,
}

impl Segment {
    /// What its key ends with.
    pub(crate) fn name(&self) -> String {
        let mut name = String::new();
        push_u64(&mut name, self.from);
        name.push('-');
        push_u64(&mut name, self.to);
        name
    }
}

/// Adds a segment where its range belongs.
pub(crate) fn insert(segments: &mut Vec<Segment>, segment: Segment) {
    let later = |other: &Segment| other.from > segment.from;
    let at = segments.iter().position(later);
    segments.insert(at.unwrap_or(segments.len()), segment);
}

/// Where one tab's log is kept. It holds no events itself.
#[derive(Clone, Debug)]
pub struct Journal {
    prefix: String,
    /// In order. Taking from the front moves the rest, which is a few words for each: what costs
    /// is the store, and that is only asked for what goes.
    pub(crate) segments: Vec<Segment>,
    /// Events after this one are only in memory.
    stored_to: u64,
    pub(crate) header_bytes: usize,
    pub(crate) record_bytes: usize,
    cap_bytes: usize,
    /// Lower than the cap after a quota error: the page needs the space more than we do.
    soft_cap_bytes: usize,
    squeezed_at: Instant,
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
            soft_cap_bytes: usize::MAX,
            squeezed_at: Instant(0),
        }
    }

    /// Whether every segment of this journal that is among `keys` is known, and its record, told by
    /// its length.
    #[must_use]
    pub fn knows(&self, keys: &[String], store: &dyn Store) -> bool {
        for key in keys {
            let name = self.name_of(key).unwrap_or("");
            let known = match record::segment_range(name) {
                Some([from, to]) => self.has_segment(from, to),
                None if name == "o" => {
                    let record = read(store, key);
                    key.len() + record.len() == self.record_bytes
                }
                None => true,
            };
            if !known {
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
    pub(crate) fn name_of<'a>(&self, key: &'a str) -> Option<&'a str> {
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
        self.header_bytes + self.record_bytes + self.segment_bytes()
    }

    fn segment_bytes(&self) -> usize {
        self.segments.iter().map(|segment| segment.bytes).sum()
    }

    /// Pending events of `log` that are only in memory.
    #[must_use]
    pub fn volatile(&self, log: &Log) -> usize {
        log.entries_after(self.stored_to).count()
    }

    /// Whether every pending event is in the store.
    #[must_use]
    pub fn is_complete(&self, log: &Log) -> bool {
        self.volatile(log) == 0
    }

    /// Lowers or raises the cap; takes effect on what is written from now on.
    pub const fn set_cap(&mut self, cap_bytes: usize) {
        self.cap_bytes = cap_bytes;
    }

    /// Writes what is only in memory, as far as the cap allows; everything, if somebody removed what
    /// was written.
    ///
    /// # Errors
    /// When the store refuses. After a quota error half of what this journal held is given back,
    /// and for a while it stays small: the events are still in memory, the page's own data is not.
    /// Not so with the `last_chance`, when the page is about to go, and with it the copy in memory.
    pub fn append(
        &mut self,
        log: &Log,
        now: Now,
        last_chance: bool,
        store: &mut dyn Store,
    ) -> Result<(), StoreError> {
        if self.was_cleared(store) {
            self.remove_all(store);
        }
        let mut cap_bytes = self.cap_bytes;
        if !last_chance {
            self.recover(now.mono);
            cap_bytes = cap_bytes.min(self.soft_cap_bytes);
        }
        while let Some(first) = log.entries_after(self.stored_to).next() {
            let head_bytes = self.prefix.len() + log.header.len() + 16;
            let reserved = head_bytes + self.record_bytes.max(RECORD_BYTES);
            let room = cap_bytes.saturating_sub(self.segment_bytes() + reserved);
            if first.text.len() + 256 >= room {
                break;
            }
            self.write_header(log, store)?;
            let (text, to) = record::write_segment(
                log,
                self.stored_to,
                u64::MAX,
                SEGMENT_BYTES_MAX.min(room - 200),
                now.wall,
            );
            let mut segment = Segment {
                from: first.seq,
                to,
                bytes: 0,
            };
            let key = self.segment_key(&segment);
            let written = store.set(&key, &text);
            if written == Err(StoreError::QuotaExceeded) && !last_chance {
                self.squeeze(now.mono, store);
            }
            written?;
            segment.bytes = key.len() + text.len();
            self.segments.push(segment);
            self.stored_to = to;
        }
        Ok(())
    }

    /// Removes segments up to an event of which none waits any more. Of a log taken over that can be
    /// said only as far as it is settled: what lies between its events may not have been seen yet.
    pub fn trim(&mut self, log: &Log, upto: u64, store: &mut dyn Store) {
        let mut index = 0;
        while let Some(segment) = self.segments.get(index) {
            if segment.to <= upto && log.count(segment.from, segment.to) == 0 {
                self.remove_segment(index, store);
            } else {
                index += 1;
            }
        }
    }

    /// Removes what is left once nothing is left to be told; tells whether that is so.
    pub fn close_if_done(&mut self, log: &Log, store: &mut dyn Store) -> bool {
        let done = log.is_done();
        if done && self.bytes() > 0 {
            self.remove_all(store);
        }
        done
    }

    fn remove_segment(&mut self, index: usize, store: &mut dyn Store) -> Segment {
        let segment = self.segments.remove(index);
        store.remove(&self.segment_key(&segment));
        segment
    }

    /// Writes what is settled and sealed. Called before a batch first leaves, so that whoever finds
    /// this journal sends the same bytes under the same id.
    pub fn write_record(&mut self, log: &Log, deferred: &[Seal], store: &mut dyn Store) {
        if self.close_if_done(log, store) {
            return;
        }
        let key = self.key("o");
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
    pub fn stored_seals(&self, log: &Log, store: &dyn Store) -> Vec<Seal> {
        let text = read(store, &self.key("o"));
        let (mut rest, mut seals) = (Log::new(log.tab, String::new()), Vec::new());
        _ = record::read_record(&text, &mut rest, &mut seals);
        seals
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

    /// Merges a run of small segments. A crash in between leaves events twice in the store, never
    /// not at all; a reader keeps one of each number.
    pub fn merge(&mut self, log: &Log, now: Now, store: &mut dyn Store) {
        // A segment of no event at all could not be told from a damaged one.
        self.trim(log, u64::MAX, store);
        let (mut start, mut count, mut whole) = (0, 0, Segment::default());
        for (index, segment) in self.segments.iter().enumerate() {
            let bytes = whole.bytes + segment.bytes;
            if segment.bytes < SMALL_BYTES && bytes <= SEGMENT_BYTES_MAX {
                if count == 0 {
                    (start, whole.from) = (index, segment.from);
                }
                (count, whole.to, whole.bytes) = (count + 1, segment.to, bytes);
            } else if count > 1 {
                break;
            } else {
                (count, whole.bytes) = (0, 0);
            }
        }
        if count < 2 {
            return;
        }
        // A name of its own: whoever still reads the old ones removes those, and not this one.
        let key = self.segment_key(&whole);
        let (after, to) = (whole.from - 1, whole.to);
        let (text, _) = record::write_segment(log, after, to, SEGMENT_BYTES_MAX, now.wall);
        if store.set(&key, &text).is_err() {
            return;
        }
        for _ in 0..count {
            self.remove_segment(start, store);
        }
        whole.bytes = key.len() + text.len();
        self.segments.insert(start, whole);
    }

    /// Whether somebody removed our keys: the user cleared the site's data, or another tab took
    /// the journal over and is done with it. The header is small and goes last.
    #[must_use]
    pub fn was_cleared(&self, store: &dyn Store) -> bool {
        self.header_bytes > 0 && store.get(&self.key("h")).is_none()
    }

    /// Removes every key of this journal that it knows of; the next `append` writes again what is
    /// left.
    pub fn remove_all(&mut self, store: &mut dyn Store) {
        while !self.segments.is_empty() {
            self.remove_segment(0, store);
        }
        for name in ["o", "h", "e"] {
            store.remove(&self.key(name));
        }
        (self.stored_to, self.record_bytes, self.header_bytes) = (0, 0, 0);
    }

    fn write_header(&mut self, log: &Log, store: &mut dyn Store) -> Result<(), StoreError> {
        if self.header_bytes == 0 {
            let (key, value) = (self.key("h"), record::guard(&[], &log.header));
            store.set(&key, &value)?;
            self.header_bytes = key.len() + value.len();
        }
        Ok(())
    }

    fn squeeze(&mut self, now: Instant, store: &mut dyn Store) {
        self.soft_cap_bytes = self.bytes() / 2;
        self.squeezed_at = now;
        while self.bytes() > self.soft_cap_bytes
            && let Some(last) = self.segments.len().checked_sub(1)
        {
            self.stored_to = self.remove_segment(last, store).from - 1;
        }
    }

    fn recover(&mut self, now: Instant) {
        if self.soft_cap_bytes < self.cap_bytes && now.since_ms(self.squeezed_at) >= SQUEEZE_MS {
            self.soft_cap_bytes = (self.soft_cap_bytes * 2).max(SEGMENT_BYTES_MAX);
            self.squeezed_at = now;
        }
    }

    fn segment_key(&self, segment: &Segment) -> String {
        self.key(&segment.name())
    }

    pub(crate) fn key(&self, name: &str) -> String {
        join(&[&self.prefix, name])
    }
}
