//! The functions that the JavaScript facade uses, called as the facade calls them.

use wasm_bindgen_test::wasm_bindgen_test;

use super::support::{TRACK, figure, flushed, js, number, open};
use super::{
    answered, calls, destination, destroy, flush, page_event, peer, shutdown, stats, stored,
    visitor, wake,
};

/// Says that the request that was sent last has been answered.
fn answer_last(client: usize) {
    let id = number("world.sent.at(-1)[0]") as u32;
    answered(client, id, "plain", 200, f64::NAN, Some("{}".into()));
}

#[wasm_bindgen_test]
fn a_client_from_the_first_call_to_the_last() {
    let client = open();
    calls(
        client,
        format!(
            "{TRACK}\ntrack\t1700000000000\t5\tname=\"\"\ntrack\t1700000000000\t5\tname=\"x\"\tts=NaN"
        ),
    );
    let journalled = "[...world.store.values()].some((value) => value.includes('checkout'))";
    assert_eq!(js(&format!("return {journalled}")), true);
    assert_eq!(
        (
            figure(client, "refused.name_missing"),
            figure(client, "refused.timestamp_invalid")
        ),
        (1.0, 1.0)
    );
    assert!(visitor(client).unwrap().contains(r#""anonymousId":"anon""#));

    flush(client, 1);
    let sent = "const [, , url, type, body] = world.sent[0];
        return [url.split('?')[0], type, JSON.parse(body).events.at(-1).name].join()";
    assert_eq!(js(sent), "/api/v1/ingest/batch,text,checkout");
    assert_eq!(flushed(), "");
    answer_last(client);
    assert_eq!(flushed(), "1");

    shutdown(client, 2, 500);
    assert_eq!(flushed(), "1,2");
    calls(client, TRACK.into());
    assert!(stats(client).is_some(), "the account can still be read");
    destroy(client);
    destroy(client);
    flush(client, 3);
    assert_eq!(number("world.sent.length"), 1.0);
    assert_eq!(stats(client), None, "it is forgotten");
    assert_ne!(open(), client, "and its number is not used again");
}

#[wasm_bindgen_test]
fn a_number_that_no_client_has_does_nothing() {
    let client = open();
    for stranger in [0, client + 1, usize::MAX] {
        calls(stranger, TRACK.into());
        flush(stranger, 1);
        shutdown(stranger, 2, 0);
        answered(stranger, 1, "plain", 200, 0.0, None);
        peer(stranger, "hello".into());
        page_event(stranger, "leaving");
        stored(stranger);
        destination(stranger, "sendoff".into(), true);
        wake(stranger);
        destroy(stranger);
        assert_eq!((stats(stranger), visitor(stranger)), (None, None));
    }
    assert_eq!(figure(client, "accepted"), 0.0);
    assert_eq!(number("world.sent.length"), 0.0);
}

#[wasm_bindgen_test]
fn words_and_texts_of_another_version_harm_nothing() {
    let client = open();
    page_event(client, "dreaming");
    peer(client, "what is this".into());
    destination(client, "nobody".into(), true);
    answered(client, 99, "teleported", 200, f64::NAN, None);
    calls(client, "telepathy\t1\t1\tname=\"n\"\n\n".into());
    calls(client, TRACK.into());
    flush(client, 1);
    answer_last(client);
    assert_eq!(flushed(), "1");
}

#[wasm_bindgen_test]
fn what_the_page_lives_through_reaches_the_engine() {
    let client = open();
    calls(client, TRACK.into());
    page_event(client, "hidden");
    assert_eq!(js("return world.sent[0][1]"), "keepalive");
}
