// Goal: no call throws, rejects or hangs whatever it is given, on whatever has become of the page's built-ins, and what the page
// tracks besides is kept, once. Method: values made up from a seed, of everything that has been seen to break an SDK, nested in
// each other, in every place of every method, while the page spoils its built-ins and mends them again. `make fuzz` tries 100,000.
// A failure names its case: FUZZ_FROM=<case> FUZZ_CASES=1 repeats it.

import assert from "node:assert/strict";
import { test } from "node:test";
import vm from "node:vm";

import { USES, checkRecord, hostileValues, landmine } from "./hostile.mjs";
import { openPage, readRecord, turn } from "./world.mjs";

const CASES = Number(process.env.FUZZ_CASES ?? 3_000);
const FROM = Number(process.env.FUZZ_FROM ?? 0);
const LARGE = /10 MB|20,000/; // have tests of their own
const KEYS = ["a", "event", "properties", "timestamp", "userId", "__proto__", "constructor", "toJSON", "then", "length", "", "\ud800", "a\tb", "0"];

/** Numbers from a seed (mulberry32): the same ones each time. */
const numbers = (seed) => () => {
  seed = (seed + 0x6d2b79f5) | 0;
  let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
  return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
};

const detached = () => {
  const bytes = new Uint8Array(8);
  structuredClone(bytes, { transfer: [bytes.buffer] });
  return bytes;
};

/** @param {() => number} random */
function makerOf(random) {
  const whole = (below) => Math.floor(random() * below);
  const oneOf = (list) => list[whole(list.length)];
  const hostile = () => oneOf(Object.entries(hostileValues()).filter(([name]) => !LARGE.test(name)))[1];
  const primitives = [() => whole(1e9) - 5e8, () => random(), () => -0, () => 1e308, () => "x".repeat(whole(300)), () => String.fromCharCode(whole(0x10000)), () => true, () => null, () => undefined];
  const exotic = [detached, () => vm.runInNewContext("({ a: [1, { b: new Date(0) }], c: new Map() })"), () => Object.freeze({ a: 1 }), () => new Proxy({ a: 1 }, {}), () => new (class Own { #hidden = 1; a = 2; })(), () => /x/g, () => new WeakMap(), () => new Error("e", { cause: landmine() }), () => globalThis, () => Object.create({ inherited: 1 })];
  const value = (depth = 0) => {
    const kind = random();
    if (depth > 4 || kind < 0.3) return oneOf(primitives)();
    if (kind < 0.5) return hostile();
    if (kind < 0.6) return oneOf(exotic)();
    if (kind < 0.75) return Array.from({ length: whole(5) }, () => value(depth + 1));
    const made = random() < 0.2 ? Object.create(null) : {};
    for (let n = whole(5); n >= 0; n--) {
      const key = oneOf(KEYS);
      const member = value(depth + 1);
      if (random() < 0.1) Object.defineProperty(made, key, { get: () => { throw member; }, enumerable: true, configurable: true });
      else attempt(() => (made[key] = member)); // `__proto__` may be what it is, and a getter may stand there
    }
    return made;
  };
  return { value, oneOf, random };
}

const throws = () => {
  throw new Error("spoiled");
};
/** What pages do to their built-ins: each returns what undoes it. */
const SPOILED = {
  nothing: () => () => {},
  "members on Object.prototype": () => set(Object.prototype, "spoiled", () => 1),
  "toJSON on Array.prototype": () => set(Array.prototype, "toJSON", () => "[]"),
  "toJSON on Array.prototype throws": () => set(Array.prototype, "toJSON", throws),
  "toJSON on Object.prototype throws": () => set(Object.prototype, "toJSON", throws, { enumerable: false }),
  "another Array.from": () => set(Array, "from", (list) => [list]),
  "JSON.stringify throws": () => set(JSON, "stringify", throws),
  "JSON.parse throws": () => set(JSON, "parse", throws),
  "Date.now throws": () => set(Date, "now", throws),
  "Date.now stands still": () => set(Date, "now", () => 0),
  "performance.now throws": () => set(performance, "now", throws),
  "performance.now is no number": () => set(performance, "now", () => NaN),
  "no finally": () => set(Promise.prototype, "finally", undefined),
  "no crypto": () => set(globalThis, "crypto", undefined),
  "Object.keys throws": () => set(Object, "keys", throws),
  "storage throws": () => set(globalThis.localStorage, "setItem", throws),
  "a frozen Error": () => set(Error.prototype, "name", "E", { writable: false }),
  "no timers": () => set(globalThis, "setTimeout", () => 0),
};

function set(on, name, value, how = {}) {
  const before = Object.getOwnPropertyDescriptor(on, name);
  Object.defineProperty(on, name, { value, enumerable: true, configurable: true, writable: true, ...how });
  return () => (before ? Object.defineProperty(on, name, before) : delete on[name]);
}

test(`${CASES} cases`, { timeout: 1_800_000 }, async (t) => {
  const rejections = [];
  const onRejection = (cause) => rejections.push(cause);
  process.on("unhandledRejection", onRejection);
  t.after(() => process.off("unhandledRejection", onRejection));
  const page = await openPage(t);
  const { client, engine } = await page.start({ apiKey: "demo", botFilter: false });
  const uses = Object.entries(USES).filter(([use]) => !/^(use|unuse|destination)/.test(use));
  for (let n = FROM; n < FROM + CASES; n++) {
    const { value, oneOf } = makerOf(numbers(n));
    const [use, run] = oneOf(uses);
    const [how, spoil] = oneOf(Object.entries(SPOILED));
    const what = `case ${n}: ${use} with ${how}`;
    const given = value();
    const mend = spoil();
    let cause;
    try {
      await Promise.race([run(client, given), undefined]);
      client.track("witness");
    } catch (error) {
      cause = { error };
    }
    mend();
    if (cause) assert.fail(`${what} threw ${attempt(() => cause.error.stack)}`);
    await turn();
    assert.deepEqual(rejections, [], what);
    const { lines } = engine;
    engine.crossings.length = 0;
    try {
      lines.forEach(checkRecord);
    } catch (error) {
      assert.fail(`${what}: ${error.message}`);
    }
    const witnesses = lines.map(readRecord).filter((record) => record.name === '"witness"');
    assert.equal(witnesses.length, 1, `${what}: the event beside it; ${page.said.at(-1)}`);
  }
  assert.ok(!page.said.some((line) => line.includes(" internal: ")), page.said.filter((line) => /internal/.test(line)).join("\n"));
});

function attempt(act) {
  try {
    return String(act());
  } catch {
    return "something that cannot be shown";
  }
}
