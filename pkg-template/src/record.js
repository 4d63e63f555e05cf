// @ts-check
// One call of the page, whatever it was given, as a record of the engine; or refused, with a name for why.

import { attempt, describe, isObject, member } from "./builtins.js";
import { destinationTags } from "./destination-hooks.js";
import { TooLong, jsonOf, limited, limitedJson, millis, numberJson, textJson } from "./text.js";

/** @typedef {import("./client").Client} Client */
/** @typedef {import("./types").HookEvent} HookEvent */
/**
 * @typedef {object} Call
 * @property {string} kind as in the engine's src/intake/call.rs
 * @property {string} method as the page knows it
 * @property {string} [event] the event's name, where the call gives it none
 * @property {unknown} [name]
 * @property {unknown} [user]
 * @property {unknown} [prev]
 * @property {unknown} [group]
 * @property {unknown} [type]
 * @property {unknown} [variant]
 * @property {unknown} [every]
 * @property {unknown} [properties]
 * @property {any} [options]
 */

const TEXTS = /** @type {const} */ (["name", "user", "prev", "group", "type", "variant", "every"]);

/** What options say of an event, as tags. @param {any} options */
const optionTags = (options) => {
  let tags = "";
  const time = member(options, "timestamp");
  const [user, anonymous] = [member(options, "userId"), member(options, "anonymousId")];
  const context = member(options, "context");
  if (time != null) tags += `\tts=${Math.floor(millis(time))}`;
  if (user != null) tags += `\tuser=${textJson(limited(user))}`;
  if (anonymous != null) tags += `\tanon=${textJson(limited(anonymous))}`;
  for (const name of ["value", "sample"]) {
    const number = member(options, name);
    if (number != null) tags += `\t${name}=${numberJson(number)}`;
  }
  if (context != null) tags += `\tctx=${limitedJson(context)}`;
  return member(options, "urgent") === true ? `${tags}\turgent=1` : tags;
};

/** @param {Call} call */
const callTags = (call) => {
  let tags = "";
  for (const tag of TEXTS) {
    const value = call[tag];
    if (value != null) tags += `\t${tag}=${textJson(limited(value, tag === "name" ? "name_too_long" : undefined))}`;
  }
  const json = limitedJson(call.properties);
  if (json) tags += `\tprops=${json}`;
  return isObject(call.options) ? tags + optionTags(call.options) : tags;
};

/** A call as hooks are shown it. @param {Call} call */
const hookEvent = (call) => {
  const options = call.options ?? {};
  /** @type {HookEvent} */
  const event = { type: call.method, name: call.event ?? /** @type {any} */ (call.name), properties: call.properties ?? {} };
  for (const name of ["context", "timestamp", "userId", "anonymousId"]) {
    const value = member(options, name) ?? (name === "userId" ? call.user : undefined);
    if (value != null) event[name] = value;
  }
  return event;
};

/**
 * Lets the page's hooks change the call; whether it is still to be made.
 * @param {Client} client
 * @param {Call} call
 */
const hooked = (client, call) => {
  const event = client.hooks.run(hookEvent(call));
  if (!event) return false;
  if (!call.event) call.name = event.name;
  call.properties = event.properties ?? undefined;
  if (event.context) call.options = { ...call.options, context: event.context };
  return true;
};

/**
 * Names what was wrong with a call.
 * @param {Client} client
 * @param {string} method
 * @param {unknown} name
 * @param {unknown} cause
 */
export const refuseFor = (client, method, name, cause) => {
  // What was thrown may be the page's own, and throw when it is looked at.
  const code = attempt(() => cause instanceof TooLong && cause.refusal) || "properties_not_serializable";
  client.refuse(code, method, name, describe(cause));
};

/**
 * Records a call; its properties are read now and never again.
 * @param {Client} client
 * @param {Call} call
 */
export const record = (client, call) => {
  const { method, name } = call;
  client.host.check();
  if (client.consent.analytics === "denied") return void client.count("consent");
  try {
    const isEvent = call.event || call.kind === "track";
    const why = call.kind === "track" ? client.names.refusal(name) : undefined;
    if (why) return client.refuse("name_convention", method, name, why);
    if (isEvent && client.hooks.plugins.length) {
      // Before a hook is given the event it is whole: what cannot be serialised is refused, not changed.
      callTags(call);
      if (!hooked(client, call)) return;
    }
    const tags = callTags(call) + (isEvent ? destinationTags(client, () => hookEvent(call)) : "");
    client.calls.add(call.kind, tags + client.visitor.foresee(call));
    if (isEvent) client.crumbs.add(/** @type {string} */ (call.event ?? call.name));
  } catch (cause) {
    refuseFor(client, method, name, cause);
  }
};

/**
 * `track` in all its forms; what is given may be anything.
 * @param {Client} client
 * @param {any} given
 * @param {any} properties
 * @param {any} options
 */
export const track = (client, given, properties, options) => {
  /** @type {Call} */
  const call = { kind: "track", method: "track", name: given, properties, options };
  try {
    if (typeof properties === "string") {
      // As on servers: whose event it is, its name, its properties.
      call.name = properties;
      call.properties = options;
      call.options = { userId: given };
    } else if (isObject(given)) {
      call.name = member(given, "event");
      call.properties = member(given, "properties");
      call.options = given;
    }
  } catch (cause) {
    return refuseFor(client, "track", "", cause);
  }
  record(client, call);
};

/**
 * Like `limitedJson`, for what is not bounded by the call.
 * @param {unknown} value
 */
export const anyJson = (value) => jsonOf(value) ?? "null";
