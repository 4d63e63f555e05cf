// A page for the facade to run in, in Node: a document, a localStorage, a console that is listened to, and in place
// of the engine's module one that hands out a recording engine. The facade under test is the entry `sendoff`, minified by
// what makes the script that ships; only the module beside it is another. What this cannot show, real storage, real wasm
// and real page endings, is shown by tests/e2e.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

import { bundle } from "../../pkg-template/bundle.mjs";

/** The declarations as they are written, and the package as it ships. */
export const PACKAGE = fileURLToPath(new URL("../../pkg-template/", import.meta.url));
export const SHIPPED = fileURLToPath(new URL("../../pkg/", import.meta.url));

// What the engine's module does is decided by each test, through a global.
const METHODS = ["calls", "flush", "shutdown", "destroy", "answered", "peer", "page_event", "stored", "destination", "wake"];
const ENGINE = `
const open = [undefined];
export default (source) => globalThis.fakeLoader.init(source);
export const openPlatform = (client) => ({
  report: (json) => client.report(json),
  transport: { seen: { url: "", what: "", status: 0 }, hurry() {}, tellActivated() {} },
});
export const factsOf = (client) => globalThis.fakeLoader.json({ tab: client.tab, project: client.project, ...client.visitor.proposal() });
export const diagnose = async () => [];
export const explain = async () => {};
export { adviseOnDrop } from ${JSON.stringify(new URL("../../pkg-template/platform/diagnose.js", import.meta.url).href)};
export const start = (...values) => open.push(globalThis.fakeLoader.open(...values)) - 1;
${[...METHODS, "stats", "visitor"].map((name) => `export const ${name} = (client, ...values) => open[client].${name}(...values);`).join("\n")}
`;

const folder = mkdtempSync(join(tmpdir(), "sendoff-facade-"));
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
writeFileSync(join(folder, "package.json"), '{"type":"module"}');
const scripts = await bundle("index.js", {});
writeFileSync(join(folder, "index.js"), scripts["index.js"]);
writeFileSync(join(folder, "engine.js"), ENGINE);
// Once it is there, it takes no more than microtasks to import it.
await import(pathToFileURL(join(folder, "engine.js")));
let pages = 0;
/** Under which the clients of a page find each other. */
const SHARED = Symbol.for("sendoff/1");

/** What the page has by importing the package a second time, from elsewhere. */
export const anotherCopy = () => import(`${pathToFileURL(join(folder, "index.js"))}?copy=${++pages}`);

/** Long enough for every microtask that is queued, and those they queue. */
export const turn = () => new Promise((resolve) => setImmediate(resolve));

/** A module is imported from a file, which takes as long as it takes; at most so many turns. */
export const until = async (is, turns = 20_000) => {
  for (let n = 0; n < turns && !is(); n++) await turn();
};

/** As in a browser: the keys are its own enumerable properties, and a write may be refused. */
export class FakeStorage {
  static full = new WeakSet();
  static writes = new WeakMap();

  getItem(key) {
    return Object.hasOwn(this, key) ? this[key] : null;
  }

  setItem(key, value) {
    if (FakeStorage.full.has(this)) throw new DOMException("no room", "QuotaExceededError");
    FakeStorage.writes.set(this, (FakeStorage.writes.get(this) ?? 0) + 1);
    this[key] = String(value);
  }

  removeItem(key) {
    delete this[key];
  }
}

/** As far as it is looked at. */
class FakeDocument extends EventTarget {
  documentElement = {};
  title = "";
  referrer = "";
  hidden = false;

  /** What `document.open()` does: the listeners are gone, those of the window too, and there is a new root. */
  rewrite() {
    this.documentElement = {};
    this.onRewrite?.();
  }
}

/** The engine's side of the boundary: it records, and answers as the real one would. */
export class FakeEngine {
  crossings = [];
  asked = [];
  gone = false;
  /** Method → what it throws instead of answering. */
  broken = new Map();

  constructor(platform, config, facts) {
    Object.assign(this, { platform, config: JSON.parse(config), facts: JSON.parse(facts) });
  }

  #enter(method, ...values) {
    this.asked.push([method, ...values]);
    if (this.broken.has(method)) throw this.broken.get(method);
  }

  get lines() {
    return this.crossings.flatMap((text) => text.split("\n"));
  }

  /** Tells the facade. */
  report(type, values = {}) {
    this.platform.report(json({ type, ...values }));
  }

  calls(text) {
    this.#enter("calls");
    this.onCalls?.(text);
    this.crossings.push(text);
  }

  #flushed(id) {
    if (!this.silent) this.report("flushed", { id, delivered: this.lines.length, pending: 0, dropped: 0 });
  }

  flush(id) {
    this.#enter("flush", id);
    this.#flushed(id);
  }

  shutdown(id, timeoutMs) {
    this.#enter("shutdown", id, timeoutMs);
    this.#flushed(id);
  }

  destroy() {
    this.#enter("destroy");
    this.gone = true;
  }

  stats() {
    this.#enter("stats");
    const accepted = this.lines.filter((line) => !line.startsWith("refused")).length;
    const refused = {};
    for (const { kind, code } of this.lines.map(readRecord)) if (kind === "refused") refused[code] = (refused[code] ?? 0) + 1;
    return json({
      ...{ accepted, adopted: 0, handedBack: 0, delivered: 0, pending: accepted, dropped: {}, refused, sampled: 0, volatile: 0 },
      ...{ requests: 0, retries: 0, storageBytes: 0, storage: "local", breaker: "closed", blocked: false, role: "leader" },
      ...{ term: 1, leader: this.facts.tab, tab: this.facts.tab, peers: [], lastSeq: accepted, destinations: {} },
      metrics: { recorded: 0, delivered: 0, pending: 0, dropped: 0 },
    });
  }

  page_event(name) {
    this.#enter("page_event", name);
  }

  stored() {
    this.#enter("stored");
  }

  destination(...values) {
    this.#enter("destination", ...values);
  }

  visitor() {
    this.#enter("visitor");
    const { anonymousId, sessionId } = this.facts;
    return json({ anonymousId, userId: null, sessionId });
  }
}

const { stringify } = JSON;
/** As JSON.stringify, whatever the page has made of that. */
function json(value) {
  if (typeof value !== "object" || value === null) return stringify(value);
  if (Array.isArray(value)) return `[${value.map(json)}]`;
  return `{${Object.entries(value).map(([name, one]) => `${stringify(name)}:${json(one)}`)}}`;
}

/** A record by its tags; those that are JSON are read. */
export function readRecord(line) {
  const [kind, wall, mono, ...tags] = line.split("\t");
  const read = { kind, wall, mono };
  for (const tag of tags) {
    const at = tag.indexOf("=");
    read[tag.slice(0, at)] = tag.slice(at + 1);
  }
  return read;
}

/**
 * A page, gone again when the test ends. `hold`: the loader waits for `page.load()` (or `page.load(error)`).
 * `storage`: `null` for a page where the browser blocks it. `page.prepare` is given each engine as it is made.
 */
export async function openPage(t, { hold = false, storage = new FakeStorage() } = {}) {
  delete globalThis[SHARED];
  const page = { storage, engines: [], inits: [], said: [] };
  let load;
  const gate = new Promise((resolve, reject) => {
    load = (error) => (error === undefined ? resolve() : reject(error));
  });
  gate.catch(() => {}); // for a page that fails before anything loads
  page.load = async (error) => {
    load(error);
    await until(() => page.inits.length, 500); // the engine is asked for in a task of its own
    await turn();
  };
  if (!hold) load();
  page.document = new FakeDocument();
  page.window = new EventTarget();
  page.document.onRewrite = () => (page.window = new EventTarget());
  page.go = (href, title) => {
    const { pathname, search, origin, protocol } = new URL(href);
    page.location = { href, pathname, search, origin, protocol };
    page.document.title = title;
  };
  const globals = {
    document: { value: page.document },
    window: { get: () => page.window },
    location: { get: () => page.location },
    localStorage: {
      get() {
        if (storage === null) throw new DOMException("blocked", "SecurityError");
        return storage;
      },
    },
    fakeLoader: {
      value: {
        json,
        init(source) {
          page.inits.push(source);
          return gate;
        },
        open(...values) {
          const engine = new FakeEngine(...values);
          page.prepare?.(engine);
          page.engines.push(engine);
          return engine;
        },
      },
    },
  };
  for (const [name, descriptor] of Object.entries(globals)) {
    Object.defineProperty(globalThis, name, { ...descriptor, configurable: true });
  }
  t.mock.method(console, "warn", (...values) => page.said.push(values.join(" ")));
  t.after(async () => {
    // A client made last is not to ask the next page's loader.
    for (const client of Object.values(globalThis[SHARED]?.clients ?? {})) client.destroy();
    await turn();
    Object.keys(globals).forEach((name) => delete globalThis[name]);
    delete globalThis[SHARED];
  });
  const url = pathToFileURL(join(folder, "index.js"));
  page.module = await import(`${url}?page=${++pages}`);
  page.Sendoff = page.module.Sendoff;
  /** A client of this page that is ready, and its engine. */
  page.start = async (config = "demo") => {
    const client = new page.Sendoff(config);
    await client.ready;
    return { client, engine: page.engines.at(-1) };
  };
  page.earlyLogs = () => Object.keys(storage ?? {}).filter((key) => /^sendoff:[^:]+:[0-9a-f]{20}:e$/.test(key));
  return page;
}
