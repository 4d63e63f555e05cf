//! The text formats of the journal, and reading back a journal that somebody left.

use super::{
    event::Call,
    identity::Identity,
    ids::TabId,
    journal::Journal,
    log::{Entry, Hole, Log, Seal, SealState, checksum},
    map::Map,
    report::DropReason,
    store::Store,
    time::UnixMillis,
};
use crate::wire::{
    json::push_u64,
    text::{fields, join, parse_u64, split_once},
};

/// First characters of every value; a value that starts otherwise is of another version.
const VERSION: &str = "1";

/// What was found of one tab's journal.
#[derive(Debug)]
pub struct Found {
    /// Its events.
    pub log: Log,
    /// Where they are kept.
    pub journal: Journal,
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

/// Writes the events after `after` up to `upto` as one segment; returns the last one written.
pub fn write_segment(
    out: &mut String,
    log: &Log,
    after: u64,
    upto: u64,
    bytes_max: usize,
    at: UnixMillis,
) -> u64 {
    let (mut body, mut count, mut last) = (String::new(), 0_u64, after);
    for entry in log
        .entries_after(after)
        .take_while(|entry| entry.seq <= upto)
    {
        if count > 0 && body.len() + entry.text.len() > bytes_max {
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
    out.push_str(VERSION);
    for number in [at.0, count, u64::from(checksum(&body))] {
        out.push(' ');
        push_u64(out, number);
    }
    out.push('\n');
    out.push_str(&body);
    last
}

/// The range in a segment's name.
#[must_use]
pub fn segment_range(name: &str) -> Option<(u64, u64)> {
    let (from, to) = split_once(name, b'-')?;
    Some((parse_u64(from)?, parse_u64(to)?))
}

/// When a segment was written, and its events; `None` if it is damaged.
fn read_segment(text: &str) -> Option<(UnixMillis, Vec<Entry>)> {
    let (head, body) = split_once(text, b'\n')?;
    let [at, count, sum] = numbers(head)?;
    let entries = fields(body, b'\n').map(|line| {
        let (seq, text) = split_once(line, b'\t')?;
        Some(Entry {
            seq: parse_u64(seq).filter(|seq| *seq > 0)?,
            text: text.into(),
        })
    });
    let entries: Vec<Entry> = entries.collect::<Option<_>>()?;
    let whole = entries.len() as u64 == count && u64::from(checksum(body)) == sum;
    whole.then_some((UnixMillis(at), entries))
}

/// The record of what is settled and sealed. `deferred` are batches that the browser may send when
/// this tab is gone: whoever finds them treats them as sealed.
#[must_use]
pub fn write_record(log: &Log, deferred: &[Seal]) -> String {
    let mut out = String::from("n");
    push_numbers(&mut out, &[log.settled()]);
    let sealed = log.seals.iter().chain(deferred.iter());
    for seal in sealed {
        out.push_str("\ns");
        push_numbers(
            &mut out,
            &[seal.from, seal.to, seal.at.0, seal.stamp.into()],
        );
        push_holes(&mut out, &seal.holes);
    }
    if !log.holes().is_empty() {
        out.push_str("\np");
        push_holes(&mut out, log.holes());
    }
    guard(&out)
}

/// A value with version and checksum before it.
#[must_use]
pub fn guard(body: &str) -> String {
    let mut out = String::with_capacity(body.len() + 16);
    out.push_str(VERSION);
    push_numbers(&mut out, &[checksum(body).into()]);
    out.push('\n');
    out.push_str(body);
    out
}

/// What `guard` guarded, if it is whole.
fn unguard(text: &str) -> Option<&str> {
    let (head, body) = split_once(text, b'\n')?;
    let [sum] = numbers(head)?;
    (sum == u64::from(checksum(body))).then_some(body)
}

/// The batches that a record names as sealed.
#[must_use]
pub fn read_seals(text: &str) -> Vec<Seal> {
    read_record(text).map_or_else(Vec::new, |record| record.seals)
}

fn push_holes(out: &mut String, holes: &[Hole]) {
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

#[derive(Debug, Default)]
struct Record {
    settled: u64,
    seals: Vec<Seal>,
    holes: Vec<Hole>,
}

impl Record {
    /// Whether the event is settled or was given up.
    fn is_over(&self, seq: u64) -> bool {
        let mut holes = self
            .seals
            .iter()
            .flat_map(|seal| &seal.holes)
            .chain(&self.holes);
        seq <= self.settled || holes.any(|hole| hole.from <= seq && seq <= hole.to)
    }
}

fn read_record(text: &str) -> Option<Record> {
    let mut lines = fields(unguard(text)?, b'\n');
    let [settled] = numbers(lines.next()?)?;
    let mut record = Record {
        settled,
        ..Record::default()
    };
    for line in lines {
        match line.get(..1)? {
            "s" => {
                let [from, to, at, stamp] = numbers(line)?;
                record.seals.push(Seal {
                    from,
                    to,
                    at: UnixMillis(at),
                    holes: Vec::new(),
                    stamp: u32::try_from(stamp).ok()?,
                    state: SealState::Waiting,
                    maybe_sent: true,
                    sent: true,
                });
            }
            "p" => record.seals.push(Seal {
                from: u64::MAX,
                to: 0,
                at: UnixMillis(0),
                holes: Vec::new(),
                stamp: 0,
                state: SealState::Waiting,
                maybe_sent: false,
                sent: false,
            }),
            "h" => {
                let [from, to] = numbers(line)?;
                let reason = DropReason::from_code(fields(line, b' ').last()?)?;
                record
                    .seals
                    .last_mut()?
                    .holes
                    .push(Hole { from, to, reason });
            }
            _ => return None,
        }
    }
    if record
        .seals
        .last()
        .is_some_and(|seal| seal.from == u64::MAX)
    {
        record.holes = record.seals.pop()?.holes;
    }
    Some(record)
}

/// The first numbers after the line's first word.
fn numbers<const N: usize>(line: &str) -> Option<[u64; N]> {
    let mut out = [0; N];
    let mut words = fields(line, b' ');
    words.next();
    for number in &mut out {
        *number = words.number()?;
    }
    Some(out)
}

/// Reads the journal of a tab that is gone, from the names of its segments. `None` if any of it is
/// of another version, or nothing of it is left.
pub fn read(
    tab: TabId,
    names: &[String],
    context: ReadContext<'_>,
    cap_bytes: usize,
    store: &mut dyn Store,
) -> Option<Found> {
    let tab_text = tab.text();
    let prefix = join(&["sendoff:", context.project, ":", &tab_text, ":"]);
    let key = |name: &str| join(&[&prefix, name]);
    let (mut header, mut record_text, mut early) = (None, None, None);
    let (mut segment_names, mut segments) = (Vec::new(), Segments::default());
    for name in names {
        let value = store.get(&key(name))?;
        let Some(version) = version_of(&value) else {
            segments.corrupt.push((key(name), 1));
            continue;
        };
        if version != VERSION {
            return None;
        }
        match name.as_str() {
            "h" => match unguard(&value) {
                Some(text) => header = Some(text.to_owned()),
                None => segments.corrupt.push((key(name), 1)),
            },
            "o" => record_text = Some(value),
            "e" => early = Some(value),
            _ => segment_names.push((segment_range(name)?, name)),
        }
    }
    segment_names.sort_unstable();
    let mut record = record_text
        .as_deref()
        .map_or_else(|| Some(Record::default()), read_record);
    if record.is_none() {
        segments.corrupt.push((key("o"), 1));
    }
    let mut record = record.take().unwrap_or_default();
    for (range, name) in segment_names {
        let key = key(name);
        let text = store.get(&key)?;
        if !segments.add(range, &text, key.len(), &record, &context) {
            segments.corrupt.push((key, damaged_events(&text)));
        }
    }
    // An engine that heard of the early calls has journalled them all before anything else.
    if segments.found.is_empty() {
        segments.add_early(tab, early.as_deref(), &record, &context);
    }
    let newest_at = record
        .seals
        .iter()
        .map(|seal| seal.at)
        .fold(segments.newest_at, UnixMillis::max);
    record.holes.append(&mut segments.expired_holes());
    let other_bytes = header
        .as_ref()
        .map_or(0, |header| prefix.len() + 12 + header.len());
    let header = header.unwrap_or_else(|| (context.header)(tab));
    let mut journal = Journal::new(context.project, &tab_text, cap_bytes);
    journal.take_over(segments.found, other_bytes);
    let mut log = Log::restore(tab, header, segments.entries, record.settled, record.holes);
    record
        .seals
        .into_iter()
        .for_each(|seal| log.restore_seal(seal));
    for (key, _) in &segments.corrupt {
        set_aside(key, store);
    }
    Some(Found {
        log,
        journal,
        newest_at,
        expired: segments.expired.len(),
        corrupt: segments.corrupt.iter().map(|(_, events)| events).sum(),
        early: early.is_some(),
    })
}

#[derive(Default)]
struct Segments {
    newest_at: UnixMillis,
    entries: Map<u64, Entry>,
    found: Vec<(u64, u64, usize)>,
    expired: Vec<u64>,
    corrupt: Vec<(String, usize)>,
}

impl Segments {
    /// Adds one segment's events that still count; false if it is damaged.
    fn add(
        &mut self,
        (from, to): (u64, u64),
        text: &str,
        key_bytes: usize,
        record: &Record,
        context: &ReadContext<'_>,
    ) -> bool {
        let Some((at, entries)) = read_segment(text) else {
            return false;
        };
        self.found.push((from, to, key_bytes + text.len()));
        self.newest_at = self.newest_at.max(at);
        let too_old = context.wall.0.saturating_sub(at.0) > context.max_event_age_ms;
        for entry in entries {
            if record.is_over(entry.seq) {
                continue;
            }
            if too_old {
                self.expired.push(entry.seq);
            } else {
                self.entries.insert(entry.seq, entry);
            }
        }
        true
    }

    /// Calls that the facade kept while the engine was loading, in a page that did not live to see
    /// it.
    fn add_early(
        &mut self,
        tab: TabId,
        early: Option<&str>,
        record: &Record,
        context: &ReadContext<'_>,
    ) {
        let mut identity = context.identity.clone();
        let records = early.and_then(|text| text.get(2..)).unwrap_or("");
        let calls = fields(records, b'\n').filter_map(|record| Call::parse(record).ok());
        for (seq, call) in (1..).zip(calls) {
            let text = call.encode(tab, seq, &identity).into();
            call.apply(&mut identity);
            self.newest_at = self.newest_at.max(call.timestamp());
            if !record.is_over(seq) {
                self.entries.insert(seq, Entry { seq, text });
            }
        }
    }

    fn expired_holes(&mut self) -> Vec<Hole> {
        // Segments are read in order; after a merge that was cut short one may repeat another.
        self.expired.dedup();
        let mut holes: Vec<Hole> = Vec::new();
        for seq in &self.expired {
            match holes.last_mut() {
                Some(hole) if hole.to + 1 == *seq => hole.to = *seq,
                _ => holes.push(Hole {
                    from: *seq,
                    to: *seq,
                    reason: DropReason::Expired,
                }),
            }
        }
        holes
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
    let [_, count] = numbers(fields(text, b'\n').next().unwrap_or("")).unwrap_or([0, 1]);
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
