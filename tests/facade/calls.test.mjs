// Goal: what the page calls is what the engine reads, in as few crossings as possible. The records themselves are
// specified in src/engine/event.rs; how the engine judges them is tested there.

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { openPage, turn } from "./world.mjs";

const NOW = 1_768_478_400_123;

/** The record of one call, with the clock standing at `NOW`. */
async function recordOf(t, call) {
  t.mock.timers.enable({ apis: ["Date"], now: NOW });
  const page = await openPage(t);
  const { client, engine } = await page.start();
  call(client);
  client.stats();
  assert.equal(engine.lines.length, 1, JSON.stringify(engine.lines));
  return engine.lines[0].split("\t");
}

describe("records", () => {
  const at = String(NOW);
  const cases = {
    "track, name alone": [(c) => c.track("checkout"), ["t", at, '"checkout"', "", "", ""]],
    "track, with properties": [
      (c) => c.track("n", { a: [1, "é\n\t"] }),
      ["t", at, '"n"', "", "", '{"a":[1,"é\\n\\t"]}'],
    ],
    "track, null for none": [(c) => c.track("n", null, null), ["t", at, '"n"', "", "", ""]],
    "track, with options": [
      (c) => c.track("n", {}, { timestamp: 5, userId: "u", anonymousId: "a" }),
      ["t", "5", '"n"', '"u"', '"a"', "{}"],
    ],
    "track, as one object": [
      (c) => c.track({ event: "n", userId: "u", anonymousId: "a", properties: { p: 1 }, timestamp: new Date(7) }),
      ["t", "7", '"n"', '"u"', '"a"', '{"p":1}'],
    ],
    "track, as one object, the rest is ignored": [
      (c) => c.track({ event: "n" }, { p: 1 }, { userId: "u" }),
      ["t", at, '"n"', "", "", ""],
    ],
    identify: [(c) => c.identify("u", { plan: "pro" }), ["i", at, "", '"u"', "", '{"plan":"pro"}']],
    alias: [(c) => c.alias("new", "old"), ["a", at, "", '"new"', '"old"', ""]],
    "alias, previous id left out": [(c) => c.alias("new"), ["a", at, "", '"new"', "", ""]],
    "toJSON is honoured": [(c) => c.track("n", { toJSON: () => ({ j: 1 }) }), ["t", at, '"n"', "", "", '{"j":1}']],
    "an ISO time": [
      (c) => c.track("n", {}, { timestamp: "2026-01-15T12:00:00Z" }),
      ["t", "1768478400000", '"n"', "", "", "{}"],
    ],
    "no time": [(c) => c.track("n", {}, { timestamp: "soon" }), ["t", "NaN", '"n"', "", "", "{}"]],
    "true is no time": [(c) => c.track("n", {}, { timestamp: true }), ["t", "NaN", '"n"', "", "", "{}"]],
    "the null time is now": [(c) => c.track("n", {}, { timestamp: null }), ["t", at, '"n"', "", "", "{}"]],
    "a name of the wrong type is for the engine to refuse": [(c) => c.track(12), ["t", at, "{}", "", "", ""]],
    "no name is for the engine to refuse": [(c) => c.track(), ["t", at, "", "", "", ""]],
    "an array is for the engine to refuse": [(c) => c.track("n", [1]), ["t", at, '"n"', "", "", "[1]"]],
    "properties that are too large": [
      (c) => c.track("n", { p: "x".repeat(32_761) }),
      ["x", at, "properties_too_large", '"track(n): 32769 characters of JSON"'],
    ],
    "a name that is too long": [
      (c) => c.track("n".repeat(1025)),
      ["x", at, "name_too_long", `"track(${"n".repeat(64)}): 1025 characters"`],
    ],
    "an id that is too long": [
      (c) => c.identify("u".repeat(1025)),
      ["x", at, "user_id_too_long", '"identify(): 1025 characters"'],
    ],
    "an anonymous id that is too long": [
      (c) => c.track("n", {}, { anonymousId: "u".repeat(1025) }),
      ["x", at, "user_id_too_long", '"track(n): 1025 characters"'],
    ],
    "a BigInt": [
      (c) => c.track("n", { big: 1n }),
      ["x", at, "properties_not_serializable", '"track(n): Do not know how to serialize a BigInt"'],
    ],
    "a cycle, whose description has quotes and line breaks": [
      (c) => {
        const cycle = {};
        c.track('say "n"', Object.assign(cycle, { cycle }));
      },
      [
        "x",
        at,
        "properties_not_serializable",
        '"track(say n ): Converting circular structure to JSON --> starting at object with constructor \'Object\' ' +
          "--- property 'cycle' closes the circle\"",
      ],
    ],
    "a function": [
      (c) => c.identify("u", () => {}),
      ["x", at, "properties_not_serializable", '"identify(): a function without a JSON form"'],
    ],
    "an endless complaint": [
      (c) => {
        const toJSON = () => {
          throw new Error("e".repeat(10_000));
        };
        c.track("n", { toJSON });
      },
      ["x", at, "properties_not_serializable", `"track(n): ${"e".repeat(200 - "track(n): ".length)}"`],
    ],
  };
  for (const [name, [call, record]] of Object.entries(cases)) {
    test(name, async (t) => assert.deepEqual(await recordOf(t, call), record));
  }

  test("properties of exactly the limit cross", async (t) => {
    const [kind, , , , , json] = await recordOf(t, (c) => c.track("n", { p: "x".repeat(32_760) }));
    assert.deepEqual([kind, json.length], ["t", 32_768]);
  });

  test("properties are read at the call, not later", async (t) => {
    const properties = { step: 1 };
    const record = await recordOf(t, (client) => {
      client.track("n", properties);
      properties.step = 2;
    });
    assert.equal(record[5], '{"step":1}');
  });
});

describe("crossings", () => {
  test("the calls of one task cross together, in order, before the next task", async (t) => {
    const page = await openPage(t);
    const { client, engine } = await page.start();
    for (let n = 0; n < 1_000; n++) client.track("n", { n });
    client.identify("u");
    assert.equal(engine.crossings.length, 0);
    await turn();
    assert.equal(engine.crossings.length, 1);
    assert.equal(engine.lines.length, 1_001);
    const numbers = engine.lines.slice(0, 1_000).map((line) => JSON.parse(line.split("\t")[5]).n);
    assert.deepEqual(numbers, [...Array(1_000).keys()]);
    client.track("next");
    await turn();
    assert.equal(engine.crossings.length, 2);
    await turn();
    assert.equal(engine.crossings.length, 2, "nothing crosses where nothing was called");
  });

  test("a burst of megabytes crosses in parts, and nothing of it is lost", async (t) => {
    const page = await openPage(t);
    const { client, engine } = await page.start();
    const value = "x".repeat(30_000);
    for (let n = 0; n < 400; n++) client.track("n", { value });
    await turn();
    assert.equal(engine.lines.length, 400);
    assert.ok(engine.crossings.length > 5);
    engine.crossings.forEach((text) => assert.ok(text.length < 1_200_000, `${text.length}`));
  });

  for (const [name, ask] of Object.entries({
    flush: (client) => client.flush(),
    shutdown: (client) => client.shutdown(),
    stats: (client) => client.stats(),
    destroy: (client) => client.destroy(),
  })) {
    test(`${name} takes along what was called before it, at once`, async (t) => {
      const page = await openPage(t);
      const { client, engine } = await page.start();
      client.track("before");
      ask(client);
      const asked = engine.asked.map(([method]) => method);
      assert.equal(asked[0], "calls");
      assert.ok(asked.includes(name), asked.join());
      assert.equal(engine.lines.length, 1);
    });
  }

  test("members work taken apart, and behind a Proxy", async (t) => {
    const page = await openPage(t);
    const { client, engine } = await page.start();
    const { track, stats } = client;
    track("apart");
    new Proxy(client, {}).track("behind");
    assert.equal(stats().accepted, 2);
    assert.equal(engine.lines.length, 2);
  });
});

describe("what goes on in the page", () => {
  test("is told to the engine, as it is said", async (t) => {
    const page = await openPage(t);
    const { client, engine } = await page.start();
    engine.host.hear(7, 503, undefined, 2, NaN);
    assert.deepEqual(engine.asked.at(-1), ["heard", 7, 503, undefined, 2, NaN]);
    client.destroy();
    const asked = engine.asked.length;
    engine.host.hear(0, 2);
    await turn();
    assert.equal(engine.asked.length, asked, "there is no engine any more");
  });

  test("waits until the engine has a number to be told by, and loses nothing and no order", async (t) => {
    const page = await openPage(t);
    page.prepare = (engine) => {
      engine.host.hear(1, 1);
      engine.host.hear(2, 0);
      assert.deepEqual(engine.asked, []);
    };
    const { engine } = await page.start();
    await turn();
    const heard = engine.asked.filter(([method]) => method === "heard");
    assert.deepEqual(heard, [["heard", 1, 1], ["heard", 2, 0]]);
  });
});

describe("questions", () => {
  test("flush tells what the engine told", async (t) => {
    const page = await openPage(t);
    const { client, engine } = await page.start();
    engine.silent = true;
    const [first, second] = [client.flush(), client.flush()];
    const [[, one], [, two]] = engine.asked;
    assert.notEqual(one, two);
    engine.host.report(["flushed", two, 3, 1, 0]);
    engine.host.report(["flushed", one, 5, 0, 0]);
    assert.deepEqual(await first, { ok: true, delivered: 5, pending: 0, dropped: 0 });
    assert.deepEqual(await second, { ok: false, delivered: 3, pending: 1, dropped: 0 });
    const third = client.flush();
    engine.host.report(["flushed", engine.asked.at(-1)[1], 0, 0, 1]);
    assert.equal((await third).ok, false, "what was dropped was not delivered");
  });

  test("shutdown: one for all who ask, and no calls after it", async (t) => {
    const page = await openPage(t);
    const errors = [];
    const { client, engine } = await page.start({ apiKey: "demo", onError: (error) => errors.push(error.code) });
    client.track("before");
    const ended = client.shutdown({ timeoutMs: 750.9 });
    assert.deepEqual(engine.asked.at(-1).slice(0, 3).toSpliced(1, 1), ["shutdown", 750]);
    assert.equal(client.shutdown(), ended);
    assert.equal(client.flush(), ended);
    client.track("after");
    client.identify("after");
    assert.deepEqual(await ended, { ok: true, delivered: 1, pending: 0, dropped: 0 });
    await turn();
    assert.equal(engine.lines.length, 1);
    assert.deepEqual(errors, ["shut_down"], "told once");
    assert.equal(client.stats().role, "stopped");
    assert.equal(client.stats().refused.shut_down, 2, "counted each time");
  });

  const waits = [[0, 0], [900, 900], [Infinity, 2 ** 31 - 1], [undefined, 5_000], [-1, 5_000], [NaN, 5_000], ["9", 5_000]];
  for (const [timeoutMs, ms] of waits) {
    test(`shutdown({timeoutMs: ${JSON.stringify(timeoutMs)}}) waits ${ms} ms`, async (t) => {
      const page = await openPage(t);
      const { client, engine } = await page.start();
      await client.shutdown({ timeoutMs });
      assert.equal(engine.asked.at(-1)[2], ms);
    });
  }

  test("destroy answers those who wait, and stops", async (t) => {
    const page = await openPage(t);
    const { client, engine } = await page.start();
    engine.silent = true;
    client.track("n");
    const flushed = client.flush();
    client.destroy();
    client.destroy();
    assert.deepEqual(await flushed, { ok: false, delivered: 0, pending: 1, dropped: 0 });
    client.track("after");
    await turn();
    assert.equal(engine.asked.filter(([method]) => method === "destroy").length, 1);
    assert.equal(engine.lines.length, 1);
    const { role, accepted, pending, refused } = client.stats();
    assert.deepEqual([role, accepted, pending], ["stopped", 1, 1]);
    assert.deepEqual(refused, { shut_down: 1 });
    assert.deepEqual(await client.flush(), { ok: false, delivered: 0, pending: 1, dropped: 0 });
    assert.equal(client.getAnonymousId(), engine.host.anonymous);
  });

  test("stats adds up what engine and facade refused", async (t) => {
    const page = await openPage(t);
    const client = new page.Sendoff("demo");
    client.track("n", { big: 1n });
    await client.ready;
    client.track("n", { big: 1n });
    assert.equal(client.stats().refused.properties_not_serializable, 2);
    assert.equal(client.stats().refused.properties_not_serializable, 2);
  });
});
