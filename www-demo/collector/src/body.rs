//! Reads a request body under a limit that also holds for what gzip inflates to. The body is
//! inflated as it streams in, so a bomb costs `limit` bytes of memory and stops there.

use std::io::{self, Write};
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, header};
use flate2::write::MultiGzDecoder;
use http_body_util::BodyExt as _;

use crate::error::ApiError;

/// A client that has not sent its body by then is not going to.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);

/// How much of a refused body is still read. Answering before the client has finished writing makes
/// many clients, browsers among them, see a connection reset instead of the 413.
const DRAIN_BYTES_MAX: usize = 16 * 1024 * 1024;

pub(crate) async fn read(
    headers: &HeaderMap,
    body: Body,
    limit: usize,
) -> Result<Vec<u8>, ApiError> {
    let seconds = BODY_TIMEOUT.as_secs();
    tokio::time::timeout(BODY_TIMEOUT, read_and_drain(headers, body, limit))
        .await
        .unwrap_or(Err(ApiError::BodyTimeout { seconds }))
}

async fn read_and_drain(
    headers: &HeaderMap,
    mut body: Body,
    limit: usize,
) -> Result<Vec<u8>, ApiError> {
    let outcome = read_limited(headers, &mut body, limit).await;
    if outcome.is_err() {
        drain(&mut body).await;
    }
    outcome
}

async fn read_limited(
    headers: &HeaderMap,
    body: &mut Body,
    limit: usize,
) -> Result<Vec<u8>, ApiError> {
    let mut sink = Sink::new(headers, limit)?;
    let mut received = 0;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|e| ApiError::BodyUnreadable {
            message: format!("reading it: {e}"),
        })?;
        let Ok(data) = frame.into_data() else {
            continue;
        };
        received += data.len();
        if received > limit {
            return Err(ApiError::BodyTooLarge {
                limit,
                inflated: false,
            });
        }
        sink.write(&data)?;
    }
    sink.finish()
}

async fn drain(body: &mut Body) {
    let mut drained = 0;
    while let Some(Ok(frame)) = body.frame().await {
        drained += frame.data_ref().map_or(0, |data| data.len());
        if drained > DRAIN_BYTES_MAX {
            return;
        }
    }
}

enum Sink {
    Plain(Limited),
    Gzip(MultiGzDecoder<Limited>),
}

impl Sink {
    fn new(headers: &HeaderMap, limit: usize) -> Result<Self, ApiError> {
        let encoding = headers.get(header::CONTENT_ENCODING).map(|v| v.as_bytes());
        let encoding = String::from_utf8_lossy(encoding.unwrap_or_default()).to_ascii_lowercase();
        let out = Limited {
            bytes: Vec::new(),
            limit,
            full: false,
        };
        match encoding.trim() {
            "" | "identity" => Ok(Self::Plain(out)),
            "gzip" | "x-gzip" => Ok(Self::Gzip(MultiGzDecoder::new(out))),
            other => Err(ApiError::UnsupportedEncoding {
                encoding: other.to_owned(),
            }),
        }
    }

    fn write(&mut self, data: &[u8]) -> Result<(), ApiError> {
        match self {
            Self::Plain(out) => out.write_all(data).map_err(|_| out.too_large(false)),
            Self::Gzip(gzip) => gzip
                .write_all(data)
                .map_err(|e| gzip_error(gzip.get_ref(), &e)),
        }
    }

    fn finish(self) -> Result<Vec<u8>, ApiError> {
        match self {
            Self::Plain(out) => Ok(out.bytes),
            Self::Gzip(mut gzip) => match gzip.try_finish() {
                Ok(()) => Ok(std::mem::take(&mut gzip.get_mut().bytes)),
                Err(e) => Err(gzip_error(gzip.get_ref(), &e)),
            },
        }
    }
}

fn gzip_error(out: &Limited, error: &io::Error) -> ApiError {
    if out.full {
        return out.too_large(true);
    }
    ApiError::BadGzip {
        message: format!("the body is not complete, valid gzip: {error}"),
    }
}

/// A buffer that refuses to grow past its limit.
struct Limited {
    bytes: Vec<u8>,
    limit: usize,
    full: bool,
}

impl Limited {
    fn too_large(&self, inflated: bool) -> ApiError {
        ApiError::BodyTooLarge {
            limit: self.limit,
            inflated,
        }
    }
}

impl Write for Limited {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        if self.bytes.len() + data.len() > self.limit {
            self.full = true;
            return Err(io::Error::other("limit reached"));
        }
        self.bytes.extend_from_slice(data);
        Ok(data.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_body_that_never_ends_is_given_up() {
        let (_open, never) = tokio::sync::oneshot::channel::<()>();
        let never = async move {
            let _ = never.await;
            Ok::<_, io::Error>("late")
        };
        let body = Body::from_stream(futures_util::stream::once(never));
        let outcome = read(&HeaderMap::new(), body, 100).await;
        assert!(
            matches!(outcome, Err(ApiError::BodyTimeout { seconds: 30 })),
            "{outcome:?}"
        );
    }
}
