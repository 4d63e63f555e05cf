//! The demo page's read key (`--demo`). The page shows what is stored, so it needs one, and a page
//! has nowhere to keep a secret; it asks for a key that this run made for it.
//!
//! Why that is sound: the collector does this only if told to, and only while it listens on a
//! loopback address, so nobody from outside can ask. A page of another site in the same browser can
//! send the request, but gets nothing: the answer carries no CORS header, whatever `--origin` says,
//! `Sec-Fetch-Site` gives such a page away, and a foreign name that was made to point here (DNS
//! rebinding) gives itself away in `Host`. The key dies with the process. What remains: whoever is on
//! this machine may read the demo's rows.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;
use std::sync::Arc;

use super::secret::Secret;
use crate::error::ApiError;
use crate::routes::App;

#[derive(Debug)]
pub(crate) struct DemoKey(Secret);

impl DemoKey {
    pub(super) fn new(key: String) -> Self {
        Self(Secret::new(key))
    }
}

pub(crate) async fn demo_key(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let off = || "there is no demo key: start the collector with --demo".to_owned();
    let DemoKey(key) = app
        .demo
        .as_ref()
        .ok_or_else(|| ApiError::NotFound { message: off() })?;
    if !asked_by_own_page(&headers) {
        return Err(ApiError::NotTheDemo);
    }
    let kept_private = [
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    let body = Json(json!({ "readKey": key.reveal() }));
    Ok((kept_private, body).into_response())
}

fn asked_by_own_page(headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let site = text("sec-fetch-site");
    text("host").is_some_and(is_local_host)
        && site.is_none_or(|site| matches!(site, "same-origin" | "none"))
}

/// `localhost` or a loopback address, with or without a port.
fn is_local_host(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => host,
    };
    let address = name.trim_start_matches('[').trim_end_matches(']');
    let loopback = address.parse::<std::net::IpAddr>();
    name.eq_ignore_ascii_case("localhost") || loopback.is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_this_machine_are_local() {
        for local in [
            "localhost",
            "LOCALHOST:8787",
            "127.0.0.1:1",
            "127.9.9.9",
            "[::1]:80",
            "[::1]",
        ] {
            assert!(is_local_host(local), "{local}");
        }
        for other in [
            "",
            "evil.example",
            "localhost.evil.example:80",
            "10.0.0.1",
            "127.0.0.1.evil.example",
            "[2001:db8::1]:80",
        ] {
            assert!(!is_local_host(other), "{other}");
        }
    }
}
