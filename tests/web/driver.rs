//! The driver: the engine's loop, and everything a page can do in the middle of it.
//! The engine is the real one; what it decides is tested elsewhere, so these tests use as little of
//! that as they can: a call is journalled, a flush sends it and is answered.

use std::cell::Cell;
use std::rc::Rc;

use wasm_bindgen_test::wasm_bindgen_test;

use super::super::support::{TRACK, figure, flushed, js, number, on, open, turn};
use super::super::{answered, calls, destroy, flush, stats, wake};
use super::ROUNDS_MAX;

/// Answers the request that was sent last.
fn answer(client: usize, what: &str, status: u16) {
    let id = number("world.sent.at(-1)[0]") as u32;
    answered(client, id, what, status, f64::NAN, None);
}

#[wasm_bindgen_test]
fn a_send_that_calls_back_in_waits_its_turn() {
    // The page's fetch answers at once, flushes, tracks and asks for the account, all in the middle of a send.
    let client = open();
    let sends = Rc::new(Cell::new(0));
    on("onSend", {
        let sends = Rc::clone(&sends);
        move || {
            assert!(stats(client).is_some(), "the engine is not at work here");
            answer(client, "plain", 200);
            if sends.replace(sends.get() + 1) == 0 {
                calls(client, TRACK.into());
                flush(client, 2);
            }
        }
    });
    calls(client, TRACK.into());
    flush(client, 1);
    assert_eq!(flushed(), "1,2");
    assert_eq!(sends.get(), 2);
    assert_eq!(figure(client, "pending"), 0.0);
}

#[wasm_bindgen_test]
fn a_storage_that_calls_back_in_waits_its_turn() {
    let client = open();
    let called = Rc::new(Cell::new(false));
    on("onSet", {
        let called = Rc::clone(&called);
        move || {
            if !called.replace(true) {
                // The engine is at work: there is no account to be had.
                assert_eq!(stats(client), None);
                flush(client, 3);
            }
        }
    });
    calls(client, TRACK.into());
    assert!(called.get());
    assert_eq!(number("world.sent.length"), 1.0, "the flush had its turn");
    answer(client, "plain", 200);
    assert_eq!(flushed(), "3");
}

#[wasm_bindgen_test]
fn a_send_that_is_refused_at_once_is_an_input_like_any_other() {
    let client = open();
    on("onSend", move || answer(client, "refused", 0));
    calls(client, TRACK.into());
    flush(client, 1);
    assert_eq!(figure(client, "delivered"), 0.0);
    assert!(figure(client, "pending") > 0.0);
}

#[wasm_bindgen_test]
fn a_timer_that_set_itself_is_set_anew_by_whatever_happens_next() {
    let client = open();
    calls(client, TRACK.into());
    let waits = || number("world.waits.length");
    let before = waits();
    calls(client, TRACK.into());
    assert_eq!(waits(), before, "it stands right");
    wake(client);
    let chained = waits();
    assert!(chained > before, "there is something to wait for");
    calls(client, TRACK.into());
    assert_eq!(waits(), chained + 1.0);
    calls(client, TRACK.into());
    assert_eq!(waits(), chained + 1.0);
}

#[wasm_bindgen_test]
fn a_page_that_flushes_in_every_answer_gets_its_thread_back() {
    let client = open();
    let answers = Rc::new(Cell::new(0));
    on("onReport", {
        let answers = Rc::clone(&answers);
        move || {
            answers.set(answers.get() + 1);
            flush(client, answers.get());
        }
    });
    flush(client, 0);
    assert!(
        (ROUNDS_MAX - 2..=ROUNDS_MAX).contains(&answers.get()),
        "{}",
        answers.get()
    );
    assert_eq!(
        number("world.waits.at(-1)"),
        0.0,
        "the rest waits for the timer"
    );
    js("world.onReport = undefined");
    destroy(client);
}

#[wasm_bindgen_test]
fn a_report_that_destroys_from_within_does_no_harm() {
    let client = open();
    on("onReport", move || destroy(client));
    flush(client, 1);
    calls(client, TRACK.into());
    flush(client, 2);
    assert_eq!(flushed(), "1");
    assert_eq!(stats(client), None);
    assert_eq!(number("world.sent.length"), 0.0);
}

#[wasm_bindgen_test]
async fn an_answer_after_destroy_is_ignored() {
    let client = open();
    calls(client, TRACK.into());
    flush(client, 1);
    destroy(client);
    let reports = number("world.reports.length");
    answer(client, "plain", 200);
    turn().await;
    assert_eq!(number("world.reports.length"), reports);
    let kept = "[...world.store.values()].some((value) => value.includes('checkout'))";
    assert_eq!(
        js(&format!("return {kept}")),
        true,
        "it is kept for the next visit"
    );
    assert_eq!(number("world.waits.at(-1)"), -1.0, "and no timer waits");
}

#[wasm_bindgen_test]
fn the_timer_is_set_where_the_deadline_moves_and_nowhere_else() {
    let client = open();
    calls(client, TRACK.into());
    flush(client, 1);
    let armed = number("world.waits.length");
    assert!(
        number("world.waits.at(-1)") > 0.0,
        "the request has its time"
    );
    wake(client); // too early
    let again = number("world.waits.length");
    assert_eq!(again, armed + 1.0, "a timer that has fired is set again");
    destroy(client);
    assert_eq!(number("world.waits.at(-1)"), -1.0);
}
