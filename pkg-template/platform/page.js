// @ts-check
// A page of a browser, as the facade knows it before the engine is there. The rest of the platform, which only the engine
// needs, is downloaded with the engine (full.js).

import { attempt } from "../src/builtins.js";
import { clock, wall } from "./page/clock.js";
import { PageNow, read, signals } from "./page/now.js";
import { Lifecycle } from "./page/lifecycle.js";
import { openStore } from "./page/storage.js";

/** @typedef {import("../src/client").Client} Client */
/** @typedef {import("../src/types").Host} Host */
/** @typedef {(source: unknown, attempts: number) => Promise<import("../src/types").EngineModule>} Load */

/** @type {string} a script that the page's policy has forbidden */
let forbidden = "";
/** @param {SecurityPolicyViolationEvent} event */
const note = ({ effectiveDirective, blockedURI }) => {
  if (effectiveDirective.startsWith("script-src") && blockedURI.includes("engine")) forbidden = blockedURI;
};

/** @implements {Host} */
class PageHost {
  landing = { url: read(() => location.href), referrer: read(() => document.referrer) };
  lifecycle = new Lifecycle();
  signals = signals;
  runtime = "browser";
  wall = () => attempt(wall) ?? 0;

  /** @param {Client} client @param {Load} load */
  constructor(client, load) {
    this.client = client;
    this.load = load;
    this.storage = openStore(client);
    this.now = new PageNow(client.own.captureUrl);
    attempt(() => document.addEventListener("securitypolicyviolation", note)); // to listen twice is to listen once
  }

  mono() {
    return clock.now();
  }

  page() {
    return this.now.read();
  }

  check() {
    this.lifecycle.check();
  }

  /** @param {(event: string) => void} hear */
  listen(hear) {
    this.lifecycle.listen(hear);
  }

  watchStorage() {
    this.lifecycle.watch(this.client.key("identity"));
  }

  stop() {
    this.lifecycle.stop();
  }

  /** @param {string} prefix */
  forget(prefix) {
    const { storage } = this;
    for (const key of storage.keys(prefix).split("\n")) if (key) storage.remove(key);
    storage.setMirror("");
  }

  /** Where a page is played by Node (jsdom), no timer of ours keeps a test from ending, unless it waits. @param {any} timer */
  unref(timer) {
    if (!this.client.questions.open.size) timer?.unref?.();
  }

  /** @param {any} cause */
  adviceOnLoading(cause) {
    if (forbidden) return `the page's CSP forbids ${forbidden}: add it to script-src; calls are kept for the next visit`;
    const isForbidden = attempt(() => /unsafe-eval|CSP|Content.Security/i.test(cause.message));
    return isForbidden
      ? "the page's CSP needs 'wasm-unsafe-eval' in script-src, or the entry `sendoff`, which can do without; calls are kept for the next visit"
      : "its file is missing, blocked or cut off: serve all files of the package; it is tried again, and calls are kept";
  }
}

/** An entry for pages. @param {Load} load */
export const pageEntry = (load) => ({
  isAvailable: () => typeof document !== "undefined",
  /** @param {Client} client @returns {Host} */
  open: (client) => new PageHost(client, load),
});
