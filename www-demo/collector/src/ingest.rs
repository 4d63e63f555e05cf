//! The ingest endpoint: one batch in, one answer out, and a 2xx only after the commit.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, Uri};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};

use crate::db::Batch;
use crate::envelope::{Envelope, is_batch_id};
use crate::error::ApiError;
use crate::faults::{self, Then};
use crate::routes::App;
use crate::validate::{self, Judged, Rejection};
use crate::{body, clock};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    accepted: usize,
    duplicates: usize,
    duplicate_batch: bool,
    rejected: Vec<Rejection>,
    /// Only in answer to a receipt query.
    #[serde(skip_serializing_if = "Option::is_none")]
    known: Option<Vec<String>>,
}

pub(crate) async fn ingest(
    State(app): State<Arc<App>>,
    uri: Uri,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    // Taken first: how long a body or a fault takes says nothing about the client's clock.
    let lag_ms = lag_ms(&uri, clock::now_ms());
    // Content-Type is not looked at: a page sends text/plain to stay clear of CORS preflights.
    let body = body::read(&headers, body, app.max_body_bytes).await?;
    let envelope = Envelope::parse(&body);
    let events = envelope
        .as_ref()
        .map_or(0, |envelope| envelope.events.len());
    let mut lose = false;
    match faults::play(app.faults.as_ref(), events, &app.stop).await {
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
    let answer = take(&app, project, lag_ms, &envelope).await?;
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
    envelope: &Envelope<'_>,
) -> Result<Answer, ApiError> {
    let Judged {
        good,
        mut rejections,
        refused,
    } = validate::events(&envelope.events, envelope.context);
    let batch = Batch {
        project: project.to_owned(),
        batch_id: envelope.batch_id.clone(),
        tab: envelope.tab.clone(),
        // Only a hint about the client's clock: one that cannot be read is no reason to lose events.
        sent_at: envelope.sent_at.as_deref().and_then(clock::normalise),
        received_at: clock::now(),
        lag_ms,
        events: good,
        refused,
        dropped: envelope.dropped.clone(),
        receipts: envelope.receipts.as_deref().map(askable),
    };
    let stored = app.writer.store(batch).await?;
    rejections.extend(stored.of_erased.into_iter().map(Rejection::of_erased));
    rejections.sort_by_key(|rejection| rejection.index);
    Ok(Answer {
        accepted: stored.accepted,
        duplicates: stored.duplicates,
        duplicate_batch: stored.duplicate_batch,
        rejected: rejections,
        known: stored.known,
    })
}

/// The time from which an attempt may say that it was sent until its arrival; nothing where it does
/// not say so, or not in milliseconds of this era.
pub(crate) fn lag_ms(uri: &Uri, arrived_ms: i64) -> Option<i64> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Attempt {
        sent_at: String,
    }
    /// The end of the year 9999.
    const SENT_MS_MAX: i64 = 253_402_300_799_999;
    let Query(attempt) = Query::<Attempt>::try_from_uri(uri).ok()?;
    let sent_ms: i64 = attempt.sent_at.parse().ok()?;
    (0..=SENT_MS_MAX)
        .contains(&sent_ms)
        .then_some(arrived_ms - sent_ms)
}

fn askable(ids: &[String]) -> Vec<String> {
    let well_formed = ids.iter().filter(|id| is_batch_id(id));
    well_formed.cloned().collect()
}
