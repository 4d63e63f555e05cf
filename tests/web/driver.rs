//! The driver: the engine's loop inside a real page, and everything a page can do in the middle of it.
//! The engine is the real one; what it decides is tested elsewhere, so these tests use as little of
//! that as they can: a call is journalled, a flush sends it and is answered.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use wasm_bindgen::JsValue;
use wasm_bindgen::closure::Closure;
use wasm_bindgen_test::wasm_bindgen_test;

use super::super::inbox::Arrival;
use super::super::support::{Hear, Patch, js, js_with, turn, until};
use super::super::{destroy, heard, shell, start};
use super::{ROUNDS_MAX, Shell};
use crate::engine::io::Input;

/// Where the figures stand in the account.
const FIGURES: &str = "accepted adopted handedBack delivered dropped refused requests retries pending volatile storageBytes storage";

fn figure(shell: &Shell, name: &str) -> JsValue {
    let index = FIGURES.split(' ').position(|figure| figure == name);
    js_with(&format!("return $[{}]", index.unwrap()), &shell.stats())
}

const TRACK: &str = "t\t1700000000000\t\"checkout\"\t\t\t{\"a\":1}";

/// A client of a project of its own, and what it told the page.
struct Page {
    client: usize,
    shell: Rc<Shell>,
    reports: Rc<RefCell<Vec<JsValue>>>,
    _report: Closure<dyn Fn(JsValue)>,
}

/// Starts a client. `host` is the JavaScript of its host, but for `hear`, and knows `$`. What is heard before the
/// client has its number waits, as in the facade.
fn start_with(config: JsValue, host: &str, value: &JsValue) -> usize {
    let number = Rc::new(Cell::new(0));
    let early = Rc::new(RefCell::new(Vec::new()));
    let hear = Closure::<Hear>::new({
        let (number, early) = (Rc::clone(&number), Rc::clone(&early));
        move |id, code, text, seconds, at| match number.get() {
            0 => early.borrow_mut().push((id, code, text, seconds, at)),
            client => heard(client, id, code, text, seconds, at),
        }
    });
    js_with("globalThis.testHear = $", &hear.into_js_value());
    let host = js_with(&format!("return {{ hear: testHear, ...{host} }}"), value);
    let client = start(config, host);
    number.set(client);
    for (id, code, text, seconds, at) in early.take() {
        heard(client, id, code, text, seconds, at);
    }
    client
}

impl Page {
    /// `fetch` is the JavaScript of a `fetchImpl`, which finds an empty list in `seen`.
    fn open(fetch: &str) -> Self {
        Self::open_with(fetch, |_| {})
    }

    /// `on_report` is called with every report, from within.
    fn open_with(fetch: &str, on_report: impl Fn(&JsValue) + 'static) -> Self {
        let config = js(&format!(
            "globalThis.seen = [];
             globalThis.testProject = (globalThis.testProject ?? 0) + 1;
             return {{ apiKey: 'driver' + testProject, disableTimer: true, fetchImpl: {fetch} }}"
        ));
        let reports = Rc::new(RefCell::new(Vec::new()));
        let report = Closure::<dyn Fn(JsValue)>::new({
            let reports = Rc::clone(&reports);
            move |report: JsValue| {
                reports.borrow_mut().push(report.clone());
                on_report(&report);
            }
        });
        let host = "{
            tab: testProject.toString(16).padStart(20, '0'), project: 'driver' + testProject,
            anonymous: 'anon', report: $,
        }";
        let client = start_with(config, host, report.as_ref());
        Self {
            client,
            shell: shell(client).unwrap(),
            reports,
            _report: report,
        }
    }

    fn track(&self) {
        self.shell.put(TRACK.to_owned().into());
    }

    fn flush(&self, id: u32) {
        self.shell.put(Input::Flush { id }.into());
    }

    /// The ids of the flushes that have been answered.
    fn flushed(&self) -> Vec<u32> {
        let id = |report: &JsValue| js_with("return $[0] === 'flushed' ? $[1] : null", report);
        let reports = self.reports.borrow();
        reports
            .iter()
            .filter_map(|report| id(report).as_f64())
            .map(|id| id as u32)
            .collect()
    }

    fn stat(&self, name: &str) -> f64 {
        figure(&self.shell, name).as_f64().unwrap()
    }

    /// What this client has in storage that are events.
    fn stored(&self) -> bool {
        let own = "Object.entries(localStorage).filter(([key]) => key.startsWith(`sendoff:driver${testProject}:`))";
        js(&format!(
            "return {own}.some(([, value]) => value.includes('checkout'))"
        ))
        .is_truthy()
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        destroy(self.client);
        js("try { localStorage.clear() } catch {}");
    }
}

const OK: &str = "async (url, { body }) => { seen.push(body); return new Response('{}') }";

#[wasm_bindgen_test]
async fn a_call_is_stored_when_it_returns_and_delivered_by_a_flush() {
    let page = Page::open(OK);
    page.track();
    assert!(page.stored());
    page.flush(7);
    until("the flush is answered", || page.flushed() == [7]).await;
    assert!(!page.stored());
    assert_eq!(
        js("return JSON.parse(seen[0]).events.map(({ name }) => name).join()"),
        "checkout"
    );
    assert_eq!(
        js("return JSON.parse(seen[0]).context.page.url === location.href"),
        true
    );
    assert_eq!(page.stat("delivered"), 1.0);
}

#[wasm_bindgen_test]
async fn a_fetch_that_calls_back_in_waits_its_turn() {
    // The page's fetch flushes, tracks and asks for the account, all in the middle of a send.
    let page =
        Page::open("(url, { body }) => { seen.push(body); callBack(); return new Response('{}') }");
    let inner: Rc<RefCell<Vec<f64>>> = Rc::default();
    let back = Closure::<dyn Fn()>::new({
        let (shell, inner) = (Rc::clone(&page.shell), Rc::clone(&inner));
        let calls = Cell::new(0);
        move || {
            inner
                .borrow_mut()
                .push(figure(&shell, "accepted").as_f64().unwrap());
            assert!(!shell.anonymous_id().is_empty());
            if calls.replace(calls.get() + 1) == 0 {
                shell.put(TRACK.to_owned().into());
                shell.put(Input::Flush { id: 2 }.into());
            }
        }
    });
    js_with("globalThis.callBack = $", back.as_ref());
    page.track();
    page.flush(1);
    until("both flushes are answered", || page.flushed() == [1, 2]).await;
    assert_eq!((page.stat("accepted"), page.stat("delivered")), (2.0, 2.0));
    assert_eq!(
        *inner.borrow(),
        [1.0, 2.0],
        "the account could be read meanwhile"
    );
}

#[wasm_bindgen_test]
async fn a_storage_that_calls_back_in_waits_its_turn() {
    let page = Page::open(OK);
    let back = Closure::<dyn Fn()>::new({
        let shell = Rc::clone(&page.shell);
        let called = Cell::new(false);
        move || {
            if !called.replace(true) {
                // The engine is at work: there is no account to be had.
                assert!(shell.stats().is_undefined() && shell.anonymous_id().is_empty());
                shell.put(Input::Flush { id: 3 }.into());
            }
        }
    });
    js_with("globalThis.callBack = $", back.as_ref());
    let patch = Patch::new(
        "const before = Storage.prototype.setItem;
         Storage.prototype.setItem = function (...args) { callBack(); return before.apply(this, args) };
         return () => { Storage.prototype.setItem = before };",
    );
    page.track();
    drop(patch);
    until("the flush is answered", || page.flushed() == [3]).await;
    assert_eq!(page.stat("delivered"), 1.0);
}

#[wasm_bindgen_test]
async fn a_send_that_is_refused_at_once_is_an_input_like_any_other() {
    let page = Page::open("() => { throw new TypeError('blocked by CSP') }");
    page.track();
    page.flush(1);
    until("it has been tried again", || page.stat("retries") > 0.0).await;
    assert_eq!((page.stat("delivered"), page.stat("pending")), (0.0, 1.0));
    assert!(page.stored());
}

#[wasm_bindgen_test]
fn a_page_that_flushes_in_every_answer_gets_its_thread_back() {
    let answers = Rc::new(Cell::new(0));
    let slot: Rc<RefCell<Option<Rc<Shell>>>> = Rc::default();
    let page = Page::open_with(OK, {
        let (answers, slot) = (Rc::clone(&answers), Rc::clone(&slot));
        move |_| {
            answers.set(answers.get() + 1);
            if let Some(shell) = &*slot.borrow() {
                shell.put(Input::Flush { id: answers.get() }.into());
            }
        }
    });
    answers.set(0);
    *slot.borrow_mut() = Some(Rc::clone(&page.shell));
    page.flush(0);
    assert!(
        (ROUNDS_MAX - 2..=ROUNDS_MAX).contains(&answers.get()),
        "{}",
        answers.get()
    );
    slot.take();
}

#[wasm_bindgen_test]
async fn a_report_callback_that_throws_or_destroys_does_no_harm() {
    let slot: Rc<RefCell<Option<Rc<Shell>>>> = Rc::default();
    let page = Page::open_with(OK, {
        let slot = Rc::clone(&slot);
        move |_| {
            if let Some(shell) = slot.take() {
                shell.put(Input::Destroy.into());
                wasm_bindgen::throw_str("from the page");
            }
        }
    });
    page.flush(1);
    assert_eq!(page.flushed(), [1]);
    *slot.borrow_mut() = Some(Rc::clone(&page.shell));
    page.flush(2);
    page.track();
    assert_eq!(page.flushed(), [1, 2]);
    assert_eq!(page.stat("accepted"), 0.0, "it was destroyed from within");
    turn().await;
}

/// Counts the listeners that are on `window`, `document` and channels.
fn count_listeners() -> Patch {
    Patch::new(
        "const { addEventListener: add, removeEventListener: remove } = EventTarget.prototype;
         const close = BroadcastChannel.prototype.close;
         globalThis.testListeners = new Set(); globalThis.testClosed = 0;
         const ours = (it) => it === window || it === document || it instanceof BroadcastChannel;
         EventTarget.prototype.addEventListener = function (name, ...rest) {
           if (ours(this)) testListeners.add(name);
           return add.call(this, name, ...rest);
         };
         EventTarget.prototype.removeEventListener = function (name, ...rest) {
           if (ours(this)) testListeners.delete(name);
           return remove.call(this, name, ...rest);
         };
         BroadcastChannel.prototype.close = function () { testClosed++; return close.call(this) };
         return () => {
           Object.assign(EventTarget.prototype, { addEventListener: add, removeEventListener: remove });
           BroadcastChannel.prototype.close = close;
         };",
    )
}

#[wasm_bindgen_test]
async fn destroy_and_shutdown_let_go_of_everything() {
    for end in [
        Input::Destroy,
        Input::Shutdown {
            id: 9,
            timeout_ms: 1_000,
        },
    ] {
        let spy = count_listeners();
        let page = Page::open(OK);
        // Those of window and document; the channel has a handler.
        assert_eq!(js("return testListeners.size"), 7.0);
        let before = js("return testClosed").as_f64().unwrap();
        page.shell.put(Arrival::Plain(end.clone()));
        until("all listeners are gone", || {
            js("return testListeners.size") == 0.0
        })
        .await;
        assert_eq!(js("return testClosed"), before + 1.0, "{end:?}");
        drop(spy);
        let weak = Rc::downgrade(&page.shell);
        drop(page);
        assert_eq!(weak.strong_count(), 0, "nothing holds the client");
    }
}

#[wasm_bindgen_test]
async fn an_answer_after_destroy_is_ignored() {
    let page = Page::open("() => new Promise((resolve) => seen.push(resolve))");
    page.track();
    page.flush(1);
    until("it is sent", || js("return seen.length") == 1.0).await;
    page.shell.put(Input::Destroy.into());
    let reports = page.reports.borrow().len();
    js("seen[0](new Response('{}'))");
    turn().await;
    turn().await;
    page.track();
    page.flush(2);
    assert_eq!(page.stat("delivered"), 0.0);
    assert!(page.stored(), "it is kept for the next visit");
    assert_eq!(
        page.flushed().last(),
        Some(&2),
        "a stopped client still answers"
    );
    assert!(page.reports.borrow().len() <= reports + 2);
}

#[wasm_bindgen_test]
async fn events_of_the_page_reach_the_engine() {
    let page = Page::open(OK);
    page.track();
    let hidden = Patch::define("document", "hidden", "{ get: () => true }");
    js("document.dispatchEvent(new Event('visibilitychange'))");
    drop(hidden);
    until("it is delivered", || page.stat("delivered") == 1.0).await;
}

#[wasm_bindgen_test]
async fn a_page_that_comes_back_first_asks_what_was_sent_meanwhile() {
    for back in [
        "window.dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))",
        "document.dispatchEvent(new Event('resume'))",
    ] {
        js("globalThis.order = []");
        let later = Patch::define(
            "window",
            "fetchLater",
            "{ value: () => order.push('kept') && { get activated() { order.push('asked'); return true } } }",
        );
        let page = Page::open(OK);
        page.track();
        let kept = || js("return order.includes('kept')").is_truthy();
        until("the browser holds a copy", kept).await;
        js("document.dispatchEvent(new Event('freeze'))");
        let written = Patch::new(
            "const before = Storage.prototype.setItem;
             Storage.prototype.setItem = function (...args) {
               order.push('written');
               return before.apply(this, args);
             };
             order.length = 0;
             return () => { Storage.prototype.setItem = before };",
        );
        js(back);
        drop((written, later));
        let order = js("return order.join()").as_string().unwrap();
        assert!(
            order.starts_with("asked,") && order.contains("written"),
            "{back}: {order}"
        );
    }
}

#[wasm_bindgen_test]
async fn two_clients_of_one_project_hear_each_other() {
    let open = |tab: char| {
        let host = format!("{{ tab: '{tab}'.repeat(20), project: 'driver' }}");
        start_with(js("return { apiKey: 'driver' }"), &host, &JsValue::NULL)
    };
    let clients = [open('a'), open('b')];
    // The last but one of the figures.
    let peers = |of: usize| js_with("return $.at(-2).join()", &shell(of).unwrap().stats());
    until("each knows the other", || {
        peers(clients[0]) == "b".repeat(20).as_str() && peers(clients[1]) == "a".repeat(20).as_str()
    })
    .await;
    clients.into_iter().for_each(destroy);
    js("localStorage.clear()");
}

#[wasm_bindgen_test]
fn a_page_without_anything_still_has_a_client() {
    let _patches = [
        Patch::define("window", "BroadcastChannel", "{ value: undefined }"),
        Patch::define(
            "window",
            "localStorage",
            "{ get() { throw new DOMException('', 'SecurityError') } }",
        ),
        Patch::define("window", "fetchLater", "{ value: undefined }"),
        Patch::define("window", "performance", "{ value: undefined }"),
        Patch::define("window", "isSecureContext", "{ value: false }"),
        Patch::define("window", "AbortController", "{ value: undefined }"),
        Patch::define("navigator", "sendBeacon", "{ value: undefined }"),
        Patch::define("crypto", "getRandomValues", "{ value() { throw 1 } }"),
    ];
    let page = Page::open(OK);
    page.track();
    page.flush(1);
    assert_eq!((page.stat("accepted"), page.stat("requests")), (1.0, 1.0));
    assert_eq!(figure(&page.shell, "storage"), "memory");
}

#[wasm_bindgen_test]
async fn a_fetch_impl_that_is_no_function_is_ignored() {
    // The facade has reported it.
    let page = Page::open("'fetch'");
    let _fetch = Patch::define(
        "window",
        "fetch",
        "{ value: async () => { seen.push(1); return new Response('{}') } }",
    );
    page.track();
    page.flush(1);
    until("the flush is answered", || page.flushed() == [1]).await;
    assert_eq!(page.stat("delivered"), 1.0);
}

#[wasm_bindgen_test]
fn a_host_that_gives_nothing_is_no_reason_to_fail() {
    for host in [
        "return { hear() {} }",
        "return { hear() {}, get report() { throw 1 }, tab: 5 }",
    ] {
        let client = start(js("return { apiKey: 'driver' }"), js(host));
        let shell = shell(client).unwrap();
        shell.put(TRACK.to_owned().into());
        assert_eq!(figure(&shell, "accepted"), 1.0, "{host}");
        destroy(client);
    }
    js("localStorage.clear()");
}
