//! `GET /api/v1/events`, `/stats` and `/counts`: what is stored, for whoever holds a read key.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::Uri;
use serde::{Deserialize, Serialize};

use crate::access::Reading;
use crate::db::{Counts, EventRow, Filter, Order, Stats};
use crate::error::ApiError;
use crate::query::{bad, limit, query, time};
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
    order: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Stretch {
    from: Option<String>,
    to: Option<String>,
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
    let filter = filter(query(&uri)?)?;
    let events = app.reader.events(&project, filter).await?;
    Ok(Json(Events { events }))
}

pub(crate) async fn stats(
    State(app): State<Arc<App>>,
    Reading { project }: Reading,
) -> Result<Json<Stats>, ApiError> {
    Ok(Json(app.reader.stats(&project).await?))
}

#[derive(Debug, Serialize)]
pub(crate) struct Counted {
    counts: Vec<Counts>,
}

pub(crate) async fn counts(
    State(app): State<Arc<App>>,
    Reading { project }: Reading,
    uri: Uri,
) -> Result<Json<Counted>, ApiError> {
    let Stretch { from, to } = query(&uri)?;
    let from = time("from", from.as_deref())?;
    let to = time("to", to.as_deref())?;
    let counts = app.reader.counts(&project, from, to).await?;
    Ok(Json(Counted { counts }))
}

fn filter(params: Params) -> Result<Filter, ApiError> {
    Ok(Filter {
        order: order(params.order.as_deref(), params.after)?,
        name: params.name,
        user: params.user,
        since: time("since", params.since.as_deref())?,
        after: params.after,
        limit: limit(params.limit, LIMIT_DEFAULT, LIMIT_MAX)?,
    })
}

/// Paging goes by rows: what is stored meanwhile may have happened before what was read.
fn order(asked: Option<&str>, after: Option<i64>) -> Result<Order, ApiError> {
    match (asked, after) {
        (None | Some("stored"), Some(_)) => Ok(Order::OldestRows),
        (Some("stored"), None) => Ok(Order::NewestRows),
        (None | Some("time"), None) => Ok(Order::ByTime),
        (Some("time"), Some(_)) => Err(bad("order=time does not go with after=".to_owned())),
        (Some(other), _) => Err(bad(format!("order={other} is not time or stored"))),
    }
}
