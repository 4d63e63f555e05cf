// Goal: an engine that fails to load is tried again in the same visit, and what was kept meanwhile goes out; what the stub in
// a page's head has kept is gone on with.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import vm from "node:vm";

import { bundle } from "../../pkg-template/bundle.mjs";
import { openPage, readRecord, turn, until } from "./world.mjs";

/** A page whose engine fails to load so many times. */
async function failing(t, times) {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const page = await openPage(t, { hold: true });
  let attempts = 0;
  globalThis.fakeLoader.init = async () => {
    if (++attempts <= times) throw new TypeError("Failed to fetch");
  };
  page.attempts = () => attempts;
  const client = new page.Sendoff("demo");
  client.track("one");
  // The first attempt waits for no timer: they stand still here, as they do where a test or Cypress fakes them.
  assert.deepEqual(await client.ready, { ok: false, code: "wasm_load_failed" });
  return { page, client };
}

describe("the engine", () => {
  test("is asked for once, by a timer where the page has a channel that carries nothing", async (t) => {
    const native = globalThis.MessageChannel;
    t.after(() => (globalThis.MessageChannel = native));
    globalThis.MessageChannel = class {
      port1 = { close() {} };
      port2 = { postMessage() {} };
    };
    const page = await openPage(t);
    let attempts = 0;
    globalThis.fakeLoader.init = async () => void attempts++;
    const client = new page.Sendoff("demo");
    assert.deepEqual(await client.ready, { ok: true, code: null });
    await turn();
    assert.equal(attempts, 1);
  });
});

describe("an engine that fails to load", () => {
  test("is tried again with growing pauses, and what was called meanwhile goes out", async (t) => {
    const { page, client } = await failing(t, 2);
    client.track("two");
    t.mock.timers.tick(999);
    await until(() => page.attempts() > 1, 50);
    assert.equal(page.attempts(), 1);
    t.mock.timers.tick(1);
    await until(() => page.attempts() === 2);
    await turn();
    assert.equal(client.stats().role, "failed");
    t.mock.timers.tick(2_000);
    await until(() => page.engines.length);
    assert.equal(page.attempts(), 3);
    assert.deepEqual(page.engines[0].lines.map((line) => readRecord(line).name), ['"one"', '"two"']);
    assert.deepEqual(page.earlyLogs(), []);
    assert.equal(client.stats().role, "leader");
    assert.equal((await client.flush()).ok, true);
    assert.equal(page.said.length, 1, "told once");
  });

  for (const [name, event] of [
    ["the network is back", (page) => page.window.dispatchEvent(new Event("online"))],
    ["the page is shown", (page) => page.document.dispatchEvent(new Event("visibilitychange"))],
  ]) {
    test(`is tried again when ${name}`, async (t) => {
      const { page, client } = await failing(t, 1);
      event(page);
      await until(() => page.engines.length);
      assert.equal(page.engines.length, 1);
      assert.equal(client.stats().role, "leader");
    });
  }

  test("is left alone after the client is gone", async (t) => {
    const { page, client } = await failing(t, 1);
    client.destroy();
    t.mock.timers.tick(600_000);
    await until(() => page.attempts() > 1, 50);
    assert.equal(page.attempts(), 1);
    assert.equal(page.earlyLogs().length, 1);
  });

  test("and is not tried more than 50 times", async (t) => {
    const { page } = await failing(t, Infinity);
    for (let n = 2; n <= 55; n++) {
      t.mock.timers.tick(300_000);
      await until(() => page.attempts() === n, n > 50 ? 50 : undefined);
      await turn();
    }
    assert.equal(page.attempts(), 50);
  });
});

describe("the stub", () => {
  const script = bundle("stub.js", {});

  /** A page with the stub in its head, run as a browser would. */
  async function withStub(t, config) {
    const page = await openPage(t, { hold: true });
    page.go("https://shop.example/", "Shop");
    vm.runInThisContext((await script)["stub.js"]);
    t.after(() => {
      delete globalThis.sendoff;
      delete globalThis.sendoffStub;
    });
    globalThis.sendoffStub(config);
    return page;
  }

  test("keeps what may be personal out of storage until the engine has seen it, and loses nothing", async (t) => {
    const page = await withStub(t, { apiKey: "demo" });
    const { sendoff } = globalThis;
    sendoff.track("plain", { n: 1_768_478_400 % 1_000 });
    sendoff.track("personal", { mail: "jo@example.com" });
    sendoff.identify("u1", { email: "jo@example.com" });
    await undefined;
    const [key] = page.earlyLogs();
    const kinds = page.storage[key].split("\n").map((line) => line.split(/[\t ]/)[0]);
    assert.deepEqual(kinds, ["2", "track", "withheld", "identify"], "traits may hold a mail address on purpose");
    new page.Sendoff("demo");
    await turn();
    assert.ok(!page.storage[key].includes('"mail"'), page.storage[key]);
    await page.load();
    const names = page.engines[0].lines.map((line) => readRecord(line)).map(({ kind, name }) => name ?? kind);
    assert.deepEqual(names, ['"plain"', '"personal"', "identify"]);
  });

  test("is told by the page's options what is personal", async (t) => {
    const page = await withStub(t, { apiKey: "demo", pii: "off" });
    globalThis.sendoff.track("personal", { mail: "jo@example.com" });
    await undefined;
    const [key] = page.earlyLogs();
    assert.ok(page.storage[key].includes("jo@example.com"));
  });

  test("keeps calls in storage by the end of their task, as an early log", async (t) => {
    const page = await withStub(t, { apiKey: "demo" });
    const { sendoff } = globalThis;
    sendoff.track("one", { p: 1 });
    sendoff.identify("ann", { plan: "pro" });
    await undefined;
    const [key] = page.earlyLogs();
    const [begun, ...records] = page.storage[key].split("\n");
    assert.match(begun, /^2 \d+$/);
    const [one, two] = records.map(readRecord);
    assert.deepEqual([one.kind, one.name, one.props], ["track", '"one"', '{"p":1}']);
    assert.deepEqual([two.kind, two.user, two.props, two.page], ["identify", '"ann"', '{"plan":"pro"}', undefined]);
    assert.equal(JSON.parse(one.page).url, "https://shop.example/");
  });

  test("is gone on with by the SDK of the page: once, in order, under the same tab", async (t) => {
    const page = await withStub(t, { apiKey: "demo" });
    const stub = globalThis.sendoff;
    stub.track("stub");
    await undefined;
    const [key] = page.earlyLogs();
    const client = new page.Sendoff("demo");
    client.track("sdk");
    stub.track("stub again"); // whoever still holds it
    await turn();
    assert.deepEqual(page.earlyLogs(), [key]);
    await page.load();
    const [engine] = page.engines;
    assert.deepEqual(engine.lines.map((line) => readRecord(line).name), ['"stub"', '"sdk"', '"stub again"']);
    assert.ok(key.includes(engine.facts.tab));
    assert.deepEqual(page.earlyLogs(), []);
  });

  test("has said who the visitor is, and the SDK answers that at once", async (t) => {
    const page = await withStub(t, { apiKey: "demo" });
    const { sendoff } = globalThis;
    sendoff.track("before", { text: '\tuser="nobody"' });
    sendoff.identify("ann");
    sendoff.reset();
    sendoff.identify('b"ob');
    const client = new page.Sendoff("demo");
    assert.equal(client.getUserId(), 'b"ob');
    const told = [client.getAnonymousId(), client.getSessionId()];
    await page.load();
    const reset = page.engines[0].lines.map((line) => readRecord(line)).find(({ kind }) => kind === "reset");
    assert.deepEqual([reset.anon, reset.session].map((id) => JSON.parse(id)), told);
    const { facts } = page.engines[0];
    assert.notEqual(facts.anonymousId, told[0], "what was called before the reset is not the next visitor's");
  });

  test("touches no storage before the visitor agrees, and loses nothing", async (t) => {
    const page = await withStub(t, { apiKey: "demo", consent: "pending" });
    globalThis.sendoff.track("stub");
    await turn();
    assert.deepEqual(Object.keys(page.storage), []);
    const client = new page.Sendoff({ apiKey: "demo", consent: "pending" });
    await page.load();
    assert.deepEqual(Object.keys(page.storage), []);
    client.optIn();
    await until(() => page.engines.length);
    assert.equal(page.engines[0].lines.length, 1);
  });
});
