//! Failures on demand, for tests and for the demo's switches: everything a collector or the network
//! before it can do to a client. Off unless the collector was started with `--faults`; they touch the
//! ingest endpoints only, so the rows and the switches themselves stay reachable. Events and metrics
//! have a fault each: an outage of one must not delay the other.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::body::Bytes;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::error::ApiError;

/// A delay longer than this is a hang, and there is a mode for that.
const DELAY_MS_MAX: u64 = 600_000;

#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Mode {
    #[default]
    None,
    Status,
    Delay,
    Lose,
    Hang,
}

#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Fault {
    mode: Mode,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    /// Seconds as a number, or a text sent as it is (an HTTP date).
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    delay_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    times: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_events: Option<usize>,
}

impl Fault {
    fn check(&self) -> Result<(), String> {
        let needs = |ok: bool, what: &str| if ok { Ok(()) } else { Err(what.to_owned()) };
        let status = self.status.unwrap_or(503);
        needs(
            (200..=599).contains(&status),
            "status must be between 200 and 599",
        )?;
        needs(
            self.delay_ms.unwrap_or(0) <= DELAY_MS_MAX,
            "delayMs must be at most 600000",
        )?;
        needs(
            self.mode != Mode::Delay || self.delay_ms.is_some(),
            "mode delay needs delayMs",
        )?;
        needs(
            self.max_events.is_none() || self.mode == Mode::Status,
            "maxEvents goes with mode status only",
        )?;
        needs(
            self.times != Some(0),
            "times must be at least 1; for no fault use mode none",
        )?;
        match &self.retry_after {
            None => Ok(()),
            Some(value) => retry_after(value).map(|_| ()).ok_or_else(|| {
                "retryAfter must be whole seconds (a number) or an HTTP date (a text)".to_owned()
            }),
        }
    }
}

fn retry_after(value: &Value) -> Option<HeaderValue> {
    match value {
        Value::Number(seconds) => seconds.as_u64().map(HeaderValue::from),
        Value::String(text) => HeaderValue::from_str(text).ok(),
        _ => None,
    }
}

/// What is done to one request.
#[derive(Debug)]
struct Hit {
    delay: Option<Duration>,
    then: Then,
}

#[derive(Debug)]
pub(crate) enum Then {
    GoOn,
    Answer(StatusCode, Option<HeaderValue>),
    /// Store the batch, then close the connection without an answer.
    Lose,
    /// Wait until the fault is changed.
    Hang,
}

#[derive(Debug)]
pub(crate) struct Faults {
    state: Mutex<State>,
    /// Counts the changes made by POST, so that hanging requests notice them.
    changes: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct State {
    fault: Fault,
    hits: u64,
}

impl Faults {
    pub(crate) fn new() -> Self {
        Self {
            state: Mutex::default(),
            changes: watch::channel(0).0,
        }
    }

    pub(crate) fn set(&self, body: &Bytes) -> Result<Response, ApiError> {
        let bad = |message| ApiError::BadFault { message };
        let fault: Fault = serde_json::from_slice(body).map_err(|e| bad(e.to_string()))?;
        fault.check().map_err(bad)?;
        *self.lock() = State { fault, hits: 0 };
        self.changes.send_modify(|n| *n += 1);
        Ok(self.show())
    }

    /// The fault in force, how often it may still hit (`times`) and how often it has (`hits`).
    pub(crate) fn show(&self) -> Response {
        let state = self.lock();
        let mut shown = json!(state.fault);
        shown["hits"] = state.hits.into();
        axum::Json(shown).into_response()
    }

    /// Takes one hit of the fault in force, if it is meant for a batch of so many events.
    fn hit(&self, events: usize) -> Hit {
        let mut state = self.lock();
        let spared = state.fault.max_events.is_some_and(|max| events <= max);
        if state.fault.mode == Mode::None || spared {
            return Hit {
                delay: None,
                then: Then::GoOn,
            };
        }
        let fault = state.fault.clone();
        state.hits += 1;
        match &mut state.fault.times {
            Some(1) => state.fault = Fault::default(),
            Some(times) => *times -= 1,
            None => {}
        }
        Hit {
            delay: fault.delay_ms.map(Duration::from_millis),
            then: fault.then(),
        }
    }

    /// To be taken before `hit`, so that no change is missed in between.
    fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Fault {
    fn then(&self) -> Then {
        match self.mode {
            Mode::None | Mode::Delay => Then::GoOn,
            Mode::Lose => Then::Lose,
            Mode::Hang => Then::Hang,
            Mode::Status => {
                let status = self.status.and_then(|s| StatusCode::from_u16(s).ok());
                Then::Answer(
                    status.unwrap_or(StatusCode::SERVICE_UNAVAILABLE),
                    self.retry_after.as_ref().and_then(retry_after),
                )
            }
        }
    }
}

/// Plays the fault in force; a hang that ends because the fault was changed goes on as normal, one
/// that ends because the collector stops never gets an answer.
pub(crate) async fn play(
    faults: Option<&Faults>,
    events: usize,
    stop: &watch::Receiver<bool>,
) -> Then {
    let Some(faults) = faults else {
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
    let mut stop = stop.clone();
    tokio::select! {
        _ = changes.changed() => Then::GoOn,
        _ = stop.wait_for(|stop| *stop) => Then::Hang,
    }
}

/// The answer of mode `status`; 204 and 304 must not carry a body.
pub(crate) fn answer(status: StatusCode, retry_after: Option<HeaderValue>) -> Response {
    let body = json!({ "error": "fault", "message": "this answer was asked for by POST /_faults" });
    let mut response = match status {
        StatusCode::NO_CONTENT | StatusCode::RESET_CONTENT | StatusCode::NOT_MODIFIED => {
            status.into_response()
        }
        _ => (status, axum::Json(body)).into_response(),
    };
    if let Some(value) = retry_after {
        response.headers_mut().insert(header::RETRY_AFTER, value);
    }
    response
}

/// Marks a response that must never be written: the server closes the connection instead.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Unanswered;

pub(crate) fn unanswered() -> Response {
    let mut response = Response::default();
    response.extensions_mut().insert(Unanswered);
    response
}
