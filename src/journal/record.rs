//! The text formats of the journal.

use crate::engine::report::DropReason;
use crate::journal::log::{HOLES_MAX, Hole, Log, Seal, UNREPORTED, checksum};
use crate::model::time::UnixMillis;
use crate::text::fields::{Fields, fields, owned, parse_u64, split_once};
use crate::text::json::push_u64;

/// First characters of every value; a value that starts otherwise is of another version.
pub(crate) const VERSION: &str = "1";

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
pub fn segment_range(name: &str) -> Option<[u64; 2]> {
    let (mut words, mut range) = (fields(name, b'-'), [0; 2]);
    words.numbers(&mut range)?;
    words.next().is_none().then_some(range)
}

/// The record of what is settled and sealed. `deferred` are batches that the browser may send when
/// this tab is gone: whoever finds them treats them as sealed.
#[must_use]
pub fn write_record(log: &Log, deferred: &[Seal]) -> String {
    let mut out = owned(if log.left { "l" } else { "n" });
    push_numbers(&mut out, ' ', &[log.settled()]);
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
    if let Some(untold @ [_, ..]) = log.unreported().get(told..) {
        out.push_str("\np");
        push_holes(&mut out, untold);
    }
    guard(&[], &out)
}

/// A value with version, some numbers and the body's checksum before it.
#[must_use]
pub fn guard(numbers: &[u64], body: &str) -> String {
    let mut out = String::new();
    out.reserve(body.len() + 48);
    out.push_str(VERSION);
    push_numbers(&mut out, ' ', numbers);
    push_numbers(&mut out, ' ', &[checksum(body).into()]);
    out.push('\n');
    out.push_str(body);
    out
}

/// What `guard` guarded, if it is whole.
pub(crate) fn unguard<'a>(text: &'a str, numbers: &mut [u64]) -> Option<&'a str> {
    let (head, body) = split_once(text, b'\n')?;
    let sum = read_numbers(head, numbers)?.number()?;
    (sum == u64::from(checksum(body))).then_some(body)
}

fn push_seal(out: &mut String, seal: &Seal) {
    out.push_str("\ns");
    push_numbers(
        out,
        ' ',
        &[seal.from, seal.to, seal.at.0, seal.stamp.into()],
    );
}

fn push_holes(out: &mut String, holes: &[Hole]) {
    for hole in holes {
        out.push_str("\nh");
        push_numbers(out, ' ', &[hole.from, hole.to]);
        out.push(' ');
        out.push_str(hole.reason.code());
    }
}

/// Adds numbers, a separator before each.
pub(crate) fn push_numbers(out: &mut String, separator: char, numbers: &[u64]) {
    for number in numbers {
        out.push(separator);
        push_u64(out, *number);
    }
}

/// Reads the numbers after the line's first word; the rest of the line is left.
pub(crate) fn read_numbers<'a>(line: &'a str, numbers: &mut [u64]) -> Option<Fields<'a>> {
    let mut words = fields(line, b' ');
    words.next();
    words.numbers(numbers)?;
    Some(words)
}

/// Reads what `write_record` wrote into an empty log, but for the seals; `None` if it is damaged.
pub(crate) fn read_record(text: &str, log: &mut Log, seals: &mut Vec<Seal>) -> Option<()> {
    let mut lines = fields(unguard(text, &mut [])?, b'\n');
    let (first, mut settled) = (lines.next()?, 0);
    read_numbers(first, core::slice::from_mut(&mut settled))?;
    log.left = first.starts_with('l');
    log.restore_settled(settled);
    // The holes of a sealed batch follow it; those that no batch has reported follow a "p".
    let mut batch = UNREPORTED;
    for line in lines {
        match line.as_bytes().first()? {
            b's' => {
                let mut numbers = [0; 4];
                read_numbers(line, &mut numbers)?;
                let [from, to, at, stamp] = numbers;
                seals.push(Seal {
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
                log.restore_hole(Hole {
                    batch,
                    ..Hole::new(from, to, reason)
                });
            }
            _ => return None,
        }
    }
    Some(())
}

/// The version that a value says it has; `None` if it is no value of ours at all.
pub(crate) fn version_of(value: &str) -> Option<&str> {
    let head = fields(value, b'\n').next()?;
    let version = fields(head, b' ').next()?;
    parse_u64(version).map(|_| version)
}

/// How many events a damaged segment held, as its head still says.
pub(crate) fn damaged_events(text: &str) -> usize {
    let mut head = [0, 1];
    _ = read_numbers(fields(text, b'\n').next().unwrap_or(""), &mut head);
    let [_, count] = head;
    count.clamp(1, 10_000) as usize
}
