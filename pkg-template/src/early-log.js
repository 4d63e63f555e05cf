// @ts-check
// The early log: calls in storage before there is an engine that could journal them. It is adopted like the journal of
// a dead tab, by this page's engine or by that of a next visit. One key, `sendoff:<project>:<tab>:e`: a line that says
// when it was begun, then the records as they are.

import { hex } from "./ids.js";
import { WITHHELD, isSuspect } from "./suspect.js";
import { attempt, parse, utf8Bytes } from "./builtins.js";

/** @typedef {import("./client").Client} Client */

const STORAGE_BYTES_MAX = 2 << 20; // as the engine's default
const STRANDED_BYTES_MAX = 256 << 10; // early logs of all pages on which the engine cannot run

/** What kind of call a record is of, and whom it names. @param {string} line */
const saysWho = (line) => {
  const [, user] = /\tuser=("(?:[^"\\]|\\.)*")/.exec(line) ?? [];
  return { kind: line.split("\t")[0], user: user && attempt(() => parse(user)) };
};

export class EarlyLog {
  /** How many of the calls that have not crossed are in it, and how many of those by their place alone. */
  kept = 0;
  withheld = 0;
  text = "";
  bytesMax = STORAGE_BYTES_MAX;
  written = false;

  /** @param {Client} client */
  constructor(client) {
    this.client = client;
    const room = +(client.options.maxStorageBytes ?? NaN);
    if (room >= 0 && room < this.bytesMax) this.bytesMax = room;
  }

  get key() {
    return this.client.key(`${this.client.tab}:e`);
  }

  /**
   * Goes on with what the stub in the page's head has kept (entries/stub.js): its calls, its tab and its log.
   * @param {any} stub
   */
  goOn(stub) {
    const { client } = this;
    const [, ...records] = stub.log.split("\n");
    client.tab = stub.tab;
    client.calls.page = stub.page;
    client.calls.records = records.map((/** @type {string} */ line) => line + client.visitor.foresee(saysWho(line)));
    client.calls.units = stub.log.length;
    this.text = stub.log;
    this.written = client.host.storage.get(this.key) === stub.log;
    this.kept = this.written ? records.length : 0;
    if (!this.written) this.text = "";
  }

  /** Brings it up to date, as far as there is room. */
  keep() {
    const { client } = this;
    if (client.consent.analytics !== "granted") return;
    const { records } = client.calls;
    let value = this.text || `2 ${client.host.wall()}`;
    let next = this.kept;
    let used = utf8Bytes(value);
    let { withheld } = this;
    for (; next < records.length; next++) {
      const suspect = isSuspect(client.options, records[next]);
      const line = suspect ? WITHHELD : records[next];
      if ((used += utf8Bytes(line) + 1) > this.bytesMax) break;
      value += `\n${line}`;
      withheld += +suspect;
    }
    if (next > this.kept && client.host.storage.set(this.key, value) === 0) {
      this.text = value;
      this.kept = next;
      this.withheld = withheld;
      this.written = true;
    }
    if (client.state === "failed") this.loseRest();
  }

  /** No engine will come for what has no room. */
  loseRest() {
    const { client } = this;
    const lost = client.calls.records.splice(this.kept).length;
    if (lost) client.lose("early_log_full", lost, "no storage left to keep calls for the next visit; they are lost");
  }

  remove() {
    if (this.written) this.client.host.storage.remove(this.key);
    this.written = false;
    this.text = "";
    this.kept = this.withheld = 0;
  }

  /** The engine cannot run: every page load may strand one more early log, so they share one allowance. */
  strand() {
    const { storage } = this.client.host;
    if (this.client.consent.analytics !== "granted") return;
    this.bytesMax = STRANDED_BYTES_MAX;
    for (const key of storage.keys(this.client.key("")).split("\n")) {
      if (key.endsWith(":e") && key !== this.key) this.bytesMax -= utf8Bytes(storage.get(key) ?? "");
    }
  }

  /** The numbers of the tab are used up in its journal; a call that is kept now needs one of its own. */
  begin() {
    this.remove();
    this.client.tab = hex(10);
    this.client.calls.page = "";
  }
}
