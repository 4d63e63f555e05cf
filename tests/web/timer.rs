//! The timer: that it wakes once at the deadline set last, and touches `setTimeout` only when needed.
//! Not covered: throttling in hidden tabs, which is the browser's.

use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_test::wasm_bindgen_test;

use std::cell::Cell;

use super::super::support::{Patch, js, turn, until};
use super::{Wake, Wakeup};
use crate::model::time::Instant;

thread_local! {
    static WOKEN: Cell<u32> = const { Cell::new(0) };
}

/// Counts how often it is woken.
#[derive(Clone, Copy)]
struct Sleeper;

impl Wake for Sleeper {
    fn wake(self) {
        WOKEN.set(WOKEN.get() + 1);
    }
}

fn wakeup() -> Wakeup<Sleeper> {
    WOKEN.set(0);
    Wakeup::new(Sleeper)
}

/// Writes the delays that are asked for into `testDelays`, and cancellations into `testCleared`.
fn spy() -> Patch {
    Patch::new(
        "const { setTimeout: set, clearTimeout: clear } = globalThis;
         globalThis.testDelays = []; globalThis.testCleared = 0;
         globalThis.setTimeout = (fn, ms) => { testDelays.push(ms); return set(fn, ms); };
         globalThis.clearTimeout = (id) => { testCleared++; clear(id); };
         return () => Object.assign(globalThis, { setTimeout: set, clearTimeout: clear });",
    )
}

fn delays() -> String {
    js("return testDelays.join()").as_string().unwrap()
}

#[wasm_bindgen_test]
async fn it_wakes_once_and_the_same_deadline_can_be_set_again() {
    let wakeup = wakeup();
    for round in 1..3 {
        wakeup.set(Some(Instant(1_005)), Instant(1_000));
        until("it wakes", || WOKEN.get() == round).await;
        wakeup.spent();
    }
    turn().await;
    assert_eq!(WOKEN.get(), 2);
}

#[wasm_bindgen_test]
fn only_a_changed_deadline_touches_the_browsers_timer() {
    let wakeup = wakeup();
    let spy = spy();
    wakeup.set(Some(Instant(60_000)), Instant(0));
    wakeup.set(Some(Instant(60_000)), Instant(500));
    wakeup.set(Some(Instant(50_000)), Instant(1_000));
    assert_eq!(delays(), "60000,49000");
    assert_eq!(js("return testCleared"), 1.0);
    wakeup.set(None, Instant(1_000));
    assert_eq!(js("return testCleared"), 2.0);
    wakeup.set(Some(Instant(60_000)), Instant(0));
    assert_eq!(delays(), "60000,49000,60000");
    drop(spy);
}

#[wasm_bindgen_test]
fn a_deadline_beyond_24_days_is_clamped_and_one_in_the_past_is_now() {
    let wakeup = wakeup();
    let spy = spy();
    wakeup.set(Some(Instant(u64::MAX)), Instant(0));
    wakeup.set(Some(Instant(5)), Instant(9));
    assert_eq!(delays(), "2147483647,0");
    drop(spy);
}

#[wasm_bindgen_test]
async fn nobody_is_woken_once_it_is_dropped() {
    let wakeup = wakeup();
    wakeup.set(Some(Instant(0)), Instant(0));
    drop(wakeup);
    turn().await;
    turn().await;
    assert_eq!(WOKEN.get(), 0);
}

#[wasm_bindgen_test]
fn it_may_be_set_from_within_its_own_wake_up() {
    // The driver does this every time; here by calling what `setTimeout` was given.
    let _patch = Patch::new(
        "const before = setTimeout;
         globalThis.setTimeout = (fn) => { globalThis.testFire = fn; return 1; };
         return () => { globalThis.setTimeout = before; };",
    );
    let wakeup = wakeup();
    wakeup.set(Some(Instant(7)), Instant(0));
    let fire: js_sys::Function = js("return testFire").unchecked_into();
    fire.call0(&fire).unwrap();
    assert_eq!(WOKEN.get(), 1);
    wakeup.spent();
    wakeup.set(Some(Instant(7)), Instant(6));
    assert_ne!(js("return testFire"), JsValue::from(fire), "no new timer");
}
