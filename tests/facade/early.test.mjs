// Goal: the time before the engine is there costs nothing: calls keep their own time, are in storage by the end of
// their task, go over once, and are left for the next visit if the page ends first.

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { FakeStorage, openPage, readRecord, turn } from "./world.mjs";

const KEY = /^sendoff:demo:[0-9a-f]{20}:e$/;
const ANONYMOUS = /^anon_[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

describe("before the engine is there", () => {
  test("calls are in the early log by the end of their task, in one write a burst", async (t) => {
    t.mock.timers.enable({ apis: ["Date"], now: 1_000 });
    const page = await openPage(t, { hold: true });
    const client = new page.Sendoff("demo");
    client.track("one");
    client.track("two", { p: 1 });
    assert.deepEqual(page.earlyLogs(), []);
    await Promise.resolve();
    const [key] = page.earlyLogs();
    assert.match(key, KEY);
    const [begun, ...records] = page.storage[key].split("\n");
    assert.equal(begun, "2 1000");
    assert.deepEqual(records.map(readRecord).map(({ kind, wall, name, props }) => [kind, wall, name, props]), [
      ["track", "1000", '"one"', undefined],
      ["track", "1000", '"two"', '{"p":1}'],
    ]);
    assert.equal(FakeStorage.writes.get(page.storage), 1);
    t.mock.timers.setTime(2_000);
    client.identify("u");
    await Promise.resolve();
    const { kind, wall, user } = readRecord(page.storage[key].split("\n").at(-1));
    assert.deepEqual([kind, wall, user], ["identify", "2000", '"u"']);
    assert.equal(FakeStorage.writes.get(page.storage), 2);
    assert.equal(key, `sendoff:demo:${client.stats().tab}:e`);
  });

  test("they go over once, in order, in one crossing, and the log is removed after it", async (t) => {
    const page = await openPage(t, { hold: true });
    const client = new page.Sendoff("demo");
    client.track("one");
    await turn();
    client.track("two");
    const [key] = page.earlyLogs();
    client.track("three");
    await page.load();
    const [engine] = page.engines;
    assert.deepEqual(engine.lines.map((line) => readRecord(line).name), ['"one"', '"two"', '"three"']);
    assert.equal(engine.crossings.length, 1);
    assert.equal(engine.facts.tab, key.split(":")[2]);
    assert.deepEqual(page.earlyLogs(), []);
    await turn();
    assert.equal(engine.lines.length, 3);
    assert.deepEqual(await client.ready, { ok: true, code: null });
  });

  test("the log is there until the engine has journalled the calls", async (t) => {
    const page = await openPage(t, { hold: true });
    const client = new page.Sendoff("demo");
    client.track("one");
    await turn();
    let during;
    page.prepare = (engine) => (engine.onCalls = () => (during = page.earlyLogs().length));
    await page.load();
    assert.equal(during, 1);
    assert.equal(page.earlyLogs().length, 0);
  });

  test("a page that ends first leaves them for the next visit", async (t) => {
    const page = await openPage(t, { hold: true });
    const client = new page.Sendoff("demo");
    client.track("one");
    client.destroy(); // at once: not even the microtask has run
    assert.equal(page.earlyLogs().length, 1);
    await page.load();
    assert.equal(page.engines.length, 0);
    assert.equal(page.earlyLogs().length, 1);
    assert.deepEqual(await client.ready, { ok: false, code: "destroyed" });
    assert.equal(client.stats().role, "stopped");
    assert.equal(client.stats().pending, 1);
  });

  test("stats tells what is kept", async (t) => {
    const page = await openPage(t, { hold: true });
    const client = new page.Sendoff("demo");
    client.track("one");
    client.track("bad", { big: 1n });
    const before = client.stats();
    assert.deepEqual([before.role, before.accepted, before.pending, before.volatile], ["loading", 1, 1, 1]);
    assert.deepEqual(before.refused, { properties_not_serializable: 1 });
    await turn();
    const after = client.stats();
    assert.deepEqual([after.volatile, after.storage], [0, "local"]);
    assert.equal(after.storageBytes, page.storage[page.earlyLogs()[0]].length);
    await page.load();
    assert.deepEqual(Object.keys(after).toSorted(), Object.keys(client.stats()).toSorted(), "one shape for all states");
  });

  test("flush and shutdown wait for the engine, and destroy for nobody", async (t) => {
    const page = await openPage(t, { hold: true });
    const client = new page.Sendoff("demo");
    client.track("one");
    const flushed = client.flush();
    const ended = client.shutdown({ timeoutMs: 900 });
    client.track("after");
    await page.load();
    assert.deepEqual(await flushed, { ok: true, delivered: 1, pending: 0, dropped: 0 });
    assert.equal((await ended).ok, true);
    assert.deepEqual(page.engines[0].asked.map(([method, , ms]) => [method, ms]), [
      ["calls", undefined],
      ["flush", undefined],
      ["shutdown", 900],
    ]);
    assert.equal(client.stats().refused.shut_down, 1);
  });

  test("a shutdown that the engine is too late for is over in its time", async (t) => {
    t.mock.timers.enable({ apis: ["setTimeout"] });
    const page = await openPage(t, { hold: true });
    const client = new page.Sendoff("demo");
    client.track("one");
    const ended = client.shutdown({ timeoutMs: 900 });
    const flushed = new page.Sendoff("other").flush();
    t.mock.timers.tick(899);
    let over = false;
    ended.then(() => (over = true));
    await turn();
    assert.equal(over, false);
    t.mock.timers.tick(1);
    assert.deepEqual(await ended, { ok: false, delivered: 0, pending: 1, dropped: 0 });
    t.mock.timers.tick(30_000);
    assert.equal((await flushed).ok, false);
    await page.load();
    assert.equal(page.engines.every(({ asked }) => asked.every(([method]) => method === "calls")), true);
  });

  test("the log takes no more of storage than its cap; memory keeps the rest", async (t) => {
    const page = await openPage(t, { hold: true });
    const client = new page.Sendoff({ apiKey: "demo", maxStorageBytes: 1_000 });
    for (let n = 0; n < 100; n++) client.track("é".repeat(10));
    await turn();
    const log = page.storage[page.earlyLogs()[0]];
    const bytes = Buffer.byteLength(log);
    assert.ok(bytes <= 1_000 && bytes > 900, `${bytes} bytes`);
    assert.equal(client.stats().volatile, 100 - (log.split("\n").length - 1));
    await page.load();
    assert.equal(page.engines[0].lines.length, 100);
  });

  test("memory is bounded as well, and what is lost there has a name", async (t) => {
    const page = await openPage(t, { hold: true });
    const client = new page.Sendoff("demo");
    const value = "x".repeat(32_000);
    for (let n = 0; n < 300; n++) client.track("n", { value });
    const { pending, refused } = client.stats();
    assert.equal(pending + refused.early_log_full, 300);
    assert.ok(pending > 250 && pending < 270, `${pending}`);
    await turn();
    assert.equal(page.said.filter((line) => line.includes("early_log_full")).length, 1);
    await page.load();
    client.track("room again");
    assert.equal(client.stats().accepted, pending + 1);
  });

  for (const [name, prepare, options] of [
    ["full", (page) => FakeStorage.full.add(page.storage), {}],
    ["blocked", () => {}, { storage: null }],
  ]) {
    test(`storage that is ${name} costs nothing while the page lives`, async (t) => {
      const page = await openPage(t, { hold: true, ...options });
      prepare(page);
      const client = new page.Sendoff("demo");
      client.track("one");
      await turn();
      assert.deepEqual([client.stats().volatile, client.stats().storage], [1, "memory"]);
      await page.load();
      assert.equal(page.engines[0].lines.length, 1);
      assert.match(client.getAnonymousId(), ANONYMOUS);
    });
  }
});

describe("loading", () => {
  test("one instance serves all clients of the page", async (t) => {
    const page = await openPage(t);
    const clients = [new page.Sendoff("one"), new page.Sendoff("two")];
    await Promise.all(clients.map((client) => client.ready));
    assert.equal(page.inits.length, 1);
    assert.deepEqual(page.engines.map(({ config }) => config.apiKey), ["one", "two"]);
    assert.notEqual(page.engines[0].facts.tab, page.engines[1].facts.tab);
  });

  test("or from where the page says", async (t) => {
    const page = await openPage(t);
    await page.start({ apiKey: "demo", wasm: "https://cdn.example/s.wasm" });
    assert.deepEqual(page.inits, ["https://cdn.example/s.wasm"]);
  });

  test("importing the module loads nothing", async (t) => {
    const page = await openPage(t);
    await turn();
    assert.equal(page.inits.length, 0);
    assert.equal(page.module.default, page.Sendoff);
  });

  test("the engine gets its options as they stand, and none of the facade's", async (t) => {
    const page = await openPage(t);
    const fetchImpl = () => {};
    const odd = { flushAt: "seven", timeout: NaN };
    const given = { apiKey: "demo", ...odd, disableTimer: true, multiTabMode: "independent", fetchImpl };
    const callbacks = { onError() {}, onEventsDropped() {}, onDeliveryFailed() {}, debug: true, wasm: "w" };
    const { engine } = await page.start({ ...given, ...callbacks });
    const { fetchImpl: _, ...plain } = given;
    assert.deepEqual(engine.config, { ...plain, timeout: {} }, "what JSON does not have is of the wrong type");
  });

  test("an option that cannot be read, or is none, costs only itself", async (t) => {
    const page = await openPage(t);
    const config = {
      apiKey: "demo",
      get flushAt() {
        throw new Error("no");
      },
      flushat: 3,
      onError: "console.log",
    };
    const { engine } = await page.start(config);
    await turn();
    assert.deepEqual(engine.config, { apiKey: "demo" });
    const said = page.said.join("\n");
    assert.match(said, /config_unreadable: config\.flushAt threw \(no\)/);
    assert.match(said, /config_unknown: config\.flushat/);
    assert.match(said, /config_wrong_type: config\.onError must be a function/);
    assert.equal(page.said.length, 3);
  });

  test("options may come from a class", async (t) => {
    const page = await openPage(t);
    class Settings {
      get apiKey() {
        return "demo";
      }
    }
    const { engine } = await page.start(new Settings());
    assert.deepEqual(engine.config, { apiKey: "demo" });
  });

  test("without a key: inert, and says so once", async (t) => {
    const page = await openPage(t);
    const errors = [];
    const client = new page.Sendoff({ onError: (error) => errors.push(error.code) });
    client.track("n", { big: 1n });
    client.identify("u");
    await turn();
    assert.deepEqual(errors, ["missing_api_key"]);
    assert.equal(page.said.length, 1);
    assert.equal(page.inits.length, 0);
    assert.deepEqual(await client.ready, { ok: false, code: "missing_api_key" });
    assert.equal(client.stats().role, "inert");
    assert.equal(client.getAnonymousId(), "");
    assert.deepEqual(Object.keys(page.storage), []);
  });

  test("the key is percent-encoded in the names of its records", async (t) => {
    const page = await openPage(t, { hold: true });
    new page.Sendoff("a:b/é").track("n");
    await turn();
    assert.match(page.earlyLogs()[0], /^sendoff:a%3Ab%2F%C3%A9:/);
  });
});

describe("the anonymous id", () => {
  test("a new visitor's has a UUID v4 in it, the same before and after the engine", async (t) => {
    const page = await openPage(t, { hold: true });
    const client = new page.Sendoff("demo");
    const id = client.getAnonymousId();
    assert.match(id, ANONYMOUS);
    await page.load();
    assert.equal(page.engines[0].facts.anonymousId, id);
    assert.equal(client.getAnonymousId(), id);
    assert.notEqual(new page.Sendoff("other").getAnonymousId(), id);
  });

  for (const [stored, expected] of [
    ["1\nstored-id\n", "stored-id"],
    ['1\nstored-id\n"u1"', "stored-id"],
    ["3\nstored-id\n", null],
    ['{"v":2,"rev":3,"by":"t","anonymousId":"stored-id","userId":null}', "stored-id"],
    ['{"v":2,"rev":3,"by":"t"}', null],
    ['{"v":2', null],
    ["1\n\n", null],
    ["1\nstored-id", null],
    ["", null],
  ]) {
    test(`a stored identity of ${JSON.stringify(stored)}`, async (t) => {
      const page = await openPage(t, { hold: true });
      page.storage.setItem("sendoff:demo:identity", stored);
      const id = new page.Sendoff("demo").getAnonymousId();
      if (expected) assert.equal(id, expected);
      else assert.match(id, ANONYMOUS);
    });
  }

  test("a user who is known before the engine is there, and a reset", async (t) => {
    const page = await openPage(t, { hold: true });
    const client = new page.Sendoff("demo");
    const [anonymous, session] = [client.getAnonymousId(), client.getSessionId()];
    for (const nobody of ["", "null", "undefined", "[object Object]", " ", "0", 7, "x".repeat(121)]) client.identify(nobody);
    assert.equal(client.getUserId(), null);
    client.identify("ann");
    client.identify("bob"); // refused by the engine: no reset in between
    assert.equal(client.getUserId(), "ann");
    client.reset();
    assert.equal(client.getUserId(), null);
    assert.match(client.getAnonymousId(), ANONYMOUS);
    assert.notEqual(client.getAnonymousId(), anonymous);
    assert.notEqual(client.getSessionId(), session);
    const proposed = [client.getAnonymousId(), client.getSessionId()];
    await page.load();
    const { anon, session: told } = readRecord(page.engines[0].lines.at(-1));
    assert.deepEqual([anon, told], proposed.map((one) => JSON.stringify(one)));
    const { facts } = page.engines[0];
    assert.deepEqual([facts.anonymousId, facts.sessionId], [anonymous, session], "what was called before the reset is not the next visitor's");
  });

  test("the engine has the last word, and is asked again when that may have changed", async (t) => {
    const page = await openPage(t);
    const { client, engine } = await page.start();
    const says = (anonymousId) => (engine.visitor = () => JSON.stringify({ anonymousId, userId: "u", sessionId: "s" }));
    says("other");
    assert.deepEqual([client.getAnonymousId(), client.getUserId(), client.getSessionId()], ["other", "u", "s"]);
    says("reset");
    assert.equal(client.getAnonymousId(), "other", "nothing was called, and nothing heard");
    client.reset();
    assert.equal(client.getAnonymousId(), "reset");
    says("another tab's");
    engine.report("visitor");
    assert.equal(client.getAnonymousId(), "another tab's");
    engine.visitor = () => {
      throw new WebAssembly.RuntimeError("unreachable");
    };
    client.track("n");
    assert.equal(client.getAnonymousId(), "another tab's");
  });
});
