//! What a client is told when a request is refused: one enum, a stable code each, and a message
//! that names what was wrong, where, and what to do.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

#[derive(Debug)]
#[non_exhaustive]
pub(crate) enum ApiError {
    MalformedJson {
        message: String,
        line: usize,
        column: usize,
        byte: usize,
    },
    BadEnvelope {
        message: String,
    },
    BadGzip {
        message: String,
    },
    BadQuery {
        message: String,
    },
    BadFault {
        message: String,
    },
    BodyUnreadable {
        message: String,
    },
    UnknownKey,
    UnknownReadKey,
    UnknownTicket,
    TooManyFailures {
        seconds: u64,
    },
    NotReadable {
        project: String,
    },
    NotTheDemo,
    NoTicket {
        message: String,
    },
    OriginNotAllowed {
        origin: String,
    },
    NotFound {
        message: String,
    },
    MethodNotAllowed,
    BodyTimeout {
        seconds: u64,
    },
    BodyTooLarge {
        limit: usize,
        inflated: bool,
    },
    UnsupportedEncoding {
        encoding: String,
    },
    StorageUnavailable {
        message: String,
    },
}

impl ApiError {
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::MalformedJson { .. } => "malformed_json",
            Self::BadEnvelope { .. } => "bad_envelope",
            Self::BadGzip { .. } => "bad_gzip",
            Self::BadQuery { .. } => "bad_query",
            Self::BadFault { .. } => "bad_fault",
            Self::BodyUnreadable { .. } => "body_unreadable",
            Self::UnknownKey => "unknown_key",
            Self::UnknownReadKey => "unknown_read_key",
            Self::UnknownTicket => "unknown_ticket",
            Self::TooManyFailures { .. } => "too_many_failures",
            Self::NotReadable { .. } => "not_readable",
            Self::NotTheDemo => "not_the_demo",
            Self::NoTicket { .. } => "no_ticket",
            Self::OriginNotAllowed { .. } => "origin_not_allowed",
            Self::NotFound { .. } => "not_found",
            Self::MethodNotAllowed => "method_not_allowed",
            Self::BodyTimeout { .. } => "body_timeout",
            Self::BodyTooLarge { .. } => "body_too_large",
            Self::UnsupportedEncoding { .. } => "unsupported_encoding",
            Self::StorageUnavailable { .. } => "storage_unavailable",
        }
    }

    fn status(&self) -> StatusCode {
        match self {
            Self::MalformedJson { .. }
            | Self::BadEnvelope { .. }
            | Self::BadGzip { .. }
            | Self::BadQuery { .. }
            | Self::BadFault { .. }
            | Self::BodyUnreadable { .. } => StatusCode::BAD_REQUEST,
            Self::UnknownKey | Self::UnknownReadKey | Self::UnknownTicket => {
                StatusCode::UNAUTHORIZED
            }
            Self::TooManyFailures { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::NotReadable { .. } | Self::NotTheDemo | Self::OriginNotAllowed { .. } => {
                StatusCode::FORBIDDEN
            }
            Self::NotFound { .. } => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::BodyTimeout { .. } => StatusCode::REQUEST_TIMEOUT,
            Self::BodyTooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UnsupportedEncoding { .. } => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::NoTicket { .. } | Self::StorageUnavailable { .. } => {
                StatusCode::SERVICE_UNAVAILABLE
            }
        }
    }

    fn message(&self) -> String {
        match self {
            Self::MalformedJson { message, .. }
            | Self::BadEnvelope { message }
            | Self::BadGzip { message }
            | Self::BadQuery { message }
            | Self::BadFault { message }
            | Self::BodyUnreadable { message }
            | Self::NotFound { message } => message.clone(),
            Self::UnknownKey => UNKNOWN_KEY.to_owned(),
            Self::UnknownReadKey => UNKNOWN_READ_KEY.to_owned(),
            Self::UnknownTicket => UNKNOWN_TICKET.to_owned(),
            Self::TooManyFailures { seconds } => {
                format!("too many wrong read keys from this address: wait {seconds} s")
            }
            Self::NotReadable { project } => {
                format!(
                    "this key does not read a project {project}: leave ?project= out, or name one of its own"
                )
            }
            Self::NotTheDemo => {
                "only the demo page itself may ask for its key, on localhost".to_owned()
            }
            Self::NoTicket { message } => {
                format!("no ticket could be made, try again later: {message}")
            }
            Self::OriginNotAllowed { origin } => {
                format!(
                    "origin {origin} is not allowed: start the collector with --origin {origin}"
                )
            }
            Self::MethodNotAllowed => "this address does not answer that method".to_owned(),
            Self::BodyTimeout { seconds } => {
                format!("the body did not arrive within {seconds} s: send it again")
            }
            Self::BodyTooLarge {
                limit,
                inflated: false,
            } => {
                format!("the body is larger than {limit} bytes: send smaller batches")
            }
            Self::BodyTooLarge {
                limit,
                inflated: true,
            } => {
                format!("the body inflates to more than {limit} bytes: send smaller batches")
            }
            Self::UnsupportedEncoding { encoding } => {
                format!("Content-Encoding {encoding} is not supported: send gzip or none")
            }
            Self::StorageUnavailable { message } => {
                format!(
                    "the database did not answer, nothing was stored, try again later: {message}"
                )
            }
        }
    }
}

const UNKNOWN_KEY: &str = "unknown API key: send `apiKey` in the envelope, or `Authorization: Bearer KEY` \
     or `?key=KEY`, with a key the collector was started with (--key)";
const UNKNOWN_READ_KEY: &str = "reading needs a read key: send `Authorization: Bearer KEY` with one of \
     --read-key, or the one printed at the start; a write key only writes";
const UNKNOWN_TICKET: &str =
    "this ticket is unknown, used, or too old: get a new one with POST /api/v1/stream/ticket";

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut body = json!({ "error": self.code(), "message": self.message() });
        if let Self::MalformedJson {
            line, column, byte, ..
        } = self
        {
            body["line"] = line.into();
            body["column"] = column.into();
            body["byte"] = byte.into();
        }
        let status = self.status();
        let mut response = (status, Json(body)).into_response();
        let headers = response.headers_mut();
        if status == StatusCode::UNAUTHORIZED {
            let scheme = HeaderValue::from_static("Bearer");
            headers.insert(header::WWW_AUTHENTICATE, scheme);
        }
        if let Self::TooManyFailures { seconds } = self {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}
