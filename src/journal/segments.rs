//! The durable copy of one tab's stream: segments of events in the store, and one small record of what is
//! settled and what is sealed.
//!
//! Keys are `sendoff:<project>:<tab>:<segment>`; while a tab lives it alone writes its keys, since
//! localStorage has no transactions between tabs. A segment is written once, named by its first
//! and last event, and removed when every destination is done with all its events, so neither recording nor
//! delivering an event costs more when more are waiting. What the values look like is in
//! [`super::record`].
//!
//! ```text
//! …:h        who recorded it, its context, and the destinations that it is for
//! …:<n>-<m>  events n to m
//! …:o        what is settled, sealed and given up, by destination
//! …:e        calls that the facade kept while the engine was still loading
//! ```

use crate::{
    journal::{
        log::Log,
        record::{self, Segment},
    },
    model::{
        event::Entry,
        store::{Store, StoreError},
        time::{Instant, Now, UnixMillis},
    },
    text::fields::join,
};

/// Bytes of events in one segment at most.
pub const SEGMENT_BYTES_MAX: usize = 64 * 1024;
/// Segments smaller than this are merged when idle.
const SMALL_BYTES: usize = 8 * 1024;
/// Room that is left for the record.
const RECORD_BYTES: usize = 512;
/// Room that one more event is reckoned to take.
const EVENT_BYTES: usize = 1024;
/// How long after a quota error more space is asked for again, in milliseconds.
const SQUEEZE_MS: u64 = 30_000;

/// Where one tab's stream is kept. It holds no events itself.
#[derive(Clone, Debug)]
pub struct Journal {
    prefix: String,
    /// In order. Taking from the front moves the rest, which is a few words for each: what costs
    /// is the store, and that is only asked for what goes.
    segments: Vec<Segment>,
    /// Events after this one are only in memory.
    stored_to: u64,
    /// The date of the newest segment.
    dated: UnixMillis,
    header_bytes: usize,
    record_bytes: usize,
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
            dated: UnixMillis(0),
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
        keys.iter().all(|key| {
            let name = self.name_of(key).unwrap_or("");
            match record::segment_range(name) {
                Some((from, to)) => self.segments.iter().any(|segment| segment.spans(from, to)),
                None if name == "o" => {
                    let record = store.get(key).unwrap_or_default();
                    key.len() + record.len() == self.record_bytes
                }
                None => true,
            }
        })
    }

    /// What a key names within this journal, if it is one of its own.
    #[must_use]
    pub fn name_of<'a>(&self, key: &'a str) -> Option<&'a str> {
        key.strip_prefix(self.prefix.as_str())
    }

    /// The key of a name within this journal.
    #[must_use]
    pub fn key(&self, name: &str) -> String {
        join(&[&self.prefix, name])
    }

    /// Takes down what was found in the store.
    pub fn restore(&mut self, segments: Vec<Segment>, header_bytes: usize, record_bytes: usize) {
        self.segments = segments;
        (self.header_bytes, self.record_bytes) = (header_bytes, record_bytes);
    }

    /// Whether the cap leaves room for about one more event.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.bytes() + RECORD_BYTES + EVENT_BYTES < self.cap_bytes
    }

    /// Bytes in the store, keys and values.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.header_bytes + self.record_bytes + self.segment_bytes()
    }

    fn segment_bytes(&self) -> usize {
        self.segments.iter().map(|segment| segment.bytes).sum()
    }

    /// Waiting events that are only in memory.
    #[must_use]
    pub fn volatile<'a>(&self, log: &'a Log) -> &'a [Entry] {
        log.after(self.stored_to)
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
        owed: &str,
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
        while let Some(first) = log.after(self.stored_to).first() {
            let head_bytes =
                self.prefix.len() + log.context.len() + log.sdk.len() + owed.len() + 16;
            let reserved = head_bytes + self.record_bytes.max(RECORD_BYTES);
            let page_bytes = log.page_text(first.page).len();
            let room = cap_bytes.saturating_sub(self.segment_bytes() + reserved + page_bytes);
            if first.text.len() + 256 >= room {
                break;
            }
            self.write_header(log, owed, store)?;
            self.write_segment(log, first.seq, room, now, last_chance, store)?;
        }
        Ok(())
    }

    /// The date of what is written now. It does not run backwards: when the clock is put right again, what was dated while it
    /// was behind would be too old at once.
    fn date(&mut self, wall: UnixMillis) -> UnixMillis {
        self.dated = self.dated.max(wall);
        self.dated
    }

    fn write_segment(
        &mut self,
        log: &Log,
        from: u64,
        room: usize,
        now: Now,
        last_chance: bool,
        store: &mut dyn Store,
    ) -> Result<(), StoreError> {
        let bytes_max = SEGMENT_BYTES_MAX.min(room - 200);
        let at = self.date(now.wall);
        let (text, to) = record::write_segment(log, self.stored_to, u64::MAX, bytes_max, at);
        let mut segment = Segment { from, to, bytes: 0 };
        let key = self.key(&segment.name());
        let written = put(store, &key, &text);
        if written == Err(StoreError::QuotaExceeded) && !last_chance {
            self.squeeze(now.mono, store);
        }
        written?;
        segment.bytes = key.len() + text.len();
        self.segments.push(segment);
        self.stored_to = to;
        Ok(())
    }

    /// Removes segments up to an event of which none waits any more. Of a stream found in the store that can
    /// be said only as far as it is settled: what lies between its events may not have been seen yet.
    pub fn trim(&mut self, log: &Log, upto: u64, store: &mut dyn Store) {
        let mut index = 0;
        while let Some(segment) = self.segments.get(index) {
            if segment.to <= upto && log.range(segment.from, segment.to).is_empty() {
                self.remove_segment(index, store);
            } else {
                index += 1;
            }
        }
    }

    fn remove_segment(&mut self, index: usize, store: &mut dyn Store) -> Segment {
        let segment = self.segments.remove(index);
        store.remove(&self.key(&segment.name()));
        segment
    }

    /// Writes what is settled and sealed. Called before a batch first leaves, so that whoever finds
    /// this journal sends the same bytes under the same id.
    pub fn write_record(&mut self, text: &str, store: &mut dyn Store) {
        let key = self.key("o");
        // Without room for the new one the old record stays: what it says of settled events and gaps
        // is still true, and batches that are not what they were are told by their stamp.
        if put(store, &key, text).is_ok() {
            self.record_bytes = key.len() + text.len();
        }
    }

    /// The record as it is stored.
    #[must_use]
    pub fn stored_record(&self, store: &dyn Store) -> String {
        store.get(&self.key("o")).unwrap_or_default()
    }

    /// Whether there is something to merge.
    #[must_use]
    pub fn is_fragmented(&self) -> bool {
        let small = self.segments.iter();
        small.filter(|one| one.bytes < SMALL_BYTES).count() > 8
    }

    /// Merges a run of small segments. A crash in between leaves events twice in the store, never
    /// not at all; a reader keeps one of each number.
    pub fn merge(&mut self, log: &Log, now: Now, store: &mut dyn Store) {
        // A segment of no event at all could not be told from a damaged one.
        self.trim(log, u64::MAX, store);
        let Some((start, count)) = self.small_run() else {
            return;
        };
        let run = self.segments.get(start..start + count).unwrap_or_default();
        let (Some(first), Some(last)) = (run.first(), run.last()) else {
            return;
        };
        // A name of its own: whoever still reads the old ones removes those, and not this one.
        let mut whole = Segment {
            from: first.from,
            to: last.to,
            bytes: 0,
        };
        let (key, after) = (self.key(&whole.name()), whole.from - 1);
        let at = self.date(now.wall);
        let (text, _) = record::write_segment(log, after, whole.to, SEGMENT_BYTES_MAX, at);
        if put(store, &key, &text).is_err() {
            return;
        }
        for _ in 0..count {
            self.remove_segment(start, store);
        }
        whole.bytes = key.len() + text.len();
        self.segments.insert(start, whole);
    }

    /// The first run of small segments that fit into one: where it starts and how many they are.
    fn small_run(&self) -> Option<(usize, usize)> {
        let (mut start, mut count, mut bytes) = (0, 0, 0);
        for (index, segment) in self.segments.iter().enumerate() {
            if segment.bytes < SMALL_BYTES && bytes + segment.bytes <= SEGMENT_BYTES_MAX {
                if count == 0 {
                    start = index;
                }
                (count, bytes) = (count + 1, bytes + segment.bytes);
            } else if count > 1 {
                break;
            } else {
                (count, bytes) = (0, 0);
            }
        }
        (count > 1).then_some((start, count))
    }

    /// Whether somebody removed our keys: the user cleared the site's data, or another tab took
    /// the journal over and is done with it. The header is small and goes last.
    #[must_use]
    pub fn was_cleared(&self, store: &dyn Store) -> bool {
        self.header_bytes > 0 && store.get(&self.key("h")).is_none()
    }

    /// Finds out whether somebody removed single segments (to make room, say): their events, and those after
    /// them, count as not written.
    pub fn check(&mut self, store: &mut dyn Store) {
        let keys = store.keys(&self.prefix);
        let missing = |segment: &Segment| !keys.contains(&self.key(&segment.name()));
        let Some(first) = self.segments.iter().position(missing) else {
            return;
        };
        while self.segments.len() > first {
            self.stored_to = self
                .remove_segment(first, store)
                .from
                .min(self.stored_to + 1)
                - 1;
        }
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

    /// Somebody removes all keys.
    pub fn lose_all(&mut self) {
        self.segments.clear();
        (self.stored_to, self.record_bytes, self.header_bytes) = (0, 0, 0);
    }

    fn write_header(
        &mut self,
        log: &Log,
        owed: &str,
        store: &mut dyn Store,
    ) -> Result<(), StoreError> {
        if self.header_bytes == 0 {
            let (key, value) = (self.key("h"), record::write_header(log, owed));
            put(store, &key, &value)?;
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
}

/// Writes a value and looks whether it is there: some privacy extensions and consent tools put a storage in
/// place that takes everything and keeps nothing.
fn put(store: &mut dyn Store, key: &str, value: &str) -> Result<(), StoreError> {
    store.set(key, value)?;
    if store.get(key).as_deref() == Some(value) {
        return Ok(());
    }
    Err(StoreError::Forgetful)
}
