//! Metrics: `POST /api/v1/ingest/metrics` takes them, `GET /api/v1/metrics` answers what they were.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};

use crate::access::Reading;
use crate::db::{MetricBatch, MetricFilter, MetricSummary, StoredMetrics, TooManyBuckets};
use crate::envelope::MetricsEnvelope;
use crate::error::ApiError;
use crate::faults::{self, Then};
use crate::ingest::lag_ms;
use crate::query::{bad, query, time};
use crate::routes::App;
use crate::validate::{self, Judged, Rejection};
use crate::{body, clock};

const BUCKETS_MAX: usize = 10_000;
const BUCKET_SECONDS_MAX: i64 = 366 * 24 * 60 * 60;
const TAG_PREFIX: &str = "tag.";

#[derive(Serialize)]
struct Answer {
    accepted: usize,
    duplicates: usize,
    rejected: Vec<Rejection>,
}

pub(crate) async fn ingest(
    State(app): State<Arc<App>>,
    uri: Uri,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    let lag_ms = lag_ms(&uri, clock::now_ms());
    let body = body::read(&headers, body, app.max_body_bytes).await?;
    let envelope = MetricsEnvelope::parse(&body);
    let metrics = envelope.as_ref().map_or(0, |all| all.metrics.len());
    let mut lose = false;
    match faults::play(app.metrics_faults.as_ref(), metrics, &app.stop).await {
        Then::GoOn => {}
        Then::Answer(status, retry_after) => return Ok(faults::answer(status, retry_after)),
        Then::Lose => lose = true,
        Then::Hang => return Ok(faults::unanswered()),
    }
    let envelope = envelope?;
    let project = match &envelope.api_key {
        Some(key) => app.keys.project(key)?,
        None => app.keys.project_of_request(&uri, &headers)?,
    };
    let answer = take(&app, project, lag_ms, envelope).await?;
    Ok(if lose {
        faults::unanswered()
    } else {
        Json(answer).into_response()
    })
}

async fn take(
    app: &App,
    project: &str,
    lag_ms: Option<i64>,
    envelope: MetricsEnvelope<'_>,
) -> Result<Answer, ApiError> {
    let Judged {
        good, rejections, ..
    } = validate::metrics(&envelope.metrics);
    let batch = MetricBatch {
        project: project.to_owned(),
        batch_id: envelope.batch_id,
        tab: envelope.tab,
        sent_at: envelope.sent_at.as_deref().and_then(clock::normalise),
        received_at: clock::now(),
        lag_ms,
        metrics: good,
        rejected: rejections.len(),
        dropped: envelope.dropped,
    };
    let StoredMetrics {
        accepted,
        duplicates,
    } = app.writer.store_metrics(batch).await?;
    Ok(Answer {
        accepted,
        duplicates,
        rejected: rejections,
    })
}

#[derive(Debug, Serialize)]
pub(crate) struct Summaries {
    metrics: Vec<MetricSummary>,
}

#[derive(Debug, Deserialize)]
struct Params {
    name: Option<String>,
    bucket: Option<String>,
    from: Option<String>,
    to: Option<String>,
}

pub(crate) async fn summaries(
    State(app): State<Arc<App>>,
    Reading { project }: Reading,
    uri: Uri,
) -> Result<Json<Summaries>, ApiError> {
    let params: Params = query(&uri)?;
    let all: BTreeMap<String, String> = query(&uri)?;
    let tag = |(name, value): (String, String)| {
        let tag = name.strip_prefix(TAG_PREFIX)?.to_owned();
        Some((tag, value))
    };
    let filter = MetricFilter {
        name: params.name,
        tags: all.into_iter().filter_map(tag).collect(),
        from: time("from", params.from.as_deref())?,
        to: time("to", params.to.as_deref())?,
        bucket_seconds: params.bucket.as_deref().map(bucket_seconds).transpose()?,
        buckets_max: BUCKETS_MAX,
    };
    let metrics = app.reader.metrics(&project, filter).await?;
    let metrics = metrics.map_err(|TooManyBuckets| {
        bad(format!(
            "more than {BUCKETS_MAX} buckets: ask for a longer bucket, or a shorter time"
        ))
    })?;
    Ok(Json(Summaries { metrics }))
}

/// `90s`, `5m`, `1h`, `7d`.
fn bucket_seconds(text: &str) -> Result<i64, ApiError> {
    let seconds = || {
        let unit = text.chars().last()?;
        let number = text.strip_suffix(unit)?;
        let seconds = match unit {
            's' => 1,
            'm' => 60,
            'h' => 60 * 60,
            'd' => 24 * 60 * 60,
            _ => return None,
        };
        let plain = number.bytes().all(|b| b.is_ascii_digit());
        let number: i64 = number.parse().ok().filter(|_| plain)?;
        let seconds = number.checked_mul(seconds)?;
        (1..=BUCKET_SECONDS_MAX)
            .contains(&seconds)
            .then_some(seconds)
    };
    seconds().ok_or_else(|| {
        bad(format!(
            "bucket={text} is not a number of s, m, h or d, from 1s to 366d"
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_are_read_in_four_units() {
        let read = |text| bucket_seconds(text).ok();
        assert_eq!(read("60s"), Some(60));
        assert_eq!(read("5m"), Some(300));
        assert_eq!(read("2h"), Some(7200));
        assert_eq!(read("366d"), Some(BUCKET_SECONDS_MAX));
        for wrong in [
            "",
            "s",
            "60",
            "0s",
            "-1s",
            "+1s",
            "1.5h",
            "367d",
            "1w",
            "1ß",
            "9223372036854775807d",
        ] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }
}
