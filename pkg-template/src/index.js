// @ts-check
// The class that an entry of the package exports. An entry says where it runs and where the engine comes from (`Entry`);
// nothing is done before the first client is made.

import { attempt, define, keysOf } from "./builtins.js";
import { Client } from "./client.js";
import { readConfig } from "./config.js";
import { inertMembers } from "./inert.js";
import { membersOf } from "./members.js";
import { registry } from "./registry.js";
import { Telling } from "./telling.js";
import { TEXT_UNITS_MAX } from "./text.js";

/** @typedef {import("./types").Entry} Entry */

/** The key of a configuration as it stands in keys of storage; empty where there is none. @param {unknown} key */
const projectOf = (key) =>
  typeof key === "string" && key.length <= TEXT_UNITS_MAX ? (attempt(() => encodeURIComponent(key)) ?? "") : "";

/**
 * @param {Entry} entry
 * @param {unknown} input
 */
const start = (entry, input) => {
  // Server-side rendering: the same members, which do nothing; not even a clock is read.
  if (!entry.isAvailable()) return inertMembers("no_document");
  const { clients } = registry();
  const project = projectOf(typeof input === "string" ? input : attempt(() => /** @type {any} */ (input).apiKey));
  const shared = clients[project];
  if (shared) return shared.attach(input);
  const telling = new Telling();
  const config = readConfig(input, telling.error);
  if (!project) {
    if (config.own.onError) telling.on("error", config.own.onError);
    telling.error("missing_api_key", "config.apiKey is missing: nothing is recorded; pass your project's key");
    return inertMembers("missing_api_key");
  }
  const client = (clients[project] = new Client(entry, project, config, telling));
  client.attach = (input) => another(client, input);
  return membersOf(client, config.own);
};

/** Another holder of a client's key. @param {Client} client @param {unknown} input */
const another = (client, input) => {
  const { error } = client.telling;
  const { engine, own } = readConfig(input, error);
  for (const name of keysOf(engine)) {
    if (engine[name] === client.options[name]) continue;
    error("config_shared", `config.${name}: a client of this key is on the page; its value stays`);
  }
  client.again();
  return membersOf(client, own);
};

/** A class for each entry. @param {Entry} entry */
export const makeSendoff = (entry) =>
  class Sendoff {
    /** @param {unknown} config */
    constructor(config) {
      const members = start(entry, config);
      for (const name of Object.keys(members)) define(this, name, /** @type {any} */ (members)[name]);
      introduce(this, config);
    }
  };

/** Lets others on the page find a client. @param {any} client @param {any} config */
const introduce = (client, config) => {
  if (client.stats().role === "inert") return;
  const page = registry();
  const stub = /** @type {any} */ (globalThis).sendoff;
  if (stub && attempt(() => stub.config.apiKey) === (attempt(() => config.apiKey) ?? config) && attempt(() => stub.log)) stub.to = client;
  const name = attempt(() => config.name);
  if (typeof name === "string") page.named[name] = client;
  // One that was shut down is followed by the next.
  if (!page.first || page.first.stats().role === "stopped") page.first = client;
  for (const [method, values] of page.waiting.splice(0)) client[method](...values);
};

