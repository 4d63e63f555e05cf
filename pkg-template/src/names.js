// @ts-check
// What names of events should look like: no data, and what the page has said.

import { attempt, bare, nothing } from "./builtins.js";

/** @typedef {import("./client").Client} Client */

const KNOWN_MAX = 1_000;
const UNITS_MAX = 128; // of 64 characters; longer ones the engine refuses
/** Digits, or hex with a digit in it, of six or more (UUIDs have those); an e-mail address; a path with an id. */
const DATA = /\d{6}|(?:^|[^a-z\d])(?=[a-f]*\d)[\da-f]{6,}(?![a-z\d])|[^\s@]@[^\s@]|\/\w*\d/i;

/** @type {Record<string, RegExp>} */
const CONVENTIONS = bare({
  snake_case: /^[a-z][a-z\d]*(_[a-z\d]+)*$/,
  "dot.case": /^[a-z][a-z\d]*(\.[a-z\d]+)*$/,
});

export class Names {
  /** @type {Record<string, string>} names that were looked at, and why they break the convention */
  known = nothing();
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
    if (typeof name !== "string" || name.length > UNITS_MAX) return;
    const why = this.known[name] ?? this.judge(name);
    return this.client.own.strictNames ? why : undefined;
  }

  /** Warns of it, once a name: beyond so many, what they are like has been said. @param {string} name */
  judge(name) {
    let why = "";
    if (this.pattern) {
      this.pattern.lastIndex = 0;
      if (!this.pattern.test(name)) why = `the name does not follow nameConvention ${this.pattern}`;
    }
    if (this.count >= KNOWN_MAX) return why;
    this.known[name] = why;
    this.count++;
    const { telling, own } = this.client;
    const shown = name.slice(0, 64);
    if (why && !own.strictNames) telling.error("name_convention", `${shown}: ${why}`);
    if (DATA.test(name)) telling.error("name_looks_like_data", `${shown}: the name holds an id or a number; put what varies into properties`);
    return why;
  }
}
