// @ts-check
// Node, Deno, Bun and edge runtimes: memory for storage, and no timer of ours keeps a program from ending.

import { MemoryHost } from "./worker.js";

/** @typedef {import("../src/client").Client} Client */
/** @typedef {import("../src/types").Host} Host */

class NodeHost extends MemoryHost {
  /** @override */
  runtime = "node";

  /** @override */
  listen() {}

  /** @param {any} timer */
  unref(timer) {
    timer?.unref?.();
  }
}

/** @param {import("./page").Load} load */
export const nodeEntry = (load) => ({
  isAvailable: () => true,
  /** @param {Client} client @returns {Host} */
  open: (client) => new NodeHost(client, load),
});
