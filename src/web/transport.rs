//! The four ways out: `fetch`, `fetch` with `keepalive`, `sendBeacon` and `fetchLater`.
//!
//! * A string body goes as `text/plain` and no header is set, so a request to another origin stays
//!   "simple": a preflight is not reliable while the page goes away.
//! * `fetch` is looked up at every send: a page that wraps it later (tracing, tests) is honoured.
//! * `web_sys::RequestInit` has no setter for `keepalive`, so the options are a plain object.
//! * `keepalive` and `sendBeacon` share 64 KiB in flight (Fetch standard, "HTTP-network-or-cache
//!   fetch"): over it `fetch` rejects and `sendBeacon` returns `false`.
//! * `fetchLater` exists in secure contexts only and throws a `QuotaExceededError` over its budget.
//!   `activateAfter` stays unset: the request goes when the page is gone, not before. A page that went
//!   into the back/forward cache may find on its return that the browser has sent it (`activated`).

use std::cell::RefCell;
use std::rc::{Rc, Weak};

use js_sys::{Array, Date, Function, JsString, Object};
use wasm_bindgen::prelude::*;
use web_sys::AbortController;

use super::convert::{call, call2, function, is_true, property, set};
use super::inbox::Inbox;
use super::page;
use crate::engine::io::{Means, Outcome, Request, RequestId, RetryAfter};
use crate::engine::time::UnixMillis;
use crate::wire::text::parse_u64;

/// Longest answer that is read, in UTF-16 units: receipts are short, and a captive portal's page is
/// not worth copying.
const ANSWER_LENGTH_MAX: u32 = 262_144;

/// Sends requests and tells what became of them.
pub(crate) struct Transport {
    endpoint: JsValue,
    fetch_impl: Option<Function>,
    inbox: Inbox,
    waiting: RefCell<Vec<Waiting>>,
    /// Calls `on_settled` while the transport lives. It belongs to JavaScript, which frees it.
    listener: JsValue,
}

/// A request whose last word has not been said.
struct Waiting {
    id: RequestId,
    wants_body: bool,
    abort: Option<AbortController>,
    /// The `FetchLaterResult`; `undefined` for a fetch.
    deferred: JsValue,
}

/// Whether `fetchLater` can be used here.
pub(crate) fn has_deferred() -> bool {
    let window = page::window();
    is_true(&window, "isSecureContext") && function(&window, "fetchLater").is_some()
}

impl Transport {
    /// Posts to `endpoint`, by `fetch_impl` where the page gave one.
    pub(crate) fn new(endpoint: &str, fetch_impl: Option<Function>, inbox: Inbox) -> Rc<Self> {
        Rc::new_cyclic(|weak: &Weak<Self>| Self {
            endpoint: endpoint.into(),
            fetch_impl,
            inbox,
            waiting: RefCell::default(),
            listener: listener(weak.clone()),
        })
    }

    /// Sends `request`. Its outcome comes through the inbox, possibly before this returns.
    pub(crate) fn send(&self, request: &Request) {
        let taken = match request.means {
            Means::Fetch => self.fetch(request, false),
            Means::Keepalive => self.fetch(request, true),
            Means::Beacon => self.beacon(request),
            Means::Deferred => self.defer(request),
        };
        let outcome = if taken.is_some() {
            Outcome::Queued
        } else {
            Outcome::Refused
        };
        let answers_later = matches!(request.means, Means::Fetch | Means::Keepalive);
        if taken.is_none() || !answers_later {
            self.inbox.outcome(request.id, outcome);
        }
    }

    /// Gives up on a request, unless the browser has sent it already.
    pub(crate) fn cancel(&self, id: RequestId) {
        let Some(waiting) = self.take(id) else { return };
        if waiting.is_activated() {
            self.inbox.outcome(id, Outcome::Activated);
        } else if let Some(abort) = waiting.abort {
            abort.abort();
        }
    }

    /// Tells of every deferred request that the browser has sent meanwhile.
    pub(crate) fn tell_activated(&self) {
        while let Some(activated) = self.take_if(Waiting::is_activated) {
            self.inbox.outcome(activated.id, Outcome::Activated);
        }
    }

    fn fetch(&self, request: &Request, keepalive: bool) -> Option<()> {
        let abort = AbortController::new().ok();
        let options = options(&request.body, abort.as_ref());
        if keepalive {
            set(&options, "keepalive", &JsValue::TRUE);
        }
        let window = page::window();
        let promise = match &self.fetch_impl {
            Some(fetch) => fetch
                .call2(&JsValue::UNDEFINED, &self.endpoint, &options)
                .ok()?,
            None => call2(&window, "fetch", &self.endpoint, &options)?,
        };
        self.wait(request, abort, JsValue::UNDEFINED);
        self.when_settled(request.id, &promise, &JsValue::UNDEFINED);
        Some(())
    }

    fn beacon(&self, request: &Request) -> Option<()> {
        let navigator = property(&page::window(), "navigator");
        let body = JsValue::from_str(&request.body);
        let taken = call2(&navigator, "sendBeacon", &self.endpoint, &body)?;
        (taken.as_bool() == Some(true)).then_some(())
    }

    fn defer(&self, request: &Request) -> Option<()> {
        // Without a way to withdraw it, it would go out beside the fetch that replaces it.
        let abort = Some(AbortController::new().ok()?);
        let options = options(&request.body, abort.as_ref());
        let window = page::window();
        let deferred = call2(&window, "fetchLater", &self.endpoint, &options)?;
        self.wait(request, abort, deferred);
        Some(())
    }

    fn wait(&self, request: &Request, abort: Option<AbortController>, deferred: JsValue) {
        self.waiting.borrow_mut().push(Waiting {
            id: request.id,
            wants_body: request.wants_body,
            abort,
            deferred,
        });
    }

    /// Has `on_settled` called once `promise` is settled.
    ///
    /// By way of `Promise.allSettled`, which cannot reject, takes what is no promise, and hands on what
    /// it was given beside it: so one listener serves all requests.
    fn when_settled(&self, id: RequestId, promise: &JsValue, response: &JsValue) {
        let values = [promise, &JsValue::from_f64(id.0.into()), response];
        let list = Array::new();
        for (index, value) in (0..).zip(values) {
            list.set(index, value.clone());
        }
        let constructor = property(&page::window(), "Promise");
        let settled = call(&constructor, "allSettled", &list);
        call(&settled, "then", &self.listener);
    }

    /// A response or, if there was one before, its text; `undefined` where it was rejected.
    fn on_settled(&self, results: &JsValue) {
        let value = |index| property(&property(results, index), "value");
        let Some(id) = value("1").as_f64().map(|id| RequestId(id as u32)) else {
            return;
        };
        let response = value("2");
        if response.is_undefined() {
            self.on_response(id, &value("0"));
        } else {
            self.finish(id, outcome(&response, bounded(&value("0"))));
        }
    }

    fn on_response(&self, id: RequestId, response: &JsValue) {
        let Some(wants_body) = self.wants_body(id) else {
            return; // Cancelled.
        };
        if wants_body && status(response).is_some_and(|code| (200..300).contains(&code)) {
            let text = call(response, "text", &JsValue::UNDEFINED);
            self.when_settled(id, &text, response);
        } else {
            self.finish(id, outcome(response, None));
        }
    }

    fn finish(&self, id: RequestId, outcome: Outcome) {
        if self.take(id).is_some() {
            self.inbox.outcome(id, outcome);
        }
    }

    fn wants_body(&self, id: RequestId) -> Option<bool> {
        let waiting = self.waiting.borrow();
        waiting
            .iter()
            .find(|it| it.id == id)
            .map(|it| it.wants_body)
    }

    fn take(&self, id: RequestId) -> Option<Waiting> {
        self.take_if(|it| it.id == id)
    }

    fn take_if(&self, wanted: impl Fn(&Waiting) -> bool) -> Option<Waiting> {
        let index = self.find(wanted)?;
        // In order: which of several deferred requests was first matters to the engine.
        Some(self.waiting.borrow_mut().remove(index))
    }

    fn find(&self, wanted: impl Fn(&Waiting) -> bool) -> Option<usize> {
        self.waiting.borrow().iter().position(wanted)
    }
}

impl Waiting {
    fn is_activated(&self) -> bool {
        is_true(&self.deferred, "activated")
    }
}

fn options(body: &str, abort: Option<&AbortController>) -> Object {
    let options = Object::new();
    set(&options, "method", &"POST".into());
    set(&options, "body", &body.into());
    if let Some(abort) = abort {
        set(&options, "signal", &property(abort, "signal"));
    }
    options
}

/// The HTTP status, from whatever a page's own `fetchImpl` resolved with.
fn status(response: &JsValue) -> Option<u16> {
    let code = property(response, "status").as_f64()?;
    (100.0..600.0).contains(&code).then_some(code as u16)
}

/// Readable on another origin only if the answer exposes it.
fn retry_after(response: &JsValue) -> Option<RetryAfter> {
    let text = call(&property(response, "headers"), "get", &"retry-after".into()).as_string()?;
    let text = text.trim_ascii();
    if let Some(seconds) = parse_u64(text) {
        return Some(RetryAfter::Seconds(seconds));
    }
    // `Date.parse` makes a date of nearly anything ("2.5" is one); those of HTTP say GMT. What is no
    // date is NaN, and that is not >= 0.
    let at = Date::parse(text);
    let is_date = text.as_bytes().ends_with(b"GMT") && at >= 0.0;
    is_date.then_some(RetryAfter::At(UnixMillis(at as u64)))
}

/// A text that is not too long; measured before it is copied out of JavaScript.
fn bounded(text: &JsValue) -> Option<String> {
    let length = text.dyn_ref::<JsString>()?.length();
    if length > ANSWER_LENGTH_MAX {
        None
    } else {
        text.as_string()
    }
}

fn outcome(response: &JsValue, body: Option<String>) -> Outcome {
    match status(response) {
        None => Outcome::Network,
        Some(code) => Outcome::Status {
            code,
            retry_after: retry_after(response),
            body,
        },
    }
}

fn listener(transport: Weak<Transport>) -> JsValue {
    let listener = move |results: JsValue| {
        if let Some(transport) = transport.upgrade() {
            transport.on_settled(&results);
        }
    };
    Closure::<dyn Fn(JsValue)>::new(listener).into_js_value()
}

#[cfg(test)]
#[path = "../../tests/web/transport.rs"]
mod tests;
