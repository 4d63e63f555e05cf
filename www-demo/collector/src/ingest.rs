//! The ingest endpoint: one batch in, one answer out, and a 2xx only after the commit.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::db::{Batch, Stored};
use crate::envelope::{Envelope, is_batch_id};
use crate::error::ApiError;
use crate::faults::{self, Then};
use crate::routes::App;
use crate::validate::{self, Rejection};
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
    // Content-Type is not looked at: a page sends text/plain to stay clear of CORS preflights.
    let body = body::read(&headers, body, app.max_body_bytes).await?;
    let envelope = Envelope::parse(&body);
    let events = envelope
        .as_ref()
        .map_or(0, |envelope| envelope.events.len());
    let mut lose = false;
    match suffer(&app, events).await {
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
    let answer = take(&app, project, &envelope).await?;
    Ok(if lose {
        faults::unanswered()
    } else {
        Json(answer).into_response()
    })
}

async fn take(app: &App, project: &str, envelope: &Envelope<'_>) -> Result<Answer, ApiError> {
    let (events, rejected, refused) = validate::events(&envelope.events);
    let batch = Batch {
        project: project.to_owned(),
        batch_id: envelope.batch_id.clone(),
        tab: envelope.tab.clone(),
        // Only a hint about the client's clock: one that cannot be read is no reason to lose events.
        sent_at: envelope.sent_at.as_deref().and_then(clock::normalise),
        received_at: clock::now(),
        context: envelope.context.map(|context| context.get().to_owned()),
        events,
        refused,
        dropped: envelope.dropped.clone(),
        receipts: envelope.receipts.as_deref().map(askable),
    };
    let Stored {
        accepted,
        duplicates,
        duplicate_batch,
        known,
    } = app.writer.store(batch).await?;
    Ok(Answer {
        accepted,
        duplicates,
        duplicate_batch,
        rejected,
        known,
    })
}

fn askable(ids: &[String]) -> Vec<String> {
    let well_formed = ids.iter().filter(|id| is_batch_id(id));
    well_formed.cloned().collect()
}

/// Plays the fault in force; a hang that ends because the fault was changed goes on as normal, one
/// that ends because the collector stops never gets an answer.
async fn suffer(app: &App, events: usize) -> Then {
    let Some(faults) = &app.faults else {
        return Then::GoOn;
    };
    let mut changes = faults.changes();
    let hit = faults.hit(events);
    if let Some(delay) = hit.delay {
        tokio::time::sleep(delay).await;
    }
    if !matches!(hit.then, Then::Hang) {
        return hit.then;
    }
    let mut stop = app.stop.clone();
    tokio::select! {
        _ = changes.changed() => Then::GoOn,
        _ = stop.wait_for(|stop| *stop) => Then::Hang,
    }
}
