// Goal: the page hears what it asked to hear, never in the middle of a call into the engine, and nothing that a
// listener does comes back at the SDK. The console names each kind of trouble once.

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { openPage, readRecord, turn } from "./world.mjs";

const throwing = () => {
  throw new Error("the page's own");
};

describe("reports", () => {
  test("reach callbacks and listeners", async (t) => {
    const page = await openPage(t);
    const heard = [];
    const { client, engine } = await page.start({
      apiKey: "demo",
      onEventsDropped: (...values) => heard.push(["onEventsDropped", ...values]),
      onDeliveryFailed: (...values) => heard.push(["onDeliveryFailed", ...values]),
      onError: (error) => heard.push(["onError", error instanceof Error, error.name, error.code, error.message]),
    });
    for (const event of ["leader", "delivered", "dropped", "consent"]) client.on(event, (value) => heard.push([event, value]));
    client.on("error", ({ code }) => heard.push(["error", code]));
    engine.report("role", { role: "follower", leader: null, term: 3 });
    engine.report("delivered", { count: 2, tab: "t", from: 1, to: 2 });
    engine.report("dropped", { count: 4, reason: "overflow" });
    engine.report("deliveryFailed", { destination: "sendoff", status: 503, events: 7 });
    engine.report("error", { code: "name_too_long", message: "it is" });
    engine.report("consent", { analytics: "denied", marketing: "denied" });
    engine.report("a later version's", {});
    assert.deepEqual(heard, [], "not inside the engine's call");
    await turn();
    assert.deepEqual(heard, [
      ["leader", { role: "follower", leader: null, term: 3 }],
      ["delivered", { count: 2, tab: "t", from: 1, to: 2 }],
      ["onEventsDropped", 4, "overflow"],
      ["dropped", { count: 4, reason: "overflow" }],
      ["onDeliveryFailed", { destination: "sendoff", status: 503, events: 7 }],
      ["onError", true, "SendoffError", "name_too_long", "it is"],
      ["error", "name_too_long"],
      ["consent", { analytics: "denied", marketing: "denied" }],
    ]);
    assert.deepEqual(client.getConsent(), { analytics: "denied", marketing: "denied" });
  });

  test("a listener that is off hears no more; others do, each as often as it was put on", async (t) => {
    const page = await openPage(t);
    const { client, engine } = await page.start();
    const heard = [];
    const listener = () => heard.push("twice");
    const off = client.on("delivered", listener);
    client.on("delivered", listener);
    const once = client.on("delivered", () => (once(), heard.push("once")));
    const delivered = { count: 1, tab: "t", from: 1, to: 1 };
    engine.report("delivered", delivered);
    await turn();
    assert.deepEqual(heard.splice(0), ["twice", "twice", "once"]);
    off();
    off();
    engine.report("delivered", delivered);
    await turn();
    assert.deepEqual(heard, ["twice"]);
  });

  test("a listener for nothing is named", async (t) => {
    const page = await openPage(t);
    const errors = [];
    const { client } = await page.start({ apiKey: "demo", onError: ({ code }) => errors.push(code) });
    client.on("deliverd", () => {})();
    client.on("error")();
    await turn();
    assert.deepEqual(errors, ["listener_invalid", "listener_invalid"]);
    assert.equal(page.said.length, 1);
    assert.match(page.said[0], /listener_invalid: on\(\) takes one of leader, delivered, dropped, deliveryFailed, error/);
  });

  test("callbacks that throw stop nothing", async (t) => {
    const page = await openPage(t);
    const config = { apiKey: "demo", onError: throwing, onEventsDropped: throwing, onDeliveryFailed: throwing };
    const { client, engine } = await page.start(config);
    const heard = [];
    for (const event of ["delivered", "dropped", "error", "leader"]) {
      client.on(event, throwing);
      client.on(event, () => heard.push(event));
    }
    engine.report("dropped", { count: 1, reason: "expired" });
    engine.report("deliveryFailed", { status: 0, events: 1 });
    engine.report("error", { code: "a", message: "m" });
    engine.report("role", { role: "leader", leader: null, term: 1 });
    engine.report("delivered", { count: 1, tab: "t", from: 1, to: 1 });
    await turn();
    assert.deepEqual(heard, ["dropped", "error", "leader", "delivered"]);
    assert.equal(page.said.filter((line) => /callback_threw.*the page's own/.test(line)).length, 1);
    assert.equal((await client.flush()).ok, true);
  });

  test("callbacks may call the client", async (t) => {
    const page = await openPage(t);
    let client;
    const config = { apiKey: "demo", onEventsDropped: (count) => client.track("dropped", { count }) };
    const started = await page.start(config);
    client = started.client;
    started.engine.report("dropped", { count: 3, reason: "overflow" });
    await turn();
    assert.equal(readRecord(started.engine.lines.at(-1)).props, '{"count":3}');
  });

  test("an onError that makes the next bad call comes to an end", async (t) => {
    const page = await openPage(t, { hold: true });
    let errors = 0;
    const client = new page.Sendoff({
      apiKey: "demo",
      onError() {
        errors++;
        client.track("oops", { big: 1n });
      },
    });
    client.track("oops", { big: 1n });
    await turn();
    assert.equal(errors, 100);
    assert.equal(client.stats().refused.properties_not_serializable, 101);
  });
});

describe("the console", () => {
  const trouble = async (t, config) => {
    const page = await openPage(t);
    const { client, engine } = await page.start({ apiKey: "demo", ...config });
    for (let n = 0; n < 3; n++) {
      engine.report("error", { code: "storage_full", message: "make room" });
      engine.report("dropped", { count: 1, reason: "overflow" });
    }
    await client.flush();
    return page.said;
  };

  test("names each kind of trouble once, with what to do", async (t) => {
    const said = await trouble(t, {});
    assert.equal(said.length, 2);
    assert.equal(said[0], "[sendoff] storage_full: make room");
    assert.match(said[1], /^\[sendoff\] dropped_overflow: 1 events given up/);
  });

  test("and each time with debug", async (t) => assert.equal((await trouble(t, { debug: true })).length, 6));

  test("may be missing or broken", async (t) => {
    const page = await openPage(t);
    t.mock.method(console, "warn", throwing);
    const errors = [];
    const client = new page.Sendoff({ onError: ({ code }) => errors.push(code) });
    await client.ready;
    await turn();
    assert.deepEqual(errors, ["missing_api_key"]);
  });
});

describe("a refused call", () => {
  test("is told at once while there is no engine, and by the engine later", async (t) => {
    const page = await openPage(t, { hold: true });
    const errors = [];
    const client = new page.Sendoff({ apiKey: "demo", onError: (error) => errors.push(error.message) });
    client.track("checkout", { big: 1n });
    await turn();
    assert.equal(errors.length, 1);
    assert.match(errors[0], /^track\(checkout\): Do not know how to serialize a BigInt; not recorded, send plain JSON/);
    await page.load();
    client.track("checkout", { big: 1n });
    client.stats();
    assert.equal(page.engines[0].lines.length, 1);
    assert.equal(errors.length, 1);
  });
});
