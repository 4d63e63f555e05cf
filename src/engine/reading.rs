//! Reading back a journal that somebody left.

use super::{
    event::Call,
    identity::Identity,
    ids::TabId,
    journal::{Journal, Segment, insert},
    log::{Entry, Log},
    partition::Partition,
    record::{
        Record, VERSION, damaged_events, read_record, read_segment, segment_range, unguard,
        version_of,
    },
    store::Store,
    time::UnixMillis,
};
use crate::wire::text::{fields, join};

/// What was found of one tab's journal.
#[derive(Debug)]
pub(super) struct Found {
    /// Its events, and where they are kept.
    pub(super) partition: Partition,
    /// When its newest segment or batch was written.
    pub(super) newest_at: UnixMillis,
    /// Events given up because they are too old.
    pub(super) expired: usize,
    /// Events in values that could not be read, which were set aside; one where even that is unknown.
    pub(super) corrupt: usize,
    /// The facade's early calls are in it.
    pub(super) early: bool,
}

/// What a journal is read with.
#[derive(Clone, Copy)]
#[allow(missing_debug_implementations, reason = "holds a closure")]
pub(super) struct ReadContext<'a> {
    /// Prefix of keys.
    pub(super) project: &'a str,
    /// For journals without a header of their own.
    pub(super) header: &'a dyn Fn(TabId) -> String,
    /// For early calls.
    pub(super) identity: &'a Identity,
    /// Wall clock.
    pub(super) wall: UnixMillis,
    /// Older events are given up.
    pub(super) max_event_age_ms: u64,
}

/// Reads the journal of a tab that is gone; its keys are among `keys`. `None` if any of it is of
/// another version, or nothing of it is left.
pub(super) fn read(
    tab: TabId,
    keys: &[String],
    context: ReadContext<'_>,
    cap_bytes: usize,
    store: &mut dyn Store,
) -> Option<Found> {
    let mut journal = Journal::new(context.project, &tab.text(), cap_bytes);
    let mut reading = Reading::default();
    let (mut header, mut header_bytes, mut early) = (None, 0, None);
    let mut segments = Vec::new();
    for key in keys {
        let Some(name) = journal.name_of(key) else {
            continue;
        };
        if let Some((from, to)) = segment_range(name) {
            insert(&mut segments, Segment { from, to, bytes: 0 });
            continue;
        }
        let Some(value) = reading.value(key, store)? else {
            continue;
        };
        match name {
            "h" => match unguard(&value, &mut []) {
                Some(text) => {
                    header_bytes = key.len() + value.len();
                    header = Some(text.to_owned());
                }
                None => reading.set_aside(key, 1),
            },
            "o" => match read_record(&value) {
                Some(record) => reading.record = record,
                None => reading.set_aside(key, 1),
            },
            "e" => early = Some(value),
            _ => return None,
        }
    }
    // In order, and after the record, which tells what of them is over.
    let mut whole = Vec::new();
    for mut segment in segments {
        let key = journal.segment_key(segment.from, segment.to);
        let Some(text) = reading.value(&key, store)? else {
            continue;
        };
        if reading.add_segment(&text, &context) {
            segment.bytes = key.len() + text.len();
            whole.push(segment);
        } else {
            reading.set_aside(&key, damaged_events(&text));
        }
    }
    // An engine that heard of the early calls has journalled them all before anything else.
    if let (Some(early), true) = (&early, whole.is_empty()) {
        reading.add_early(tab, early, &context);
    }
    journal.take_over(whole, header_bytes);
    for key in &reading.aside {
        set_aside(key, store);
    }
    let header = header.unwrap_or_else(|| (context.header)(tab));
    let (record, mut newest_at) = (reading.record, reading.newest_at);
    let mut log = Log::restore(tab, header, reading.entries, record.settled, record.holes);
    for seal in record.seals {
        newest_at = newest_at.max(seal.at);
        log.restore_seal(seal);
    }
    Some(Found {
        partition: Partition::new(log, journal),
        newest_at,
        expired: reading.expired,
        corrupt: reading.corrupt,
        early: early.is_some(),
    })
}

/// What has been read of a journal so far.
#[derive(Default)]
struct Reading {
    record: Record,
    /// In the order of their segments; after a merge that was cut short, some twice.
    entries: Vec<Entry>,
    newest_at: UnixMillis,
    expired: usize,
    corrupt: usize,
    /// Keys of damaged values.
    aside: Vec<String>,
}

impl Reading {
    /// The value of a key, unless it is none of ours and was set aside. `None` at all if there is no
    /// such key any more, or its value is of another version.
    fn value(&mut self, key: &str, store: &dyn Store) -> Option<Option<String>> {
        let value = store.get(key)?;
        match version_of(&value) {
            Some(VERSION) => Some(Some(value)),
            Some(_) => None,
            None => {
                self.set_aside(key, 1);
                Some(None)
            }
        }
    }

    fn set_aside(&mut self, key: &str, events: usize) {
        self.aside.push(key.to_owned());
        self.corrupt += events;
    }

    /// Adds one segment's events that still count; false if it is damaged.
    fn add_segment(&mut self, text: &str, context: &ReadContext<'_>) -> bool {
        let Some((at, entries)) = read_segment(text) else {
            return false;
        };
        self.newest_at = self.newest_at.max(at);
        let too_old = context.wall.0.saturating_sub(at.0) > context.max_event_age_ms;
        for entry in entries {
            if self.record.is_over(entry.seq) {
                continue;
            }
            if too_old {
                self.record.expire(entry.seq);
                self.expired += 1;
            } else {
                self.entries.push(entry);
            }
        }
        true
    }

    /// Calls that the facade kept while the engine was loading, in a page that did not live to see
    /// it.
    fn add_early(&mut self, tab: TabId, early: &str, context: &ReadContext<'_>) {
        let mut identity = context.identity.clone();
        let mut seq = 0;
        for record in fields(early.get(2..).unwrap_or(""), b'\n') {
            let Ok(call) = Call::parse(record) else {
                continue;
            };
            seq += 1;
            let text = call.encode(tab, seq, &identity).into();
            call.apply(&mut identity);
            self.newest_at = self.newest_at.max(call.timestamp());
            if !self.record.is_over(seq) {
                self.entries.push(Entry { seq, text });
            }
        }
    }
}

/// Moves a damaged value out of the way: kept for whoever wants to look, never read again.
fn set_aside(key: &str, store: &mut dyn Store) {
    const BYTES_MAX: usize = 16 * 1024;
    if let Some(value) = store.get(key) {
        let aside = "sendoff-damaged";
        if value.len() <= BYTES_MAX {
            // One key, the latest: a bounded amount, whatever keeps damaging values.
            _ = store.set(aside, &join(&[key, "\n", &value]));
        }
        store.remove(key);
    }
}
