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

test("a destination's hook is asked at the call, after the client's, and what it makes of an event the engine hears for it alone", async (t) => {
  const page = await openPage(t);
  const errors = [];
  const shown = [];
  const destinations = [
    { name: "plain", format: "native" },
    { name: "trimmed", format: "native", beforeSend: (event) => (shown.push(structuredClone(event)), delete event.properties.margin, event) },
    { name: "renamed", format: "native", beforeSend: (event) => ({ ...event, name: "conversion", context: { via: "hook" } }) },
    { name: "grown", format: "native", beforeSend: ({ properties, ...event }) => ({ ...event, properties: { ...properties, total: 4, more: [1] } }) },
    { name: "picky", format: "native", only: ["bought"], beforeSend: ({ name, ...event }) => (name === "bought" ? { name, ...event } : null) },
    { name: "broken", format: "native", beforeSend: () => { throw new Error("no"); } },
    { name: "late", format: "native", beforeSend: async (event) => event },
    { name: "giant", format: "native", beforeSend: (event) => ({ ...event, properties: { text: "x".repeat(40_000) } }) },
    { name: "none", format: "native", beforeSend: "no function" },
  ];
  const beforeSend = (event) => ({ ...event, properties: { ...event.properties, seen: true } });
  const { client, engine } = await page.start({ apiKey: "one", destinations, beforeSend, onError: (error) => errors.push(error) });
  const properties = { total: 3, margin: 1 };
  client.track("bought", properties, { userId: "u2" });
  client.identify("u1", { total: 1 });
  client.register({ a: 1 });
  client.stats();
  await turn();
  const [bought, identify, register] = engine.lines.map((line) => readRecord(line));
  assert.deepEqual(properties, { total: 3, margin: 1 }, "hooks are given copies");
  assert.deepEqual(JSON.parse(bought.props), { total: 3, margin: 1, seen: true });
  assert.deepEqual(JSON.parse(bought.edits), [
    { to: "trimmed", without: ["margin"] },
    { to: "renamed", name: "conversion", context: { via: "hook" } },
    { to: "grown", properties: { total: 4, more: [1] } },
  ]);
  assert.equal(bought.not, undefined);
  assert.deepEqual(shown[0], { type: "track", name: "bought", properties: { total: 3, margin: 1, seen: true }, userId: "u2" });
  // The names of the SDK's own events are not for hooks to change.
  assert.deepEqual(JSON.parse(identify.edits)[0], { to: "renamed", context: { via: "hook" } });
  assert.equal(identify.not, '"picky"');
  assert.deepEqual([register.edits, register.not], [undefined, undefined], "no event");
  const told = errors.map(({ code, message }) => [code, /of (\w+)/.exec(message)?.[1]]);
  for (const name of ["broken", "late", "giant"]) assert.ok(told.some(([code, of]) => code === "hook_failed" && of === name), `${name}: ${told}`);
});
