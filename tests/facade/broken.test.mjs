// Goal: a page on which the engine cannot load, or breaks, does not notice, and loses no more than it must: calls are
// kept for the next visit, in a space that does not grow from visit to visit, and the page is told once.

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { FakeStorage, openPage, readRecord, turn } from "./world.mjs";

const METHODS = ["calls", "flush", "shutdown", "stats", "destroy", "visitor"];
const CALL = {
  calls: (client) => (client.track("trap"), client.stats()),
  flush: (client) => client.flush(),
  shutdown: (client) => client.shutdown(),
  stats: (client) => client.stats(),
  destroy: (client) => client.destroy(),
  visitor: (client) => (client.track("trap"), client.getAnonymousId()),
};
const recordNames = (log) => log.split("\n").slice(1).map((line) => JSON.parse(readRecord(line).name));

describe("an engine that does not load", () => {
  test("ready says so, the page is told once, and calls are kept", async (t) => {
    const page = await openPage(t, { hold: true });
    const errors = [];
    const client = new page.Sendoff({ apiKey: "demo", onError: (error) => errors.push(error) });
    client.track("before");
    const flushed = client.flush();
    await page.load(new TypeError("it is not there"));
    assert.deepEqual(await client.ready, { ok: false, code: "wasm_load_failed" });
    assert.deepEqual(await flushed, { ok: false, delivered: 0, pending: 1, dropped: 0 });
    client.track("after");
    client.track("bad", { big: 1n });
    await turn();
    assert.deepEqual(recordNames(page.storage[page.earlyLogs()[0]]), ["before", "after"]);
    assert.deepEqual(errors.map(({ code }) => code), ["wasm_load_failed", "properties_not_serializable"]);
    assert.match(errors[0].message, /it is not there.*serve all files of the package/);
    const { role, pending, volatile, refused } = client.stats();
    assert.deepEqual([role, pending, volatile], ["failed", 2, 0]);
    assert.deepEqual(refused, { properties_not_serializable: 1 });
    assert.deepEqual(await client.flush(), { ok: false, delivered: 0, pending: 2, dropped: 0 });
    client.destroy();
    assert.equal(page.earlyLogs().length, 1);
  });

  test("an engine that throws as it is made counts as not loaded", async (t) => {
    const page = await openPage(t);
    page.prepare = () => {
      throw new WebAssembly.RuntimeError("unreachable");
    };
    const client = new page.Sendoff("demo");
    client.track("kept");
    assert.deepEqual(await client.ready, { ok: false, code: "wasm_load_failed" });
    assert.deepEqual(recordNames(page.storage[page.earlyLogs()[0]]), ["kept"]);
  });

  test("the next client of the page tries again", async (t) => {
    const page = await openPage(t, { hold: true });
    const first = new page.Sendoff("demo");
    await page.load(new Error("offline"));
    assert.equal((await first.ready).ok, false);
    globalThis.fakeLoader.init = () => Promise.resolve();
    assert.equal((await new page.Sendoff("demo").ready).ok, true);
  });

  test("visits without an engine share one allowance of storage", async (t) => {
    const storage = new FakeStorage();
    const value = "x".repeat(20_000);
    const lost = [];
    for (let visit = 0; visit < 4; visit++) {
      const page = await openPage(t, { hold: true, storage });
      const client = new page.Sendoff("demo");
      await page.load(new Error("no wasm"));
      for (let n = 0; n < 5; n++) client.track("n", { value });
      await turn();
      const { pending, refused } = client.stats();
      assert.equal(pending + (refused.early_log_full ?? 0), 5, "every call is kept or counted");
      lost.push(refused.early_log_full ?? 0);
      assert.equal(page.said.filter((line) => line.includes("early_log_full")).length, lost.at(-1) ? 1 : 0);
    }
    assert.deepEqual(lost, [0, 0, 2, 5]);
    const bytes = Object.keys(storage).reduce((sum, key) => sum + storage[key].length, 0);
    assert.ok(bytes <= 256 * 1024, `${bytes} bytes`);
  });

  test("a page's own log takes part of the allowance once", async (t) => {
    const page = await openPage(t, { hold: true });
    const client = new page.Sendoff("demo");
    const value = "x".repeat(20_000);
    for (let n = 0; n < 10; n++) client.track("n", { value });
    await turn();
    await page.load(new Error("no wasm"));
    for (let n = 0; n < 2; n++) client.track("n", { value });
    await turn();
    assert.deepEqual([client.stats().pending, client.stats().refused], [12, {}]);
  });

  test("what was kept before it failed is not cut down to that allowance", async (t) => {
    const page = await openPage(t, { hold: true });
    const client = new page.Sendoff("demo");
    const value = "x".repeat(30_000);
    for (let n = 0; n < 20; n++) client.track("n", { value });
    await turn();
    await page.load(new Error("no wasm"));
    client.track("one too many");
    await turn();
    assert.equal(page.storage[page.earlyLogs()[0]].split("\n").length - 1, 20);
    assert.deepEqual([client.stats().pending, client.stats().refused.early_log_full], [20, 1]);
  });

  test("storage that is blocked too: calls are counted as lost, in bounded memory", async (t) => {
    const page = await openPage(t, { hold: true, storage: null });
    const client = new page.Sendoff("demo");
    client.track("one");
    await page.load(new Error("no wasm"));
    client.track("two");
    await turn();
    assert.deepEqual([client.stats().pending, client.stats().refused.early_log_full], [0, 2]);
  });
});

describe("an engine that breaks", () => {
  for (const method of METHODS) {
    test(`in ${method}: a quiet client, one report, and calls are kept under a name of their own`, async (t) => {
      const page = await openPage(t);
      const errors = [];
      const { client, engine } = await page.start({ apiKey: "demo", onError: (error) => errors.push(error) });
      engine.silent = true;
      const flushed = client.flush();
      engine.broken.set(method, new WebAssembly.RuntimeError("unreachable"));
      CALL[method](client);
      assert.equal((await flushed).ok, false, "nobody waits for a broken engine");
      const asked = engine.asked.length;
      client.track("later");
      client.identify("later");
      await client.flush();
      await turn();
      assert.equal(engine.asked.length, asked, "it is left alone");
      assert.deepEqual(errors.map(({ code }) => code).filter((code) => code !== "shut_down"), ["wasm_trapped"]);
      assert.match(errors[0].message, new RegExp(`in ${method} \\(unreachable\\)`));
      if (method === "shutdown" || method === "destroy") return; // no calls after these
      const [key] = page.earlyLogs();
      assert.equal(page.storage[key].split("\n").length - 1, 2);
      assert.ok(!key.includes(engine.facts.tab), "the old tab's numbers are used up");
      assert.equal(client.stats().role, "failed");
      assert.equal(client.stats().pending, 2);
    });
  }

  test("the burst it broke on is counted, and not kept to break the next visit", async (t) => {
    const page = await openPage(t);
    const { client, engine } = await page.start();
    engine.broken.set("calls", new WebAssembly.RuntimeError("unreachable"));
    client.track("one");
    client.track("two");
    await turn();
    assert.deepEqual(page.earlyLogs(), []);
    assert.deepEqual(client.stats().refused, { wasm_trapped: 2 });
  });

  test("nor is the early log it broke on", async (t) => {
    const page = await openPage(t, { hold: true });
    const client = new page.Sendoff("demo");
    client.track("one");
    await turn();
    page.prepare = (engine) => engine.broken.set("calls", new WebAssembly.RuntimeError("unreachable"));
    await page.load();
    assert.deepEqual(await client.ready, { ok: false, code: "wasm_trapped" });
    assert.deepEqual(page.earlyLogs(), []);
  });

  test("on what it heard of the page: nothing is thrown at whoever told it", async (t) => {
    const page = await openPage(t);
    const errors = [];
    const { client, engine } = await page.start({ apiKey: "demo", onError: ({ message }) => errors.push(message) });
    engine.broken.set("page_event", new WebAssembly.RuntimeError("unreachable"));
    for (let n = 0; n < 2; n++) page.window.dispatchEvent(new Event("pagehide"));
    await turn();
    assert.equal(engine.asked.filter(([method]) => method === "page_event").length, 1, "it is left alone");
    assert.deepEqual(errors.length, 1);
    assert.match(errors[0], /broke in page_event \(unreachable\)/);
    assert.equal(client.stats().role, "failed");
  });

  test("any throw counts: after a trap wasm-bindgen's own errors are no RuntimeError", async (t) => {
    const page = await openPage(t);
    const { client, engine } = await page.start();
    engine.broken.set("stats", new Error("recursive use of an object detected"));
    assert.equal(client.stats().role, "failed");
  });
});
