//! The channel: a round trip between two tabs' ends, and silence after closing.
//! Not covered: that a closed channel spares Firefox its back/forward cache; the end-to-end tests are.

use wasm_bindgen::JsValue;
use wasm_bindgen_test::wasm_bindgen_test;

use super::super::inbox::Arrival;
use super::super::support::{Ear, Patch, js, resolved};
use super::{Channel, is_available};

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
    assert!(is_available("p1"));
    let (ear_a, inbox_a) = Ear::new();
    let (ear_b, inbox_b) = Ear::new();
    let (ear_c, inbox_c) = Ear::new();
    let a = Channel::open("p1", &inbox_a).unwrap();
    let b = Channel::open("p1", &inbox_b).unwrap();
    let _other_project = Channel::open("p2", &inbox_c).unwrap();
    a.post("hello");
    a.post("ä\n\u{1f600}");
    ear_b.hears().await;
    b.post("hi");
    everything_has_arrived("sendoff:p1").await;
    everything_has_arrived("sendoff:p2").await;
    assert_eq!(ear_b.take(), [peer("hello"), peer("ä\n\u{1f600}")]);
    assert_eq!(ear_a.take(), [peer("hi")]);
    assert_eq!(ear_c.take(), []);
}

#[wasm_bindgen_test]
async fn what_is_no_string_is_not_from_us() {
    let (ear, inbox) = Ear::new();
    let _channel = Channel::open("p3", &inbox).unwrap();
    js(
        "globalThis.testChannel = new BroadcastChannel('sendoff:p3');
        for (const it of [1, null, undefined, { a: 1 }, ['x'], 'real']) testChannel.postMessage(it);
        testChannel.close();",
    );
    everything_has_arrived("sendoff:p3").await;
    assert_eq!(ear.take(), [peer("real")]);
}

#[wasm_bindgen_test]
async fn a_closed_channel_hears_nothing_not_even_what_was_on_its_way() {
    let (ear, inbox) = Ear::new();
    let (_ear, quiet) = Ear::new();
    let sender = Channel::open("p4", &quiet).unwrap();
    let channel = Channel::open("p4", &inbox).unwrap();
    let removed = Patch::new(
        "const before = EventTarget.prototype.removeEventListener;
         globalThis.testRemoved = [];
         EventTarget.prototype.removeEventListener = function (name, ...rest) {
           testRemoved.push(this.constructor.name + ' ' + name);
           return before.call(this, name, ...rest);
         };
         return () => { EventTarget.prototype.removeEventListener = before; };",
    );
    sender.post("on its way");
    drop(channel);
    assert_eq!(js("return testRemoved.join()"), "BroadcastChannel message");
    drop(removed);
    sender.post("too late");
    everything_has_arrived("sendoff:p4").await;
    assert_eq!(ear.take(), []);
}

#[wasm_bindgen_test]
fn a_browser_without_channels_is_told_from_one_with() {
    for missing in [
        "{ value: undefined }",
        "{ value: class { constructor() { throw 1 } } }",
    ] {
        let _patch = Patch::define("window", "BroadcastChannel", missing);
        assert!(!is_available("p5"), "{missing}");
        assert!(Channel::open("p5", &Ear::new().1).is_none());
    }
    assert_ne!(js("return window.BroadcastChannel"), JsValue::UNDEFINED);
}
