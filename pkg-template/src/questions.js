// @ts-check
// Questions that are answered later: `flush` and `shutdown`. Each is answered, whatever becomes of the engine.

import { deferred } from "./builtins.js";

/** @typedef {import("./client").Client} Client */
/** @typedef {import("./types").FlushResult} FlushResult */
/** @typedef {{ resolve: (result: FlushResult) => void, timer: any, method: string, values: number[] }} Question */

export class Questions {
  lastId = 0;
  /** @type {Map<number, Question>} */
  open = new Map();

  /** @param {Client} client */
  constructor(client) {
    this.client = client;
  }

  /**
   * @param {string} method
   * @param {number} waitMs how long to wait for an engine
   * @param {number[]} values
   */
  ask(method, waitMs, ...values) {
    const { client } = this;
    const { promise, resolve } = /** @type {ReturnType<typeof deferred<FlushResult>>} */ (deferred());
    const id = ++this.lastId;
    client.calls.cross();
    const isLoading = client.state === "loading";
    if (isLoading) client.engine.load();
    const timer = isLoading ? setTimeout(() => this.answer(id), waitMs) : undefined;
    this.open.set(id, { resolve, timer, method, values: [id, ...values] });
    if (client.engine.number) client.engine.invoke(method, id, ...values);
    else if (!isLoading) this.answer(id);
    return promise;
  }

  /** The engine is there. */
  passOn() {
    this.open.forEach(({ method, values }) => this.client.engine.invoke(method, ...values));
  }

  /** There is no engine for now: nobody is to wait for it. */
  giveUp() {
    this.open.forEach((_, id) => this.answer(id));
  }

  /**
   * Without figures, of which `pending` is a part: what can be said without them.
   * @param {number} id
   * @param {number} [delivered]
   * @param {number} [pending]
   * @param {number} [dropped]
   */
  answer(id, delivered = 0, pending, dropped = 0) {
    const question = this.open.get(id);
    if (!question) return;
    this.open.delete(id);
    clearTimeout(question.timer);
    if (!this.open.size) this.client.engine.platform?.rest?.();
    const ok = pending === 0 && !dropped;
    question.resolve({ ok, delivered, pending: pending ?? this.client.stats().pending, dropped });
  }
}
