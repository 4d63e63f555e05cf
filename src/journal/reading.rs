//! Reading back a journal that somebody left.

use crate::{
    journal::{
        cursor::{Cursor, Owed},
        log::Log,
        record::{
            Segment, SegmentLine, StoredCursor, StoredRecord, VERSION, damaged_events, read_header,
            read_numbers, read_record, read_segment, segment_range, version_of,
        },
        segments::Journal,
        stream::Stream,
    },
    model::{
        drop_reason::DropReason,
        event::{Entry, is_tracked},
        gap::Gap,
        ids::TabId,
        store::Store,
        time::UnixMillis,
    },
    text::{
        fields::{join, split_once},
        view::EventView,
    },
};

/// A damaged value is kept if it is no longer than this.
const ASIDE_BYTES_MAX: usize = 16 * 1024;
/// Of early logs.
const FIRST_VERSION: &str = "1";
/// 2026-01-01: no journal of this version was written before. An earlier date is that of a clock that was wrong.
const WRITTEN_AFTER: UnixMillis = UnixMillis(1_767_225_600_000);
/// An age of more than a year is likelier to be a clock that jumped than a visitor who stayed away.
const AGE_MS_MAX: u64 = 366 * 24 * 3_600_000;

/// What whoever reads a journal has to say.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a> {
    /// Prefix of the project's keys.
    pub project: &'a str,
    /// The destinations of the configuration.
    pub owed: &'a [Owed],
    /// What time it is.
    pub wall: UnixMillis,
    /// Events older than this are given up.
    pub max_age_ms: u64,
    /// Room for the journal.
    pub cap_bytes: usize,
    /// JSON object: the SDK of whoever reads, for a stream that does not say by which it was recorded.
    pub sdk: &'a str,
}

/// What was found of one tab's journal.
#[derive(Debug)]
pub struct Found {
    /// Its events and where they are kept.
    pub stream: Stream,
    /// When its newest segment or batch was written.
    pub newest_at: UnixMillis,
    /// Events given up because they are too old, for each destination.
    pub expired: Vec<usize>,
    /// Events in values that could not be read; one where even that is unknown.
    pub corrupt: usize,
    /// When the early log was begun, and its records, if there is one.
    pub early: Option<String>,
    /// Keys of damaged values, and the latest of these that is not too long to be kept.
    damaged: Vec<String>,
    aside: String,
}

/// The journal is of another version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OtherVersion;

impl Found {
    /// Moves damaged values out of the way: never read again, and kept for whoever wants to look.
    pub fn set_aside(&self, store: &mut dyn Store) {
        for key in &self.damaged {
            store.remove(key);
        }
        if !self.aside.is_empty() {
            // One key, the latest: a bounded amount, whatever keeps damaging values.
            _ = store.set("sendoff-damaged", &self.aside);
        }
    }
}

/// A journal in the course of being read: a long one takes several goes, so that the page is not held.
#[derive(Debug)]
pub struct Reading {
    log: Log,
    journal: Journal,
    owed: Option<String>,
    /// What was said of it when its reading began, as text and as read.
    record: Option<String>,
    stored: StoredRecord,
    header_bytes: usize,
    cursors: Vec<Cursor>,
    foreign: Vec<StoredCursor>,
    /// The segments that are still to be read, the first one last; and those that have been.
    segments: Vec<Segment>,
    kept: Vec<Segment>,
    newest_at: UnixMillis,
    expired: Vec<usize>,
    corrupt: usize,
    damaged: Vec<String>,
    aside: String,
}

impl Reading {
    /// Begins with the journal of a tab that is gone; its keys are among `keys`.
    ///
    /// # Errors
    /// If any of it is of another version: then it is to be left alone.
    pub fn begin(
        tab: TabId,
        keys: &[String],
        reader: &Reader<'_>,
        store: &dyn Store,
    ) -> Result<Self, OtherVersion> {
        let mut reading = Self {
            log: Log::new(tab, reader.sdk.to_owned(), "{}".to_owned()),
            journal: Journal::new(reader.project, &tab.text(), reader.cap_bytes),
            owed: None,
            record: None,
            stored: StoredRecord::default(),
            header_bytes: 0,
            cursors: Vec::new(),
            foreign: Vec::new(),
            segments: Vec::new(),
            kept: Vec::new(),
            newest_at: UnixMillis(0),
            expired: vec![0; reader.owed.len()],
            corrupt: 0,
            damaged: Vec::new(),
            aside: String::new(),
        };
        reading.segments = reading.segments_in(keys)?;
        let header = reading.value("h", store)?;
        let record = reading.value("o", store)?;
        reading.header_bytes = reading.header(header.as_deref());
        reading.stored = reading.stored(record.as_deref());
        reading.record = record;
        for owed in reader.owed {
            reading.cursors.push(reading.cursor(owed));
        }
        reading.foreign = reading.foreign(reader);
        // Whether it was left can then be told before all of it is read.
        if let Some(newest) = reading.segments.first() {
            let value = reading.value(&newest.name(), store)?;
            let dated = value.as_deref().and_then(read_segment);
            let at = dated.map_or(UnixMillis(0), |(at, _)| at);
            reading.newest_at = reading.newest_at.max(at);
        }
        Ok(reading)
    }

    /// When its newest segment or batch was written.
    #[must_use]
    pub const fn newest_at(&self) -> UnixMillis {
        self.newest_at
    }

    /// Whether its tab said that it left.
    #[must_use]
    pub const fn left(&self) -> bool {
        self.stored.left
    }

    /// Whose journal it is.
    #[must_use]
    pub const fn tab(&self) -> TabId {
        self.log.tab
    }

    /// Reads segments, until `room` bytes are used up; whether all are read.
    ///
    /// # Errors
    /// As above.
    pub fn go_on(
        &mut self,
        reader: &Reader<'_>,
        room: &mut usize,
        store: &dyn Store,
    ) -> Result<bool, OtherVersion> {
        while *room > 0
            && let Some(segment) = self.segments.pop()
        {
            let Some(value) = self.value(&segment.name(), store)? else {
                continue;
            };
            *room = room.saturating_sub(value.len());
            if self.segment(&value, reader) {
                let bytes = self.journal.key(&segment.name()).len() + value.len();
                self.kept.push(Segment { bytes, ..segment });
            } else {
                self.damage(&segment.name(), &value);
            }
        }
        Ok(self.segments.is_empty())
    }

    /// What was found, when all is read; `None` if the tab's record is another than it was when that began.
    ///
    /// # Errors
    /// As above.
    pub fn done(mut self, store: &dyn Store) -> Result<Option<Found>, OtherVersion> {
        if self.value("o", store)? != self.record {
            return Ok(None);
        }
        let early = self.early(store)?;
        let record_bytes = self
            .record
            .as_ref()
            .map_or(0, |record| self.journal.key("o").len() + record.len());
        self.journal
            .restore(self.kept, self.header_bytes, record_bytes);
        for cursor in &mut self.cursors {
            seals(&self.log, cursor, &self.stored);
        }
        let mut stream = Stream::restored(self.log, self.journal, self.cursors, self.foreign);
        stream.left = self.stored.left;
        Ok(Some(Found {
            stream,
            newest_at: self.newest_at,
            expired: self.expired,
            corrupt: self.corrupt,
            early,
            damaged: self.damaged,
            aside: self.aside,
        }))
    }

    /// The segments that the keys name, the first one last.
    fn segments_in(&self, keys: &[String]) -> Result<Vec<Segment>, OtherVersion> {
        let mut segments: Vec<Segment> = Vec::new();
        for key in keys {
            if let Some(name) = self.journal.name_of(key)
                && !matches!(name, "h" | "o" | "e")
            {
                let (from, to) = segment_range(name).ok_or(OtherVersion)?;
                let at = segments.partition_point(|one| (one.from, one.to) > (from, to));
                segments.insert(at, Segment { from, to, bytes: 0 });
            }
        }
        Ok(segments)
    }

    fn value(&self, name: &str, store: &dyn Store) -> Result<Option<String>, OtherVersion> {
        let value = store.get(&self.journal.key(name));
        let version = value.as_deref().and_then(version_of);
        if version.is_some_and(|version| version != VERSION) {
            return Err(OtherVersion);
        }
        Ok(value)
    }

    fn header(&mut self, value: Option<&str>) -> usize {
        let Some(value) = value else { return 0 };
        let Some((sdk, context, owed)) = read_header(value) else {
            self.damage("h", value);
            return 0;
        };
        (self.log.sdk, self.log.context) = (sdk.to_owned(), context.to_owned());
        self.owed = Some(owed.to_owned());
        self.journal.key("h").len() + value.len()
    }

    fn stored(&mut self, value: Option<&str>) -> StoredRecord {
        let Some(value) = value else {
            return StoredRecord::default();
        };
        let Some(record) = read_record(value) else {
            self.damage("o", value);
            return StoredRecord::default();
        };
        for seal in record.cursors.iter().flat_map(|cursor| &cursor.seals) {
            self.newest_at = self.newest_at.max(seal.at);
        }
        for cursor in &record.cursors {
            // What is settled without a break was numbered, whether or not it is still there.
            self.log.skip_to(cursor.done.end_of(0).unwrap_or(0));
        }
        record
    }

    /// Where a destination stands: as the record says; at the beginning, if it is owed the stream; else at the end.
    fn cursor(&self, owed: &Owed) -> Cursor {
        let record = &self.stored;
        let named = |list: &String| list.split(' ').any(|name| name == owed.name);
        let Some(stored) = record.cursors.iter().find(|one| one.name == owed.name) else {
            return match &self.owed {
                Some(list) if !named(list) => Cursor::at_end(owed),
                // A record names all who are owed; only where there is none either, everybody may be.
                None if !record.cursors.is_empty() => Cursor::at_end(owed),
                _ => Cursor::new(owed),
            };
        };
        let mut cursor = Cursor::new(owed);
        for (from, to) in stored.done.ranges() {
            cursor.restore_done(*from, *to);
        }
        let same = stored.encoder == owed.encoder;
        for told in &stored.gaps {
            cursor.restore_gap(told.gap, told.by.filter(|_| same));
        }
        cursor
    }

    /// The cursors of destinations that are not configured here.
    fn foreign(&self, reader: &Reader<'_>) -> Vec<StoredCursor> {
        let known = |name: &str| reader.owed.iter().any(|owed| owed.name == name);
        let mut foreign: Vec<StoredCursor> = Vec::new();
        for cursor in &self.stored.cursors {
            if !known(&cursor.name) {
                foreign.push(cursor.clone());
            }
        }
        let named = self.owed.as_deref().unwrap_or("").split(' ');
        for name in named.filter(|name| !name.is_empty() && !known(name)) {
            if !foreign.iter().any(|cursor| cursor.name == name) {
                foreign.push(StoredCursor {
                    name: name.to_owned(),
                    lines: join(&["c ", name, " ? 0"]),
                    ..StoredCursor::default()
                });
            }
        }
        foreign
    }

    /// Adds one segment's events that still count; tells whether it is whole.
    fn segment(&mut self, text: &str, reader: &Reader<'_>) -> bool {
        let Some((at, lines)) = read_segment(text) else {
            return false;
        };
        self.newest_at = self.newest_at.max(at);
        let too_old = reader.is_too_old(at);
        let mut page = 0;
        for line in lines {
            let (seq, text) = match line {
                SegmentLine::Page(text) => {
                    page = self.log.page(text);
                    continue;
                }
                SegmentLine::Event(seq, text) => (seq, text),
            };
            if too_old {
                self.expire(seq, is_tracked(&EventView::of(text)));
            } else if self.cursors.iter().any(|cursor| !cursor.done().has(seq))
                || self.foreign.iter().any(|cursor| !cursor.done.has(seq))
            {
                let text = text.to_owned();
                self.log.insert(Entry { seq, page, text });
            }
        }
        true
    }

    /// Gives up an event that is too old, at every destination that has not settled it. `counts`: whether accounts do.
    fn expire(&mut self, seq: u64, counts: bool) {
        let gap = Gap {
            from: seq,
            to: seq,
            reason: DropReason::Expired,
        };
        for (cursor, expired) in self.cursors.iter_mut().zip(&mut self.expired) {
            if !cursor.done().has(seq) {
                cursor.restore_given_up(&self.log, gap);
                *expired += usize::from(counts);
            }
        }
        for cursor in self.foreign.iter_mut().filter(|one| !one.done.has(seq)) {
            cursor.give_up(gap);
        }
    }

    /// Calls that the facade kept while the engine was loading, in a page that did not live to see it. An
    /// engine that heard of them has journalled them all before anything else.
    fn early(&mut self, store: &dyn Store) -> Result<Option<String>, OtherVersion> {
        // Of the first version only early logs can be told apart from damage, and are read.
        let Some(value) = store.get(&self.journal.key("e")) else {
            return Ok(None);
        };
        let version = version_of(&value);
        if version.is_some_and(|version| version != VERSION && version != FIRST_VERSION) {
            return Err(OtherVersion);
        }
        let whole = split_once(&value, b'\n').filter(|_| version.is_some());
        let Some((head, records)) = whole else {
            self.damage("e", &value);
            return Ok(None);
        };
        if !self.kept.is_empty() {
            return Ok(None);
        }
        let mut begun = [0];
        _ = read_numbers(head, &mut begun);
        let [begun] = begun;
        self.newest_at = self.newest_at.max(UnixMillis(begun));
        Ok(Some(records.to_owned()))
    }

    fn damage(&mut self, name: &str, value: &str) {
        let key = self.journal.key(name);
        self.corrupt += damaged_events(value);
        if value.len() <= ASIDE_BYTES_MAX {
            self.aside = join(&[&key, "\n", value]);
        }
        self.damaged.push(key);
    }
}

impl Reader<'_> {
    /// Age is what both dates can vouch for: one that only a clock which jumped explains is none.
    fn is_too_old(&self, at: UnixMillis) -> bool {
        let age_ms = self.wall.0.saturating_sub(at.0);
        let max_ms = self.max_age_ms;
        age_ms > max_ms && at >= WRITTEN_AFTER && age_ms <= AGE_MS_MAX.max(2 * max_ms)
    }
}

/// Restores the batches that are sealed, or deferred. Another encoder's are cut anew.
fn seals(log: &Log, cursor: &mut Cursor, stored: &StoredRecord) {
    let same =
        |one: &&StoredCursor| one.name == cursor.destination && one.encoder == cursor.encoder;
    if let Some(found) = stored.cursors.iter().find(same) {
        for seal in &found.seals {
            cursor.restore_seal(log, *seal);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        journal::stream::Cut,
        model::{
            store::MemoryStore,
            time::{Instant, Now},
        },
        wire::{Format, native::Native},
    };

    const NOW: Now = Now {
        mono: Instant(0),
        wall: UnixMillis(1_768_478_400_000),
    };

    fn owed(encoder: &'static str) -> Owed {
        Owed {
            name: "own".to_owned(),
            encoder,
            tells_gaps: true,
        }
    }

    fn tab() -> TabId {
        TabId::parse("00000000000000000001").unwrap()
    }

    /// The stream of a tab that lives.
    fn stream(owed: &[Owed]) -> Stream {
        let log = Log::new(tab(), "{}".to_owned(), "{}".to_owned());
        Stream::new(log, Journal::new("p", &tab().text(), 1 << 20), owed)
    }

    /// Records an event, and writes it down at that time: a segment of its own.
    fn write(stream: &mut Stream, now: Now, store: &mut MemoryStore) {
        stream.log.push(0, r#"{"name":"n"}"#.to_owned());
        stream.persist(now, false, store).unwrap();
    }

    fn found(owed: &[Owed], wall: UnixMillis, max_age_ms: u64, store: &MemoryStore) -> Found {
        let reader = Reader {
            project: "p",
            owed,
            wall,
            max_age_ms,
            cap_bytes: 1 << 20,
            sdk: "{}",
        };
        let mut reading = Reading::begin(tab(), &store.keys("sendoff:p:"), &reader, store).unwrap();
        while !reading.go_on(&reader, &mut 1, store).unwrap() {}
        reading.done(store).unwrap().unwrap()
    }

    #[test]
    fn what_gets_too_old_for_a_destination_that_is_not_known_here_is_told_by_who_knows_it() {
        let own = owed("native/2");
        let other = Owed {
            name: "other".to_owned(),
            ..own.clone()
        };
        let mut store = MemoryStore::default();
        let mut stream = stream(&[own.clone(), other.clone()]);
        let mut now = NOW;
        for _ in 0..3 {
            write(&mut stream, now, &mut store);
            now.wall.0 += 1_000;
        }
        let mut here = found(&[own], now.wall, 1_500, &store).stream;
        assert!(here.has_untold());
        here.write_record(&[], &mut store);
        let again = found(&[other], now.wall, 1_500, &store).stream;
        let [told] = again.cursors[0].gaps() else {
            panic!("{again:?}")
        };
        let expired = DropReason::Expired;
        let (from, to) = (1, 2);
        assert_eq!(
            told.gap,
            Gap {
                from,
                to,
                reason: expired
            }
        );
        assert_eq!(again.pending(0), 1);
    }

    #[test]
    fn what_is_written_while_the_clock_is_behind_is_not_too_old_when_it_is_put_right() {
        let mut store = MemoryStore::default();
        let mut stream = stream(&[owed("native/2")]);
        let behind = Now {
            wall: UnixMillis(NOW.wall.0 - 3_600_000),
            ..NOW
        };
        for now in [NOW, behind] {
            write(&mut stream, now, &mut store);
        }
        let found = found(&[owed("native/2")], NOW.wall, 60_000, &store);
        assert_eq!((found.stream.pending(0), found.expired), (2, vec![0]));
    }

    #[test]
    fn a_segment_that_is_not_seen_leaves_a_hole_unless_it_is_settled() {
        let mut store = MemoryStore::default();
        let mut stream = stream(&[owed("native/2")]);
        for _ in 0..3 {
            write(&mut stream, NOW, &mut store);
        }
        let has_hole = |store: &MemoryStore| {
            let found = found(&[owed("native/2")], NOW.wall, 1_000, store);
            found.stream.has_hole()
        };
        assert!(!has_hole(&store));
        store.remove("sendoff:p:00000000000000000001:2-2");
        assert!(has_hole(&store), "2 may be seen later");
        stream.cursors[0].settle(&stream.log, 2, 2, None);
        stream.write_record(&[], &mut store);
        assert!(!has_hole(&store));
        store.remove("sendoff:p:00000000000000000001:1-1");
        assert!(has_hole(&store), "nor is 1");
        store.remove("sendoff:p:00000000000000000001:o");
        assert!(!has_hole(&store), "1 and 2 may be delivered long since");
    }

    #[test]
    fn what_another_version_of_the_encoder_sealed_is_cut_anew() {
        let native = Native::new("/in", "key");
        let mut store = MemoryStore::default();
        let mut stream = stream(&[owed(native.encoder())]);
        let text =
            r#"{"idempotencyKey":"k","seq":1,"name":"n","timestamp":"2026-01-15T12:00:00.000Z"}"#;
        stream.log.push(0, text.to_owned());
        stream.persist(NOW, false, &mut store).unwrap();
        let cut = Cut {
            format: &native,
            events: 10,
            bytes: 60_000,
            strict: false,
        };
        assert!(stream.seal_next(0, &cut, NOW.wall, &[]).is_some());
        stream.write_record(&[], &mut store);
        let sealed = |encoder| {
            let found = found(&[owed(encoder)], NOW.wall, 1_000, &store);
            assert_eq!(found.stream.log.entries().len(), 1);
            found.stream.cursors[0].seals().len()
        };
        assert_eq!((sealed(native.encoder()), sealed("native/other")), (1, 0));
    }
}
