//! What the tests of `src/web` share. They are compiled into the crate (each file of `src/web` names
//! its own by `#[path]`), because what they test is private, and run in a real browser by `wasm-pack`.

use std::cell::RefCell;
use std::rc::Rc;

use js_sys::futures::JsFuture;
use js_sys::{Function, Promise};
use wasm_bindgen::prelude::*;
use wasm_bindgen_test::wasm_bindgen_test_configure;

use super::inbox::{Arrival, arrival};
use crate::engine::io::{Input, Outcome, PageEvent};

wasm_bindgen_test_configure!(run_in_browser);

/// How long a condition may take before a test fails.
const PATIENCE_MS: f64 = 5_000.0;

/// Writes down what a part tells the host.
#[derive(Default)]
pub(crate) struct Ear(RefCell<Vec<Arrival>>);

/// What `host.hear` is called with.
pub(crate) type Hear = dyn Fn(u32, u16, Option<String>, f64, f64);

impl Ear {
    /// An ear, and the host of `project` that it belongs to.
    pub(crate) fn of(project: &str) -> (Rc<Self>, JsValue) {
        let ear = Rc::new(Self::default());
        let hear = Closure::<Hear>::new({
            let ear = Rc::clone(&ear);
            move |id, code, text, seconds, at| {
                ear.0
                    .borrow_mut()
                    .push(arrival(id, code, text, seconds, at));
            }
        });
        let code = format!("return {{ project: '{project}', hear: $ }}");
        (ear, js_with(&code, &hear.into_js_value()))
    }

    /// As [`of`](Self::of), where the project does not matter.
    pub(crate) fn new() -> (Rc<Self>, JsValue) {
        Self::of("any")
    }

    /// All it has heard since it was last asked.
    pub(crate) fn take(&self) -> Vec<Arrival> {
        self.0.take()
    }

    /// As [`take`](Self::take), for outcomes of requests.
    pub(crate) fn outcomes(&self) -> Vec<(u32, Outcome)> {
        let outcome = |arrival| match arrival {
            Arrival::Plain(Input::Response { request, outcome }) => (request.0, outcome),
            other => panic!("not an outcome: {other:?}"),
        };
        self.take().into_iter().map(outcome).collect()
    }

    /// As [`take`](Self::take), for events of the page.
    pub(crate) fn page_events(&self) -> Vec<PageEvent> {
        let event = |arrival| match arrival {
            Arrival::Plain(Input::Page(event)) => event,
            other => panic!("not an event of the page: {other:?}"),
        };
        self.take().into_iter().map(event).collect()
    }

    /// Waits until it has heard something.
    pub(crate) async fn hears(&self) {
        until("something is heard", || !self.0.borrow().is_empty()).await;
    }
}

/// Runs JavaScript and gives what it returns.
pub(crate) fn js(code: &str) -> JsValue {
    js_with(code, &JsValue::UNDEFINED)
}

/// Runs JavaScript that knows `value` as `$`.
pub(crate) fn js_with(code: &str, value: &JsValue) -> JsValue {
    Function::new_with_args("$", code)
        .call1(&JsValue::UNDEFINED, value)
        .unwrap()
}

/// A piece of the environment, replaced until dropped, or until the test fails.
pub(crate) struct Patch(Function);

thread_local! {
    /// What undoes the patches in force. A failing test does not unwind, so nothing is dropped.
    static IN_FORCE: RefCell<Option<Vec<Function>>> = const { RefCell::new(None) };
}

/// Puts the environment back before the next test, when this one fails.
fn undo_all_on_panic() {
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        let in_force = IN_FORCE
            .with_borrow_mut(|it| it.replace(Vec::new()))
            .unwrap_or_default();
        for undo in in_force.iter().rev() {
            drop(undo.call0(&JsValue::UNDEFINED));
        }
        before(info);
    }));
}

impl Patch {
    /// Runs `code`, which returns the function that undoes it.
    pub(crate) fn new(code: &str) -> Self {
        let undo: Function = js(code).unchecked_into();
        if IN_FORCE.with_borrow(Option::is_none) {
            undo_all_on_panic();
        }
        IN_FORCE.with_borrow_mut(|in_force| in_force.get_or_insert_default().push(undo.clone()));
        Self(undo)
    }

    /// Replaces an own property of `object`, getters included; `descriptor` is as for
    /// `Object.defineProperty`.
    pub(crate) fn define(object: &str, name: &str, descriptor: &str) -> Self {
        Self::new(&format!(
            "const before = Object.getOwnPropertyDescriptor({object}, '{name}');
             Object.defineProperty({object}, '{name}', {{ configurable: true, ...{descriptor} }});
             return () => before
               ? Object.defineProperty({object}, '{name}', before)
               : delete {object}.{name};"
        ))
    }
}

impl Drop for Patch {
    fn drop(&mut self) {
        IN_FORCE.with_borrow_mut(|in_force| {
            in_force
                .get_or_insert_default()
                .retain(|undo| *undo != self.0);
        });
        self.0.call0(&JsValue::UNDEFINED).unwrap();
    }
}

/// Waits until `condition` holds; fails, naming `what`, if that takes too long.
pub(crate) async fn until(what: &str, condition: impl Fn() -> bool) {
    let give_up_at = js_sys::Date::now() + PATIENCE_MS;
    while !condition() {
        assert!(
            js_sys::Date::now() < give_up_at,
            "waited in vain until {what}"
        );
        turn().await;
    }
}

/// Lets every task run that is due by now.
pub(crate) async fn turn() {
    resolved("return new Promise((resolve) => setTimeout(resolve, 1))").await;
}

/// Runs JavaScript that returns a promise, and waits for it.
pub(crate) async fn resolved(code: &str) -> JsValue {
    JsFuture::from(js(code).unchecked_into::<Promise>())
        .await
        .unwrap()
}
