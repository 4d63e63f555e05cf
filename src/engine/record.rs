//! The text formats of the journal, and reading back a journal that somebody left.

use super::{
    event::Call,
    identity::Identity,
    ids::TabId,
    journal::{Journal, Segment, insert},
    log::{Entry, HOLES_MAX, Hole, Log, Seal, UNREPORTED, checksum},
    partition::Partition,
    report::DropReason,
    store::Store,
    time::UnixMillis,
};
use crate::wire::{
    json::push_u64,
    text::{Fields, fields, join, parse_u64, split_once},
};

/// First characters of every value; a value that starts otherwise is of another version.
const VERSION: &str = "1";

/// What was found of one tab's journal.
#[derive(Debug)]
pub struct Found {
    /// Its events, and where they are kept.
    pub(super) partition: Partition,
    /// When its newest segment or batch was written.
    pub newest_at: UnixMillis,
    /// Events given up because they are too old.
    pub expired: usize,
    /// Events in values that could not be read, which were set aside; one where even that is unknown.
    pub corrupt: usize,
    /// The facade's early calls are in it.
    pub early: bool,
}

/// What a journal is read with.
#[derive(Clone, Copy)]
#[allow(missing_debug_implementations, reason = "holds a closure")]
pub struct ReadContext<'a> {
    /// Prefix of keys.
    pub project: &'a str,
    /// For journals without a header of their own.
    pub header: &'a dyn Fn(TabId) -> String,
    /// For early calls.
    pub identity: &'a Identity,
    /// Wall clock.
    pub wall: UnixMillis,
    /// Older events are given up.
    pub max_event_age_ms: u64,
}

/// The events after `after` up to `upto` as one segment, with the last one written.
#[must_use]
pub fn write_segment(
    log: &Log,
    after: u64,
    upto: u64,
    bytes_max: usize,
    at: UnixMillis,
) -> (String, u64) {
    let (mut body, mut count, mut last) = (String::new(), 0, after);
    for entry in log.entries_after(after) {
        if entry.seq > upto || count > 0 && body.len() + entry.text.len() > bytes_max {
            break;
        }
        if count > 0 {
            body.push('\n');
        }
        push_u64(&mut body, entry.seq);
        body.push('\t');
        body.push_str(&entry.text);
        (count, last) = (count + 1, entry.seq);
    }
    (guard(&[at.0, count], &body), last)
}

/// The range in a segment's name.
#[must_use]
pub fn segment_range(name: &str) -> Option<(u64, u64)> {
    let (from, to) = split_once(name, b'-')?;
    Some((parse_u64(from)?, parse_u64(to)?))
}

/// When a segment was written, and its events; `None` if it is damaged.
fn read_segment(text: &str) -> Option<(UnixMillis, Vec<Entry>)> {
    let mut head = [0; 2];
    let body = unguard(text, &mut head)?;
    let [at, count] = head;
    let mut entries = Vec::new();
    for line in fields(body, b'\n') {
        let (seq, text) = split_once(line, b'\t')?;
        entries.push(Entry {
            seq: parse_u64(seq)?,
            text: text.into(),
        });
    }
    (entries.len() as u64 == count).then_some((UnixMillis(at), entries))
}

/// The record of what is settled and sealed. `deferred` are batches that the browser may send when
/// this tab is gone: whoever finds them treats them as sealed.
#[must_use]
pub fn write_record(log: &Log, deferred: &[Seal]) -> String {
    let mut out = String::from("n");
    push_numbers(&mut out, &[log.settled()]);
    for seal in &log.seals {
        push_seal(&mut out, seal);
        push_holes(&mut out, log.holes_of(seal.from));
    }
    // How many of the gaps that no sealed batch reports are told under a deferred one.
    let mut told = 0;
    for seal in deferred {
        push_seal(&mut out, seal);
        if told == 0 && log.has_unreported() && log.stamp(seal, UNREPORTED) == seal.stamp {
            push_holes(&mut out, log.holes_of(UNREPORTED));
            told = HOLES_MAX;
        }
    }
    if log.unreported().count() > told {
        out.push_str("\np");
        push_holes(&mut out, log.unreported().skip(told));
    }
    guard(&[], &out)
}

/// A value with version, some numbers and the body's checksum before it.
#[must_use]
pub fn guard(numbers: &[u64], body: &str) -> String {
    let mut out = String::with_capacity(body.len() + 48);
    out.push_str(VERSION);
    push_numbers(&mut out, numbers);
    push_numbers(&mut out, &[checksum(body).into()]);
    out.push('\n');
    out.push_str(body);
    out
}

/// What `guard` guarded, if it is whole.
fn unguard<'a>(text: &'a str, numbers: &mut [u64]) -> Option<&'a str> {
    let (head, body) = split_once(text, b'\n')?;
    let sum = read_numbers(head, numbers)?.number()?;
    (sum == u64::from(checksum(body))).then_some(body)
}

/// The batches that a record names as sealed.
#[must_use]
pub fn read_seals(text: &str) -> Vec<Seal> {
    read_record(text).map_or_else(Vec::new, |record| record.seals)
}

fn push_seal(out: &mut String, seal: &Seal) {
    out.push_str("\ns");
    push_numbers(out, &[seal.from, seal.to, seal.at.0, seal.stamp.into()]);
}

fn push_holes<'a>(out: &mut String, holes: impl Iterator<Item = &'a Hole>) {
    for hole in holes {
        out.push_str("\nh");
        push_numbers(out, &[hole.from, hole.to]);
        out.push(' ');
        out.push_str(hole.reason.code());
    }
}

fn push_numbers(out: &mut String, numbers: &[u64]) {
    for number in numbers {
        out.push(' ');
        push_u64(out, *number);
    }
}

/// Reads the numbers after the line's first word; the rest of the line is left.
fn read_numbers<'a>(line: &'a str, numbers: &mut [u64]) -> Option<Fields<'a>> {
    let mut words = fields(line, b' ');
    words.next();
    for number in numbers {
        *number = words.number()?;
    }
    Some(words)
}

#[derive(Debug, Default)]
struct Record {
    settled: u64,
    seals: Vec<Seal>,
    holes: Vec<Hole>,
}

impl Record {
    /// Whether the event is settled or was given up.
    fn is_over(&self, seq: u64) -> bool {
        let mut holes = self.holes.iter();
        seq <= self.settled || holes.any(|hole| hole.from <= seq && seq <= hole.to)
    }

    /// Counts an event that is too old as given up.
    fn expire(&mut self, seq: u64) {
        match self.holes.last_mut() {
            Some(hole)
                if (hole.reason, hole.batch) == (DropReason::Expired, UNREPORTED)
                    && hole.to + 1 == seq =>
            {
                hole.to = seq;
            }
            _ => self.holes.push(Hole::new(seq, seq, DropReason::Expired)),
        }
    }
}

fn read_record(text: &str) -> Option<Record> {
    let mut lines = fields(unguard(text, &mut [])?, b'\n');
    let mut record = Record::default();
    read_numbers(lines.next()?, core::slice::from_mut(&mut record.settled))?;
    // The holes of a sealed batch follow it; those that no batch has reported follow a "p".
    let mut batch = UNREPORTED;
    for line in lines {
        match line.as_bytes().first()? {
            b's' => {
                let mut numbers = [0; 4];
                read_numbers(line, &mut numbers)?;
                let [from, to, at, stamp] = numbers;
                record.seals.push(Seal {
                    stamp: stamp as u32,
                    maybe_sent: true,
                    sent: true,
                    ..Seal::new(from, to, UnixMillis(at))
                });
                batch = from;
            }
            b'p' => batch = UNREPORTED,
            b'h' => {
                let mut range = [0; 2];
                let code = read_numbers(line, &mut range)?.next()?;
                let [from, to] = range;
                let reason = DropReason::from_code(code)?;
                record.holes.push(Hole {
                    batch,
                    ..Hole::new(from, to, reason)
                });
            }
            _ => return None,
        }
    }
    Some(record)
}

/// Reads the journal of a tab that is gone; its keys are among `keys`. `None` if any of it is of
/// another version, or nothing of it is left.
pub fn read(
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
        let value = store.get(key)?;
        match version_of(&value) {
            Some(VERSION) => {}
            Some(_) => return None,
            None => {
                reading.set_aside(key, 1);
                continue;
            }
        }
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
            _ => {
                let (from, to) = segment_range(name)?;
                let bytes = key.len() + value.len();
                insert(&mut segments, Segment { from, to, bytes });
            }
        }
    }
    let mut whole = Vec::new();
    for segment in segments {
        let key = journal.segment_key(segment.from, segment.to);
        let text = store.get(&key)?;
        if reading.add_segment(&text, &context) {
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

/// The version that a value says it has; `None` if it is no value of ours at all.
fn version_of(value: &str) -> Option<&str> {
    let head = fields(value, b'\n').next()?;
    let version = fields(head, b' ').next()?;
    parse_u64(version).map(|_| version)
}

/// How many events a damaged segment held, as its head still says.
fn damaged_events(text: &str) -> usize {
    let mut head = [0, 1];
    _ = read_numbers(fields(text, b'\n').next().unwrap_or(""), &mut head);
    let [_, count] = head;
    count.clamp(1, 10_000) as usize
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
