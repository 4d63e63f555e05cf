// @ts-check
// The options: one list for the engine, which judges their values, and one for the facade. Each is read once, by name,
// and none is trusted: a typo costs an option, never the events. index.d.ts describes them all.

import { attempt, bare, describe, isObject, keysOf, member, nothing } from "./builtins.js";
import { destinationHooksOf } from "./destination-hooks.js";
import { jsonOf } from "./text.js";

/** @typedef {import("./types").Settings} Settings */
/** @typedef {import("./types").EngineOptions} EngineOptions */
/** @typedef {(code: string, message: string) => void} Tell */

// prettier-ignore
export const ENGINE_OPTIONS = [
  "apiKey", "endpoint", "destinations",
  "flushInterval", "flushAt", "maxBatchSize", "maxQueueSize", "maxPayloadBytes", "maxRetries", "retryBaseDelayMs",
  "timeout", "disableTimer", "autoFlushOnExit", "compression", "maxStorageBytes", "maxEventAgeMs", "multiTabMode",
  "identityPolicy", "crossSubdomain", "cookieless", "sessionTimeoutMs", "sessionMaxMs",
  "newSessionOnCampaign", "attribution", "referralExclusions", "clickIds", "sampling", "sampleBy", "propertyMode",
  "metricsEndpoint", "metricsFormat", "maxMetricsQueueSize", "metricsFlushInterval", "persistConsent", "respectGpc", "respectDnt",
  "pii", "piiTraits", "piiIp", "piiKeys", "piiPatterns", "piiAllow", "piiSalt",
];

/** Option of the facade → the type that it has to be of. */
const OWN_OPTIONS = /** @type {Record<string, string>} */ (
  bare({
  fetchImpl: "function",
  beforeSend: "function",
  onBreadcrumb: "function",
  onDeliveryFailed: "function",
  onError: "function",
  onEventsDropped: "function",
  captureUrl: "string",
  consent: "string",
  gpc: "string",
  name: "string",
  persistence: "string",
  botFilter: "boolean",
  strictNames: "boolean",
  debug: "boolean",
  breadcrumbs: "",
  nameConvention: "",
  wasm: "",
}));

const OPTION_UNITS_MAX = 65_536;

/**
 * Puts one value where it belongs.
 * @param {string} name
 * @param {any} value
 * @param {{ engine: EngineOptions, own: Settings }} to
 * @param {Tell} error
 */
const take = (name, value, { engine, own }, error) => {
  const type = OWN_OPTIONS[name];
  if (type !== undefined) {
    if (type && typeof value !== type) return error("config_wrong_type", `config.${name} must be a ${type}; it is ignored`);
    own[name] = value;
  } else {
    // The engine hears of a value that JSON does not have as one of the wrong type.
    const json = typeof value === "number" && !(value - value === 0) ? "{}" : (jsonOf(value) ?? "{}");
    engine[name] = json.length > OPTION_UNITS_MAX ? "{}" : json;
    if (name === "destinations") own.destinationHooks = destinationHooksOf(value);
  }
};

/**
 * What the page has set: the engine's options as JSON text each, and the facade's own.
 * @param {any} input
 * @param {Tell} error
 */
export const readConfig = (input, error) => {
  /** @type {{ engine: EngineOptions, own: Settings }} */
  const to = { engine: nothing(), own: nothing() };
  if (typeof input === "string") input = { apiKey: input };
  if (!isObject(input)) return to;
  const known = [...ENGINE_OPTIONS, ...keysOf(OWN_OPTIONS)];
  for (const name of known) {
    try {
      const value = member(input, name);
      if (value != null) take(name, value, to, error);
    } catch (cause) {
      error("config_unreadable", `config.${name} threw (${describe(cause)}); the default is used`);
    }
  }
  for (const name of attempt(() => keysOf(input)) ?? []) {
    if (!known.includes(name)) error("config_unknown", `config.${name.slice(0, 64)} is no option; check its name`);
  }
  return to;
};

/**
 * The engine's options as one JSON object.
 * @param {EngineOptions} engine
 */
export const configJson = (engine) => {
  let json = "";
  for (const name of keysOf(engine)) json += `${json && ","}"${name}":${engine[name]}`;
  return `{${json}}`;
};
