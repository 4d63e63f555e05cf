// @ts-check
// `nameConvention` as a regular expression, which cannot cross into the engine; the named conventions are judged there.

import { nothing } from "./builtins.js";

/** @typedef {import("./client").Client} Client */

const TOLD_MAX = 100;

export class Names {
  /** @type {Record<string, 1>} */
  told = nothing();
  count = 0;

  /** @param {Client} client */
  constructor(client) {
    this.client = client;
    this.pattern = client.own.nameConvention;
  }

  /** Why a name is refused, if it is. @param {unknown} name */
  refusal(name) {
    if (!this.pattern || typeof name !== "string") return;
    this.pattern.lastIndex = 0;
    if (this.pattern.test(name)) return;
    const why = `the name does not follow nameConvention ${this.pattern}`;
    if (this.client.flag("strictNames")) return why;
    if (this.told[name] || this.count >= TOLD_MAX) return;
    this.told[name] = 1;
    this.count++;
    this.client.telling.error("name_convention", `${name.slice(0, 64)}: ${why}`);
  }
}
