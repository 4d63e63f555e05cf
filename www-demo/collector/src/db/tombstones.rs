//! How many numbers of a tombstone are news. Clients repeat tombstones (a retried batch) and let
//! them grow (an overflow that goes on), so ranges overlap, and a number must be counted once.

/// How many of `from..=to` none of `covered` (sorted by their start) contains. Sequence numbers are
/// checked to be at most `SEQ_MAX`, so nothing here can overflow.
pub(super) fn uncovered(from: i64, to: i64, covered: &[(i64, i64)]) -> i64 {
    let mut missing = 0;
    let mut next = from;
    for &(start, end) in covered {
        missing += (start - next).max(0);
        next = next.max(end + 1);
    }
    missing + (to + 1 - next).max(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_each_number_once() {
        assert_eq!(uncovered(1, 10, &[]), 10);
        assert_eq!(uncovered(5, 5, &[]), 1);
        assert_eq!(uncovered(1, 10, &[(1, 10)]), 0);
        assert_eq!(uncovered(1, 20, &[(1, 10)]), 10, "a range that grew");
        assert_eq!(
            uncovered(1, 10, &[(3, 4), (4, 6), (9, 30)]),
            4,
            "1, 2, 7, 8"
        );
        assert_eq!(uncovered(5, 8, &[(1, 6)]), 2);
        assert_eq!(uncovered(5, 8, &[(1, 100)]), 0);
        assert_eq!(uncovered(1, 10, &[(2, 9), (3, 4)]), 2, "one inside another");
    }
}
