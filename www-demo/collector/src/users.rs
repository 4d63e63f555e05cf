//! `/api/v1/users/<id>/…`: what one person did, what is kept of him, and an end to it. The id is any
//! of his; what the others are, the events say (`db::people`).

use std::collections::VecDeque;
use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{Uri, header};
use axum::response::{IntoResponse, Response};
use futures_util::stream::unfold;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::access::Reading;
use crate::clock;
use crate::db::{Cursor, Erased, EventRow, Page, Sessions, Span};
use crate::error::ApiError;
use crate::query::{bad, limit, query, time};
use crate::routes::App;

const EVENTS_DEFAULT: u32 = 1000;
const EVENTS_MAX: u32 = 10_000;
const SESSIONS_DEFAULT: u32 = 50;
const SESSIONS_MAX: u32 = 500;
/// Rows of an export that are in memory at once.
const EXPORT_ROWS: u32 = 500;

#[derive(Debug, Deserialize)]
struct Params {
    from: Option<String>,
    to: Option<String>,
    limit: Option<u32>,
    after: Option<String>,
    order: Option<String>,
}

impl Params {
    fn span(&self, default: u32, max: u32) -> Result<Span, ApiError> {
        Ok(Span {
            from: time("from", self.from.as_deref())?,
            to: time("to", self.to.as_deref())?,
            limit: limit(self.limit, default, max)?,
        })
    }
}

#[derive(Debug, Serialize)]
pub(crate) struct TimelineAnswer {
    ids: Vec<String>,
    events: Vec<EventRow>,
    /// What `after` has to be for the events that follow.
    next: Option<String>,
}

pub(crate) async fn timeline(
    State(app): State<Arc<App>>,
    Reading { project }: Reading,
    Path(user): Path<String>,
    uri: Uri,
) -> Result<Json<TimelineAnswer>, ApiError> {
    let params: Params = query(&uri)?;
    let span = params.span(EVENTS_DEFAULT, EVENTS_MAX)?;
    let page = page(params.order.as_deref(), params.after.as_deref())?;
    let found = app.reader.timeline(&project, user, span, page).await?;
    Ok(Json(TimelineAnswer {
        ids: found.ids,
        events: found.events,
        next: found
            .next
            .map(|Cursor { at, seq, id }| format!("{at}_{seq}_{id}")),
    }))
}

fn page(order: Option<&str>, after: Option<&str>) -> Result<Page, ApiError> {
    match (order, after) {
        (None | Some("oldest"), after) => Ok(Page::From(after.map(read_cursor).transpose()?)),
        (Some("latest"), None) => Ok(Page::Latest),
        (Some("latest"), Some(_)) => Err(bad("order=latest does not go with after=".to_owned())),
        (Some(other), _) => Err(bad(format!("order={other} is not oldest or latest"))),
    }
}

fn read_cursor(text: &str) -> Result<Cursor, ApiError> {
    let parts = || {
        let (at, rest) = text.split_once('_')?;
        let (seq, id) = rest.split_once('_')?;
        Some(Cursor {
            at: clock::normalise(at)?,
            seq: seq.parse().ok()?,
            id: id.parse().ok()?,
        })
    };
    parts().ok_or_else(|| bad(format!("after={text} is not the `next` of an answer")))
}

pub(crate) async fn sessions(
    State(app): State<Arc<App>>,
    Reading { project }: Reading,
    Path(user): Path<String>,
    uri: Uri,
) -> Result<Json<Sessions>, ApiError> {
    let params: Params = query(&uri)?;
    let span = params.span(SESSIONS_DEFAULT, SESSIONS_MAX)?;
    Ok(Json(app.reader.sessions(&project, user, span).await?))
}

pub(crate) async fn erase(
    State(app): State<Arc<App>>,
    Reading { project }: Reading,
    Path(user): Path<String>,
) -> Result<Json<Erased>, ApiError> {
    Ok(Json(app.writer.erase(project, user, clock::now()).await?))
}

/// Everything of a person in one JSON document, written as it is read: it may be longer than memory.
pub(crate) async fn export(
    State(app): State<Arc<App>>,
    Reading { project }: Reading,
    Path(user): Path<String>,
) -> Result<Response, ApiError> {
    let ids = app.reader.ids_of(&project, user).await?;
    let head = json!({ "project": project, "exportedAt": clock::now(), "ids": ids }).to_string();
    let open = head.strip_suffix('}').unwrap_or(&head);
    let export = Export {
        app,
        project,
        ids,
        last: 0,
        parts: VecDeque::from([format!("{open},\"events\":[")]),
        rows: 0,
        done: false,
    };
    let body = unfold(export, |mut export| async move {
        let part = export.next().await?;
        Some((part, export))
    });
    let headers = [
        (header::CONTENT_TYPE, "application/json"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    Ok((headers, Body::from_stream(body)).into_response())
}

struct Export {
    app: Arc<App>,
    project: String,
    ids: Vec<String>,
    /// The last row that was read.
    last: i64,
    parts: VecDeque<String>,
    rows: usize,
    done: bool,
}

impl Export {
    /// A part of the document; an error cuts the answer off, so that no half one is taken for whole.
    async fn next(&mut self) -> Option<Result<String, std::io::Error>> {
        let more = self.parts.is_empty() && !self.done;
        if more && let Err(error) = self.read().await {
            self.done = true;
            return Some(Err(std::io::Error::other(error.code())));
        }
        self.parts.pop_front().map(Ok)
    }

    async fn read(&mut self) -> Result<(), ApiError> {
        let reader = &self.app.reader;
        let rows = reader
            .events_of(&self.project, &self.ids, self.last, EXPORT_ROWS)
            .await?;
        self.done = rows.len() < EXPORT_ROWS as usize;
        let mut part = String::new();
        for row in &rows {
            let text = serde_json::to_string(row).map_err(|e| ApiError::StorageUnavailable {
                message: e.to_string(),
            })?;
            let comma = if self.rows == 0 { "" } else { "," };
            part.push_str(&format!("{comma}{text}"));
            self.rows += 1;
            self.last = row.id;
        }
        if self.done {
            part.push_str("]}");
        }
        self.parts.push_back(part);
        Ok(())
    }
}
