//! The text formats of the journal, version 2.
//!
//! Every value begins with the version and ends its first line with a checksum of the rest:
//!
//! ```text
//! …:h        2 <sum>\n<sdk>\n<context>\n<destination> <destination> …
//! …:<n>-<m>  2 <written at> <count> <sum>\n then p\t<page> and e\t<seq>\t<event> lines
//! …:o        2 <sum>\n then lines of one letter and words:
//!            n|l                        the tab lives | has left
//!            c <name> <encoder> <n>     a destination: settled up to event n; what follows is its
//!            d <from> <to>              settled, too
//!            s <from> <to> <at> <stamp> sealed (or deferred) batch; the gaps that follow are told by it
//!            p                          the gaps that follow are told by no batch yet
//!            h <from> <to> <reason>     a gap
//! …:e        2 <begun at>\n<records>
//! ```
//!
//! Keys of another version are left alone. Kinds of lines and reasons that this version does not know
//! are skipped or kept, never taken for damage.

use crate::{
    journal::{
        cursor::{Cursor, Telling, Told},
        log::Log,
        seal::{Seal, Way, checksum},
    },
    model::{drop_reason::DropReason, gap::Gap, spans::Spans, time::UnixMillis},
    text::{
        fields::{Fields, fields, join, parse_u64, split_once},
        json::push_u64,
    },
};

/// First characters of every value; a value that starts otherwise is of another version.
pub const VERSION: &str = "2";
/// Settled ranges that a record names beyond what is settled without a break. What is beyond them is sent
/// again, under the same keys.
const DONE_RANGES_MAX: usize = 64;

/// One segment in the store.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Segment {
    /// Its first event.
    pub from: u64,
    /// Its last event.
    pub to: u64,
    /// Bytes of key and value.
    pub bytes: usize,
}

impl Segment {
    /// What its key ends with.
    #[must_use]
    pub fn name(&self) -> String {
        let mut name = String::new();
        push_u64(&mut name, self.from);
        name.push('-');
        push_u64(&mut name, self.to);
        name
    }

    /// Whether it holds exactly that range.
    #[must_use]
    pub const fn spans(&self, from: u64, to: u64) -> bool {
        self.from == from && self.to == to
    }
}

/// The range in a segment's name.
#[must_use]
pub fn segment_range(name: &str) -> Option<(u64, u64)> {
    let (from, to) = split_once(name, b'-')?;
    Some((parse_u64(from)?, parse_u64(to)?))
}

// Segments.

/// The events after `after` up to `upto` as one segment, with the last one written.
#[must_use]
pub fn write_segment(
    log: &Log,
    after: u64,
    upto: u64,
    bytes_max: usize,
    at: UnixMillis,
) -> (String, u64) {
    let (mut body, mut count, mut last, mut page) = (String::new(), 0, after, None);
    for entry in log.after(after) {
        if entry.seq > upto || count > 0 && body.len() + entry.text.len() > bytes_max {
            break;
        }
        if page != Some(entry.page) {
            page = Some(entry.page);
            body.push_str("p\t");
            body.push_str(log.page_text(entry.page));
            body.push('\n');
        }
        body.push_str("e\t");
        push_u64(&mut body, entry.seq);
        body.push('\t');
        body.push_str(&entry.text);
        body.push('\n');
        (count, last) = (count + 1, entry.seq);
    }
    (guard(&[at.0, count], &body), last)
}

/// A line of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SegmentLine<'a> {
    /// The events that follow were tracked on this page.
    Page(&'a str),
    /// Number and text.
    Event(u64, &'a str),
}

/// When a segment was written, and its lines; `None` if it is damaged.
#[must_use]
pub fn read_segment(text: &str) -> Option<(UnixMillis, Vec<SegmentLine<'_>>)> {
    let mut head = [0; 2];
    let body = unguard(text, &mut head)?;
    let [at, _] = head;
    let mut lines = Vec::new();
    for line in fields(body, b'\n') {
        match split_once(line, b'\t') {
            Some(("p", page)) => lines.push(SegmentLine::Page(page)),
            Some(("e", event)) => {
                let (seq, text) = split_once(event, b'\t')?;
                lines.push(SegmentLine::Event(parse_u64(seq)?, text));
            }
            _ => {}
        }
    }
    Some((UnixMillis(at), lines))
}

/// How many events a damaged segment held, as its head still says.
#[must_use]
pub fn damaged_events(text: &str) -> usize {
    let mut head = [0, 1];
    _ = read_numbers(fields(text, b'\n').next().unwrap_or(""), &mut head);
    let [_, count] = head;
    count.clamp(1, 10_000) as usize
}

// The header.

/// Who recorded the log, its context, and the destinations that it is for.
#[must_use]
pub fn write_header(log: &Log, owed: &str) -> String {
    guard(&[], &join(&[&log.sdk, "\n", &log.context, "\n", owed]))
}

/// What [`write_header`] wrote.
#[must_use]
pub fn read_header(text: &str) -> Option<(&str, &str, &str)> {
    let (sdk, rest) = split_once(unguard(text, &mut [])?, b'\n')?;
    let (context, owed) = split_once(rest, b'\n')?;
    Some((sdk, context, owed))
}

// The record.

/// One destination's part of a record, as it was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StoredCursor {
    /// The destination.
    pub name: String,
    /// What its seals are encoded by.
    pub encoder: String,
    /// What is settled.
    pub done: Spans,
    /// Sealed or deferred batches.
    pub seals: Vec<Seal>,
    /// Gaps, each with the batch that tells it.
    pub gaps: Vec<Told>,
    /// All of it as it stands, to be written again by whoever does not know the destination.
    pub lines: String,
    /// What was given up since it was read.
    pub given_up: Vec<Gap>,
}

impl StoredCursor {
    /// Gives events up, for whoever knows the destination to tell it.
    pub fn give_up(&mut self, gap: Gap) {
        self.done.add(gap.from, gap.to);
        match self.given_up.last_mut() {
            Some(last) if last.goes_on_in(&gap) => last.to = gap.to,
            _ => self.given_up.push(gap),
        }
    }
}

/// A record, as it was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StoredRecord {
    /// The tab has said that it leaves.
    pub left: bool,
    /// By destination.
    pub cursors: Vec<StoredCursor>,
}

/// The first line of a record's body.
#[must_use]
pub fn start_record(left: bool) -> String {
    (if left { "l" } else { "n" }).to_owned()
}

/// Adds one destination's part to a record. `deferred` are batches that the browser may send when this tab is
/// gone: whoever finds them treats them as sealed.
pub fn push_cursor(out: &mut String, log: &Log, cursor: &Cursor, deferred: &[Seal]) {
    let settled = cursor.settled(log);
    out.push_str("\nc ");
    out.push_str(&cursor.destination);
    out.push(' ');
    out.push_str(&cursor.encoder);
    push_numbers(out, &[settled]);
    let beyond = cursor
        .done()
        .ranges()
        .iter()
        .filter(|(_, to)| *to > settled);
    for (from, to) in beyond.take(DONE_RANGES_MAX) {
        out.push_str("\nd");
        push_numbers(out, &[*from, *to]);
    }
    for seal in cursor.seals() {
        push_seal(out, seal);
        push_gaps(out, &cursor.gaps_of(Telling::Of(seal.from)));
    }
    // Those that no sealed batch tells are told under a deferred one, if that was made with them.
    let next = cursor.gaps_of(Telling::Next);
    let mut told = 0;
    for seal in deferred {
        push_seal(out, seal);
        if told == 0 && !next.is_empty() && cursor.stamp(log, seal, Telling::Next) == seal.stamp {
            push_gaps(out, &next);
            told = next.len();
        }
    }
    let untold = cursor.gaps().iter().filter(|one| one.by.is_none());
    let untold: Vec<Gap> = untold.skip(told).map(|one| one.gap).collect();
    push_untold(out, &untold);
}

/// Adds the part of a destination that is not configured here, as it was found.
pub fn push_foreign(out: &mut String, cursor: &StoredCursor) {
    out.push('\n');
    out.push_str(&cursor.lines);
    push_untold(out, &cursor.given_up);
}

/// Reads a record; `None` if it is damaged.
#[must_use]
pub fn read_record(text: &str) -> Option<StoredRecord> {
    let mut lines = fields(unguard(text, &mut [])?, b'\n');
    let mut record = StoredRecord {
        left: lines.next()? == "l",
        cursors: Vec::new(),
    };
    let mut by = None;
    for line in lines {
        if line.starts_with("c ") {
            record.cursors.push(read_cursor(line)?);
            by = None;
        } else if let Some(cursor) = record.cursors.last_mut() {
            read_line(line, cursor, &mut by)?;
            cursor.lines.push('\n');
            cursor.lines.push_str(line);
        }
    }
    Some(record)
}

fn read_cursor(line: &str) -> Option<StoredCursor> {
    let mut words = fields(line, b' ');
    words.next();
    let (name, encoder, settled) = (words.next()?, words.next()?, words.number()?);
    let mut cursor = StoredCursor {
        name: name.to_owned(),
        encoder: encoder.to_owned(),
        lines: line.to_owned(),
        ..StoredCursor::default()
    };
    cursor.done.add(0, settled);
    Some(cursor)
}

fn read_line(line: &str, cursor: &mut StoredCursor, by: &mut Option<u64>) -> Option<()> {
    let mut numbers = [0; 4];
    match line.as_bytes().first()? {
        b'd' => {
            let [from, to] = two(line)?;
            cursor.done.add(from, to);
        }
        b's' => {
            read_numbers(line, &mut numbers)?;
            let [from, to, at, stamp] = numbers;
            let seal = Seal::new(from, to, UnixMillis(at), stamp as u32);
            let way = Way {
                maybe_sent: true,
                sent: true,
                ..Way::default()
            };
            cursor.seals.push(Seal { way, ..seal });
            *by = Some(from);
        }
        b'p' => *by = None,
        b'h' => {
            let [from, to] = two(line)?;
            let mut words = read_numbers(line, &mut [0; 2])?;
            let reason = DropReason::from_code(words.next()?);
            let gap = Gap { from, to, reason };
            cursor.done.add(from, to);
            cursor.gaps.push(Told { gap, by: *by });
        }
        _ => {}
    }
    Some(())
}

fn two(line: &str) -> Option<[u64; 2]> {
    let mut range = [0; 2];
    read_numbers(line, &mut range)?;
    Some(range)
}

fn push_seal(out: &mut String, seal: &Seal) {
    out.push_str("\ns");
    push_numbers(out, &[seal.from, seal.to, seal.at.0, seal.stamp.into()]);
}

/// Gaps that no sealed batch tells.
fn push_untold(out: &mut String, gaps: &[Gap]) {
    if !gaps.is_empty() {
        out.push_str("\np");
        push_gaps(out, gaps);
    }
}

fn push_gaps(out: &mut String, gaps: &[Gap]) {
    for gap in gaps {
        out.push_str("\nh");
        push_numbers(out, &[gap.from, gap.to]);
        out.push(' ');
        out.push_str(gap.reason.code());
    }
}

// What all values have in common.

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

/// What [`guard`] guarded, if it is whole.
#[must_use]
pub fn unguard<'a>(text: &'a str, numbers: &mut [u64]) -> Option<&'a str> {
    let (head, body) = split_once(text, b'\n')?;
    let sum = read_numbers(head, numbers)?.number()?;
    (sum == u64::from(checksum(body))).then_some(body)
}

/// The version that a value says it has; `None` if it is no value of ours at all.
#[must_use]
pub fn version_of(value: &str) -> Option<&str> {
    let head = fields(value, b'\n').next()?;
    let version = fields(head, b' ').next()?;
    parse_u64(version).map(|_| version)
}

/// Reads the numbers after the line's first word; the rest of the line is left.
#[must_use]
pub fn read_numbers<'a>(line: &'a str, numbers: &mut [u64]) -> Option<Fields<'a>> {
    let mut words = fields(line, b' ');
    words.next();
    words.numbers(numbers)?;
    Some(words)
}

fn push_numbers(out: &mut String, numbers: &[u64]) {
    for number in numbers {
        out.push(' ');
        push_u64(out, *number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{journal::cursor::Owed, model::ids::TabId};

    fn owed() -> Owed {
        Owed {
            name: "own".into(),
            encoder: "native/2",
            tells_gaps: true,
        }
    }

    fn log(events: usize) -> Log {
        let tab = TabId::parse("00000000000000000001").unwrap();
        let mut log = Log::new(tab, "{\"name\":\"sendoff\"}".into(), "{}".into());
        let page = log.page("{\"url\":\"/\"}");
        (0..events).for_each(|_| log.push(page, "{\"e\":1}".into()));
        log
    }

    #[test]
    fn a_record_reads_back() {
        let (log, mut cursor) = (log(20), Cursor::new(&owed()));
        cursor.settle(&log, 1, 3, None);
        cursor.settle(&log, 5, 5, Some(DropReason::Rejected));
        let seal = cursor.sealing(&log, 4, 10, UnixMillis(7), Telling::Next);
        cursor.adopt(seal);
        cursor.settle(&log, 12, 12, Some(DropReason::Overflow));
        let mut body = start_record(true);
        push_cursor(&mut body, &log, &cursor, &[]);
        let read = read_record(&guard(&[], &body)).unwrap();
        assert!(read.left);
        let [own] = &read.cursors[..] else { panic!() };
        assert_eq!(
            (own.name.as_str(), own.encoder.as_str()),
            ("own", "native/2")
        );
        assert_eq!(own.done.ranges(), [(0, 3), (5, 5), (12, 12)]);
        assert!(own.seals[0].is_same(&seal));
        assert_eq!(own.gaps, cursor.gaps());
        assert_eq!([&body[..1], "\n", &own.lines].concat(), body);
    }

    #[test]
    fn unknown_lines_and_reasons_are_not_damage() {
        let body = "n\nx 1 2 3\nc own native/9 4\nq 7 later\ns 5 6 1 9\nh 7 7 solar_flare\nz\nc other e/1 0";
        let read = read_record(&guard(&[], body)).unwrap();
        assert_eq!(read.cursors.len(), 2);
        let own = &read.cursors[0];
        assert_eq!(
            (own.seals.len(), own.gaps[0].gap.reason),
            (1, DropReason::Unknown)
        );
        assert!(own.lines.contains("q 7 later"), "kept for whoever knows it");
        assert_eq!(read_record("2 1\nn"), None, "a wrong sum is damage");
    }

    #[test]
    fn a_segment_reads_back_with_its_pages() {
        let mut log = log(2);
        let page = log.page("{\"url\":\"/b\"}");
        log.push(page, "{\"e\":2}".into());
        let (text, last) = write_segment(&log, 0, u64::MAX, 1_000, UnixMillis(5));
        assert_eq!(last, 3);
        let (at, lines) = read_segment(&text).unwrap();
        assert_eq!(at, UnixMillis(5));
        assert_eq!(
            lines,
            [
                SegmentLine::Page("{\"url\":\"/\"}"),
                SegmentLine::Event(1, "{\"e\":1}"),
                SegmentLine::Event(2, "{\"e\":1}"),
                SegmentLine::Page("{\"url\":\"/b\"}"),
                SegmentLine::Event(3, "{\"e\":2}"),
            ]
        );
        assert_eq!(damaged_events(&text), 3);
        assert_eq!(read_segment(&text[..text.len() - 1]), None);
    }

    #[test]
    fn a_header_reads_back() {
        let log = log(0);
        let header = write_header(&log, "own posthog");
        let parts = (log.sdk.as_str(), log.context.as_str(), "own posthog");
        assert_eq!(read_header(&header), Some(parts));
    }
}
