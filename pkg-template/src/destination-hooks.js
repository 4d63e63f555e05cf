// @ts-check
// Functions of a destination: `only` and `except`, which say whether it is to have an event, and `beforeSend`, which may change
// it for that destination alone. They are asked at the call, once an event. What they say the engine remembers with the event.

import { attempt, bare, describe, isObject, keysOf, member, nothing, parse } from "./builtins.js";
import { answerOf } from "./hooks.js";
import { isDestinationName } from "./registry.js";
import { jsonOf, limitedJson } from "./text.js";

/** @typedef {import("./client").Client} Client */
/** @typedef {import("./types").HookEvent} HookEvent */
/** @typedef {{ name: string, only?: unknown, except?: unknown, beforeSend?: unknown }} DestinationHooks */

const HOOKS = /** @type {const} */ (["only", "except", "beforeSend"]);

/** The destinations that have such functions. @param {unknown} destinations @returns {DestinationHooks[]} */
export const destinationHooksOf = (destinations) => {
  /** @type {DestinationHooks[]} */
  const all = [];
  for (const given of Array.isArray(destinations) ? destinations : []) {
    attempt(() => {
      /** @type {DestinationHooks} */
      const one = { name: member(given, "name") };
      for (const hook of HOOKS) {
        const value = member(given, hook);
        if (typeof value === "function") one[hook] = value;
      }
      // The engine refuses a name that is none.
      if (keysOf(one).length > 1 && isDestinationName(one.name)) all.push(one);
    });
  }
  return all;
};

/** What a function says of an event; `otherwise` where there is none. @param {any} ask @param {string} json @param {boolean} otherwise */
const say = (ask, json, otherwise) => {
  if (!ask) return otherwise;
  const said = ask(parse(json));
  if (isObject(said)) throw new TypeError("it returned an object");
  return said;
};

/** What is other in properties, or new, and the names of what is gone from them. @param {any} given @param {any} answer */
const changesOf = (given, answer) => {
  const changed = nothing();
  for (const name of keysOf(answer)) if (jsonOf(answer[name]) !== jsonOf(given[name])) changed[name] = answer[name];
  return { changed, without: keysOf(given).filter((name) => !(name in answer)) };
};

/**
 * What a hook made of an event, as far as that is another, as members of JSON. `null` where it dropped the event.
 * @param {any} beforeSend
 * @param {string} json the event
 */
const editOf = (beforeSend, json) => {
  const answer = answerOf(beforeSend, json);
  if (!answer) return null;
  const given = parse(json);
  const { changed, without } = changesOf(bare(given.properties), bare(parse(limitedJson(answer.properties ?? {}))));
  let edit = "";
  // As for hooks of the client: only what `track` has named may be named anew.
  if (given.type === "track" && answer.name !== given.name) edit += `,"name":${jsonOf(answer.name)}`;
  if (keysOf(changed).length) edit += `,"properties":${jsonOf(changed)}`;
  if (without.length) edit += `,"without":${jsonOf(without)}`;
  if (isObject(answer.context) && jsonOf(answer.context) !== jsonOf(given.context)) {
    edit += `,"context":${limitedJson(answer.context)}`;
  }
  return edit;
};

/**
 * Which destinations are not to have an event, and which are to have another, as tags of its record. A function that throws
 * has said nothing.
 * @param {Client} client
 * @param {() => HookEvent} event
 */
export const destinationTags = (client, event) => {
  const [without, edits] = [/** @type {string[]} */ ([]), /** @type {string[]} */ ([])];
  let json;
  for (const { name, only, except, beforeSend } of client.own.destinationHooks ?? []) {
    let asked = "only or except";
    try {
      // Read once; each is given a copy.
      json ??= /** @type {string} */ (jsonOf(event()));
      let takes = say(only, json, true) && !say(except, json, false);
      if (takes && beforeSend) {
        asked = "beforeSend";
        const edit = editOf(beforeSend, json);
        takes = edit !== null;
        if (edit) edits.push(`{"to":"${name}"${edit}}`);
      }
      if (!takes) without.push(name);
    } catch (cause) {
      const advice = asked === "beforeSend" ? "return the event, or null" : "return true or false";
      client.telling.error("hook_failed", `${asked} of ${name} said nothing (${describe(cause)}); ${advice}`);
    }
  }
  return (without.length ? `\tnot="${without.join(" ")}"` : "") + (edits.length ? `\tedits=[${edits}]` : "");
};
