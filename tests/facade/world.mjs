// A page for the facade to run in, in Node: a document, a localStorage, a console that is listened to, and in place
// of the generated loader one that hands out a recording engine. The facade under test is minified by what makes the
// script that ships; only the loader in it is another. What this cannot show, real storage, real wasm and real page
// endings, is shown by tests/e2e.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

import { makeScript } from "../../pkg-template/script.mjs";

/** The facade and its declarations as they are written, and the package as it ships. */
export const PACKAGE = fileURLToPath(new URL("../../pkg-template/", import.meta.url));
export const SHIPPED = fileURLToPath(new URL("../../pkg/", import.meta.url));

// What the loader does is decided by each test, through a global.
const METHODS = ["calls", "flush", "heard", "shutdown", "destroy", "stats", "anonymousId"];
const LOADER = `
const init = (source) => globalThis.fakeLoader.init(source);
const start = (...values) => globalThis.fakeLoader.open(...values);
${METHODS.map((name) => `const ${name} = (client, ...values) => client.${name}(...values);`).join("\n")}
export { init as default, start, ${METHODS.join(", ")} };
`;

const folder = mkdtempSync(join(tmpdir(), "sendoff-facade-"));
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
writeFileSync(join(folder, "package.json"), '{"type":"module"}');
const { code } = await makeScript(readFileSync(join(PACKAGE, "index.js"), "utf8"), { code: LOADER });
writeFileSync(join(folder, "index.js"), code);
let pages = 0;

/** Long enough for every microtask that is queued, and those they queue. */
export const turn = () => new Promise((resolve) => setImmediate(resolve));

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

/** The engine's side of the boundary: it records, and answers as the real one would. */
export class FakeEngine {
  crossings = [];
  asked = [];
  gone = false;
  /** Method → what it throws instead of answering. */
  broken = new Map();

  constructor(config, host) {
    Object.assign(this, { config, host });
  }

  #enter(method, ...values) {
    this.asked.push([method, ...values]);
    if (this.broken.has(method)) throw this.broken.get(method);
  }

  get lines() {
    return this.crossings.flatMap((text) => text.split("\n"));
  }

  calls(text) {
    this.#enter("calls");
    this.onCalls?.(text);
    this.crossings.push(text);
  }

  flush(id) {
    this.#enter("flush", id);
    if (!this.silent) this.host.report(["flushed", id, this.lines.length, 0, 0]);
  }

  shutdown(id, timeoutMs) {
    this.#enter("shutdown", id, timeoutMs);
    if (!this.silent) this.host.report(["flushed", id, this.lines.length, 0, 0]);
  }

  destroy() {
    this.#enter("destroy");
    this.gone = true;
  }

  stats() {
    this.#enter("stats");
    const accepted = this.lines.filter((line) => line[0] !== "x").length;
    const refused = {};
    for (const [kind, , code] of this.lines.map((line) => line.split("\t"))) {
      if (kind === "x") refused[code] = (refused[code] ?? 0) + 1;
    }
    // In the order of the real one's `Engine::describe`.
    // prettier-ignore
    return [
      accepted, 0, 0, 0, {}, refused, 0, 0, accepted, 0, 0, "local", "closed", false, "leader", 1, this.host.tab,
      this.host.tab, [], accepted,
    ];
  }

  heard(...said) {
    this.#enter("heard", ...said);
  }

  anonymousId() {
    this.#enter("anonymousId");
    return this.host.anonymous;
  }
}

/**
 * A page, gone again when the test ends. `hold`: the loader waits for `page.load()` (or `page.load(error)`).
 * `storage`: `null` for a page where the browser blocks it. `page.prepare` is given each engine as it is made.
 */
export async function openPage(t, { hold = false, storage = new FakeStorage() } = {}) {
  const page = { storage, engines: [], inits: [], said: [] };
  let load;
  const gate = new Promise((resolve, reject) => {
    load = (error) => (error === undefined ? resolve() : reject(error));
  });
  gate.catch(() => {}); // for a page that fails before anything loads
  page.load = async (error) => {
    load(error);
    await turn();
  };
  if (!hold) load();
  const globals = {
    document: { value: {} },
    localStorage: {
      get() {
        if (storage === null) throw new DOMException("blocked", "SecurityError");
        return storage;
      },
    },
    fakeLoader: {
      value: {
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
    await turn(); // a client made last has asked this page's loader by then, not the next page's
    Object.keys(globals).forEach((name) => delete globalThis[name]);
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
