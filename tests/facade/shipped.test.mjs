// Goal: the script and the wasm that ship work together: names, texts and functions get across the boundary whole,
// after everything that the build does to make them small. Method: the built package in Node, with a page around it
// that is only what one delivery needs. Real browsers are the business of tests/e2e.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import vm from "node:vm";

import { FakeStorage, SHIPPED } from "./world.mjs";

const SCRIPT = pathToFileURL(join(SHIPPED, "index.js"));
const WASM = readFileSync(join(SHIPPED, "sendoff_bg.wasm"));
const ID = "0b0e7e3c-5f0a-4c7e-9a55-8e9d3f0c1a2b";
const AGENT = "Brauser/1.0 (größer; 大きい; 🛒)";

/** What the script may need of a page, and the clients that are to end with it, when the test is over. */
function openPage(t) {
  const clients = [];
  const localStorage = new FakeStorage();
  const navigator = { userAgent: AGENT, onLine: true };
  const location = { href: "https://shop.example/", origin: "https://shop.example", protocol: "https:", pathname: "/", search: "" };
  const globals = { window: globalThis, document: { title: "Shop" }, localStorage, navigator, location };
  for (const [name, value] of Object.entries(globals)) {
    const before = Object.getOwnPropertyDescriptor(globalThis, name);
    Object.defineProperty(globalThis, name, { value, configurable: true });
    t.after(() => (before ? Object.defineProperty(globalThis, name, before) : delete globalThis[name]));
  }
  t.after(() => {
    clients.forEach((client) => client.destroy());
    delete globalThis[Symbol.for("sendoff/1")];
    delete globalThis.Sendoff;
    delete globalThis.sendoffStub;
  });
  t.mock.method(console, "warn", () => {});
  return { localStorage, clients };
}

test("importing it does nothing", async (t) => {
  const { localStorage } = openPage(t);
  const done = [];
  t.mock.method(globalThis, "fetch", () => done.push("fetch"));
  for (const name of ["compile", "instantiate"]) t.mock.method(WebAssembly, name, () => done.push(name));
  for (const name of ["TextDecoder", "FinalizationRegistry"]) {
    const Real = globalThis[name];
    t.after(() => (globalThis[name] = Real));
    globalThis[name] = class extends Real {
      constructor(...values) {
        super(...values);
        done.push(name);
      }
    };
  }
  for (const entry of ["index", "inline", "url", "worker", "stub", "iife"]) {
    await import(`${pathToFileURL(join(SHIPPED, `${entry}.js`))}?import`);
    assert.deepEqual([done, Object.keys(localStorage)], [[], []], entry);
  }
});

test("texts of every kind arrive as they were, and what was stored is read", async (t) => {
  const { localStorage, clients } = openPage(t);
  localStorage.setItem("sendoff:demo:identity", `1\n${ID}\n`);
  const bodies = [];
  const fetchImpl = async (address, { body }) => {
    bodies.push(JSON.parse(body));
    return new Response("{}", { status: 200 });
  };
  const { Sendoff } = await import(`${SCRIPT}?delivery`);
  const client = new Sendoff({ apiKey: "demo", wasm: WASM, fetchImpl, multiTabMode: "independent", disableTimer: true });
  clients.push(client);
  assert.deepEqual(await client.ready, { ok: true, code: null });

  const properties = { plain: "a", accents: "größer", wide: "大きい", pair: "🛒", long: "é".repeat(9000), "": [null, 0.1] };
  client.identify("üser", {});
  client.track("Kauf 🛒", properties);
  assert.equal(client.stats().accepted, 2);
  assert.ok(Object.values(localStorage).some((value) => value.includes("Kauf 🛒")), "it is in the journal");
  // The start of the session is an event of its own, which no figure counts.
  assert.deepEqual(await client.flush(), { ok: true, delivered: 2, pending: 0, dropped: 0 });

  const events = bodies.flatMap((body) => body.events).filter(({ name }) => name !== "$session");
  assert.deepEqual(events.map(({ name, userId }) => [name, userId]), [["$identify", "üser"], ["Kauf 🛒", "üser"]]);
  assert.deepEqual(events[1].properties, properties);
  assert.deepEqual([events[1].anonymousId, client.getAnonymousId()], [ID, ID]);
  assert.equal(bodies[0].context.userAgent, AGENT);
});

test("what a browser's API throws gets to the engine, which goes on without it", async (t) => {
  const { clients } = openPage(t);
  const random = t.mock.method(crypto, "getRandomValues", () => {
    throw new Error("no entropy");
  });
  const { Sendoff } = await import(`${SCRIPT}?throws`);
  const fetchImpl = async () => new Response(null, { status: 204 });
  const config = { apiKey: "demo", wasm: new WebAssembly.Module(WASM), fetchImpl, multiTabMode: "independent" };
  const client = new Sendoff({ ...config, disableTimer: true });
  clients.push(client);
  const before = random.mock.callCount();
  assert.deepEqual(await client.ready, { ok: true, code: null });
  client.track("n");
  assert.deepEqual(await client.flush(), { ok: true, delivered: 1, pending: 0, dropped: 0 });
  assert.ok(random.mock.callCount() > before, "the engine asked too");
});

test("the engine runs from its module, from bytes of another realm, and in one file", async (t) => {
  const { clients } = openPage(t);
  const fetchImpl = async () => new Response("{}", { status: 200 });
  const elsewhere = vm.runInNewContext("(bytes) => new Uint8Array(bytes).buffer", {})([...WASM]);
  assert.ok(!(elsewhere instanceof ArrayBuffer));
  const sources = [["index", undefined], ["index", elsewhere], ["index", new WebAssembly.Module(WASM)], ["inline", undefined], ["worker", undefined]];
  for (const [n, [entry, wasm]] of sources.entries()) {
    const { Sendoff } = await import(`${pathToFileURL(join(SHIPPED, `${entry}.js`))}?source=${n}`);
    const config = { apiKey: `source${n}`, fetchImpl, multiTabMode: "independent", disableTimer: true, endpoint: "https://c.example/" };
    const client = new Sendoff(wasm === undefined ? config : { ...config, wasm });
    clients.push(client);
    assert.deepEqual(await client.ready, { ok: true, code: null }, entry);
    client.track("n");
    assert.deepEqual(await client.flush(), { ok: true, delivered: 1, pending: 0, dropped: 0 }, entry);
  }
});

test("a decompressor is only used where the browser has one", async (t) => {
  const { clients } = openPage(t);
  for (const name of ["DecompressionStream"]) {
    const descriptor = Object.getOwnPropertyDescriptor(globalThis, name);
    Object.defineProperty(globalThis, name, { value: undefined, configurable: true });
    t.after(() => Object.defineProperty(globalThis, name, descriptor));
  }
  const { Sendoff } = await import(`${pathToFileURL(join(SHIPPED, "inline.js"))}?old`);
  const client = new Sendoff("old");
  clients.push(client);
  assert.deepEqual(await client.ready, { ok: true, code: null });
});

/** Heading → where its request goes, and what names the receiver there. */
const USED_WITH = {
  PostHog: [["/ingest/batch/", "phc_key"]],
  Mixpanel: [["/ingest/track/", "project-token"]],
  Amplitude: [["/ingest/2/httpapi", "api-key"]],
  Segment: [["/ingest/v1/batch", "write-key"]],
  RudderStack: [["https://data-plane.example/beacon/v1/batch", "write-key"]],
  Jitsu: [["https://events.shop.example/v1/batch", "write-key"]],
  "An OpenTelemetry Collector": [["/otel/v1/logs", "shop"]],
  "Your own endpoint": [["/hooks/events", "bought"]],
  "sendoff's collector, and another beside it": [["/api/v1/ingest/batch", "shop"], ["/ingest/batch/", "phc_key"]],
};

test("what DESTINATIONS.md says of each back end is what leaves", async (t) => {
  const document = readFileSync(new URL("../../pkg-template/DESTINATIONS.md", import.meta.url), "utf8");
  const [, section] = document.split("\n## Use it with\n");
  const snippets = Array.from(section.split("\n## ")[0].matchAll(/\n### (.+)\n\n```js\n([^]*?)```/g), ([, heading, code]) => [heading, code]);
  assert.deepEqual(snippets.map(([heading]) => heading), Object.keys(USED_WITH));
  for (const [heading, code] of snippets) {
    await t.test(heading, async (t) => {
      const { clients } = openPage(t);
      const sent = [];
      t.mock.method(globalThis, "fetch", async (address, { body }) => {
        sent.push([address, decodeURIComponent(address + body)]);
        return new Response("{}", { status: 200 });
      });
      const sdk = await import(`${pathToFileURL(join(SHIPPED, "destinations.js"))}?with=${encodeURIComponent(heading)}`);
      const body = code.replace(/^import (.*) from "sendoff\/destinations";$/m, "const $1 = sdk;");
      const client = new Function("sdk", `${body}; return client;`)(sdk);
      clients.push(client);
      await client.flush();
      for (const [address, receiver] of USED_WITH[heading]) {
        const url = new URL(address, "https://shop.example").href;
        const text = sent.filter(([to]) => to.split("?")[0] === url).map(([, all]) => all).join();
        assert.match(text, /bought/, `${url}; it went to ${sent.map(([to]) => to)}`);
        assert.ok(text.includes(receiver), `${receiver} is not in ${text}`);
      }
      assert.equal(new Set(sent.map(([to]) => to.split("?")[0])).size, USED_WITH[heading].length);
    });
  }
});
