// Goal: the functions of `sendoff/destinations` say what the engine reads, whatever they are given. Method: the file that
// ships, in Node; the engine's list of formats is read in its source. Not covered: delivery (tests/e2e/destinations.test.mjs).

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";

import { hostileValues } from "./hostile.mjs";
import { SHIPPED, openPage, readRecord, turn } from "./world.mjs";

const entry = await import(pathToFileURL(join(SHIPPED, "destinations.js")));
const NOT_FUNCTIONS = ["Sendoff", "default", "track", "identify", "getSendoff", "flushTracking"];
const makers = Object.entries(entry).filter(([name]) => !NOT_FUNCTIONS.includes(name) && !/^(un)?register|^list/.test(name));

test("there is a function for every format of the engine, and for no other", () => {
  const source = readFileSync(new URL("../../src/wire/formats.rs", import.meta.url), "utf8");
  const formats = Array.from(source.matchAll(/^ {8}"(\w+)"(?: if single)? => &/gm), ([, name]) => name);
  // Metrics are chosen by `metricsFormat`.
  const expected = new Set([...formats.filter((name) => name !== "otlp_metrics"), "native"]);
  assert.deepEqual(new Set(makers.map(([, make]) => make({}).format)), expected);
  assert.ok(expected.size > 8, [...expected].join());
});

test("a destination is what was given, under a name and with an address", () => {
  const { own, posthog } = entry;
  assert.deepEqual(JSON.parse(JSON.stringify(posthog({ apiKey: "k", host: "/in", only: ["a"], profiles: true }))), {
    ...{ name: "posthog", format: "posthog", endpoint: "/in" },
    ...{ apiKey: "k", only: ["a"], profiles: true },
  });
  assert.equal(posthog({ apiKey: "k", name: "second" }).name, "second");
  assert.deepEqual(JSON.parse(JSON.stringify(own())), { name: "sendoff", format: "native" }, "as without destinations");
});

test("nothing that they are given makes them throw", () => {
  for (const [what, value] of Object.entries(hostileValues())) {
    for (const [name, make] of makers) assert.equal(typeof make(value), "object", `${name}: ${what}`);
  }
});

test("functions as only and except are asked at the call, and what they turn away the engine hears", async (t) => {
  const page = await openPage(t);
  const errors = [];
  const asked = [];
  const destinations = [
    { name: "all", format: "native" },
    { name: "paid", format: "native", only: (event) => (asked.push(event), event.properties.total > 0) },
    { name: "quiet", format: "native", except: ({ name, type }) => name === "noise" || type === "identify" },
    { name: "broken", format: "native", only: () => { throw new Error("no"); } },
    { name: "late", format: "native", except: async () => true },
    { name: "a\tnot=b", format: "native", except: () => true },
  ];
  const { client, engine } = await page.start({ apiKey: "one", destinations, onError: ({ code }) => errors.push(code) });
  client.track("bought", { total: 3 });
  client.track("noise");
  client.identify("u1", { total: 1 });
  client.register({ a: 1 });
  client.stats();
  await turn();
  const tags = engine.lines.map((line) => readRecord(line)).map(({ kind, not }) => [kind, not]);
  assert.deepEqual(tags, [["track", undefined], ["track", '"paid quiet"'], ["identify", '"quiet"'], ["register", undefined]]);
  assert.deepEqual(asked[0], { type: "track", name: "bought", properties: { total: 3 } });
  assert.deepEqual([...new Set(errors)], ["hook_failed"]);
});
