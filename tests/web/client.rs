//! The functions that the JavaScript facade uses, called as the facade calls them.

use std::cell::Cell;

use wasm_bindgen::JsValue;
use wasm_bindgen::closure::Closure;
use wasm_bindgen_test::wasm_bindgen_test;

use super::support::{Hear, js, js_with, until};
use super::{anonymous_id, calls, destroy, flush, heard, shutdown, start};

thread_local! {
    /// The client that was started last.
    static LATEST: Cell<usize> = const { Cell::new(0) };
}

fn open() -> usize {
    let hear = Closure::<Hear>::new(|id, code, text, seconds, at| {
        heard(LATEST.get(), id, code, text, seconds, at);
    });
    js_with("globalThis.hear = $", &hear.into_js_value());
    let config = js("globalThis.seen = []; globalThis.reports = [];
        return {
          apiKey: 'a key/ä:', disableTimer: true,
          fetchImpl: async (url, { body }) => { seen.push(JSON.parse(body)); return new Response('{}') },
        }");
    let host = js("return {
        tab: '0123456789abcdef0123', project: 'a%20key%2F%C3%A4%3A', anonymous: 'proposed', report: (it) => reports.push(it),
        hear: (...said) => hear(...said),
    }");
    LATEST.set(start(config, host));
    LATEST.get()
}

fn stats(client: usize) -> String {
    js_with(
        "const [accepted, , , , dropped, refused] = $;
         return JSON.stringify({ accepted, refused, dropped, tab: $.at(-3), lastSeq: $.at(-1) })",
        &super::stats(client),
    )
    .as_string()
    .unwrap()
}

#[wasm_bindgen_test]
async fn a_client_from_the_first_call_to_the_last() {
    js("localStorage.clear()");
    let client = open();
    assert_eq!(anonymous_id(client), "proposed");
    calls(
        client,
        "t\t1700000000000\t\"one\"\t\t\t\nt\t1700000000000\t\"\"\t\t\t\nt\tNaN\t\"x\"\t\t\t".into(),
    );
    assert_eq!(
        stats(client),
        r#"{"accepted":1,"refused":{"name_missing":1,"timestamp_invalid":1},"dropped":{},"tab":"0123456789abcdef0123","lastSeq":1}"#
    );
    let keys = js(
        "return Object.keys(localStorage).every((key) => key.startsWith('sendoff:a%20key%2F%C3%A4%3A:'))",
    );
    assert_eq!(keys, true, "the project is percent-encoded");
    flush(client, 1);
    until("the flush is answered", || {
        js("return reports.some(([type, id]) => type === 'flushed' && id === 1)").is_truthy()
    })
    .await;
    assert_eq!(
        js("return seen[0].apiKey + seen[0].events[0].name"),
        "a key/ä:one"
    );
    shutdown(client, 2, 500);
    until("the shutdown is answered", || {
        js("return reports.some(([type, id]) => type === 'flushed' && id === 2)").is_truthy()
    })
    .await;
    calls(client, "t\t1700000000000\t\"late\"\t\t\t".into());
    assert_ne!(
        super::stats(client),
        JsValue::UNDEFINED,
        "the account can still be read"
    );
    destroy(client);
    destroy(client);
    flush(client, 3);
    assert_eq!(js("return seen.length"), 1.0);
    assert_eq!(super::stats(client), JsValue::UNDEFINED, "it is forgotten");
    assert_ne!(open(), client, "and its number is not used again");
    js("localStorage.clear()");
}

#[wasm_bindgen_test]
fn a_number_that_no_client_has_does_nothing() {
    let client = open();
    for stranger in [0, client + 1, usize::MAX] {
        calls(stranger, "t\t1700000000000\t\"lost\"\t\t\t".into());
        flush(stranger, 1);
        destroy(stranger);
        heard(stranger, 0, 4, None, 0.0, 0.0);
        assert_eq!(super::stats(stranger), JsValue::UNDEFINED);
        assert_eq!(anonymous_id(stranger), "");
    }
    assert_ne!(open(), client);
    assert!(stats(client).starts_with(r#"{"accepted":0"#));
    js("localStorage.clear()");
}
