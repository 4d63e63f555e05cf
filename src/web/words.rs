//! The words that cross the boundary, and what they stand for: both ways, one `match` each.

use crate::{
    engine::io::{Nature, Outcome, RetryAfter},
    wire::ContentType,
};

/// What its body is sent as.
pub(crate) const fn content_type(content_type: ContentType) -> &'static str {
    match content_type {
        ContentType::Text => "text",
        ContentType::Form => "form",
        ContentType::Json => "json",
    }
}

/// What became of a request: `retry_after_ms` is NaN for none. A word of another version is no answer.
pub(crate) fn outcome(
    what: &str,
    status: u16,
    retry_after_ms: f64,
    body: Option<String>,
) -> Outcome {
    let nature = match what {
        "refused" => return Outcome::Refused,
        "queued" => return Outcome::Queued,
        "activated" => return Outcome::Activated,
        "plain" => Nature::Plain,
        "html" => Nature::Html,
        "redirected" => Nature::Redirected,
        "opaque" => Nature::Opaque,
        _ => return Outcome::Network,
    };
    Outcome::Status {
        code: status,
        retry_after: (retry_after_ms >= 0.0).then_some(RetryAfter::Millis(retry_after_ms as u64)),
        body,
        nature,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_keeps_what_is_known_of_it() {
        let at = |ms| match outcome("plain", 503, ms, None) {
            Outcome::Status { retry_after, .. } => retry_after,
            other => panic!("{other:?}"),
        };
        assert_eq!(at(f64::NAN), None);
        assert_eq!(at(0.0), Some(RetryAfter::Seconds(0)));
        assert_eq!(at(1_001.0), Some(RetryAfter::Seconds(2)));
        assert_eq!(at(1e300), Some(RetryAfter::Seconds(u64::MAX)));
    }

    #[test]
    fn a_word_of_another_version_harms_nothing() {
        assert_eq!(outcome("teleported", 200, 0.0, None), Outcome::Network);
        assert_eq!(page_event("dreaming"), None);
    }
}
