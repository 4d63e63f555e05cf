//! Reading vendors' answers: numbers out of JSON that stays text, and verdicts about some of a batch.

use crate::{
    text::{
        fields::{parse_u64, unquoted},
        view::{items, member, members},
    },
    wire::Verdict,
};

/// A member that is a whole number, written as one or as a string of digits (as protobuf's JSON does).
pub(super) fn number(object: &str, name: &str) -> Option<u64> {
    let value = member(object, name)?;
    parse_u64(value).or_else(|| parse_u64(unquoted(value)))
}

/// The indices below `events` that a member names: a list of numbers, or an object of such lists.
pub(super) fn add_indices(object: &str, name: &str, events: usize, into: &mut Vec<usize>) {
    let value = member(object, name).unwrap_or("");
    add_listed(value, events, into);
    for (_, list) in members(value) {
        add_listed(list, events, into);
    }
}

fn add_listed(list: &str, events: usize, into: &mut Vec<usize>) {
    for item in items(list) {
        let index = parse_u64(item).and_then(|index| usize::try_from(index).ok());
        if let Some(index) = index.filter(|index| *index < events && !into.contains(index)) {
            into.push(index);
        }
    }
}

/// `refused` are given up and all others are to be sent again: nothing of the request was stored.
pub(super) fn rest_again(events: usize, mut refused: Vec<usize>) -> Verdict {
    if refused.is_empty() || refused.len() >= events {
        return Verdict::Rejected;
    }
    refused.sort_unstable();
    let again = (0..events).filter(|index| !refused.contains(index));
    Verdict::Partial {
        again: again.collect(),
        refused,
    }
}

/// That many of the events were refused and the others are stored; the answer does not say which. The last
/// ones are given up for them, so that the count is right.
pub(super) fn some_refused(events: usize, refused: u64) -> Verdict {
    let refused = usize::try_from(refused).unwrap_or(events).min(events);
    if refused == 0 {
        return Verdict::Delivered;
    }
    Verdict::Partial {
        refused: (events - refused..events).collect(),
        again: Vec::new(),
    }
}
