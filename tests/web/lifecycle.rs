//! The page's life: each event, dispatched by hand, is translated; and the two that must never be
//! listened to are not. Not covered: which of them a browser fires when; the end-to-end tests do.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use wasm_bindgen_test::wasm_bindgen_test;

use super::super::inbox::{Arrival, Inbox, Recipient};
use super::super::support::{Ear, Patch, js};
use super::{Lifecycle, is_visible};
use crate::engine::io::PageEvent;

#[wasm_bindgen_test]
fn every_event_of_the_page_is_translated() {
    let (ear, inbox) = Ear::new();
    let lifecycle = Lifecycle::listen(&inbox);
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
    drop(lifecycle);
    js("window.dispatchEvent(new PageTransitionEvent('pagehide'));
        document.dispatchEvent(new Event('resume'))");
    assert_eq!(ear.page_events(), []);
}

#[wasm_bindgen_test]
fn visibility_is_read_when_it_changes() {
    let (ear, inbox) = Ear::new();
    let _lifecycle = Lifecycle::listen(&inbox);
    for (hidden, expected) in [("true", PageEvent::Hidden), ("false", PageEvent::Visible)] {
        let _patch = Patch::define("document", "hidden", &format!("{{ get: () => {hidden} }}"));
        js("document.dispatchEvent(new Event('visibilitychange', { bubbles: true }))");
        assert_eq!(ear.page_events(), [expected]);
        assert_eq!(is_visible(), expected == PageEvent::Visible);
    }
    let _patch = Patch::define("document", "hidden", "{ get() { throw 1 } }");
    assert!(is_visible(), "a page that cannot tell is taken as visible");
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
    let (_ear, inbox) = Ear::new();
    let _lifecycle = Lifecycle::listen(&inbox);
    drop(spy);
    assert_eq!(
        js("return testAdded.sort().join()"),
        "document freeze true,document resume true,document visibilitychange true,\
         window offline true,window online true,window pagehide true,window pageshow true"
    );
}

#[wasm_bindgen_test]
fn a_page_that_stops_the_propagation_does_not_keep_it_from_hearing() {
    js("document.body.addEventListener('freeze', (event) => event.stopImmediatePropagation())");
    let (ear, inbox) = Ear::new();
    let _lifecycle = Lifecycle::listen(&inbox);
    js("document.body.dispatchEvent(new Event('freeze', { bubbles: true }))");
    assert_eq!(ear.page_events(), [PageEvent::Frozen]);
}

/// Fires the event again twice when it hears one, then drops the listeners.
#[derive(Default)]
struct Restless {
    lifecycle: RefCell<Option<Lifecycle>>,
    depth: Cell<u32>,
}

impl Recipient for Restless {
    fn put(&self, _: Arrival) {
        self.depth.set(self.depth.get() + 1);
        if self.depth.get() < 3 {
            js("window.dispatchEvent(new Event('online'))");
        } else {
            drop(self.lifecycle.take());
            self.depth.set(self.depth.get() + 10);
        }
    }
}

#[wasm_bindgen_test]
fn it_may_be_dropped_from_within_and_entered_twice() {
    let restless = Rc::new(Restless::default());
    let recipient: Rc<dyn Recipient> = Rc::<Restless>::clone(&restless);
    let inbox = Inbox::new(Rc::downgrade(&recipient));
    *restless.lifecycle.borrow_mut() = Some(Lifecycle::listen(&inbox));
    js("window.dispatchEvent(new Event('online'))");
    assert_eq!(restless.depth.get(), 13);
    js("window.dispatchEvent(new Event('online'))");
    assert_eq!(restless.depth.get(), 13, "it is gone");
}
