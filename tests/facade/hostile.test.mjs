// Goal: no member throws and no promise is rejected, whatever it is given, in whatever state the client is; and what
// crosses into the engine is well-formed all the same. Method: every hostile value in every place of every method.

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { hostileValues, landmine } from "./hostile.mjs";
import { openPage, turn } from "./world.mjs";

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
  "on(value, fn)": (client, value) => client.on(value, () => {})(),
  "on(error, value)": (client, value) => client.on("error", value)(),
  "stats(value)": (client, value) => client.stats(value),
  "getAnonymousId(value)": (client, value) => client.getAnonymousId(value),
  "flush(value)": (client, value) => client.flush(value),
};
const ENDINGS = {
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

/** Fails unless every record is one that the engine's parser takes. */
function checkRecord(record) {
  const fields = record.split("\t");
  assert.ok(record.length < 50_000, `${record.length} characters crossed`);
  assert.match(fields[1], /^(NaN|-?\d+)$/);
  if (fields[0] === "x") {
    assert.equal(fields.length, 4, record);
    assert.match(fields[2], /^(properties_not_serializable|properties_too_large|name_too_long|user_id_too_long)$/);
    const detail = JSON.parse(fields[3]);
    assert.ok(detail.length > 5 && detail.length <= 200, detail);
    return;
  }
  assert.match(fields[0], /^[tia]$/);
  assert.equal(fields.length, 6, record);
  for (const json of fields.slice(2)) if (json !== "") JSON.parse(json);
}

describe("hostile values", () => {
  for (const [state, make] of Object.entries(STATES)) {
    for (const [name, value] of Object.entries(hostileValues())) {
      test(`${state}: ${name}`, async (t) => {
        const page = await openPage(t, { hold: /load/.test(state) });
        const client = await make(page);
        const promises = [];
        for (const [use, run] of Object.entries(USES)) {
          try {
            const result = run(client, value);
            if (use.startsWith("flush")) promises.push(result);
            else if (/^(track|identify|alias)/.test(use)) assert.equal(result, undefined);
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
        for (const result of await Promise.all(promises)) {
          if (result) assert.deepEqual(Object.keys(result), ["ok", "delivered", "pending", "dropped"]);
        }
        await turn();
        page.engines.flatMap((engine) => engine.lines).forEach(checkRecord);
        for (const key of page.earlyLogs()) {
          const [version, ...records] = page.storage[key].split("\n");
          assert.match(version, /^1 \d+$/);
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
      const options =
        "endpoint flushInterval flushAt maxBatchSize maxQueueSize maxPayloadBytes maxRetries retryBaseDelayMs timeout " +
        "disableTimer autoFlushOnExit maxStorageBytes maxEventAgeMs multiTabMode fetchImpl debug onEventsDropped " +
        "onDeliveryFailed onError";
      const config = Object.fromEntries(options.split(" ").map((option) => [option, value]));
      const { client, engine } = await page.start({ ...config, apiKey: "demo" });
      client.track("name");
      client.track("name", { big: 1n });
      engine.host.report(["error", "some_error", "m"]);
      engine.host.report(["dropped", 1, "overflow"]);
      engine.host.report(["deliveryFailed", 500, 1]);
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
    for (const value of [...Object.values(hostileValues()), landmine()]) engine.host.report(value);
    assert.equal((await client.flush()).ok, true);
  });
});
