//! Reading vendors' answers: numbers out of JSON that stays text, and verdicts about some of a batch.

use crate::{
    text::{
        fields::{fields, parse_u64, unquoted},
        view::{items, member, members},
    },
    wire::Verdict,
};

/// A member that is a whole number, written as one or as a string of digits (as protobuf's JSON does).
pub(super) fn number(object: &str, name: &str) -> Option<u64> {
    let value = member(object, name)?;
    parse_u64(value).or_else(|| parse_u64(unquoted(value)))
}

/// The events that the members in `names` (a line each) list by index are given up, and all others are to be sent
/// again: nothing of the request was stored.
pub(super) fn rest_again(events: usize, body: &str, names: &str) -> Verdict {
    let mut bad = vec![false; events];
    for name in fields(names, b'\n') {
        let value = member(body, name).unwrap_or("");
        mark(value, &mut bad);
        for (_, list) in members(value) {
            mark(list, &mut bad);
        }
    }
    let (mut refused, mut again) = (Vec::new(), Vec::new());
    for (index, bad) in bad.iter().enumerate() {
        let list = if *bad { &mut refused } else { &mut again };
        list.push(index);
    }
    if refused.is_empty() || again.is_empty() {
        return Verdict::Rejected;
    }
    Verdict::Partial { refused, again }
}

/// Marks the indices that a list holds.
fn mark(list: &str, bad: &mut [bool]) {
    for item in items(list) {
        let index = parse_u64(item).and_then(|index| usize::try_from(index).ok());
        if let Some(bad) = index.and_then(|index| bad.get_mut(index)) {
            *bad = true;
        }
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
