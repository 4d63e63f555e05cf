//! Times and limits in the query string of a read.

use axum::extract::Query;
use axum::http::Uri;
use serde::de::DeserializeOwned;

use crate::clock;
use crate::error::ApiError;

pub(crate) fn query<T: DeserializeOwned>(uri: &Uri) -> Result<T, ApiError> {
    let query = Query::<T>::try_from_uri(uri);
    query
        .map(|Query(params)| params)
        .map_err(|e| bad(e.body_text()))
}

pub(crate) fn bad(message: String) -> ApiError {
    ApiError::BadQuery { message }
}

/// A time as the database keeps them, so that comparing texts compares times.
pub(crate) fn time(name: &str, given: Option<&str>) -> Result<Option<String>, ApiError> {
    let read = |text| {
        clock::normalise(text).ok_or_else(|| {
            bad(format!(
                "{name}={text} is not a time like 2026-01-15T12:00:00.000Z"
            ))
        })
    };
    given.map(read).transpose()
}

pub(crate) fn limit(given: Option<u32>, default: u32, max: u32) -> Result<u32, ApiError> {
    match given.unwrap_or(default) {
        limit if (1..=max).contains(&limit) => Ok(limit),
        limit => Err(bad(format!("limit={limit} is not 1 to {max}"))),
    }
}
