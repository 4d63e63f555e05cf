// Goal: no member throws and no promise is rejected, whatever it is given, in whatever state the client is; and what
// crosses into the engine is well-formed all the same. Method: every hostile value in every place of every method.

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { declared } from "./declarations.mjs";
import { hostileValues, landmine } from "./hostile.mjs";
import { openPage, readRecord, turn } from "./world.mjs";

/** Every option that is declared, but for those that these tests need as they are. */
const OPTIONS = [...declared("SendoffConfig")].filter((name) => !/^(apiKey|consent|gpc|respect\w+|persistConsent|wasm)$/.test(name));

/** Each way to pass `value` to each method. */
const USES = {
  "track(value)": (client, value) => client.track(value),
  "track(name, value)": (client, value) => client.track("name", value),
  "track(name, {}, value)": (client, value) => client.track("name", {}, value),
  "track(name, {}, {timestamp})": (client, value) => client.track("name", {}, { timestamp: value }),
  "track(name, {}, {userId})": (client, value) => client.track("name", {}, { userId: value }),
  "track(name, {}, {anonymousId})": (client, value) => client.track("name", {}, { anonymousId: value }),
  "track({event})": (client, value) => client.track({ event: value, properties: {} }),
  "track({properties})": (client, value) => client.track({ event: "name", properties: value }),
  "track({userId, timestamp})": (client, value) => client.track({ event: "n", userId: value, timestamp: value }),
  "track({properties: {value}})": (client, value) => client.track("name", { value }),
  "identify(value)": (client, value) => client.identify(value),
  "identify(id, value)": (client, value) => client.identify("id", value),
  "alias(value)": (client, value) => client.alias(value),
  "alias(id, value)": (client, value) => client.alias("id", value),
  "track(name, {}, {all})": (client, value) => client.track("name", {}, { value, sample: value, context: value, urgent: value }),
  "track(value, name)": (client, value) => client.track(value, "name", {}),
  "page(value)": (client, value) => client.page(value),
  "page(name, value, value)": (client, value) => client.page("name", value, value),
  "setTraits(value)": (client, value) => client.setTraits(value),
  "group(value, value, value)": (client, value) => client.group(value, value, value),
  "group(id, {}, {type})": (client, value) => client.group("id", {}, { type: value }),
  "exposure(value, value, value, value)": (client, value) => client.exposure(value, value, value, value),
  "exposure(name, variant, {}, {every})": (client, value) => client.exposure("name", "variant", {}, { every: value }),
  "register(value)": (client, value) => client.register(value),
  "registerOnce(value)": (client, value) => client.registerOnce(value),
  "unregister(value)": (client, value) => client.unregister(value),
  "time(value)": (client, value) => client.time(value),
  "recordMetric(value, value, value)": (client, value) => client.recordMetric(value, value, value),
  "recordMetric(name, 1, {all})": (client, value) =>
    client.recordMetric("name", 1, { tags: value, unit: value, type: value, parent: value, timestamp: value }),
  "increment(value)": (client, value) => client.increment(value),
  "gauge(name, value)": (client, value) => client.gauge("name", value),
  "distribution(name, 1, value)": (client, value) => client.distribution("name", 1, value),
  "use(value)": (client, value) => client.use(value),
  "use({name, setup, teardown})": (client, value) => client.use({ name: value, setup: value, teardown: value }),
  "use({beforeSend})": (client, value) => client.use({ name: "hook", beforeSend: value }),
  "use({beforeSend: () => value})": (client, value) => client.use({ name: "answer", beforeSend: () => value }),
  "track, hooked": (client, value) => client.track("name", { value }),
  "unuse(value)": (client, value) => client.unuse(value),
  "unuse both": (client) => (client.unuse("hook"), client.unuse("answer")),
  "destination(value)": (client, value) => client.destination(value).pause(),
  "breadcrumbs(value)": (client, value) => client.breadcrumbs(value),
  "getUserId(value)": (client, value) => client.getUserId(value),
  "getSessionId(value)": (client, value) => client.getSessionId(value),
  "getConsent(value)": (client, value) => client.getConsent(value),
  "diagnose(value)": (client, value) => client.diagnose(value),
  "export(value)": (client, value) => client.export(value),
  "on(value, fn)": (client, value) => client.on(value, () => {})(),
  "on(error, value)": (client, value) => client.on("error", value)(),
  "stats(value)": (client, value) => client.stats(value),
  "getAnonymousId(value)": (client, value) => client.getAnonymousId(value),
  "flush(value)": (client, value) => client.flush(value),
};
const ENDINGS = {
  "setConsent(value)": (client, value) => client.setConsent(value),
  "setConsent({analytics})": (client, value) => client.setConsent({ analytics: value, marketing: value }),
  "reset(value)": (client, value) => client.reset(value),
  "optOut(value)": (client, value) => client.optOut(value),
  "erase(value)": (client, value) => client.erase(value),
  "optIn(value)": (client, value) => client.optIn(value),
  "shutdown(value)": (client, value) => client.shutdown(value),
  "shutdown({timeoutMs})": (client, value) => client.shutdown({ timeoutMs: value }),
  "destroy(value)": (client, value) => client.destroy(value),
};

/** State → a client in it. */
const STATES = {
  ready: async (page) => (await page.start()).client,
  loading: async (page) => new page.Sendoff("demo"),
  "failed to load": async (page) => {
    const client = new page.Sendoff("demo");
    await page.load(new Error("no wasm"));
    return client;
  },
  trapped: async (page) => {
    const { client, engine } = await page.start();
    engine.broken.set("calls", new WebAssembly.RuntimeError("unreachable"));
    client.track("trap");
    await turn();
    assert.equal(client.stats().role, "failed");
    return client;
  },
  "shut down": async (page) => {
    const { client } = await page.start();
    await client.shutdown();
    return client;
  },
  destroyed: async (page) => {
    const { client } = await page.start();
    client.destroy();
    return client;
  },
  "without a key": async (page) => new page.Sendoff({}),
};

const KINDS =
  /^(track|page|identify|set_traits|alias|group|exposure|reset|register|register_once|unregister|time|metric|consent|refused)$/;
const REFUSALS =
  /^(properties_not_serializable|properties_too_large|name_too_long|user_id_too_long)$/;
// Tags whose values are plain words and numbers; those of all others are JSON.
const PLAIN = ["code", "urgent", "analytics", "marketing", "erase", "notify"];

/** Fails unless every record is one that the engine's parser takes. */
function checkRecord(line) {
  assert.ok(line.length < 120_000, `${line.length} characters crossed`);
  const { kind, wall, mono, ...tags } = readRecord(line);
  assert.match(kind, KINDS);
  assert.match(`${wall} ${mono}`, /^\d+ \d+$/);
  if (kind === "refused") {
    assert.match(tags.code, REFUSALS);
    assert.ok(JSON.parse(tags.detail).length <= 200);
  }
  for (const [tag, value] of Object.entries(tags)) {
    if (tag === "ts") assert.match(value, /^(NaN|-?\d+)$/);
    else if (!PLAIN.includes(tag)) JSON.parse(value);
    else assert.match(value, /^\w+$/);
  }
}

describe("hostile values", () => {
  for (const [state, make] of Object.entries(STATES)) {
    for (const [name, value] of Object.entries(hostileValues())) {
      test(`${state}: ${name}`, async (t) => {
        const page = await openPage(t, { hold: /load/.test(state) });
        const client = await make(page);
        const [promises, others] = [[], []];
        for (const [use, run] of Object.entries(USES)) {
          try {
            const result = run(client, value);
            if (use.startsWith("flush")) promises.push(result);
            else if (/^(diagnose|export)/.test(use)) others.push(result);
            else if (/^(track|identify|alias|page|group)/.test(use)) assert.equal(result, undefined);
          } catch (error) {
            assert.fail(`${use} threw ${error}`);
          }
          assert.equal(typeof client.stats().pending, "number");
        }
        for (const [use, run] of Object.entries(ENDINGS)) {
          try {
            promises.push(run(client, value));
          } catch (error) {
            assert.fail(`${use} threw ${error}`);
          }
        }
        await Promise.all(others);
        for (const result of await Promise.all(promises)) {
          if (result) assert.deepEqual(Object.keys(result), ["ok", "delivered", "pending", "dropped"]);
        }
        await turn();
        assert.ok(!page.said.some((line) => line.includes(" internal: ")), page.said.join("\n"));
        page.engines.flatMap((engine) => engine.lines).forEach(checkRecord);
        for (const key of page.earlyLogs()) {
          const [version, ...records] = page.storage[key].split("\n");
          assert.match(version, /^2 \d+$/);
          records.forEach(checkRecord);
        }
      });
    }
  }

  for (const [name, value] of Object.entries(hostileValues())) {
    test(`as configuration: ${name}`, async (t) => {
      const page = await openPage(t);
      const client = new page.Sendoff(value);
      client.track("name");
      await client.ready;
      const { ok } = await client.shutdown();
      // Text is the key; all but the empty, the endless and the malformed will do.
      const usable = typeof value === "string" && value !== "" && value.length < 1024 && value !== "\ud800";
      assert.equal(ok, usable);
      assert.equal(/missing_api_key/.test(page.said.join("\n")), !usable);
    });

    test(`as every option: ${name}`, async (t) => {
      const page = await openPage(t);
      const config = Object.fromEntries(OPTIONS.map((option) => [option, value]));
      const { client, engine } = await page.start({ ...config, apiKey: "demo", consent: "granted" });
      client.track("name");
      client.track("name", { big: 1n });
      engine.report("error", { code: "some_error", message: "m" });
      engine.report("dropped", { count: 1, reason: "overflow" });
      engine.report("deliveryFailed", { status: 500, events: 1 });
      assert.equal((await client.flush()).ok, true);
      assert.equal(engine.lines.length, 2);
    });

    test(`as apiKey: ${name}`, async (t) => {
      const page = await openPage(t);
      const client = new page.Sendoff({ apiKey: value });
      const usable = typeof value === "string" && value !== "" && value.length < 1024 && value !== "\ud800";
      assert.deepEqual(await client.ready, usable ? { ok: true, code: null } : { ok: false, code: "missing_api_key" });
    });
  }

  test("a report that is none is survived", async (t) => {
    const page = await openPage(t);
    const { client, engine } = await page.start();
    for (const value of [...Object.values(hostileValues()), landmine()]) engine.platform.report(value);
    assert.equal((await client.flush()).ok, true);
  });
});
