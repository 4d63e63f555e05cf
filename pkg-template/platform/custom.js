// @ts-check
// Destinations that are JavaScript of the page: the engine sends them requests like to any other, and what they return
// counts: a promise that resolves moves on, one that rejects is a network error (backoff, and kept across reloads), and
// `{ retryAfter }` is obeyed. None hears an event twice in one page life unless it failed it.

import { isObject } from "../src/builtins.js";
import { registry } from "../src/registry.js";

/** @typedef {import("../src/types").Destination} Destination */

const HEARD_MAX = 10_000;
const UNAVAILABLE = 503;
const TOO_MANY = 429;
const OK = 200;

/** The seconds that a destination asks to be left alone, if it does. @param {any} answer */
const retryAfter = (answer) => {
  const seconds = isObject(answer) ? /** @type {any} */ (answer).retryAfter : undefined;
  return typeof seconds === "number" && seconds >= 0 ? seconds * 1_000 : undefined;
};

/** Hands over one event. @param {Destination} to @param {any} event */
const handOver = (to, event) => {
  if (event.name === "$identify" && to.identify) return to.identify(event.userId, event.properties);
  return to.track?.(event);
};

export class CustomDestinations {
  /** @type {Set<number>} */
  waiting = new Set();
  /** @type {Set<string>} destination and key of what was taken */
  heard = new Set();

  /** @param {import("./page/transport").Answered} answered */
  constructor(answered) {
    this.answered = answered;
  }

  /**
   * @param {number} id
   * @param {string} means
   * @param {string} name
   * @param {string} body
   */
  async send(id, means, name, body) {
    this.waiting.add(id);
    /** @type {[what: string, status?: number, retryAfterMs?: number]} */
    let outcome = ["network"];
    try {
      const to = registry().destinations[name];
      const wait = to ? await this.deliver(to, JSON.parse(body).events, means !== "fetch") : 0;
      if (!to) outcome = ["plain", UNAVAILABLE];
      else outcome = wait === undefined ? ["plain", OK] : ["plain", TOO_MANY, wait];
    } catch {}
    if (this.waiting.delete(id)) this.answered(id, ...outcome);
  }

  /** @param {number} id */
  cancel(id) {
    this.waiting.delete(id);
  }

  /**
   * Throws where one failed; gives how long to wait where it is asked for.
   * @param {Destination} to
   * @param {any[]} all
   * @param {boolean} exit
   */
  async deliver(to, all, exit) {
    const events = all.filter(({ idempotencyKey }) => !this.heard.has(`${to.name} ${idempotencyKey}`));
    if (to.batch) {
      const wait = retryAfter(await to.batch(events, { exit }));
      if (wait === undefined) for (const event of events) this.took(to, event);
      return wait;
    }
    // All are begun before any is waited for: a page that is left comes back to none of them.
    const answers = events.map((event) => this.deliverOne(to, event));
    /** @type {number | undefined} */
    let longest;
    /** @type {unknown[]} */
    const failures = [];
    for (const answer of answers) {
      try {
        const wait = await answer;
        if (wait !== undefined) longest = Math.max(longest ?? 0, wait);
      } catch (cause) {
        failures.push(cause);
      }
    }
    if (failures.length) throw failures[0];
    return longest;
  }

  /** @param {Destination} to @param {any} event */
  async deliverOne(to, event) {
    const wait = retryAfter(await handOver(to, event));
    if (wait === undefined) this.took(to, event);
    return wait;
  }

  /** @param {Destination} to @param {any} event */
  took(to, { idempotencyKey }) {
    this.heard.add(`${to.name} ${idempotencyKey}`);
    if (this.heard.size > HEARD_MAX) for (const first of this.heard) return void this.heard.delete(first);
  }
}
