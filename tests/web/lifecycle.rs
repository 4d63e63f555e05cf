//! The page's life: each event, dispatched by hand, is translated; and the two that must never be
//! listened to are not. Not covered: which of them a browser fires when; the end-to-end tests do.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use wasm_bindgen::JsValue;
use wasm_bindgen::closure::Closure;
use wasm_bindgen_test::wasm_bindgen_test;

use super::super::support::{Ear, Hear, Patch, js, js_with};
use super::Lifecycle;
use crate::engine::io::PageEvent;

/// Listens for `host`, beside a transport of which nothing was sent meanwhile.
fn listen(host: &JsValue) -> Lifecycle {
    Lifecycle::listen(host, &js("return { tellActivated() {} }"))
}

#[wasm_bindgen_test]
fn every_event_of_the_page_is_translated() {
    let (ear, host) = Ear::new();
    let lifecycle = listen(&host);
    for (event, expected) in [
        (
            "window.dispatchEvent(new PageTransitionEvent('pagehide'))",
            &[PageEvent::Leaving][..],
        ),
        (
            "window.dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))",
            &[PageEvent::Restored],
        ),
        (
            "window.dispatchEvent(new PageTransitionEvent('pageshow', { persisted: false }))",
            &[],
        ),
        ("window.dispatchEvent(new Event('pageshow'))", &[]),
        (
            "window.dispatchEvent(new Event('online'))",
            &[PageEvent::Online],
        ),
        (
            "window.dispatchEvent(new Event('offline'))",
            &[PageEvent::Offline],
        ),
        (
            "document.dispatchEvent(new Event('freeze'))",
            &[PageEvent::Frozen],
        ),
        (
            "document.dispatchEvent(new Event('resume'))",
            &[PageEvent::Resumed],
        ),
        ("window.dispatchEvent(new Event('focus'))", &[]),
    ] {
        js(event);
        assert_eq!(ear.page_events(), expected, "{event}");
    }
    lifecycle.stop();
    js("window.dispatchEvent(new PageTransitionEvent('pagehide'));
        document.dispatchEvent(new Event('resume'))");
    assert_eq!(ear.page_events(), []);
}

#[wasm_bindgen_test]
fn visibility_is_read_when_it_changes() {
    let (ear, host) = Ear::new();
    let lifecycle = listen(&host);
    for (hidden, expected) in [("true", PageEvent::Hidden), ("false", PageEvent::Visible)] {
        let _patch = Patch::define("document", "hidden", &format!("{{ get: () => {hidden} }}"));
        js("document.dispatchEvent(new Event('visibilitychange', { bubbles: true }))");
        assert_eq!(ear.page_events(), [expected]);
    }
    let _patch = Patch::define("document", "hidden", "{ get() { throw 1 } }");
    js("document.dispatchEvent(new Event('visibilitychange', { bubbles: true }))");
    let visible = [PageEvent::Visible];
    assert_eq!(ear.page_events(), visible, "as a page that cannot tell");
    lifecycle.stop();
}

#[wasm_bindgen_test]
fn it_listens_on_the_right_targets_in_the_capture_phase_and_never_to_unload() {
    let spy = Patch::new(
        "const before = EventTarget.prototype.addEventListener;
         globalThis.testAdded = [];
         EventTarget.prototype.addEventListener = function (name, fn, capture) {
           testAdded.push([this === window ? 'window' : this === document ? 'document' : '?', name, capture].join(' '));
           return before.call(this, name, fn, capture);
         };
         return () => { EventTarget.prototype.addEventListener = before; };",
    );
    let (_ear, host) = Ear::new();
    let lifecycle = listen(&host);
    drop(spy);
    assert_eq!(
        js("return testAdded.sort().join()"),
        "document freeze true,document resume true,document visibilitychange true,\
         window offline true,window online true,window pagehide true,window pageshow true"
    );
    lifecycle.stop();
}

#[wasm_bindgen_test]
fn a_page_that_stops_the_propagation_does_not_keep_it_from_hearing() {
    js("document.body.addEventListener('freeze', (event) => event.stopImmediatePropagation())");
    let (ear, host) = Ear::new();
    let lifecycle = listen(&host);
    js("document.body.dispatchEvent(new Event('freeze', { bubbles: true }))");
    assert_eq!(ear.page_events(), [PageEvent::Frozen]);
    lifecycle.stop();
}

#[wasm_bindgen_test]
fn on_the_way_back_what_was_sent_meanwhile_is_told_first() {
    let order = js("return globalThis.testOrder = []");
    let host = js("return { hear: (id, code) => testOrder.push(code) }");
    let transport = js("return { tellActivated: () => testOrder.push('sent') }");
    let lifecycle = Lifecycle::listen(&host, &transport);
    js("document.dispatchEvent(new Event('freeze'));
        document.dispatchEvent(new Event('resume'));
        window.dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))");
    lifecycle.stop();
    assert_eq!(js_with("return $.join()", &order), "4,sent,5,sent,3");
}

#[wasm_bindgen_test]
fn it_may_be_stopped_from_within_and_entered_twice() {
    let depth = Rc::new(Cell::new(0));
    let lifecycle: Rc<RefCell<Option<Lifecycle>>> = Rc::default();
    let hear = Closure::<Hear>::new({
        let (depth, lifecycle) = (Rc::clone(&depth), Rc::clone(&lifecycle));
        move |_, _, _, _, _| {
            depth.set(depth.get() + 1);
            if depth.get() < 3 {
                js("window.dispatchEvent(new Event('online'))");
            } else if let Some(lifecycle) = lifecycle.take() {
                lifecycle.stop();
                depth.set(depth.get() + 10);
            }
        }
    });
    *lifecycle.borrow_mut() = Some(listen(&js_with("return { hear: $ }", hear.as_ref())));
    js("window.dispatchEvent(new Event('online'))");
    assert_eq!(depth.get(), 13);
    js("window.dispatchEvent(new Event('online'))");
    assert_eq!(depth.get(), 13, "it is gone");
}
