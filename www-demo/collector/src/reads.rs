//! `GET /api/v1/events` and `GET /api/v1/stats`: what is stored, for whoever holds a read key.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Query, State};
use axum::http::Uri;
use serde::{Deserialize, Serialize};

use crate::access::Reading;
use crate::clock;
use crate::db::{EventRow, Filter, Order, Stats};
use crate::error::ApiError;
use crate::routes::App;

const LIMIT_DEFAULT: u32 = 100;
const LIMIT_MAX: u32 = 10_000;

#[derive(Debug, Deserialize)]
struct Params {
    name: Option<String>,
    user: Option<String>,
    since: Option<String>,
    after: Option<i64>,
    limit: Option<u32>,
}

#[derive(Debug, Serialize)]
pub(crate) struct Events {
    events: Vec<EventRow>,
}

pub(crate) async fn events(
    State(app): State<Arc<App>>,
    Reading { project }: Reading,
    uri: Uri,
) -> Result<Json<Events>, ApiError> {
    let Query(params) = Query::<Params>::try_from_uri(&uri).map_err(|e| ApiError::BadQuery {
        message: e.body_text(),
    })?;
    let events = app.reader.events(&project, filter(params)?).await?;
    Ok(Json(Events { events }))
}

pub(crate) async fn stats(
    State(app): State<Arc<App>>,
    Reading { project }: Reading,
) -> Result<Json<Stats>, ApiError> {
    Ok(Json(app.reader.stats(&project).await?))
}

fn filter(params: Params) -> Result<Filter, ApiError> {
    let since = params.since.as_deref().map(|text| {
        clock::normalise(text).ok_or_else(|| ApiError::BadQuery {
            message: format!("since={text} is not a time like 2026-01-15T12:00:00.000Z"),
        })
    });
    let limit = params.limit.unwrap_or(LIMIT_DEFAULT);
    if limit == 0 || limit > LIMIT_MAX {
        return Err(ApiError::BadQuery {
            message: format!("limit={limit} is not 1 to {LIMIT_MAX}"),
        });
    }
    Ok(Filter {
        name: params.name,
        user: params.user,
        since: since.transpose()?,
        after: params.after,
        order: if params.after.is_some() {
            Order::OldestFirst
        } else {
            Order::NewestFirst
        },
        limit,
    })
}
