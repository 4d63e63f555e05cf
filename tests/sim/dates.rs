//! Dates as text, written a second time so that the engine's own arithmetic is checked by another.

const DAY_MS: u64 = 86_400_000;

/// `2026-01-15T12:00:00.000Z`
pub(crate) fn iso8601(ms: u64) -> String {
    let (year, month, day) = civil(ms / DAY_MS);
    let (hour, minute, second) = clock(ms);
    format!(
        "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{:03}Z",
        ms % 1_000
    )
}

const fn clock(ms: u64) -> (u64, u64, u64) {
    let seconds = ms / 1_000;
    (seconds / 3_600 % 24, seconds / 60 % 60, seconds % 60)
}

/// Counts years and months down from 1970: slow, and plainly right.
fn civil(mut days: u64) -> (u64, u64, u64) {
    let leap = |year: u64| {
        year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
    };
    let mut year = 1970;
    while days >= 365 + u64::from(leap(year)) {
        days -= 365 + u64::from(leap(year));
        year += 1;
    }
    let lengths = [
        31,
        28 + u64::from(leap(year)),
        31,
        30,
        31,
        30,
        31,
        31,
        30,
        31,
        30,
        31,
    ];
    let mut month = 0;
    while days >= lengths[month] {
        days -= lengths[month];
        month += 1;
    }
    (year, month as u64 + 1, days + 1)
}

#[test]
fn dates_are_written_as_the_standards_have_them() {
    assert_eq!(iso8601(1_768_478_400_007), "2026-01-15T12:00:00.007Z");
    assert_eq!(iso8601(951_782_400_000), "2000-02-29T00:00:00.000Z");
}
