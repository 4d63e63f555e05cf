// @ts-check
// Telling the page: callbacks, listeners and the console. Always later than what it tells of, since a report may come in
// the middle of a call into the engine, and whoever hears of it may call again.

import { attempt, define, describe, nothing, soon } from "./builtins.js";

/** @typedef {import("./types").Report} Report */

export const EVENTS = ["leader", "delivered", "dropped", "deliveryFailed", "error", "consent", "breadcrumb"];

const REPEATS_MAX = 100; // an onError that makes the next bad call must not go on for ever

/**
 * What `onError` gets. Its name is defined, not assigned: `Error.prototype` may be frozen.
 * @param {string} code
 * @param {string} message
 */
const sendoffError = (code, message) => {
  const error = new Error(message);
  define(error, "name", "SendoffError");
  define(error, "code", code);
  return error;
};

/** What is told of a report: its members without the type. @param {Report} report */
const told = ({ type, ...rest }) => rest;

export class Telling {
  debug = false;
  /** @type {Record<string, number>} errors so far, by code */
  said = nothing();
  /** @type {{ event: string, fn: Function, spread?: boolean }[]} */
  listeners = [];
  /** @type {Report[]} */
  waiting = [];

  /** @param {Report} report */
  report(report) {
    if (this.waiting.push(report) === 1) soon(() => this.tellAll());
  }

  tellAll() {
    const reports = this.waiting;
    this.waiting = [];
    for (const report of reports) attempt(() => this.tell(report));
  }

  /**
   * Something was wrong: to `onError`, `on("error")` and, once a code, the console.
   * @param {string} code
   * @param {string} message
   */
  error = (code, message) => this.report({ type: "error", code, message });

  /**
   * On the console: what is wrong and what to do, in one line and once a code.
   * @param {string} code
   * @param {string} message
   */
  say(code, message) {
    const times = (this.said[code] = (this.said[code] || 0) + 1);
    if (times <= (this.debug ? REPEATS_MAX : 1)) attempt(() => console.warn(`[sendoff] ${code}: ${message}`));
    return times;
  }

  /** @param {Report} report */
  tell(report) {
    const { type } = report;
    if (type === "error") {
      const { code, message } = report;
      if (this.say(code, message) <= REPEATS_MAX) this.emit(type, sendoffError(code, message));
      return;
    }
    this.emit(type === "role" ? "leader" : type, told(report));
  }

  /** @param {string} event @param {any} value */
  emit(event, value) {
    for (const one of [...this.listeners]) if (one.event === event) this.call(one.fn, value);
  }

  /** @param {Function} fn @param {any} value */
  call(fn, value) {
    try {
      fn(value);
    } catch (cause) {
      this.say("callback_threw", `a callback given to sendoff threw (${describe(cause)}); catch it there`);
    }
  }

  /**
   * Listens until what it returns is called.
   * @param {any} event
   * @param {any} fn
   */
  on(event, fn) {
    const entry = { event, fn };
    if (EVENTS.includes(event) && typeof fn === "function") this.listeners.push(entry);
    else this.error("listener_invalid", `on() takes one of ${EVENTS.join(", ")} and a function`);
    return () => {
      this.listeners = this.listeners.filter((one) => one !== entry);
    };
  }
}
