//! CORS (Fetch standard, section 3.2) for the endpoints that pages of other origins talk to.
//!
//! A listed origin is echoed with `Access-Control-Allow-Credentials`, though the collector knows no
//! cookies: `sendBeacon` always sends in credentials mode "include", and its preflight (any body
//! that is not text/plain) fails without that header. With `*` credentials are never allowed.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::error::ApiError;
use crate::routes::App;

/// Chromium caps a preflight's life at two hours; more is pointless.
const PREFLIGHT_SECONDS: HeaderValue = HeaderValue::from_static("7200");
const METHODS: HeaderValue = HeaderValue::from_static("GET, POST, DELETE, OPTIONS");
const HEADERS: HeaderValue =
    HeaderValue::from_static("authorization, content-encoding, content-type, last-event-id");
/// Without this a page sees a 429 but not when to come back.
const EXPOSED: HeaderValue = HeaderValue::from_static("Retry-After");

#[derive(Debug)]
pub(crate) struct Origins {
    any: bool,
    listed: Vec<String>,
}

impl Origins {
    pub(crate) fn new(origins: Vec<String>) -> Self {
        Self {
            any: origins.iter().any(|o| o == "*"),
            listed: origins,
        }
    }

    /// The headers that let this origin read an answer; `None` if it may not.
    fn grant(&self, origin: &HeaderValue) -> Option<HeaderMap> {
        let text = origin.to_str().ok()?.to_ascii_lowercase();
        let mut headers = HeaderMap::new();
        if self.listed.contains(&text) {
            headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
            let yes = HeaderValue::from_static("true");
            headers.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, yes);
        } else if self.any {
            let star = HeaderValue::from_static("*");
            headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, star);
        } else {
            return None;
        }
        headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
        Some(headers)
    }
}

pub(crate) async fn cors(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let origin = request.headers().get(header::ORIGIN).cloned();
    let granted = origin.as_ref().and_then(|origin| app.origins.grant(origin));
    let mut response = match (&origin, &granted) {
        (Some(_), Some(_)) if is_preflight(&request) => preflight(request.headers()),
        (Some(origin), None) if is_preflight(&request) => {
            let origin = String::from_utf8_lossy(origin.as_bytes()).into_owned();
            ApiError::OriginNotAllowed { origin }.into_response()
        }
        _ => next.run(request).await,
    };
    response.headers_mut().extend(granted.unwrap_or_default());
    // Also where there is no Origin: a cache must not hand that answer to a page that sends one.
    response
        .headers_mut()
        .append(header::VARY, HeaderValue::from_static("Origin"));
    response
}

fn is_preflight(request: &Request) -> bool {
    request.method() == Method::OPTIONS
        && request
            .headers()
            .contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
}

/// Any header the page wants to send is fine: the collector reads three and ignores the rest.
fn preflight(request: &HeaderMap) -> Response {
    let wanted = request.get(header::ACCESS_CONTROL_REQUEST_HEADERS).cloned();
    let headers = [
        (header::ACCESS_CONTROL_ALLOW_METHODS, METHODS),
        (
            header::ACCESS_CONTROL_ALLOW_HEADERS,
            wanted.unwrap_or(HEADERS),
        ),
        (header::ACCESS_CONTROL_MAX_AGE, PREFLIGHT_SECONDS),
        (
            header::VARY,
            HeaderValue::from_static("Access-Control-Request-Headers"),
        ),
    ];
    (StatusCode::NO_CONTENT, headers).into_response()
}
