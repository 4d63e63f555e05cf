// @ts-check
// Functions as `only` and `except` of a destination: asked at the call, once an event. The engine hears which destinations are
// not to have it, and remembers that with the event.

import { attempt, describe, isObject, member, parse } from "./builtins.js";
import { isDestinationName } from "./registry.js";
import { jsonOf } from "./text.js";

/** @typedef {import("./client").Client} Client */
/** @typedef {{ name: string, takes: (event: any) => boolean }} Filter */

/** What a function says of an event; `otherwise` where there is none. @param {any} ask @param {object} event @param {boolean} otherwise */
const say = (ask, event, otherwise) => {
  if (typeof ask !== "function") return otherwise;
  const said = ask(event);
  if (isObject(said)) throw new TypeError("it returned an object");
  return said;
};

/** The destinations that have such functions. @param {unknown} destinations @returns {Filter[]} */
export const filtersOf = (destinations) => {
  /** @type {Filter[]} */
  const filters = [];
  for (const one of Array.isArray(destinations) ? destinations : []) {
    attempt(() => {
      const [name, only, except] = [member(one, "name"), member(one, "only"), member(one, "except")];
      if (typeof only !== "function" && typeof except !== "function") return;
      if (!isDestinationName(name)) return; // the engine refuses it
      filters.push({ name, takes: (event) => say(only, event, true) && !say(except, event, false) });
    });
  }
  return filters;
};

/**
 * Which destinations are not to have a call's event, as a tag. A function that throws has said nothing.
 * @param {Client} client
 * @param {import("./record").Call} call
 */
export const notFor = (client, call) => {
  const names = [];
  let json;
  for (const { name, takes } of client.own.filters ?? []) {
    try {
      // Read once; each is given a copy.
      json ??= isObject(call.properties) ? /** @type {string} */ (jsonOf(call.properties)) : "{}";
      if (!takes({ type: call.method, name: call.event ?? call.name, properties: parse(json) })) names.push(name);
    } catch (cause) {
      client.telling.error("hook_failed", `only or except of ${name} said nothing (${describe(cause)}); return true or false`);
    }
  }
  return names.length ? `\tnot="${names.join(" ")}"` : "";
};
