//! The channel: a round trip between two tabs' ends, and silence after closing.
//! Not covered: that a closed channel spares Firefox its back/forward cache; the end-to-end tests are.

use wasm_bindgen::JsValue;
use wasm_bindgen_test::wasm_bindgen_test;

use super::super::inbox::Arrival;
use super::super::support::{Ear, Patch, js, js_with, resolved};
use super::{close, open, post};

fn peer(text: &str) -> Arrival {
    Arrival::Peer(text.to_owned())
}

/// Resolves when a message that was posted after all others has come round.
async fn everything_has_arrived(channel: &str) {
    resolved(&format!(
        "return new Promise((resolve) => {{
           const [from, to] = [new BroadcastChannel('{channel}'), new BroadcastChannel('{channel}')];
           to.onmessage = ({{ data }}) => data?.last && (from.close(), to.close(), resolve());
           from.postMessage({{ last: true }});
         }})"
    ))
    .await;
}

#[wasm_bindgen_test]
async fn what_one_tab_says_the_others_hear_and_itself_does_not() {
    let (ear_a, a) = Ear::of("p1");
    let (ear_b, b) = Ear::of("p1");
    let (ear_c, c) = Ear::of("p2");
    for host in [&a, &b, &c] {
        open(host);
    }
    post(&a, "hello");
    post(&a, "ä\n\u{1f600}");
    ear_b.hears().await;
    post(&b, "hi");
    everything_has_arrived("sendoff:p1").await;
    everything_has_arrived("sendoff:p2").await;
    assert_eq!(ear_b.take(), [peer("hello"), peer("ä\n\u{1f600}")]);
    assert_eq!(ear_a.take(), [peer("hi")]);
    assert_eq!(ear_c.take(), []);
    for host in [&a, &b, &c] {
        close(host);
    }
}

#[wasm_bindgen_test]
async fn what_is_no_string_is_not_from_us() {
    let (ear, host) = Ear::of("p3");
    open(&host);
    js(
        "globalThis.testChannel = new BroadcastChannel('sendoff:p3');
        for (const it of [1, null, undefined, { a: 1 }, ['x'], 'real']) testChannel.postMessage(it);
        testChannel.close();",
    );
    everything_has_arrived("sendoff:p3").await;
    assert_eq!(ear.take(), [peer("real")]);
    close(&host);
}

#[wasm_bindgen_test]
async fn a_closed_channel_hears_nothing_not_even_what_was_on_its_way() {
    let (_ear, sender) = Ear::of("p4");
    let (ear, host) = Ear::of("p4");
    open(&sender);
    open(&host);
    js_with("globalThis.testSocket = $.socket", &host);
    post(&sender, "on its way");
    close(&host);
    assert_eq!(js("return testSocket.onmessage"), JsValue::NULL);
    post(&sender, "too late");
    everything_has_arrived("sendoff:p4").await;
    assert_eq!(ear.take(), []);
    post(&host, "from nobody");
    close(&host);
    close(&sender);
}

#[wasm_bindgen_test]
async fn a_channel_is_joined_once_and_can_be_joined_again() {
    let (ear, host) = Ear::of("p5");
    let (_ear, sender) = Ear::of("p5");
    open(&sender);
    for _ in 0..2 {
        open(&host);
        open(&host);
        post(&sender, "once");
        ear.hears().await;
        everything_has_arrived("sendoff:p5").await;
        assert_eq!(ear.take(), [peer("once")]);
        close(&host);
    }
    close(&sender);
}

#[wasm_bindgen_test]
fn a_browser_without_channels_is_no_reason_to_fail() {
    for missing in [
        "{ value: undefined }",
        "{ value: class { constructor() { throw 1 } } }",
    ] {
        let _patch = Patch::define("window", "BroadcastChannel", missing);
        let (ear, host) = Ear::of("p6");
        open(&host);
        post(&host, "to nobody");
        close(&host);
        assert_eq!(ear.take(), [], "{missing}");
    }
}
