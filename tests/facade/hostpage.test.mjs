// Goal: what host pages do to built-ins changes nothing that is recorded, told or answered. Method: the kinds that have been
// seen (old DOM libraries, hardened pages, replaced promises), each done to the globals of this process before the module
// loads, and undone; the browser's own reactions to them are tested in tests/e2e.

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { openPage, readRecord, turn } from "./world.mjs";

const ANONYMOUS = /^anon_[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

/** What is done to the page → undoes it. */
const DEEDS = {
  "Array.from without a mapping function"() {
    const { from } = Array;
    Array.from = (given) => from(given);
    return () => (Array.from = from);
  },
  "toJSON on every array"() {
    Array.prototype.toJSON = function () {
      return `[${this.map((one) => JSON.stringify(one)).join(", ")}]`;
    };
    return () => delete Array.prototype.toJSON;
  },
  "toJSON on every object"() {
    Object.prototype.toJSON = function () {
      return "[object]";
    };
    return () => delete Object.prototype.toJSON;
  },
  "members on every object"() {
    const names = ["endpoint", "timestamp", "headers", "get", "set", "value", "userId", "track", "wasm", "extra"];
    for (const name of names) Object.prototype[name] = () => "every object's";
    return () => names.forEach((name) => delete Object.prototype[name]);
  },
  "a Promise without finally and allSettled"() {
    const Native = Promise;
    globalThis.Promise = class Old {
      constructor(run) {
        this.native = new Native(run);
      }
      then(...values) {
        return this.native.then(...values);
      }
    };
    return () => (globalThis.Promise = Native);
  },
  "no crypto"() {
    const descriptor = Object.getOwnPropertyDescriptor(globalThis, "crypto");
    Object.defineProperty(globalThis, "crypto", { value: undefined, configurable: true });
    return () => Object.defineProperty(globalThis, "crypto", descriptor);
  },
  "a microtask queue of the page's own"() {
    const { queueMicrotask } = globalThis;
    globalThis.queueMicrotask = () => {};
    return () => (globalThis.queueMicrotask = queueMicrotask);
  },
};

describe("a page that has", () => {
  for (const [name, deed] of Object.entries(DEEDS)) {
    test(name, async (t) => {
      const page = await openPage(t);
      const undo = deed();
      let seen;
      try {
        seen = await visit(page);
      } finally {
        undo();
      }
      assert.match(seen.id, ANONYMOUS);
      const { props, ...rest } = readRecord(seen.lines[0]);
      assert.deepEqual(JSON.parse(props), { list: [1, { a: ["x"] }], inner: { b: 2 } });
      assert.deepEqual(Object.keys(rest).toSorted(), ["kind", "mono", "name", "wall"]);
      assert.deepEqual(seen.config, { apiKey: "demo" });
      assert.deepEqual(seen.refused, ["properties_not_serializable"]);
      assert.equal(seen.flushed.ok, true);
      assert.equal(seen.ended.ok, true);
      assert.equal(seen.early, 1, "and is in storage by the end of the task");
    });
  }

  test("frozen built-ins", async (t) => {
    const page = await openPage(t);
    const errors = [];
    const { client } = await page.start({ apiKey: "demo", onError: (error) => errors.push([error.name, error.code, error.message]) });
    // What freezing Error.prototype does to an assignment, without leaving it so for the tests after this one.
    const descriptor = Object.getOwnPropertyDescriptor(Error.prototype, "name");
    Object.defineProperty(Error.prototype, "name", { value: "Error", writable: false, configurable: true });
    client.on("nothing");
    await turn();
    Object.defineProperty(Error.prototype, "name", descriptor);
    assert.equal(errors.length, 1);
    assert.deepEqual(errors[0].slice(0, 2), ["SendoffError", "listener_invalid"]);
  });
});

/** What a page sees of a client, and the engine of its calls. */
async function visit(page) {
  const client = new page.Sendoff({ apiKey: "demo" });
  const id = client.getAnonymousId();
  client.track("order", { list: [1, { a: ["x"] }], inner: { b: 2 } });
  await undefined;
  await undefined;
  const early = page.earlyLogs().length;
  await client.ready;
  client.track("bad", { big: 1n });
  const refused = Object.keys(client.stats().refused);
  const flushed = await client.flush();
  const [{ lines, config }] = page.engines;
  const ended = await client.shutdown();
  return { id, early, lines, config, refused, flushed, ended };
}
