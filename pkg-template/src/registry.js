// @ts-check
// What all copies of this module on one page share: the clients by key, so that two of one key are one tab with one
// journal; those that have a name; the page's own destinations; and calls made before there is a client. It hangs on
// the page under a registered symbol. Of another copy's clients only `attach`, `destinationsChanged` and `flush` are called; a
// copy that speaks another protocol has a registry of its own.

import { attempt, bare, defineProperty, nothing } from "./builtins.js";

/** @typedef {import("./types").Registry} Registry */
/** @typedef {import("./types").Destination} Destination */

const PROTOCOL = 1;
const WAITING_MAX = 100;
const KEY = Symbol.for(`sendoff/${PROTOCOL}`);

/** @returns {Registry} */
export const registry = () => {
  const page = /** @type {any} */ (globalThis);
  if (!page[KEY]) {
    const value = { clients: nothing(), named: nothing(), destinations: nothing(), waiting: [] };
    // Out of the way of code that lists what is on the page, or freezes it.
    defineProperty(page, KEY, bare({ value, configurable: true }));
  }
  return page[KEY];
};

/** The client of that name; without one, the first that the page has made. @param {string} [name] */
export const getSendoff = (name) => {
  const { named, first } = registry();
  return (name === undefined ? first : named[`${name}`]) ?? null;
};

/**
 * A call for whichever client there is, or will be.
 * @param {string} method
 * @param {any[]} values
 */
export const callAny = (method, values) => {
  const client = /** @type {any} */ (getSendoff());
  if (client) return client[method](...values);
  const { waiting } = registry();
  if (waiting.length < WAITING_MAX) waiting.push([method, values]);
};

/** Every client that lives on the page. @param {(client: any) => void} run */
const eachClient = (run) => {
  for (const client of Object.values(registry().clients)) run(client);
};

/** @param {unknown} name @returns {name is string} */
export const isDestinationName = (name) => typeof name === "string" && /^[\w.-]{1,64}$/.test(name);

/** @param {any} destination */
export const registerDestination = (destination) => {
  const name = attempt(() => destination.name);
  const takes = attempt(() => destination.track ?? destination.batch);
  if (!isDestinationName(name) || typeof takes !== "function") return false;
  registry().destinations[name] = destination;
  eachClient((client) => client.destinationsChanged());
  return true;
};

/** @param {any} name */
export const unregisterDestination = (name) => {
  const { destinations } = registry();
  if (!destinations[`${name}`]) return false;
  delete destinations[`${name}`];
  eachClient((client) => client.destinationsChanged());
  return true;
};

export const listDestinations = () => Object.keys(registry().destinations);

/** All that waits, at all clients; each custom destination is asked to flush as well. */
export const flushTracking = async () => {
  /** @type {any[]} */
  const all = [];
  eachClient((client) => all.push(client.flush()));
  for (const one of all) await one;
  for (const destination of Object.values(registry().destinations)) {
    try {
      await destination.flush?.();
    } catch {}
  }
};
