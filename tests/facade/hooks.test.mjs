// Goal: hooks and plugins change what they may and nothing else, whatever they do. The engine's own view of events is
// tested there.

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { openPage, readRecord, turn } from "./world.mjs";

/** What arrives of one `track("order", { total: 5 })` with these hooks, and what was said. */
async function through(t, ...hooks) {
  const page = await openPage(t);
  const { client, engine } = await page.start();
  hooks.forEach((beforeSend, n) => client.use({ name: `hook${n}`, beforeSend }));
  const properties = { total: 5 };
  client.track("order", properties, { context: { a: 1 } });
  client.stats();
  await turn();
  assert.deepEqual(properties, { total: 5 }, "the page's own object is nobody's to change");
  return { page, client, engine, records: engine.lines.map(readRecord) };
}

describe("beforeSend", () => {
  test("may change name, properties and context, in order", async (t) => {
    const first = (event) => ({ ...event, name: "ordered", properties: { ...event.properties, first: true } });
    const second = (event) => {
      event.properties.second = event.properties.first;
      event.context.b = 2;
      return event;
    };
    const { records } = await through(t, first, second);
    const [{ kind, name, props, ctx }] = records;
    assert.deepEqual([kind, name, props, ctx], ["track", '"ordered"', '{"total":5,"first":true,"second":true}', '{"a":1,"b":2}']);
  });

  test("may drop, which is counted and not told", async (t) => {
    const { client, page, records } = await through(t, () => null);
    assert.deepEqual(records, []);
    assert.deepEqual(client.stats().refused, { hook: 1 });
    assert.deepEqual(page.said, []);
  });

  const nonsense = {
    throws() {
      throw new Error("mine");
    },
    "changes the event and throws"(event) {
      event.name = "changed";
      throw new Error("mine");
    },
    "returns nothing": () => undefined,
    "returns a promise": async (event) => event,
    "returns text": () => "event",
    "returns what has no JSON": (event) => ({ ...event, properties: { big: 1n } }),
    "returns properties that are none": (event) => ({ ...event, properties: "text" }),
  };
  for (const [name, hook] of Object.entries(nonsense)) {
    test(`that ${name} changes nothing, and is told once`, async (t) => {
      const { client, page, records } = await through(t, hook);
      assert.deepEqual(records.map(({ name, props }) => [name, props]), [['"order"', '{"total":5}']]);
      client.track("order");
      await turn();
      assert.equal(page.said.length, 1);
      assert.match(page.said[0], /hook_failed: beforeSend hook0 changed nothing/);
    });
  }

  test("sees identify and the like by the names of their events, and cannot rename them", async (t) => {
    const page = await openPage(t);
    const seen = [];
    const beforeSend = (event) => (seen.push([event.type, event.name, event.userId]), { ...event, name: "renamed" });
    const { client, engine } = await page.start({ apiKey: "demo", beforeSend });
    client.identify("ann", { plan: "pro" });
    client.page("Home");
    client.register({ a: 1 });
    client.stats();
    assert.deepEqual(seen, [["identify", "$identify", "ann"], ["page", "$page_view", undefined]]);
    assert.deepEqual(engine.lines.map(readRecord).map(({ kind, name, user }) => [kind, name, user]), [
      ["identify", undefined, '"ann"'],
      ["page", '"Home"', undefined],
      ["register", undefined, undefined],
    ]);
  });

  test("runs before the early log", async (t) => {
    const page = await openPage(t, { hold: true });
    const client = new page.Sendoff({ apiKey: "demo", beforeSend: (event) => ({ ...event, properties: {} }) });
    client.track("order", { secret: "s3cret" });
    await turn();
    assert.ok(!page.storage[page.earlyLogs()[0]].includes("s3cret"));
  });
});

describe("plugins", () => {
  test("are set up with the members, replaced by name, and torn down", async (t) => {
    const page = await openPage(t);
    const { client, engine } = await page.start();
    const log = [];
    const plugin = (n) => ({ name: "p", setup: (it) => it.track(`setup${n}`), teardown: () => log.push(n) });
    client.use(plugin(1));
    client.use(plugin(2));
    assert.deepEqual(log, [1]);
    assert.equal(client.unuse("p"), true);
    assert.equal(client.unuse("p"), false);
    client.use(plugin(3));
    client.destroy();
    assert.deepEqual(log, [1, 2, 3]);
    assert.deepEqual(engine.lines.map((line) => readRecord(line).name), ['"setup1"', '"setup2"', '"setup3"']);
  });
});

describe("the bot filter", () => {
  const on = async (t, navigator, config) => {
    const page = await openPage(t);
    const descriptor = Object.getOwnPropertyDescriptor(globalThis, "navigator");
    Object.defineProperty(globalThis, "navigator", { value: navigator, configurable: true });
    t.after(() => (descriptor ? Object.defineProperty(globalThis, "navigator", descriptor) : delete globalThis.navigator));
    const { client, engine } = await page.start({ apiKey: "demo", ...config });
    client.track("one");
    client.track("two");
    const { refused } = client.stats();
    return { bot: refused.bot ?? 0, lines: engine.lines.length, said: page.said, client, engine };
  };
  const CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36";
  const IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Version/18.0 Mobile/15E148 Safari/604.1";
  const CUBOT = "Mozilla/5.0 (Linux; Android 10; CUBOT_X30) AppleWebKit/537.36 Chrome/120.0.0.0 Mobile Safari/537.36";

  test("is off unless it is asked for, so that automated tests are recorded", async (t) => {
    const { bot, lines } = await on(t, { userAgent: CHROME, webdriver: true }, {});
    assert.deepEqual([bot, lines], [0, 2]);
  });

  test("drops what a driven browser does, says so once, and can be switched off", async (t) => {
    const { bot, lines, said, client, engine } = await on(t, { userAgent: CHROME, webdriver: true }, { botFilter: true });
    assert.deepEqual([bot, lines], [2, 0]);
    assert.equal(said.length, 1);
    assert.match(said[0], /bot: this browser is automated.*botFilter: false/);
    client.unuse("bots");
    client.track("three");
    client.stats();
    assert.equal(engine.lines.length, 1);
  });

  for (const [name, navigator, isBot] of [
    ["Googlebot", { userAgent: "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)" }, true],
    ["a headless brand", { userAgent: CHROME, userAgentData: { brands: [{ brand: "HeadlessChrome" }] } }, true],
    ["Chrome", { userAgent: CHROME, webdriver: false, userAgentData: { brands: [{ brand: "Chromium" }] } }, false],
    ["a telephone", { userAgent: IPHONE }, false],
    ["a maker of telephones called Cubot", { userAgent: CUBOT }, false],
  ]) {
    test(`${isBot ? "takes" : "does not take"} ${name} for one`, async (t) => {
      assert.equal((await on(t, navigator, { botFilter: true })).bot, isBot ? 2 : 0);
    });
  }
});

test("breadcrumbs keep the latest names", async (t) => {
  const page = await openPage(t);
  const heard = [];
  const { client } = await page.start({ apiKey: "demo", breadcrumbs: 2, onBreadcrumb: ({ name }) => heard.push(name) });
  for (const name of ["one", "two", "three"]) client.track(name);
  client.track("bad", { big: 1n });
  client.page("Home");
  await turn();
  assert.deepEqual(client.breadcrumbs().map(({ name }) => name), ["three", "$page_view"]);
  assert.deepEqual(heard, ["one", "two", "three", "$page_view"]);
  assert.deepEqual((await page.start("other")).client.breadcrumbs(), []);
});

test("a name that looks like data is warned of once, and recorded all the same", async (t) => {
  const page = await openPage(t);
  const errors = [];
  const { client, engine } = await page.start({ apiKey: "one", onError: ({ code, message }) => errors.push([code, message]) });
  const data = ["order 1234567", "user_6f9619ff", "viewed 6f9619ff-8b86-d011-b42d-00cf4fc964ff", "mail ann@shop.example", "GET /users/17"];
  const names = ["checkout_completed", "facade_opened", "decade", "step 12345", "q3_2024_report", "a/b tested", "@mentioned", "iso8601_parsed"];
  for (const name of [...data, ...names, ...data]) client.track(name);
  client.stats();
  await turn();
  assert.equal(engine.lines.length, 2 * data.length + names.length);
  assert.deepEqual(errors.map(([code]) => code), data.map(() => "name_looks_like_data"));
  data.forEach((name, n) => assert.ok(errors[n][1].includes(`${name}: the name holds`), errors[n][1]));
});

test("nameConvention as a pattern warns once a name, and refuses with strictNames", async (t) => {
  const page = await openPage(t);
  const { client, engine } = await page.start({ apiKey: "one", nameConvention: /^[a-z_]+$/g });
  for (const name of ["Bad Name", "good_name", "good_name", "Bad Name"]) client.track(name);
  client.stats();
  assert.equal(engine.lines.length, 4);
  await turn();
  assert.equal(page.said.length, 1);
  assert.match(page.said[0], /name_convention: Bad Name:/);
  const strict = await page.start({ apiKey: "two", nameConvention: /^[a-z_]+$/, strictNames: true });
  for (const name of ["Bad Name", "good_name"]) strict.client.track(name);
  strict.client.stats();
  assert.deepEqual(strict.engine.lines.map((line) => readRecord(line).kind), ["refused", "track"]);
});
