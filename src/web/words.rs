//! The words that cross the boundary, and what they stand for: both ways, one `match` each.

use crate::{
    engine::io::{Nature, Outcome, RetryAfter},
    wire::{ContentType, Gzip},
};

/// What its body is sent as.
pub(crate) const fn content_type(content_type: ContentType) -> &'static str {
    match content_type {
        ContentType::Text => "text",
        ContentType::Form => "form",
        ContentType::Json => "json",
    }
}

/// How its receiver tells that a body is gzipped; empty where it would not.
pub(crate) const fn gzip(gzip: Gzip) -> &'static str {
    match gzip {
        Gzip::No => "",
        Gzip::ByHeader => "header",
        Gzip::BySniffing => "sniffing",
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
#[path = "../../tests/web/words.rs"]
mod tests;
