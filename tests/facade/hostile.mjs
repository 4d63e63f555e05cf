// Every kind of value that has been seen to break an SDK, by name, made anew for each use; each way to pass one; and what may
// cross into the engine all the same.

import assert from "node:assert/strict";

import { readRecord } from "./world.mjs";

const boom = () => {
  throw new Error("boom");
};
const traps = ["get", "has", "ownKeys", "getPrototypeOf", "getOwnPropertyDescriptor", "apply", "construct", "set"];

/** A Proxy that throws whatever is done with it. */
export const landmine = (target = {}) => new Proxy(target, Object.fromEntries(traps.map((trap) => [trap, boom])));

export function hostileValues() {
  const cycle = {};
  cycle.self = cycle;
  const deep = {};
  let inner = deep;
  for (let depth = 0; depth < 20_000; depth++) inner = inner.next = {};
  const revoked = Proxy.revocable({}, {});
  revoked.revoke();
  return {
    undefined: undefined,
    null: null,
    true: true,
    zero: 0,
    NaN: NaN,
    Infinity: Infinity,
    "a BigInt": 10n,
    "a symbol": Symbol("s"),
    "a function": () => {},
    "a class": class Thing {},
    "an empty string": "",
    "a string with tabs and line breaks": "a\tb\nc\r\u2028\0",
    "half a surrogate pair": "\ud800",
    "10 MB of text": "x".repeat(10_000_000),
    "an array": [1, [2]],
    "an object with 10 MB in it": { large: "x".repeat(10_000_000) },
    "a cycle": cycle,
    "20,000 levels": deep,
    "a BigInt inside": { big: 10n },
    "throwing getters": {
      get event() {
        return boom();
      },
      get timestamp() {
        return boom();
      },
      get timeoutMs() {
        return boom();
      },
      get apiKey() {
        return boom();
      },
    },
    "a getter inside that throws": {
      event: "e",
      properties: {
        get value() {
          return boom();
        },
      },
    },
    "a throwing toJSON": { toJSON: boom },
    "toJSON of nothing": { toJSON: () => undefined },
    "toJSON of text": { toJSON: () => "text" },
    "a throw of something that throws": {
      toJSON: () => {
        throw landmine();
      },
    },
    "a throw of null": {
      toJSON: () => {
        throw null;
      },
    },
    "toString and valueOf that throw": { toString: boom, valueOf: boom, [Symbol.toPrimitive]: boom },
    "no prototype": Object.create(null),
    "a Proxy": landmine(),
    "a Proxy of a function": landmine(() => {}),
    "a Proxy of an array": landmine([]),
    "a revoked Proxy": revoked.proxy,
    "a date": new Date(0),
    "an invalid date": new Date(NaN),
    "an error": new Error("e"),
    "a map": new Map([[1, 2]]),
    "a promise": Promise.resolve(1),
    "a thenable that throws": { then: boom },
    "hostile fields": { event: landmine(), userId: landmine(), timestamp: landmine(), properties: landmine() },
  };
}

/** Each way to pass `value` to each method. */
export const USES = {
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
/** Those that end something. */
export const ENDINGS = {
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

const KINDS =
  /^(track|page|identify|set_traits|alias|group|exposure|reset|register|register_once|unregister|time|metric|consent|refused)$/;
const REFUSALS =
  /^(properties_not_serializable|properties_too_large|name_too_long|user_id_too_long)$/;
// Tags whose values are plain words and numbers; those of all others are JSON.
const PLAIN = ["code", "urgent", "analytics", "marketing", "erase", "notify"];

/** Fails unless every record is one that the engine's parser takes. */
export function checkRecord(line) {
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
