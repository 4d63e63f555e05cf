// @ts-check
// Workers of every kind (dedicated, shared, service, an extension's background): no document, no storage, nothing to hear of
// an end. What is kept lasts as long as the worker, so it flushes by count and by time as ever, and on `flush()`.

import { attempt } from "../src/builtins.js";
import { clock, wall } from "./page/clock.js";
import { signals } from "./page/now.js";
import { MemoryStore } from "./page/storage.js";

/** @typedef {import("../src/client").Client} Client */
/** @typedef {import("../src/types").Host} Host */
/** @typedef {import("./page").Load} Load */

/** @implements {Host} */
export class MemoryHost {
  storage = new MemoryStore();
  signals = signals;
  runtime = "worker";
  landing = {};
  wall = () => attempt(wall) ?? 0;

  /** @param {Client} client @param {Load} load */
  constructor(client, load) {
    this.client = client;
    this.load = load;
  }

  mono() {
    return clock.now();
  }

  /** There is none. */
  page() {
    return "";
  }

  check() {}

  /** @type {((event: Event) => void) | undefined} */
  on;

  /** @param {(event: string) => void} hear */
  listen(hear) {
    this.on = ({ type }) => hear(type);
    for (const name of ["online", "offline"]) attempt(() => addEventListener(name, /** @type {any} */ (this.on)));
  }

  stop() {
    for (const name of ["online", "offline"]) attempt(() => removeEventListener(name, /** @type {any} */ (this.on)));
  }

  /** @param {any} cause */
  adviceOnLoading(cause) {
    const mayNotCompile = attempt(() => /disallowed|unsafe-eval|Content.Security/i.test(cause.message));
    return mayNotCompile
      ? 'this runtime runs only modules that were compiled before: import wasm from "sendoff/sendoff.wasm", and give it as the option `wasm`'
      : "it is tried again; calls are kept meanwhile";
  }

  /** @param {string} prefix */
  forget(prefix) {
    for (const key of this.storage.keys(prefix).split("\n")) this.storage.remove(key);
  }
}

/** An entry for workers. @param {Load} load */
export const workerEntry = (load) => ({
  // Node has no `WorkerGlobalScope`, and bundlers that render on a server import this too.
  isAvailable: () => typeof (/** @type {any} */ (globalThis).WorkerGlobalScope) === "function",
  /** @param {Client} client @returns {Host} */
  open: (client) => new MemoryHost(client, load),
});
