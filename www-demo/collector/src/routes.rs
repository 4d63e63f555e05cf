//! The table of endpoints, and the state they share.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::Uri;
use axum::middleware::from_fn_with_state;
use axum::response::Response;
use axum::routing::{get, post};
use tokio::sync::watch;

use crate::access::{Access, DemoKey, demo_key, issue_ticket};
use crate::cors::{Origins, cors};
use crate::db::{Reader, Writer};
use crate::error::ApiError;
use crate::faults::Faults;
use crate::ingest::ingest;
use crate::keys::WriteKeys;
use crate::reads;
use crate::statics::{Statics, serve};
use crate::stream::stream;

#[derive(Debug)]
pub(crate) struct App {
    pub(crate) keys: WriteKeys,
    pub(crate) access: Access,
    pub(crate) demo: Option<DemoKey>,
    pub(crate) origins: Origins,
    pub(crate) max_body_bytes: usize,
    pub(crate) statics: Statics,
    pub(crate) faults: Option<Faults>,
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

async fn show_faults(State(app): State<Arc<App>>) -> Result<Response, ApiError> {
    Ok(faults(&app)?.show())
}

async fn set_faults(State(app): State<Arc<App>>, request: Bytes) -> Result<Response, ApiError> {
    faults(&app)?.set(&request)
}

fn faults(app: &App) -> Result<&Faults, ApiError> {
    let off = || "faults are off: start the collector with --faults".to_owned();
    app.faults
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
