// Goal: nothing touches the device before the visitor agrees, and nothing is left after he does not. Method: a storage, a
// document and a channel that write down whatever is done to them.

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { FakeStorage, openPage, readRecord, turn, until } from "./world.mjs";

/** A storage that writes down each access, and what it was. */
function watched(storage = new FakeStorage()) {
  const touched = [];
  const proxy = new Proxy(storage, {
    get(target, name) {
      const value = target[name];
      return typeof value === "function" ? (...values) => (touched.push([name, ...values]), value.apply(target, values)) : value;
    },
    ownKeys: (target) => (touched.push(["keys"]), Reflect.ownKeys(target)),
  });
  return { proxy, touched };
}

const RECORD = '{"v":2,"rev":1,"by":"t","anonymousId":"stored-id","userId":"ann","session":null}';

describe("while consent is pending", () => {
  test("nothing touches storage, and calls wait", async (t) => {
    const { proxy, touched } = watched();
    const page = await openPage(t, { hold: true, storage: proxy });
    const client = new page.Sendoff({ apiKey: "demo", consent: "pending" });
    client.track("one");
    client.identify("ann");
    client.getAnonymousId();
    client.getSessionId();
    await client.export();
    page.window.dispatchEvent(new Event("pagehide"));
    await turn();
    assert.deepEqual(touched, []);
    assert.deepEqual(client.getConsent(), { analytics: "pending", marketing: "pending" });
    await page.load();
    assert.equal(page.engines.length, 0, "no engine runs that could send");
    assert.deepEqual(await client.ready, { ok: false, code: "consent_pending" });
    assert.deepEqual(await client.flush(), { ok: false, delivered: 0, pending: 2, dropped: 0 });
    assert.equal(client.stats().role, "pending");
    assert.deepEqual(touched, []);
    client.optIn();
    await until(() => page.engines.length);
    assert.deepEqual(page.engines[0].lines.map((line) => readRecord(line).kind), ["track", "identify"]);
  });

  test("only the newest 1,000 calls are kept, and what goes is counted", async (t) => {
    const page = await openPage(t, { hold: true });
    const client = new page.Sendoff({ apiKey: "demo", consent: "pending" });
    for (let n = 0; n < 1_200; n++) client.track("n", { n });
    assert.equal(client.stats().pending, 1_000);
    assert.equal(client.stats().refused.early_log_full, 200);
    client.optIn();
    await page.load();
    await until(() => page.engines.length);
    assert.equal(readRecord(page.engines[0].lines[0]).props, '{"n":200}');
  });

  test("or 1 MiB of them", async (t) => {
    const page = await openPage(t, { hold: true });
    const client = new page.Sendoff({ apiKey: "demo", consent: "pending" });
    for (let n = 0; n < 100; n++) client.track("n", { value: "x".repeat(30_000) });
    const { pending, refused } = client.stats();
    assert.equal(pending + refused.early_log_full, 100);
    assert.ok(pending >= 33 && pending <= 35, `${pending}`);
  });

  test("granting before the engine is there goes on as if nothing had been", async (t) => {
    const storage = new FakeStorage();
    storage.setItem("sendoff:demo:identity", RECORD);
    const page = await openPage(t, { hold: true, storage });
    const client = new page.Sendoff({ apiKey: "demo", consent: "pending" });
    assert.match(client.getAnonymousId(), /^anon_/);
    client.track("one");
    await turn();
    assert.deepEqual(page.earlyLogs(), []);
    client.optIn();
    await turn();
    assert.equal(page.earlyLogs().length, 1);
    assert.equal(client.getAnonymousId(), "stored-id");
    await page.load();
    assert.equal(page.engines[0].lines.length, 1);
  });

  test("denying before the engine is there: they are gone, and no engine is asked for", async (t) => {
    const page = await openPage(t, { hold: true });
    const client = new page.Sendoff({ apiKey: "demo", consent: "pending" });
    const heard = [];
    client.on("consent", (it) => heard.push(it));
    client.track("one");
    client.setConsent({ analytics: false, marketing: false });
    client.track("two");
    await page.load();
    assert.equal(page.engines.length, 0);
    assert.deepEqual(heard, [{ analytics: "denied", marketing: "denied" }]);
    assert.deepEqual(client.stats().refused, { consent: 2 });
    assert.deepEqual(await client.flush(), { ok: false, delivered: 0, pending: 0, dropped: 0 });
    assert.equal(client.stats().role, "denied");
  });
});

describe("undecided again", () => {
  test("the engine lets go, calls wait, and go on once it is granted", async (t) => {
    const page = await openPage(t);
    const { client, engine } = await page.start();
    client.track("before");
    client.setConsent({ analytics: "pending", marketing: "pending" });
    client.track("meanwhile");
    assert.deepEqual(engine.asked.map(([method]) => method), ["calls", "destroy"]);
    assert.equal(client.stats().pending, 1);
    client.setConsent({ analytics: true });
    await until(() => page.engines.length > 1);
    const { lines, facts } = page.engines[1];
    assert.deepEqual(lines.map(readRecord).map(({ kind, marketing, name }) => [kind, marketing ?? name]), [
      ["consent", "pending"],
      ["track", '"meanwhile"'],
    ]);
    assert.notEqual(facts.tab, engine.facts.tab);
  });
});

describe("denied", () => {
  test("from the start: what earlier visits left is removed unread, and nothing is loaded", async (t) => {
    const { proxy, touched } = watched();
    proxy["sendoff:demo:identity"] = RECORD;
    proxy["sendoff:demo:0123:1-2"] = "events";
    proxy["the page's own"] = "x";
    const page = await openPage(t, { storage: proxy });
    const client = new page.Sendoff({ apiKey: "demo", consent: "denied" });
    client.track("one");
    await turn();
    assert.deepEqual(await client.ready, { ok: false, code: "consent_denied" });
    assert.deepEqual(Object.keys(proxy), ["the page's own"]);
    assert.ok(!touched.some(([name]) => name === "getItem" || name === "setItem"), JSON.stringify(touched));
    assert.equal(page.inits.length, 0);
    assert.deepEqual(client.stats().refused, { consent: 1 });
  });

  test("and granted later: the engine comes", async (t) => {
    const page = await openPage(t);
    const client = new page.Sendoff({ apiKey: "demo", consent: "denied" });
    client.optIn();
    client.track("one");
    await until(() => page.engines.length);
    assert.equal(page.engines[0].lines.length, 1);
    assert.deepEqual(client.getConsent(), { analytics: "granted", marketing: "granted" });
  });

  test("while the engine runs: what was called before goes by the decision before", async (t) => {
    const page = await openPage(t);
    const { client, engine } = await page.start();
    client.track("before");
    client.optOut();
    client.track("after");
    client.stats();
    assert.deepEqual(engine.crossings.map((text) => text.split("\t")[0]), ["track", "consent"]);
    assert.equal(client.stats().refused.consent, 1);
    client.setConsent({ analytics: "granted" });
    client.track("again");
    client.stats();
    assert.deepEqual(engine.lines.map((line) => readRecord(line).kind), ["track", "consent", "consent", "track"]);
  });

  test("by Global Privacy Control where the page wants that", async (t) => {
    const page = await openPage(t);
    const descriptor = Object.getOwnPropertyDescriptor(globalThis, "navigator");
    Object.defineProperty(globalThis, "navigator", { value: { globalPrivacyControl: true }, configurable: true });
    t.after(() => descriptor ? Object.defineProperty(globalThis, "navigator", descriptor) : delete globalThis.navigator);
    const denied = new page.Sendoff({ apiKey: "one", gpc: "deny" });
    const marketing = new page.Sendoff({ apiKey: "two" });
    const ignored = new page.Sendoff({ apiKey: "three", gpc: "deny", respectGpc: false });
    assert.deepEqual(denied.getConsent(), { analytics: "denied", marketing: "denied" });
    assert.deepEqual(marketing.getConsent(), { analytics: "granted", marketing: "denied" });
    assert.deepEqual(ignored.getConsent(), { analytics: "granted", marketing: "granted" });
    for (const client of [denied, marketing, ignored]) assert.deepEqual(client.stats().signals, { gpc: true, dnt: false });
  });
});

describe("what the visitor decided on an earlier visit", () => {
  for (const [persistConsent, analytics, keys] of [[true, "denied", ["sendoff:demo:consent"]], [false, "granted", []]]) {
    test(`is in force with persistConsent: ${persistConsent}`, async (t) => {
      const storage = new FakeStorage();
      const first = await openPage(t, { storage });
      new first.Sendoff({ apiKey: "demo", persistConsent, consent: "pending" }).optOut();
      assert.deepEqual(Object.keys(storage), keys, "all that is kept is the decision");
      const second = await openPage(t, { storage });
      assert.equal(new second.Sendoff({ apiKey: "demo", persistConsent }).getConsent().analytics, analytics);
    });
  }
});

test("persistence: memory touches no storage either", async (t) => {
  const { proxy, touched } = watched();
  const page = await openPage(t, { hold: true, storage: proxy });
  const client = new page.Sendoff({ apiKey: "demo", persistence: "memory" });
  client.track("one");
  await turn();
  await page.load();
  assert.deepEqual(touched, []);
  assert.equal(page.engines[0].lines.length, 1);
});

test("export tells all that is here, and erase removes it", async (t) => {
  const storage = new FakeStorage();
  storage.setItem("sendoff:demo:identity", RECORD);
  storage.setItem("sendoff:other:identity", "another project's");
  const page = await openPage(t, { hold: true, storage });
  const client = new page.Sendoff("demo");
  client.track("one");
  const all = JSON.parse(await client.export());
  assert.equal(all.anonymousId, "stored-id");
  assert.equal(all.userId, "ann");
  assert.equal(Object.keys(all.stored).length, 2);
  client.erase();
  await turn();
  assert.deepEqual(Object.keys(storage), ["sendoff:other:identity"]);
  assert.match(client.getAnonymousId(), /^anon_/);
  assert.equal(client.getUserId(), null);
});
