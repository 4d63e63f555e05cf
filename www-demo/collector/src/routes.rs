//! The table of endpoints, and the state they share.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::Uri;
use axum::middleware::from_fn_with_state;
use axum::response::Response;
use axum::routing::{delete, get, post};
use serde::Deserialize;
use tokio::sync::watch;

use crate::access::{Access, DemoKey, demo_key, issue_ticket};
use crate::cors::{Origins, cors};
use crate::db::{Reader, Writer};
use crate::error::ApiError;
use crate::faults::Faults;
use crate::ingest::ingest;
use crate::keys::WriteKeys;
use crate::query::{bad, query};
use crate::statics::{Statics, serve};
use crate::stream::stream;
use crate::{metrics, reads, users};

#[derive(Debug)]
pub(crate) struct App {
    pub(crate) keys: WriteKeys,
    pub(crate) access: Access,
    pub(crate) demo: Option<DemoKey>,
    pub(crate) origins: Origins,
    pub(crate) max_body_bytes: usize,
    pub(crate) statics: Statics,
    pub(crate) faults: Option<Faults>,
    pub(crate) metrics_faults: Option<Faults>,
    pub(crate) writer: Writer,
    pub(crate) reader: Reader,
    /// Becomes true when the collector is to stop: whatever waits without end must end then.
    pub(crate) stop: watch::Receiver<bool>,
}

pub(crate) fn router(app: Arc<App>) -> Router {
    let api = Router::new()
        .route("/api/v1/ingest/batch", post(ingest))
        .route("/api/v1/events", get(reads::events))
        .route("/api/v1/stats", get(reads::stats))
        .route("/api/v1/counts", get(reads::counts))
        .route("/api/v1/ingest/metrics", post(metrics::ingest))
        .route("/api/v1/metrics", get(metrics::summaries))
        .route("/api/v1/users/{id}", delete(users::erase))
        .route("/api/v1/users/{id}/timeline", get(users::timeline))
        .route("/api/v1/users/{id}/sessions", get(users::sessions))
        .route("/api/v1/users/{id}/export", get(users::export))
        .route("/api/v1/stream", get(stream))
        .route("/api/v1/stream/ticket", post(issue_ticket))
        .route("/api/{*rest}", get(no_such_endpoint).post(no_such_endpoint))
        .route("/_faults", get(show_faults).post(set_faults))
        .method_not_allowed_fallback(method_not_allowed)
        .layer(from_fn_with_state(Arc::clone(&app), cors));
    // Outside of CORS: no page of another origin ever reads it.
    let api = api.route("/_demo/read-key", get(demo_key));
    api.fallback(serve).with_state(app)
}

async fn show_faults(State(app): State<Arc<App>>, uri: Uri) -> Result<Response, ApiError> {
    Ok(faults(&app, &uri)?.show())
}

async fn set_faults(
    State(app): State<Arc<App>>,
    uri: Uri,
    request: Bytes,
) -> Result<Response, ApiError> {
    faults(&app, &uri)?.set(&request)
}

#[derive(Deserialize)]
struct Which {
    of: Option<String>,
}

/// The events' fault, or the metrics' with `?of=metrics`.
fn faults<'a>(app: &'a App, uri: &Uri) -> Result<&'a Faults, ApiError> {
    let off = || "faults are off: start the collector with --faults".to_owned();
    let Which { of } = query(uri)?;
    let faults = match of.as_deref() {
        None | Some("events") => &app.faults,
        Some("metrics") => &app.metrics_faults,
        Some(other) => return Err(bad(format!("of={other} is not events or metrics"))),
    };
    faults
        .as_ref()
        .ok_or_else(|| ApiError::NotFound { message: off() })
}

async fn no_such_endpoint(uri: Uri) -> ApiError {
    let message = format!("there is no endpoint {}: see collector --help", uri.path());
    ApiError::NotFound { message }
}

async fn method_not_allowed() -> ApiError {
    ApiError::MethodNotAllowed
}
