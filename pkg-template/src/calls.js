// @ts-check
// Calls on their way into the engine: those of one task cross together, in order. The format of a record is in the
// engine's src/intake/call.rs: kind, wall clock, monotonic clock, then tags with JSON values, separated by tabs.

import { soon } from "./builtins.js";

/** @typedef {import("./client").Client} Client */

const BURST_UNITS_MAX = 1 << 20; // a longer burst crosses in parts
const WAITING_UNITS_MAX = 8 << 20; // calls held until the engine is there
const PENDING_CALLS_MAX = 1_000; // calls held until the visitor has decided
const PENDING_UNITS_MAX = 1 << 20;

export class Calls {
  /** @type {string[]} the first of them are in the early log */
  records = [];
  units = 0;
  scheduled = false;
  /** What the last record said of the page. */
  page = "";

  /** @param {Client} client */
  constructor(client) {
    this.client = client;
  }

  /**
   * @param {string} kind
   * @param {string} tags
   */
  add(kind, tags) {
    const { host, visitor } = this.client;
    visitor.changed = true;
    const page = host.page();
    if (page !== this.page) {
      this.page = page;
      tags += `\tpage=${page}`;
    }
    this.push(`${kind}\t${host.wall()}\t${Math.floor(host.mono())}${tags}`);
  }

  /** @param {string} line */
  push(line) {
    const { client } = this;
    if (!this.makeRoom(line.length)) return;
    this.records.push(line);
    this.units += line.length;
    if (client.engine.number && this.units > BURST_UNITS_MAX) this.cross();
    else if (!this.scheduled) {
      this.scheduled = true;
      soon(() => this.settle());
    }
  }

  /** @param {number} units */
  makeRoom(units) {
    const { client } = this;
    if (client.engine.number) return true;
    if (this.units + units > WAITING_UNITS_MAX) {
      client.lose("early_log_full", 1, "too many calls for a client that is not ready; further ones are lost");
      return false;
    }
    if (client.consent.analytics === "pending") this.forgetOldest(units);
    return true;
  }

  /** Undecided, a page may be open for hours. @param {number} units */
  forgetOldest(units) {
    let gone = 0;
    while (
      gone < this.records.length &&
      (this.records.length - gone >= PENDING_CALLS_MAX || this.units + units > PENDING_UNITS_MAX)
    ) {
      this.units -= this.records[gone++].length;
    }
    if (!gone) return;
    this.records.splice(0, gone);
    this.page = ""; // the record that said it may be gone
    this.client.lose("early_log_full", gone, "consent is undecided; only the newest 1,000 calls are kept meanwhile");
  }

  /** The task is about to end. */
  settle() {
    this.scheduled = false;
    if (this.client.engine.number) this.cross();
    else this.client.log.keep();
  }

  cross() {
    const { engine, log } = this.client;
    if (!engine.number || !this.records.length) return;
    const burst = this.records;
    this.clear();
    engine.invoke("calls", burst.join("\n"));
    // Not kept for a next visit: they may be in the journal already, or break that engine too.
    if (!engine.number) this.client.count("wasm_trapped", burst.length);
    log.remove(); // they are in the journal now
  }

  /** Forgets what has not crossed. */
  clear() {
    this.records = [];
    this.units = this.client.log.kept = 0;
  }
}
