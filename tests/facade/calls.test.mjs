// Goal: what the page calls is what the engine reads, in as few crossings as possible. The records themselves are
// specified in src/intake/call.rs; how the engine judges them is tested there.

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { openPage, readRecord, turn } from "./world.mjs";

const NOW = 1_768_478_400_123;
const SPAN = { traceId: "4bf92f3577b34da6a3ce929d0e0e4736", spanId: "00f067aa0ba902b7" };

/** The record of one call, by its tags, with the clock standing at `NOW`. */
async function recordOf(t, call) {
  t.mock.timers.enable({ apis: ["Date"], now: NOW });
  const page = await openPage(t);
  const { client, engine } = await page.start();
  call(client);
  client.stats();
  assert.equal(engine.lines.length, 1, JSON.stringify(engine.lines));
  const { mono, ...record } = readRecord(engine.lines[0]);
  assert.match(mono, /^\d+$/);
  return record;
}

describe("records", () => {
  const wall = String(NOW);
  const track = { kind: "track", wall, name: '"n"' };
  const refused = (code, detail) => ({ kind: "refused", wall, code, detail: JSON.stringify(detail) });
  const cases = {
    "track, name alone": [(c) => c.track("checkout"), { ...track, name: '"checkout"' }],
    "track, with properties": [(c) => c.track("n", { a: [1, "é\n\t"] }), { ...track, props: '{"a":[1,"é\\n\\t"]}' }],
    "track, null for none": [(c) => c.track("n", null, null), track],
    "track, with all its options": [
      (c) =>
        c.track("n", {}, { timestamp: 5.9, userId: "u", anonymousId: "a", value: 1.5, sample: 0.1, context: { c: 1 }, urgent: true }),
      { ...track, ts: "5", user: '"u"', anon: '"a"', props: "{}", value: "1.5", sample: "0.1", ctx: '{"c":1}', urgent: "1" },
    ],
    "track, a value that is no finite number is for the engine to refuse": [
      (c) => c.track("n", null, { value: NaN, sample: "0.5" }),
      { ...track, value: "{}", sample: "{}" },
    ],
    "track, as one object": [
      (c) => c.track({ event: "n", userId: "u", anonymousId: "a", properties: { p: 1 }, timestamp: new Date(7) }),
      { ...track, ts: "7", user: '"u"', anon: '"a"', props: '{"p":1}' },
    ],
    "track, as one object, the rest is ignored": [(c) => c.track({ event: "n" }, { p: 1 }, { userId: "u" }), track],
    "track, as servers have it": [(c) => c.track("u", "n", { p: 1 }), { ...track, user: '"u"', props: '{"p":1}' }],
    "track, as servers have it, of nobody": [(c) => c.track(null, "n"), track],
    page: [(c) => c.page(), { kind: "page", wall }],
    "page, with a name": [(c) => c.page("Home", { p: 1 }), { kind: "page", wall, name: '"Home"', props: '{"p":1}' }],
    "page, with properties alone": [(c) => c.page({ p: 1 }, { urgent: true }), { kind: "page", wall, props: '{"p":1}', urgent: "1" }],
    identify: [(c) => c.identify("u", { plan: "pro" }), { kind: "identify", wall, user: '"u"', props: '{"plan":"pro"}' }],
    setTraits: [(c) => c.setTraits({ plan: "pro" }), { kind: "set_traits", wall, props: '{"plan":"pro"}' }],
    alias: [(c) => c.alias("new", "old"), { kind: "alias", wall, user: '"new"', prev: '"old"' }],
    "alias, previous id left out": [(c) => c.alias("new"), { kind: "alias", wall, user: '"new"' }],
    group: [(c) => c.group("acme", { seats: 5 }), { kind: "group", wall, group: '"acme"', props: '{"seats":5}' }],
    "group, of a type": [(c) => c.group("acme", null, { type: "team" }), { kind: "group", wall, group: '"acme"', type: '"team"' }],
    exposure: [
      (c) => c.exposure("color", "red", { p: 1 }, { every: "session" }),
      { kind: "exposure", wall, name: '"color"', variant: '"red"', props: '{"p":1}', every: '"session"' },
    ],
    reset: [(c) => c.reset(), { kind: "reset", wall }],
    register: [(c) => c.register({ p: 1 }), { kind: "register", wall, props: '{"p":1}' }],
    registerOnce: [(c) => c.registerOnce({ p: 1 }), { kind: "register_once", wall, props: '{"p":1}' }],
    unregister: [(c) => c.unregister("p"), { kind: "unregister", wall, name: '"p"' }],
    time: [(c) => c.time("n"), { kind: "time", wall, name: '"n"' }],
    recordMetric: [(c) => c.recordMetric("m", 1.5), { kind: "metric", wall, name: '"m"', value: "1.5" }],
    "recordMetric, with all its options": [
      (c) => c.recordMetric("m", 1, { type: "gauge", unit: "ms", tags: { a: "b" }, timestamp: 9, parent: SPAN }),
      {
        ...{ kind: "metric", wall, name: '"m"', value: "1", type: '"gauge"', unit: '"ms"', tags: '{"a":"b"}', ts: "9" },
        ...{ parent: JSON.stringify(SPAN) },
      },
    ],
    "a metric's parent, as W3C's traceparent": [
      (c) => c.gauge("m", 1, { parent: `00-${SPAN.traceId}-${SPAN.spanId}-01` }),
      { kind: "metric", wall, name: '"m"', value: "1", type: '"gauge"', parent: `"00-${SPAN.traceId}-${SPAN.spanId}-01"` },
    ],
    "a metric's parent, as an OpenTelemetry span": [
      (c) => c.distribution("m", 1, { parent: { spanContext: () => SPAN } }),
      { kind: "metric", wall, name: '"m"', value: "1", type: '"distribution"', parent: JSON.stringify(SPAN) },
    ],
    "a parent's ids as other tools have them, and nothing else of it": [
      (c) => c.increment("m", 2, { parent: { trace_id: SPAN.traceId, span_id: SPAN.spanId, tree: [1, 2] } }),
      { kind: "metric", wall, name: '"m"', value: "2", type: '"counter"', parent: JSON.stringify(SPAN) },
    ],
    "increment is by one": [(c) => c.increment("m"), { kind: "metric", wall, name: '"m"', value: "1", type: '"counter"' }],
    "a metric that is no finite number is for the engine to refuse": [
      (c) => c.gauge("m", Infinity),
      { kind: "metric", wall, name: '"m"', value: "{}", type: '"gauge"' },
    ],
    "consent in plain words": [
      (c) => c.setConsent({ analytics: true, marketing: "denied" }),
      { kind: "consent", wall, analytics: "granted", marketing: "denied" },
    ],
    optOut: [(c) => c.optOut({ erase: true, notify: true }), { kind: "consent", wall, analytics: "denied", marketing: "denied", erase: "1", notify: "1" }],
    "toJSON is honoured": [(c) => c.track("n", { toJSON: () => ({ j: 1 }) }), { ...track, props: '{"j":1}' }],
    "an ISO time": [(c) => c.track("n", {}, { timestamp: "2026-01-15T12:00:00Z" }), { ...track, ts: "1768478400000", props: "{}" }],
    "no time": [(c) => c.track("n", {}, { timestamp: "soon" }), { ...track, ts: "NaN", props: "{}" }],
    "true is no time": [(c) => c.track("n", {}, { timestamp: true }), { ...track, ts: "NaN", props: "{}" }],
    "the null time is now": [(c) => c.track("n", {}, { timestamp: null }), { ...track, props: "{}" }],
    "a name of the wrong type is for the engine to refuse": [(c) => c.track(12), { ...track, name: "{}" }],
    "no name is for the engine to refuse": [(c) => c.track(), { kind: "track", wall }],
    "an array is for the engine to refuse": [(c) => c.track("n", [1]), { ...track, props: "[1]" }],
    "half of a surrogate pair is mended, in names, values and keys": [
      (c) => c.track("half \ud83d", { "\udc00": ["\ud83d", "\ud83d\ude00", "\\ud83d", "\\\ud83d"] }),
      { ...track, name: '"half \ufffd"', props: '{"\ufffd":["\ufffd","\ud83d\ude00","\\\\ud83d","\\\\\ufffd"]}' },
    ],
    "properties that are too large": [
      (c) => c.track("n", { p: "x".repeat(32_761) }),
      refused("properties_too_large", "track(n): 32769 characters"),
    ],
    "a name that is too long": [
      (c) => c.track("n".repeat(1025)),
      refused("name_too_long", `track(${"n".repeat(64)}): 1025 characters`),
    ],
    "an id that is too long": [(c) => c.identify("u".repeat(1025)), refused("user_id_too_long", "identify(): 1025 characters")],
    "an anonymous id that is too long": [
      (c) => c.track("n", {}, { anonymousId: "u".repeat(1025) }),
      refused("user_id_too_long", "track(n): 1025 characters"),
    ],
    "a BigInt": [
      (c) => c.track("n", { big: 1n }),
      refused("properties_not_serializable", "track(n): Do not know how to serialize a BigInt"),
    ],
    "a cycle, whose description has quotes and line breaks": [
      (c) => {
        const cycle = {};
        c.track('say "n"', Object.assign(cycle, { cycle }));
      },
      refused(
        "properties_not_serializable",
        "track(say n ): Converting circular structure to JSON --> starting at object with constructor 'Object' " +
          "--- property 'cycle' closes the circle",
      ),
    ],
    "a function": [
      (c) => c.identify("u", () => {}),
      refused("properties_not_serializable", "identify(): a function without a JSON form"),
    ],
    "an endless complaint": [
      (c) => {
        const toJSON = () => {
          throw new Error("e".repeat(10_000));
        };
        c.track("n", { toJSON });
      },
      refused("properties_not_serializable", `track(n): ${"e".repeat(200 - "track(n): ".length)}`),
    ],
  };
  for (const [name, [call, record]] of Object.entries(cases)) {
    test(name, async (t) => assert.deepEqual(await recordOf(t, call), record));
  }

  test("properties of exactly the limit cross", async (t) => {
    const { kind, props } = await recordOf(t, (c) => c.track("n", { p: "x".repeat(32_760) }));
    assert.deepEqual([kind, props.length], ["track", 32_768]);
  });

  test("properties are read at the call, not later", async (t) => {
    const properties = { step: 1 };
    const { props } = await recordOf(t, (client) => {
      client.track("n", properties);
      properties.step = 2;
    });
    assert.equal(props, '{"step":1}');
  });

  test("timing passes on what it times, and says how long that took", async (t) => {
    const page = await openPage(t);
    const { client, engine } = await page.start();
    const mine = new Error("the page's own");
    assert.equal(client.timing("sync", () => 7), 7);
    assert.equal(await client.timing("async", async () => 8), 8);
    assert.throws(() => client.timing("throws", () => { throw mine; }), mine);
    client.timing("given", 12.5);
    await client.flush();
    const records = engine.lines.map(readRecord);
    assert.deepEqual(records.map(({ name, type, unit }) => [name, type, unit]), [
      ['"sync"', '"timing"', '"ms"'],
      ['"async"', '"timing"', '"ms"'],
      ['"throws"', '"timing"', '"ms"'],
      ['"given"', '"timing"', '"ms"'],
    ]);
    assert.equal(records[3].value, "12.5");
    assert.ok(records.every(({ value }) => value >= 0));
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
    const numbers = engine.lines.slice(0, 1_000).map((line) => JSON.parse(readRecord(line).props).n);
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
  /** The words of the engine that it is told for an event. */
  const told = async (t, say) => {
    const page = await openPage(t);
    const { client, engine } = await page.start();
    say(page);
    client.destroy();
    const asked = engine.asked.filter(([method]) => method === "page_event" || method === "stored");
    page.window.dispatchEvent(new Event("pagehide"));
    await turn();
    assert.equal(engine.asked.at(-1)[0], "destroy", "nobody listens any more");
    return asked.map(([method, word]) => word ?? method);
  };

  test("is told to the engine in its words", async (t) => {
    const say = ({ window, document }) => {
      window.dispatchEvent(new Event("pageshow")); // any page load
      window.dispatchEvent(Object.assign(new Event("pageshow"), { persisted: true }));
      document.hidden = true;
      document.dispatchEvent(new Event("visibilitychange"));
      document.hidden = false;
      document.dispatchEvent(new Event("visibilitychange"));
      for (const type of ["freeze", "resume"]) document.dispatchEvent(new Event(type));
      for (const type of ["online", "offline", "pagehide"]) window.dispatchEvent(new Event(type));
      window.dispatchEvent(Object.assign(new Event("storage"), { key: "sendoff:demo:identity" }));
      window.dispatchEvent(Object.assign(new Event("storage"), { key: null }));
      window.dispatchEvent(Object.assign(new Event("storage"), { key: "the page's own" }));
    };
    const words = ["restored", "hidden", "visible", "frozen", "resumed", "online", "offline", "leaving", "stored", "stored"];
    assert.deepEqual(await told(t, say), words);
  });

  test("calls cross before the engine hears that the page is left", async (t) => {
    const page = await openPage(t);
    const { client, engine } = await page.start();
    client.track("last");
    page.window.dispatchEvent(new Event("pagehide"));
    assert.deepEqual(engine.asked, [["calls"], ["page_event", "leaving"]]);
  });

  test("listeners that document.open() took away are back with the next call", async (t) => {
    const page = await openPage(t);
    const { client, engine } = await page.start();
    page.document.rewrite();
    page.window.dispatchEvent(new Event("pagehide"));
    assert.deepEqual(engine.asked, [], "they are gone");
    client.track("after");
    page.window.dispatchEvent(new Event("pagehide"));
    assert.deepEqual(engine.asked, [["calls"], ["page_event", "leaving"]]);
  });

  test("the page goes with a call when it has changed", async (t) => {
    const page = await openPage(t);
    const { client, engine } = await page.start();
    page.go("https://shop.example/a?b=c", "A");
    client.track("one");
    client.track("two");
    page.go("https://shop.example/d", "A");
    client.track("three");
    client.stats();
    const pages = engine.lines.map((line) => readRecord(line).page).map((json) => json && JSON.parse(json));
    assert.deepEqual(pages, [
      { url: "https://shop.example/a?b=c", path: "/a", search: "?b=c", title: "A", referrer: "" },
      undefined,
      { url: "https://shop.example/d", path: "/d", search: "", title: "A", referrer: "" },
    ]);
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
    engine.report("flushed", { id: two, delivered: 3, pending: 1, dropped: 0 });
    engine.report("flushed", { id: one, delivered: 5, pending: 0, dropped: 0 });
    assert.deepEqual(await first, { ok: true, delivered: 5, pending: 0, dropped: 0 });
    assert.deepEqual(await second, { ok: false, delivered: 3, pending: 1, dropped: 0 });
    const third = client.flush();
    engine.report("flushed", { id: engine.asked.at(-1)[1], delivered: 0, pending: 0, dropped: 1 });
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
    assert.equal(client.getAnonymousId(), engine.facts.anonymousId);
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
