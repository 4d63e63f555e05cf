//! Listeners: heard first, silent once dropped, and safe against dropping or entering themselves.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use wasm_bindgen::JsCast;
use wasm_bindgen_test::wasm_bindgen_test;
use web_sys::EventTarget;

use super::super::support::{js, js_with};
use super::Listener;

fn target() -> EventTarget {
    js("return new EventTarget()").unchecked_into()
}

fn fire(target: &EventTarget, name: &str) {
    js_with(&format!("$.dispatchEvent(new Event('{name}'))"), target);
}

#[wasm_bindgen_test]
fn it_hears_its_events_until_it_is_dropped() {
    let target = target();
    let heard = Rc::new(RefCell::new(Vec::new()));
    let listener = Listener::new(&target, &["one", "two"], {
        let heard = Rc::clone(&heard);
        move |event| {
            heard
                .borrow_mut()
                .push(js_with("return $.type", &event).as_string().unwrap())
        }
    });
    for name in ["one", "two", "three", "one"] {
        fire(&target, name);
    }
    drop(listener);
    fire(&target, "one");
    assert_eq!(*heard.borrow(), ["one", "two", "one"]);
}

#[wasm_bindgen_test]
fn a_page_that_stops_the_propagation_does_not_keep_it_from_hearing() {
    let target: EventTarget = js("return document").unchecked_into();
    let inner = js("const inner = document.body;
        inner.addEventListener('sendoff-test', (event) => event.stopImmediatePropagation());
        return inner");
    let heard = Rc::new(Cell::new(0));
    let _listener = Listener::new(&target, &["sendoff-test"], {
        let heard = Rc::clone(&heard);
        move |_| heard.set(heard.get() + 1)
    });
    js_with(
        "$.dispatchEvent(new Event('sendoff-test', { bubbles: true }))",
        &inner,
    );
    assert_eq!(heard.get(), 1);
}

#[wasm_bindgen_test]
fn it_may_be_dropped_from_within_and_entered_twice() {
    let target = target();
    let slot: Rc<RefCell<Option<Listener>>> = Rc::default();
    let depth = Rc::new(Cell::new(0));
    let listener = Listener::new(&target, &["again"], {
        let (slot, depth, target) = (Rc::clone(&slot), Rc::clone(&depth), target.clone());
        move |_| {
            depth.set(depth.get() + 1);
            if depth.get() < 3 {
                fire(&target, "again");
            } else {
                drop(slot.take());
                depth.set(depth.get() + 10);
            }
        }
    });
    *slot.borrow_mut() = Some(listener);
    fire(&target, "again");
    assert_eq!(depth.get(), 13);
    fire(&target, "again");
    assert_eq!(depth.get(), 13, "it is gone");
}
