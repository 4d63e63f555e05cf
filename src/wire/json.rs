//! The few JSON pieces an encoder writes itself: numbers, strings and timestamps. Written out by
//! hand because `core::fmt` would be the larger part of a small wasm.

use crate::engine::time::UnixMillis;

/// Appends a decimal number.
pub fn push_u64(out: &mut String, number: u64) {
    push_digits(out, number, 10, 1);
}

/// Appends a number in a base of at most 16, with at least `width` digits.
pub fn push_digits(out: &mut String, number: u64, base: u64, width: u32) {
    if number >= base || width > 1 {
        push_digits(out, number / base, base, width.saturating_sub(1));
    }
    let digit = (number % base) as u8;
    out.push(char::from(if digit < 10 {
        b'0' + digit
    } else {
        b'a' + digit - 10
    }));
}

/// Appends a JSON string literal.
pub fn push_string(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{0}'..='\u{1f}' => {
                out.push_str("\\u00");
                push_digits(out, c.into(), 16, 2);
            }
            _ => out.push(c),
        }
    }
    out.push('"');
}

/// Appends an ISO 8601 UTC timestamp with milliseconds, unquoted.
pub fn push_timestamp(out: &mut String, at: UnixMillis) {
    let (days, ms) = (at.0 / 86_400_000, at.0 % 86_400_000);
    // Days to civil date: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms".
    let shifted = days + 719_468;
    let era = shifted / 146_097;
    let day_of_era = shifted % 146_097;
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 {
        month_from_march + 3
    } else {
        month_from_march - 9
    };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    for (number, width, separator) in [
        (year, 4, '-'),
        (month, 2, '-'),
        (day, 2, 'T'),
        (ms / 3_600_000, 2, ':'),
        (ms / 60_000 % 60, 2, ':'),
        (ms / 1_000 % 60, 2, '.'),
        (ms % 1_000, 3, 'Z'),
    ] {
        push_digits(out, number, 10, width);
        out.push(separator);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(write: impl FnOnce(&mut String)) -> String {
        let mut out = String::new();
        write(&mut out);
        out
    }

    #[test]
    fn timestamps_follow_the_calendar() {
        for (ms, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (1_768_478_400_007, "2026-01-15T12:00:00.007Z"),
            (1_798_761_599_999, "2026-12-31T23:59:59.999Z"),
            (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
        ] {
            assert_eq!(written(|out| push_timestamp(out, UnixMillis(ms))), text);
        }
    }

    proptest::proptest! {
        #[test]
        fn strings_survive_a_json_parser(text in ".*") {
            let json = written(|out| push_string(out, &text));
            proptest::prop_assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text);
        }

        #[test]
        fn numbers_read_back(number: u64) {
            proptest::prop_assert_eq!(written(|out| push_u64(out, number)), number.to_string());
        }
    }
}
