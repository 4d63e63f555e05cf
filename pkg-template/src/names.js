// @ts-check
// What names of events should look like, if the page has said so.

import { attempt, bare, nothing } from "./builtins.js";

/** @typedef {import("./client").Client} Client */

const TOLD_MAX = 100;

/** @type {Record<string, RegExp>} */
const CONVENTIONS = bare({
  snake_case: /^[a-z][a-z\d]*(_[a-z\d]+)*$/,
  "dot.case": /^[a-z][a-z\d]*(\.[a-z\d]+)*$/,
});

export class Names {
  /** @type {Record<string, 1>} */
  told = nothing();
  count = 0;

  /** @param {Client} client */
  constructor(client) {
    this.client = client;
    const { nameConvention } = client.own;
    this.pattern = typeof nameConvention === "string" ? CONVENTIONS[nameConvention] : nameConvention;
    if (nameConvention && !attempt(() => (/** @type {any} */ (this.pattern).test(""), true))) {
      this.pattern = undefined;
      client.telling.error("config_wrong_type", 'config.nameConvention must be "snake_case", "dot.case" or a RegExp; it is ignored');
    }
  }

  /** Why a name is refused, if it is. @param {unknown} name */
  refusal(name) {
    if (!this.pattern || typeof name !== "string") return;
    this.pattern.lastIndex = 0;
    if (this.pattern.test(name)) return;
    const why = `the name does not follow nameConvention ${this.pattern}`;
    if (this.client.own.strictNames) return why;
    if (this.told[name] || this.count >= TOLD_MAX) return;
    this.told[name] = 1;
    this.count++;
    this.client.telling.error("name_convention", `${name.slice(0, 64)}: ${why}`);
  }
}
