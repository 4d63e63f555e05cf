// Goal: no member throws and no promise is rejected, whatever it is given, in whatever state the client is; and what
// crosses into the engine is well-formed all the same. Method: every hostile value in every place of every method.

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { declared } from "./declarations.mjs";
import { ENDINGS, USES, checkRecord, hostileValues, landmine } from "./hostile.mjs";
import { openPage, turn } from "./world.mjs";

/** Every option that is declared, but for those that these tests need as they are. */
const OPTIONS = [...declared("SendoffConfig")].filter((name) => !/^(apiKey|consent|gpc|respect\w+|persistConsent|wasm)$/.test(name));

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
