// @ts-check
// What a page holds in its hands. Nothing here throws or rejects, whatever it is given (`timing` excepted, which passes on
// what the page's own function throws); all are bound: they work as event handlers, taken apart, and behind a framework's
// Proxy. Two holders of one key share a client, and each may let go of it by itself.

import { anyJson, record, track } from "./record.js";
import { attempt, describe, isObject, keysOf, member, soon } from "./builtins.js";
import { recordMetric, timing } from "./metrics.js";

/** @typedef {import("./client").Client} Client */
/** @typedef {import("./types").Settings} Settings */

const SHUTDOWN_WAIT_MS = 5_000;
const WAIT_MS_MAX = 2 ** 31 - 1;

/** Callbacks of the configuration, as listeners. @param {Client} client @param {Settings} own */
const listen = ({ telling }, own) => {
  const { onError, onDeliveryFailed, onBreadcrumb, onEventsDropped } = own;
  /** @param {{ count: number, reason: string }} it */
  const dropped = ({ count, reason }) => onEventsDropped?.(count, reason);
  const offs = [
    onError && telling.on("error", onError),
    onDeliveryFailed && telling.on("deliveryFailed", onDeliveryFailed),
    onBreadcrumb && telling.on("breadcrumb", onBreadcrumb),
    onEventsDropped && telling.on("dropped", dropped),
  ];
  return () => offs.forEach((off) => off?.());
};

/** One holder of a client. */
class Handle {
  closed = false;
  over = false;
  /** @type {Promise<any> | undefined} what shutdown returned */
  ended;

  /** @param {Client} client @param {Settings} own */
  constructor(client, own) {
    this.client = client;
    client.handles++;
    this.unlisten = listen(client, own);
  }

  /**
   * Records a call, unless this is over.
   * @param {import("./record").Call} call
   */
  record(call) {
    if (this.isOpen(call.method)) record(this.client, call);
  }

  /** @param {string} method */
  isOpen(method) {
    if (this.closed) this.client.lose("shut_down", 1, `${method}() after shutdown or destroy; create a new client`);
    return !this.closed;
  }

  flush() {
    return this.ended ?? this.client.flush();
  }

  /** @param {any} options */
  shutdown(options) {
    const given = attempt(() => options.timeoutMs);
    const wait = typeof given === "number" && given >= 0 ? Math.min(given, WAIT_MS_MAX) | 0 : SHUTDOWN_WAIT_MS;
    this.ended ??= this.close() ? this.end(this.client.shutdown(wait)) : this.end(this.client.questions.ask("flush", wait));
    return this.ended;
  }

  /** @param {Promise<any>} answer */
  async end(answer) {
    const result = await answer;
    this.over = true;
    return result;
  }

  destroy() {
    if (this.over) return;
    if (this.close() || this.ended) this.client.destroy();
    this.over = true;
    soon(() => this.unlisten()); // what was told until now is still heard
  }

  /** Lets go; whether this was the last who held it. */
  close() {
    if (this.closed) return false;
    this.closed = true;
    return --this.client.handles === 0;
  }

  stats() {
    const stats = this.client.stats();
    return this.over ? { ...stats, role: "stopped" } : stats;
  }
}

/** The calls that make events, or change what goes with them. @param {Handle} handle */
const calls = (handle) => ({
  /** @type {(name: any, properties?: any, options?: any) => void} */
  track: (name, properties, options) => void (handle.isOpen("track") && track(handle.client, name, properties, options)),
  /** @type {(name?: any, properties?: any, options?: any) => void} */
  page(name, properties, options) {
    if (isObject(name)) [name, properties, options] = [undefined, name, properties];
    handle.record({ kind: "page", method: "page", event: "$page_view", name, properties, options });
  },
  /** @type {(user: any, properties?: any) => void} */
  identify: (user, properties) => handle.record({ kind: "identify", method: "identify", event: "$identify", user, properties }),
  /** @type {(properties: any) => void} */
  setTraits: (properties) => handle.record({ kind: "set_traits", method: "setTraits", event: "$set_traits", properties }),
  /** @type {(user: any, prev?: any) => void} */
  alias: (user, prev) => handle.record({ kind: "alias", method: "alias", event: "$alias", user, prev }),
  /** @type {(group: any, properties?: any, options?: any) => void} */
  group(group, properties, options) {
    const type = isObject(options) ? attempt(() => member(options, "type")) : undefined;
    handle.record({ kind: "group", method: "group", event: "$group", group, type, properties });
  },
  /** @type {(experiment: any, variant: any, properties?: any, options?: any) => void} */
  exposure(name, variant, properties, options) {
    const every = isObject(options) ? attempt(() => member(options, "every")) : undefined;
    handle.record({ kind: "exposure", method: "exposure", event: "$exposure", name, variant, properties, every });
  },
  reset: () => handle.record({ kind: "reset", method: "reset" }),
  /** @type {(properties: any) => void} */
  register: (properties) => handle.record({ kind: "register", method: "register", properties }),
  /** @type {(properties: any) => void} */
  registerOnce: (properties) => handle.record({ kind: "register_once", method: "registerOnce", properties }),
  /** @type {(name: any) => void} */
  unregister: (name) => handle.record({ kind: "unregister", method: "unregister", name }),
  /** @type {(name: any) => void} */
  time: (name) => handle.record({ kind: "time", method: "time", name }),
});

/** Metrics. @param {Handle} handle */
const metrics = (handle) => {
  /** @type {(type?: string) => (name: any, value?: any, options?: any) => void} */
  const kind = (type) => (name, value, options) => {
    if (handle.isOpen("recordMetric")) recordMetric(handle.client, name, value ?? (type === "counter" ? 1 : value), options, type);
  };
  return {
    recordMetric: kind(),
    increment: kind("counter"),
    gauge: kind("gauge"),
    distribution: kind("distribution"),
    /** @type {(name: any, work: any, options?: any) => any} */
    timing: (name, work, options) => timing(handle.client, name, work, options),
  };
};

/** What the visitor allows, and what he can have. @param {Handle} handle */
const privacy = ({ client }) => ({
  optIn: () => client.consent.set({ analytics: "granted", marketing: "granted" }),
  /** @type {(options?: any) => void} */
  optOut: (options) => client.consent.set({ analytics: "denied", marketing: "denied" }, options),
  /** @type {(choice: any) => void} */
  setConsent: (choice) => client.consent.set(choice),
  getConsent: () => client.consent.now,
  getAnonymousId: () => client.visitor.now().anonymousId,
  getUserId: () => client.visitor.now().userId,
  getSessionId: () => client.visitor.now().sessionId,
  /** All that this device holds of the project, as JSON. */
  async export() {
    client.calls.settle();
    const { storage } = client.host;
    /** @type {Record<string, unknown>} */
    const stored = {};
    for (const key of storage.keys(client.key("")).split("\n")) if (key) stored[key] = storage.get(key) ?? null;
    const all = { ...client.visitor.now(), consent: client.consent.now, stored, waiting: client.calls.records };
    // A page may have put a `toJSON` that throws on everything.
    return attempt(() => anyJson(all)) ?? "{}";
  },
  erase() {
    const { analytics, marketing } = client.consent;
    if (!client.engine.number) return client.forget();
    client.consent.set({ analytics: "denied", marketing: "denied" }, { erase: true });
    client.consent.set({ analytics, marketing });
  },
});

/** Asking, listening, extending, ending. @param {Handle} handle @param {() => object} all */
const service = (handle, all) => {
  const { client } = handle;
  return {
    flush: () => handle.flush(),
    /** @type {(options?: any) => Promise<any>} */
    shutdown: (options) => handle.shutdown(options),
    destroy: () => handle.destroy(),
    stats: () => handle.stats(),
    /** @type {(event: any, fn: any) => () => void} */
    on: (event, fn) => client.telling.on(event, fn),
    ready: client.awaited.promise,
    /** @type {(plugin: any) => void} */
    use: (plugin) => client.hooks.use(plugin, all()),
    /** @type {(name: any) => boolean} */
    unuse: (name) => client.hooks.unuse(name),
    breadcrumbs: () => [...client.crumbs.list],
    diagnose: () => client.diagnose(),
    /** @type {(name: any) => { pause(): void, resume(): void }} */
    destination(name) {
      /** @param {boolean} paused */
      const set = (paused) => {
        if (typeof name === "string") client.engine.invoke("destination", name, paused);
      };
      return { pause: () => set(true), resume: () => set(false) };
    },
  };
};

/**
 * The last resort: what still throws is our fault, not the page's.
 * @param {Client} client
 * @param {string} name
 * @param {Function} run
 */
const guarded = ({ telling }, name, run) => {
  /** @type {(a: any, b: any, c: any, d: any) => any} */
  return (a, b, c, d) => {
    try {
      return run(a, b, c, d);
    } catch (cause) {
      telling.error("internal", `${name}() failed (${describe(cause)}); please report it`);
    }
  };
};

/**
 * @param {Client} client
 * @param {Settings} own
 */
export const membersOf = (client, own) => {
  const handle = new Handle(client, own);
  /** @type {Record<string, any>} */
  const all = { ...calls(handle), ...metrics(handle), ...privacy(handle), ...service(handle, () => all) };
  for (const name of keysOf(all)) {
    if (typeof all[name] === "function" && name !== "timing") all[name] = guarded(client, name, all[name]);
  }
  return all;
};

