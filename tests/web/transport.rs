//! The ways out: what the browser is asked for, and what is made of every answer it can give.
//! `fetch` and `fetchLater` are also used for real; what arrives at a collector, and when, is for the
//! end-to-end tests.

use std::rc::Rc;

use wasm_bindgen_test::wasm_bindgen_test;

use super::super::support::{Ear, Patch, js, js_with, turn, until};
use super::Transport;
use crate::engine::io::{Means, Outcome, Request, RequestId, RetryAfter};
use crate::model::time::UnixMillis;

fn request(id: u32, means: Means) -> Request {
    Request {
        id: RequestId(id),
        means,
        body: format!("body {id} ä"),
    }
}

/// A transport whose `fetchImpl` is this JavaScript function; it can put away its arguments in `seen`.
fn with_fetch(code: &str) -> (Rc<Ear>, Transport) {
    js("globalThis.seen = []");
    let config = js(&format!("return {{ fetchImpl: {code} }}"));
    let (ear, host) = Ear::new();
    (ear, Transport::new("/in", &config, &host))
}

fn native(endpoint: &str) -> (Rc<Ear>, Transport) {
    let (ear, host) = Ear::new();
    (ear, Transport::new(endpoint, &js("return {}"), &host))
}

/// As the page's own way back does.
fn tell_activated(transport: &Transport) {
    js_with("$.tellActivated()", transport.half());
}

fn status(code: u16, body: Option<&str>) -> Outcome {
    Outcome::Status {
        code,
        retry_after: None,
        body: body.map(str::to_owned),
    }
}

async fn answer_to(fetch: &str) -> Outcome {
    let (ear, transport) = with_fetch(fetch);
    transport.send(&request(1, Means::Fetch));
    ear.hears().await;
    let mut outcomes = ear.outcomes();
    assert_eq!(outcomes.len(), 1, "{fetch}");
    outcomes.remove(0).1
}

#[wasm_bindgen_test]
async fn a_fetch_is_a_simple_request_and_keepalive_only_where_asked_for() {
    let (ear, transport) =
        with_fetch("(...args) => { seen.push(args); return new Response('{}') }");
    transport.send(&request(1, Means::Fetch));
    transport.send(&request(2, Means::Keepalive));
    let seen = js(
        "return JSON.stringify(seen.map(([url, { signal, ...options }, ...rest]) =>
        [url, options, signal instanceof AbortSignal && !signal.aborted, rest.length]))",
    );
    assert_eq!(
        seen,
        r#"[["/in",{"method":"POST","body":"body 1 ä"},true,0],["/in",{"method":"POST","body":"body 2 ä","keepalive":true},true,0]]"#
    );
    // What a browser makes of these options.
    assert_eq!(
        js(
            "const { method, keepalive, headers } = new Request(...seen[1]);
            return [method, keepalive, ...headers].join()"
        ),
        "POST,true,content-type,text/plain;charset=UTF-8"
    );
    turn().await;
    assert_eq!(
        ear.outcomes(),
        [(1, status(200, Some("{}"))), (2, status(200, Some("{}")))]
    );
}

#[wasm_bindgen_test]
async fn every_answer_is_told() {
    let retry =
        "async () => new Response('busy', { status: 503, headers: { 'Retry-After': '7' } })";
    let retry_after = Some(RetryAfter::Seconds(7));
    assert_eq!(
        answer_to(retry).await,
        Outcome::Status {
            code: 503,
            retry_after,
            body: None
        }
    );
    let dated = "async () => new Response('busy', {
        status: 503, headers: { 'Retry-After': 'Sun, 06 Nov 1994 08:49:37 GMT' }
    })";
    let retry_after = Some(RetryAfter::At(UnixMillis(784_111_777_000)));
    assert_eq!(
        answer_to(dated).await,
        Outcome::Status {
            code: 503,
            retry_after,
            body: None
        }
    );
    for nonsense in [
        "soon",
        "2.5",
        "-1",
        "5, 5",
        "Sun Nov  6 08:49:37 1994",
        "GMT",
        "",
    ] {
        let fetch = format!(
            "async () => new Response('busy', {{
                status: 503, headers: {{ 'Retry-After': '{nonsense}' }}
            }})"
        );
        assert_eq!(answer_to(&fetch).await, status(503, None), "{nonsense}");
    }
    for (fetch, expected) in [
        (
            "async () => new Response('{\"known\":[]}')",
            status(200, Some("{\"known\":[]}")),
        ),
        (
            "async () => new Response(null, { status: 204 })",
            status(204, Some("")),
        ),
        (
            "async () => new Response('no', { status: 413 })",
            status(413, None),
        ),
        (
            "async () => new Response('x'.repeat(262144))",
            status(200, Some(&"x".repeat(262_144))),
        ),
        (
            "async () => new Response('x'.repeat(262145))",
            status(200, None),
        ),
        // The answer has come: that its body breaks off changes nothing.
        (
            "async () => new Response(new ReadableStream({ pull(it) { it.error(1) } }))",
            status(200, None),
        ),
        ("() => ({ status: 200 })", status(200, None)),
        (
            "() => ({ status: 200, text: () => 'at once' })",
            status(200, Some("at once")),
        ),
        (
            "() => ({ status: 200, text: () => 7, headers: { get() { throw 1 } } })",
            status(200, None),
        ),
        (
            "() => Promise.reject(new TypeError('Failed to fetch'))",
            Outcome::Network,
        ),
        ("() => Promise.reject()", Outcome::Network),
        ("async () => Response.error()", Outcome::Network),
        ("() => undefined", Outcome::Network),
        ("async () => ({ status: '200' })", Outcome::Network),
        (
            "async () => ({ get status() { throw 1 } })",
            Outcome::Network,
        ),
        ("() => ({ then() { throw 1 } })", Outcome::Network),
        ("() => { throw new TypeError('CSP') }", Outcome::Refused),
    ] {
        assert!(
            answer_to(fetch).await == expected,
            "{fetch}: not {expected:?}"
        );
    }
}

#[wasm_bindgen_test]
async fn the_body_of_a_refusal_is_not_read() {
    let (ear, transport) =
        with_fetch("() => ({ status: 500, text() { seen.push('text'); return '' } })");
    transport.send(&request(1, Means::Fetch));
    ear.hears().await;
    assert_eq!(ear.outcomes(), [(1, status(500, None))]);
    assert_eq!(js("return seen.length"), 0.0);
}

#[wasm_bindgen_test]
async fn a_cancelled_fetch_is_aborted_and_answers_no_more() {
    let _unhandled = Patch::new(
        "globalThis.testUnhandled = 0;
         const count = (event) => { testUnhandled++; event.preventDefault() };
         addEventListener('unhandledrejection', count);
         return () => removeEventListener('unhandledrejection', count);",
    );
    let (ear, transport) = with_fetch(
        "(url, { signal }) => new Promise((resolve, reject) => {
           seen.push(signal, resolve); signal.onabort = () => reject(signal.reason);
         })",
    );
    transport.send(&request(1, Means::Fetch));
    transport.cancel(RequestId(1));
    transport.cancel(RequestId(1));
    assert_eq!(js("return seen[0].aborted"), true);
    // One that takes no notice of the abort, and answers late.
    transport.send(&request(2, Means::Fetch));
    js("seen[2].onabort = null");
    transport.cancel(RequestId(2));
    js("seen[3](new Response('late'))");
    // And one that is cancelled between the answer and its body.
    transport.send(&request(3, Means::Fetch));
    js("seen[5]({ status: 200, text: () => new Promise((resolve) => seen.push(resolve)) })");
    until("the body is asked for", || js("return seen.length") == 7.0).await;
    transport.cancel(RequestId(3));
    js("seen[6]('late')");
    turn().await;
    turn().await;
    assert_eq!(ear.outcomes(), []);
    assert_eq!(
        js("return testUnhandled"),
        0.0,
        "nothing shows on the page's console"
    );
}

#[wasm_bindgen_test]
async fn an_answer_after_the_transport_is_gone_is_the_hosts_to_hear() {
    let (ear, transport) = with_fetch("() => new Promise((resolve) => seen.push(resolve))");
    let rejections = "onunhandledrejection = onerror = (event) => seen.push(event); ";
    transport.send(&request(1, Means::Fetch));
    drop(transport);
    js(&format!("{rejections} seen[0](new Response('late'))"));
    turn().await;
    turn().await;
    assert_eq!(
        js("onunhandledrejection = onerror = null; return seen.length"),
        1.0
    );
    assert_eq!(ear.outcomes(), [(1, status(200, Some("late")))]);
}

#[wasm_bindgen_test]
async fn the_browsers_own_fetch_is_used_and_looked_up_each_time() {
    let (ear, transport) = native("data:application/json,%7B%22accepted%22:1%7D");
    transport.send(&request(1, Means::Fetch));
    ear.hears().await;
    assert_eq!(ear.outcomes(), [(1, status(200, Some("{\"accepted\":1}")))]);
    {
        let _wrapped = Patch::define(
            "window",
            "fetch",
            "{ value() { 'use strict'; return this === window ? new Response('wrapped') : null } }",
        );
        transport.send(&request(2, Means::Keepalive));
        ear.hears().await;
        assert_eq!(ear.outcomes(), [(2, status(200, Some("wrapped")))]);
    }
    let _missing = Patch::define("window", "fetch", "{ value: undefined }");
    transport.send(&request(3, Means::Fetch));
    assert_eq!(ear.outcomes(), [(3, Outcome::Refused)]);
}

#[wasm_bindgen_test]
async fn a_blocked_request_is_a_network_error() {
    // Port 1 is on every browser's list of ports that are never connected to.
    let (ear, transport) = native("http://127.0.0.1:1/");
    transport.send(&request(1, Means::Fetch));
    ear.hears().await;
    assert_eq!(ear.outcomes(), [(1, Outcome::Network)]);
}

#[wasm_bindgen_test]
async fn without_abort_controller_a_fetch_still_goes() {
    let _missing = Patch::define("window", "AbortController", "{ value: undefined }");
    let (ear, transport) =
        with_fetch("(url, options) => { seen.push('signal' in options); return new Response('') }");
    transport.send(&request(1, Means::Fetch));
    ear.hears().await;
    assert_eq!(ear.outcomes(), [(1, status(200, Some("")))]);
    assert_eq!(js("return seen[0]"), false);
    transport.send(&request(2, Means::Deferred));
    assert_eq!(
        ear.outcomes(),
        [(2, Outcome::Refused)],
        "it could not be withdrawn"
    );
}

#[wasm_bindgen_test]
fn a_beacon_counts_as_sent_only_if_the_browser_took_it() {
    for (beacon, expected) in [
        (
            "{ value: (...args) => { seen.push(args); return true } }",
            Outcome::Queued,
        ),
        ("{ value: () => false }", Outcome::Refused),
        (
            "{ value() { throw new TypeError('URL') } }",
            Outcome::Refused,
        ),
        ("{ value: undefined }", Outcome::Refused),
    ] {
        let (ear, transport) = with_fetch("() => seen.push('fetched')");
        let _patch = Patch::define("navigator", "sendBeacon", beacon);
        transport.send(&request(1, Means::Beacon));
        assert_eq!(ear.outcomes(), [(1, expected.clone())], "{beacon}");
        if expected == Outcome::Queued {
            assert_eq!(js("return JSON.stringify(seen)"), r#"[["/in","body 1 ä"]]"#);
        }
    }
    // The real one. Over 64 KiB Chromium refuses and Firefox does not: what it says is passed on.
    let (ear, transport) = native("/beacon");
    transport.send(&request(1, Means::Beacon));
    let huge = Request {
        body: "x".repeat(65_537),
        ..request(2, Means::Beacon)
    };
    transport.send(&huge);
    let took = js("return navigator.sendBeacon('/beacon', 'x'.repeat(65537))").is_truthy();
    let expected = if took {
        Outcome::Queued
    } else {
        Outcome::Refused
    };
    assert_eq!(ear.outcomes(), [(1, Outcome::Queued), (2, expected)]);
}

/// A `fetchLater` that notes what it is given and returns what can be activated later.
const FETCH_LATER: &str = "{ value(...args) {
    const result = { activated: false };
    seen.push({ args, result, self: this });
    return result;
} }";

#[wasm_bindgen_test]
fn a_deferred_request_is_registered_until_the_page_is_gone() {
    let (ear, transport) = with_fetch("() => seen.push('fetched')");
    let _patch = Patch::define("window", "fetchLater", FETCH_LATER);
    transport.send(&request(1, Means::Deferred));
    assert_eq!(ear.outcomes(), [(1, Outcome::Queued)]);
    assert_eq!(
        js(
            "const [{ args: [url, { signal, ...options }], self }] = seen;
            return JSON.stringify([seen.length, url, options, signal.aborted, self === window])"
        ),
        r#"[1,"/in",{"method":"POST","body":"body 1 ä"},false,true]"#
    );
    tell_activated(&transport);
    transport.cancel(RequestId(1));
    transport.cancel(RequestId(1));
    assert_eq!(js("return seen[0].args[1].signal.aborted"), true);
    assert_eq!(ear.outcomes(), [], "withdrawn silently");
}

#[wasm_bindgen_test]
fn a_deferred_request_that_has_been_sent_says_so_once() {
    let (ear, transport) = with_fetch("null");
    let _patch = Patch::define("window", "fetchLater", FETCH_LATER);
    for id in 1..=3 {
        transport.send(&request(id, Means::Deferred));
    }
    ear.take();
    js("seen[0].result.activated = seen[1].result.activated = true");
    transport.cancel(RequestId(1));
    assert_eq!(js("return seen[0].args[1].signal.aborted"), false);
    assert_eq!(ear.outcomes(), [(1, Outcome::Activated)]);
    tell_activated(&transport);
    tell_activated(&transport);
    assert_eq!(ear.outcomes(), [(2, Outcome::Activated)]);
    js("seen[2].result.activated = true");
    tell_activated(&transport);
    assert_eq!(ear.outcomes(), [(3, Outcome::Activated)]);
}

#[wasm_bindgen_test]
fn deferred_requests_that_have_been_sent_say_so_in_order() {
    let (ear, transport) = with_fetch("null");
    let _patch = Patch::define("window", "fetchLater", FETCH_LATER);
    for id in 1..=4 {
        transport.send(&request(id, Means::Deferred));
    }
    ear.take();
    transport.cancel(RequestId(1));
    js("seen.forEach(({ result }) => { result.activated = true })");
    tell_activated(&transport);
    let told = [2, 3, 4].map(|id| (id, Outcome::Activated));
    assert_eq!(ear.outcomes(), told);
}

#[wasm_bindgen_test]
fn a_deferred_request_may_be_refused() {
    for later in [
        "{ value() { throw new DOMException('', 'QuotaExceededError') } }",
        "{ value() { throw new DOMException('', 'NotAllowedError') } }",
        "{ value: undefined }",
    ] {
        let (ear, transport) = with_fetch("null");
        let _patch = Patch::define("window", "fetchLater", later);
        transport.send(&request(1, Means::Deferred));
        assert_eq!(ear.outcomes(), [(1, Outcome::Refused)], "{later}");
        tell_activated(&transport);
        transport.cancel(RequestId(1));
        assert_eq!(ear.outcomes(), [], "{later}");
    }
}

#[wasm_bindgen_test]
fn the_real_fetch_later_takes_a_request_and_gives_it_back() {
    if js("return isSecureContext && 'fetchLater' in window") != true {
        return; // Firefox and WebKit do not have it.
    }
    let (ear, transport) = native("/deferred");
    transport.send(&request(1, Means::Deferred));
    let huge = Request {
        body: "x".repeat(65_537),
        ..request(2, Means::Deferred)
    };
    transport.send(&huge);
    assert_eq!(
        ear.outcomes(),
        [(1, Outcome::Queued), (2, Outcome::Refused)]
    );
    tell_activated(&transport);
    transport.cancel(RequestId(1));
    assert_eq!(ear.outcomes(), []);
}
