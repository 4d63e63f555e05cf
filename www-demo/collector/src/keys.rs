//! Write keys and the projects they stand for. A write key travels in a page's source, so it is no
//! secret: it adds events to one project, and reads nothing (`access` has the keys that do).

use std::collections::BTreeMap;

use axum::extract::Query;
use axum::http::{HeaderMap, Uri, header};
use serde::Deserialize;

use crate::args;
use crate::error::ApiError;

#[derive(Debug)]
pub(crate) struct WriteKeys(BTreeMap<String, String>);

impl WriteKeys {
    /// Without any key on the command line the demo works: key and project `demo`.
    pub(crate) fn new(keys: Vec<args::Key>) -> Self {
        if keys.is_empty() {
            return Self(BTreeMap::from([("demo".to_owned(), "demo".to_owned())]));
        }
        Self(keys.into_iter().map(|k| (k.key, k.project)).collect())
    }

    pub(crate) fn projects(&self) -> impl Iterator<Item = &str> {
        self.0.values().map(String::as_str)
    }

    pub(crate) fn project(&self, key: &str) -> Result<&str, ApiError> {
        self.0
            .get(key)
            .map(String::as_str)
            .ok_or(ApiError::UnknownKey)
    }

    /// By header or, for those who cannot set one (a beacon), by query. The header
    /// decides when both are there: a wrong key is not made up for by a right one.
    pub(crate) fn project_of_request(
        &self,
        uri: &Uri,
        headers: &HeaderMap,
    ) -> Result<&str, ApiError> {
        if let Some(key) = bearer(headers) {
            return self.project(key);
        }
        let param = Query::<KeyParam>::try_from_uri(uri).ok();
        self.project(
            &param
                .and_then(|Query(param)| param.key)
                .ok_or(ApiError::UnknownKey)?,
        )
    }
}

#[derive(Deserialize)]
struct KeyParam {
    key: Option<String>,
}

/// The key of an `Authorization: Bearer` header. The scheme is case-insensitive (RFC 9110, 11.1).
pub(crate) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, key) = headers
        .get(header::AUTHORIZATION)?
        .to_str()
        .ok()?
        .split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(key.trim())
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn the_header_decides_over_the_query() {
        let keys = WriteKeys::new(vec![]);
        let uri = Uri::from_static("/api/v1/ingest/batch?key=demo");
        let mut headers = HeaderMap::new();
        assert_eq!(keys.project_of_request(&uri, &headers).ok(), Some("demo"));
        headers.insert(
            header::AUTHORIZATION,
            HeaderValue::from_static("bearer demo"),
        );
        assert_eq!(keys.project_of_request(&uri, &headers).ok(), Some("demo"));
        headers.insert(
            header::AUTHORIZATION,
            HeaderValue::from_static("Bearer wrong"),
        );
        assert!(keys.project_of_request(&uri, &headers).is_err());
    }
}
