// @ts-check
// Hooks of the page on its own events: at the call, in order, before anything is kept. Each is given a copy and may change
// name, properties and context, or drop the event. One that throws or answers nonsense changes nothing.

import { describe, isObject, parse } from "./builtins.js";
import { bots } from "./bots.js";
import { jsonOf } from "./text.js";

/** @typedef {import("./client").Client} Client */
/** @typedef {import("./types").HookEvent} HookEvent */
/** @typedef {{ name: string, setup?: Function, beforeSend?: Function, teardown?: Function, code?: string }} Plugin */

/**
 * What a hook makes of an event, `null` where it drops it. Throws where it answers neither.
 * @param {Function} beforeSend
 * @param {string} json the event
 * @returns {HookEvent | null}
 */
export const answerOf = (beforeSend, json) => {
  const answer = beforeSend(parse(json));
  if (answer === null) return null;
  if (typeof answer?.name !== "string" || !(answer.properties == null || isObject(answer.properties))) {
    throw new TypeError("it returned neither an event nor null");
  }
  return answer;
};

export class Hooks {
  /** @type {Plugin[]} */
  plugins = [];

  /** @param {Client} client */
  constructor(client) {
    this.client = client;
    if (client.own.botFilter) this.plugins.push(bots(client));
    if (client.own.beforeSend) this.plugins.push({ name: "", beforeSend: client.own.beforeSend });
  }

  /**
   * What the hooks make of an event; `undefined` where one dropped it.
   * @param {HookEvent} event
   * @returns {HookEvent | undefined}
   */
  run(event) {
    let json = /** @type {string} */ (jsonOf(event));
    for (const { name, beforeSend, code } of this.plugins) {
      if (!beforeSend) continue;
      try {
        const answer = answerOf(beforeSend, json);
        if (!answer) {
          this.client.count(code ?? "hook");
          return;
        }
        json = /** @type {string} */ (jsonOf(answer));
      } catch (cause) {
        const advice = "return the event, or null";
        this.client.telling.error("hook_failed", `beforeSend ${name} changed nothing (${describe(cause)}); ${advice}`);
      }
    }
    return parse(json);
  }

  /** @param {any} plugin @param {object} members what the plugin may call */
  use(plugin, members) {
    const { telling } = this.client;
    try {
      const { name, setup, beforeSend, teardown } = plugin;
      if (typeof name !== "string" || !name) throw new TypeError("it has no name");
      this.unuse(name);
      this.plugins.push({ name, beforeSend, teardown: teardown?.bind(plugin) });
      setup?.call(plugin, members);
    } catch (cause) {
      const advice = "it needs { name, setup?, beforeSend?, teardown? }";
      telling.error("plugin_failed", `use() of a plugin failed (${describe(cause)}); ${advice}`);
    }
  }

  /** @param {unknown} name */
  unuse(name) {
    const plugin = this.plugins.find((one) => one.name === name && name);
    if (!plugin) return false;
    this.plugins = this.plugins.filter((one) => one !== plugin);
    if (plugin.teardown) this.client.telling.call(plugin.teardown, undefined);
    return true;
  }

  teardown() {
    for (const { name } of this.plugins) this.unuse(name);
  }
}
