//! Times as the database keeps them: RFC 3339 in UTC with milliseconds, so that the order of the
//! texts is the order of the times and `since` is a plain comparison.

use time::format_description::well_known::Rfc3339;
use time::{OffsetDateTime, UtcOffset};

/// The current time.
pub(crate) fn now() -> String {
    format(OffsetDateTime::now_utc())
}

/// The current time in milliseconds since 1970, as the SDK writes the time of an attempt.
pub(crate) fn now_ms() -> i64 {
    // Within an i64 for the years that `time` knows.
    i64::try_from(OffsetDateTime::now_utc().unix_timestamp_nanos() / 1_000_000).unwrap_or(0)
}

/// Reads any RFC 3339 time and writes it in the one form; `None` if it is not one, or lies outside
/// the years 0 to 9999 once in UTC.
pub(crate) fn normalise(text: &str) -> Option<String> {
    let at = OffsetDateTime::parse(text, &Rfc3339)
        .ok()?
        .checked_to_offset(UtcOffset::UTC)?;
    (0..=9999).contains(&at.year()).then(|| format(at))
}

fn format(at: OffsetDateTime) -> String {
    let (date, time) = (at.date(), at.time());
    format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z",
        date.year(),
        u8::from(date.month()),
        date.day(),
        time.hour(),
        time.minute(),
        time.second(),
        time.millisecond()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_sdk_sends_is_kept_as_it_is() {
        let sent = "2026-01-15T12:00:00.007Z";
        assert_eq!(normalise(sent).as_deref(), Some(sent));
    }

    #[test]
    fn other_offsets_and_precisions_become_utc_milliseconds() {
        let utc = normalise("2026-01-15T01:30:00+02:00");
        assert_eq!(utc.as_deref(), Some("2026-01-14T23:30:00.000Z"));
        let fine = normalise("2026-01-15T12:00:00.123999Z");
        assert_eq!(fine.as_deref(), Some("2026-01-15T12:00:00.123Z"));
    }

    #[test]
    fn what_is_no_time_is_none() {
        for text in [
            "",
            "yesterday",
            "2026-01-15",
            "2026-02-30T00:00:00Z",
            "+012026-01-15T00:00:00Z",
        ] {
            assert_eq!(normalise(text), None, "{text}");
        }
        assert_eq!(
            normalise("0000-01-01T00:00:00+01:00"),
            None,
            "year -1 in UTC"
        );
    }
}
