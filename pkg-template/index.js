// @ts-check
// The facade: what a page holds in its hands. It never throws and never rejects, whatever it is
// given; it works before the WebAssembly is there; it lets the calls of one task cross into the
// engine together; and it keeps calls for the next visit where the engine cannot run at all.
// What becomes of an event is decided in the engine, not here. The API is described in index.d.ts.

const OPTIONS = (
  "apiKey endpoint flushInterval flushAt maxBatchSize maxQueueSize maxPayloadBytes maxRetries " +
  "retryBaseDelayMs timeout disableTimer autoFlushOnExit maxStorageBytes maxEventAgeMs " +
  "multiTabMode fetchImpl wasm debug onEventsDropped onDeliveryFailed onError"
).split(" ");
const EVENTS = ["leader", "delivered", "dropped", "error"];
// The engine tells lists of values; these are their names. The account has:
const STATS =
  "accepted adopted handedBack delivered dropped refused requests retries pending volatile storageBytes storage " +
  "breaker blocked role term leader tab peers lastSeq";

// UTF-16 units. The engine's limits are tighter and in bytes: these keep giant values out of it.
const TEXT_UNITS_MAX = 1024;
const PROPERTIES_UNITS_MAX = 32768;
const BURST_UNITS_MAX = 1 << 20; // a longer burst crosses in parts
const WAITING_UNITS_MAX = 8 << 20; // calls held until the engine is there
const DETAIL_UNITS_MAX = 200;
const STORAGE_BYTES_MAX = 2 << 20; // as the engine's default
const STRANDED_BYTES_MAX = 256 << 10; // early logs of all pages on which the engine cannot run
const REPEATS_MAX = 100; // an onError that makes the next bad call must not go on for ever
const FLUSH_WAIT_MS = 30_000; // for a flush asked before the engine is there
const SHUTDOWN_WAIT_MS = 5_000;

let loading;

/** One instance for the page, from the source of whichever client asks first. */
const load = (source) => {
  loading ||= (async () => {
    // @ts-ignore: made of wasm-bindgen's glue and loader.js; the build puts it into this file
    const glue = await import("./sendoff.js");
    await glue.default(source ?? new URL("./sendoff_bg.wasm", import.meta.url));
    return glue;
  })();
  loading.catch(() => (loading = undefined));
  return loading;
};

/** For what may be missing, blocked, full or hostile. */
const attempt = (run, otherwise) => {
  try {
    return run();
  } catch {
    return otherwise;
  }
};

/** @returns {any} */
const named = (names, values) => Object.fromEntries(names.split(" ").map((name, index) => [name, values[index]]));

const soon = (run) => void Promise.resolve().then(run);
const bytes = (string) => new TextEncoder().encode(string).length;

const hex = (length) => {
  const random = new Uint8Array(length);
  attempt(() => crypto.getRandomValues(random)) || random.forEach((_, i) => (random[i] = Math.random() * 256));
  return Array.from(random, (byte) => (byte + 256).toString(16).slice(1)).join("");
};

// Not crypto.randomUUID: pages on plain http do not have it.
const uuid = () => hex(16).replace(/(.{8})(.{4}).(.{3}).(.{3})/, "$1-$2-4$3-a$4-");

/** What was thrown, in words: it may be anything, also something that throws when looked at. */
const describe = (cause) =>
  attempt(() => String(cause?.message ?? cause), "unknown cause").slice(0, DETAIL_UNITS_MAX);

/** A name or an id. A wrong type becomes JSON that the engine refuses, without a look into it. */
const text = (value) => {
  // A half of a surrogate pair is no text for anybody who stores it.
  if (typeof value === "string") return JSON.stringify(value.replace(/\p{Cs}/gu, "\ufffd"));
  return value == null ? "" : "{}";
};

/** Milliseconds since 1970, `NaN` for what is no date. */
const millis = (time) => {
  if (time == null) return Date.now();
  return /^(string|number|object)$/.test(typeof time) ? attempt(() => +new Date(time), NaN) : NaN;
};

/** Properties as JSON text, empty where there are none; throws what JSON.stringify throws. */
const serialise = (properties) => {
  if (properties == null) return "";
  const json = JSON.stringify(properties);
  if (json === undefined) throw new TypeError(`a ${typeof properties} without a JSON form`);
  return json;
};

/** Copies the engine's options, and the facade's own. Each is read once, by name, and none is trusted. */
const readConfig = (input, options, own, error) => {
  if (typeof input === "string") options.apiKey = input;
  if (typeof input !== "object" || !input) return;
  for (const name of OPTIONS) {
    try {
      const value = input[name];
      if (value == null) continue;
      const target = /^(on|wasm|debug)/.test(name) ? own : options;
      if (!/^(on|fetch)/.test(name) || typeof value === "function") target[name] = value;
      else error("config_wrong_type", `config.${name} must be a function; it is ignored`);
    } catch (cause) {
      error("config_unreadable", `config.${name} threw (${describe(cause)}); the default is used`);
    }
  }
  for (const name of attempt(() => Object.keys(input), [])) {
    if (!OPTIONS.includes(name)) error("config_unknown", `config.${name.slice(0, 64)} is no option; check its name`);
  }
};

/** The members of one client. */
const start = (input) => {
  let engine; // its functions, once it is loaded
  let client; // this client's number there, while it runs
  let state = "inert"; // then loading, ready, failed or stopped
  let closed = false; // shutdown or destroy was called
  let ended; // what shutdown returned
  let over = false; // that is settled, or destroy was called
  let last; // stats at destroy
  const options = /** @type {any} */ ({}); // the engine's
  const config = /** @type {any} */ ({});
  let tab = hex(10);
  let project = "";
  let anonymousId = "";
  // Calls that have not crossed. The first `kept` of them are in the early log, which reads `early`.
  let records = [];
  let units = 0;
  let scheduled = false;
  let kept = 0;
  let early = "1 " + Date.now(); // when it was begun
  let earlyMax = STORAGE_BYTES_MAX;
  let reports = [];
  let lastId = 0;
  let settleReady;
  const refused = {}; // calls that the engine never hears of, by code
  const said = {}; // errors so far, by code
  const listeners = new Set();
  const waiting = new Map(); // flushes without an answer
  const ready = new Promise((resolve) => (settleReady = resolve));
  const key = (name) => `sendoff:${project}:${name}`;

  // Telling the page, always later: a report may come in the middle of a call into the engine,
  // and whoever hears of it may call again.

  const report = (values) => {
    if (reports.push(values) > 1) return;
    soon(() => reports.splice(0).forEach((one) => attempt(() => tell(...one))));
  };
  const error = (code, message) => report(["error", code, message]);

  const say = (code, message) => {
    said[code] = (said[code] || 0) + 1;
    if (said[code] > (config.debug ? REPEATS_MAX : 1)) return;
    attempt(() => console.warn(`[sendoff] ${code}: ${message}`));
  };

  const callback = (fn, ...values) => {
    try {
      fn?.(...values);
    } catch (cause) {
      say("callback_threw", `a callback given to sendoff threw (${describe(cause)}); catch it there`);
    }
  };

  const emit = (name, value) => [...listeners].forEach(([event, fn]) => event === name && callback(fn, value));

  const tell = (type, ...values) => {
    const [first, second] = values;
    if (type === "flushed") settle(...values);
    else if (type === "role") emit("leader", named("role leader term", values));
    else if (type === "delivered") emit(type, named("count tab from to", values));
    else if (type === "deliveryFailed") callback(config.onDeliveryFailed, named("status events", values));
    else if (type === "dropped") {
      say("dropped_" + second, `${first} events given up; see DropReason in index.d.ts`);
      callback(config.onEventsDropped, first, second);
      emit(type, named("count reason", values));
    } else if (type === "error") {
      say(first, second);
      if (said[first] > REPEATS_MAX) return;
      const value = Object.assign(new Error(second), { name: "SendoffError", code: first });
      callback(config.onError, value);
      emit(type, value);
    }
  };

  // Calls, on their way to the engine or into the early log.

  const count = (code, calls = 1) => (refused[code] = (refused[code] || 0) + calls);
  /** Reports the first loss of a kind and counts them all. */
  const lose = (code, calls, message) => {
    if (count(code, calls) === calls) error(code, message);
  };

  const refuse = (code, method, name, why) => {
    const given = typeof name === "string" ? name.slice(0, 64) : "";
    // Without what JSON would escape: the engine quotes the text as it stands.
    const detail = `${method}(${given}): ${why}`.replace(/[\s"\\]+/g, " ").slice(0, DETAIL_UNITS_MAX);
    if (client) return add(["x", Date.now(), code, JSON.stringify(detail)]);
    count(code);
    error(code, detail + "; not recorded, send plain JSON within the limits");
  };

  const record = (kind, method, time, name, userId, otherId, properties) => {
    if (state === "inert") return;
    if (closed) return lose("shut_down", 1, method + "() after shutdown or destroy; create a new client");
    const at = millis(time);
    for (const value of [name, userId, otherId]) {
      if (typeof value !== "string" || value.length <= TEXT_UNITS_MAX) continue;
      const code = value === name ? "name_too_long" : "user_id_too_long";
      return refuse(code, method, name, `${value.length} characters`);
    }
    try {
      const json = serialise(properties);
      if (json.length <= PROPERTIES_UNITS_MAX) add([kind, at, text(name), text(userId), text(otherId), json]);
      else refuse("properties_too_large", method, name, `${json.length} characters of JSON`);
    } catch (cause) {
      refuse("properties_not_serializable", method, name, describe(cause));
    }
  };

  const add = (fields) => {
    const line = fields.join("\t");
    if (units + line.length > WAITING_UNITS_MAX) {
      return lose("early_log_full", 1, "too many calls for a client that is not ready; further ones are lost");
    }
    records.push(line);
    units += line.length;
    if (client && units > BURST_UNITS_MAX) cross();
    else if (!scheduled) {
      scheduled = true;
      soon(() => {
        scheduled = false;
        client ? cross() : keep();
      });
    }
  };

  /** Runs a method of the engine. If it throws, the engine is broken for good. */
  const invoke = (method, ...values) => {
    try {
      return client && engine[method](client, ...values);
    } catch (cause) {
      fail("wasm_trapped", `the engine broke in ${method} (${describe(cause)}); please report it`);
    }
  };

  /** What goes on in the page, for the engine: not before `start` has returned. */
  const hear = (...said) => (client ? invoke("heard", ...said) : soon(() => invoke("heard", ...said)));

  const cross = () => {
    if (!client || !records.length) return;
    const burst = records;
    records = [];
    units = kept = 0;
    invoke("calls", burst.join("\n"));
    // Not kept for a next visit: they may be in the journal already, or break that engine too.
    if (!client) count("wasm_trapped", burst.length);
  };

  /** Brings the early log up to date, as far as there is room. */
  const keep = () => {
    let value = early;
    let next = kept;
    let used = bytes(value);
    while (next < records.length && (used += bytes(records[next]) + 1) <= earlyMax) value += "\n" + records[next++];
    attempt(() => {
      if (next > kept) localStorage.setItem(key(tab + ":e"), value);
      early = value;
      kept = next;
    });
    const lost = state === "failed" ? records.splice(kept).length : 0;
    if (lost) lose("early_log_full", lost, "no storage left to keep calls for the next visit; they are lost");
  };

  /** From here on there is no engine, and calls are kept for a visit that has one. */
  const fail = (code, message) => {
    client = undefined;
    state = "failed";
    error(code, message);
    if (code === "wasm_trapped") {
      // The numbers of this tab are used up in its journal; a kept call needs one of its own.
      tab = hex(10);
      early = "1 " + Date.now();
      kept = 0;
    }
    // Every page load may strand one more early log, so they share one allowance.
    earlyMax = STRANDED_BYTES_MAX;
    attempt(() =>
      Object.keys(localStorage)
        .filter((name) => name.startsWith(key("")) && name.endsWith(":e") && name !== key(tab + ":e"))
        .forEach((name) => (earlyMax -= bytes(localStorage.getItem(name)))),
    );
    keep();
    giveUp(code);
  };

  const open = (glue) => {
    if (state !== "loading") return;
    engine = glue;
    client = engine.start(options, { tab, project, anonymous: anonymousId, report, hear });
    state = "ready";
    const log = kept && key(tab + ":e");
    cross(); // the engine has journalled them when it returns
    if (log) attempt(() => localStorage.removeItem(log));
    waiting.forEach(({ method, values }) => invoke(method, ...values));
    settleReady({ ok: true, code: null });
  };

  // Questions that are answered later.

  const ask = (method, ms, ...values) =>
    new Promise((resolve) => {
      const id = ++lastId;
      cross();
      const timer = state === "loading" && setTimeout(() => settle(id), ms);
      waiting.set(id, { resolve, timer, method, values: [id, ...values] });
      if (client) invoke(method, id, ...values);
      else if (state !== "loading") settle(id);
    });

  /** Without an answer, of which `pending` is a part: what can be said without one. */
  const settle = (id, delivered = 0, pending, dropped = 0) => {
    const { resolve, timer } = waiting.get(id) ?? {};
    if (!waiting.delete(id)) return;
    clearTimeout(timer);
    resolve({ ok: pending === 0 && !dropped, delivered, pending: pending ?? stats().pending, dropped });
  };

  /** There is no engine and will be none: nobody is to wait for it. */
  const giveUp = (code) => {
    waiting.forEach((_, id) => settle(id));
    settleReady({ ok: false, code });
  };

  const stats = () => {
    cross();
    const pending = records.length;
    // prettier-ignore
    const all = named(STATS, invoke("stats") ?? last ?? [
      pending, 0, 0, 0, {}, {}, 0, 0, pending, pending - kept, kept && bytes(early), kept ? "local" : "memory",
      "closed", false, state, 0, null, tab, [], 0,
    ]);
    const sum = { ...all.refused };
    for (const code in refused) sum[code] = (sum[code] || 0) + refused[code];
    return { ...all, role: over ? "stopped" : all.role, refused: sum };
  };

  /** `track` in both its forms; `given` may be anything. */
  const track = (given, properties, options) => {
    const isObject = typeof given === "object" && given !== null;
    let name = given;
    let extra;
    try {
      if (isObject) ({ event: name, properties } = given);
      const { userId, anonymousId, timestamp } = (isObject ? given : options) ?? {};
      extra = [userId, anonymousId, timestamp];
    } catch (cause) {
      if (state !== "inert") refuse("properties_not_serializable", "track", name, describe(cause));
      return;
    }
    record("t", "track", extra[2], name, extra[0], extra[1], properties);
  };

  const shutdown = (options) => {
    const given = attempt(() => options.timeoutMs);
    const wait = typeof given === "number" && given >= 0 ? Math.min(given, 2 ** 31 - 1) | 0 : SHUTDOWN_WAIT_MS;
    ended ??= ask("shutdown", wait, wait).finally(() => (over = true));
    closed = true;
    return ended;
  };

  const destroy = () => {
    if (state === "inert" || state === "stopped") return;
    closed = true;
    cross();
    last = invoke("stats");
    over = true;
    invoke("destroy");
    if (!client) keep();
    client = undefined;
    state = "stopped";
    giveUp("destroyed");
  };

  const on = (event, fn) => {
    const entry = [event, fn];
    if (EVENTS.includes(event) && typeof fn === "function") listeners.add(entry);
    else error("listener_invalid", `on() takes one of ${EVENTS.join(", ")} and a function`);
    return () => void listeners.delete(entry);
  };

  const begin = () => {
    readConfig(input, options, config, error);
    const { apiKey, maxStorageBytes: room } = options;
    if (typeof apiKey === "string" && apiKey.length <= TEXT_UNITS_MAX) {
      project = attempt(() => encodeURIComponent(apiKey), "");
    }
    if (!project) {
      error("missing_api_key", "config.apiKey is missing: nothing is recorded; pass your project's key");
      return giveUp("missing_api_key");
    }
    state = "loading";
    if (typeof room === "number" && room >= 0 && room < earlyMax) earlyMax = room;
    // The engine takes the stored identity or this proposal, so the answer never changes.
    const [version, id, user] = attempt(() => localStorage.getItem(key("identity")).split("\n"), []);
    anonymousId = (version === "1" && user != null && id) || uuid();
    load(config.wasm)
      .then(open)
      .catch((cause) => {
        if (state !== "loading") return;
        const advice = "check CSP and sendoff_bg.wasm; calls are kept for the next visit";
        fail("wasm_load_failed", `the engine did not start (${describe(cause)}); ${advice}`);
      });
  };

  // Server-side rendering and workers: the same client, which does nothing.
  if (typeof document === "undefined") giveUp("no_document");
  else {
    begin();
    // Before the engine hears of it: where a frame is torn down no microtask runs any more.
    attempt(() => addEventListener("pagehide", () => (client ? cross() : keep()), true));
  }

  return {
    track,
    identify: (userId, traits) => record("i", "identify", null, null, userId, null, traits),
    alias: (newUserId, previousId) => record("a", "alias", null, null, newUserId, previousId),
    flush: () => ended ?? ask("flush", FLUSH_WAIT_MS),
    shutdown,
    destroy,
    stats,
    getAnonymousId: () => (anonymousId = invoke("anonymousId") || anonymousId),
    on,
    ready,
  };
};

export class Sendoff {
  constructor(config) {
    // Closures: they work as event handlers, taken apart, and behind a framework's Proxy.
    Object.assign(this, start(config));
  }
}

export default Sendoff;
