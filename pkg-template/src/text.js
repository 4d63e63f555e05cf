// @ts-check
// From values of the page to the JSON text that crosses into the engine. Whoever stores it may be strict (Postgres'
// jsonb, serde_json, Go's json/v2), so half surrogate pairs become U+FFFD, in values and keys alike; and an array stays
// an array where an old library has put a `toJSON` of its own on all of them.

import { isObject, stringify } from "./builtins.js";

/** In UTF-16 units. The engine's limits are tighter and in bytes: these keep giant values out of it. */
export const TEXT_UNITS_MAX = 1024;
const PROPERTIES_UNITS_MAX = 32_768;

// `JSON.stringify` writes half a pair as an escape, and nothing else as `\ud…`. The second half of the pattern takes
// every other escape along whole, so that the backslash of a written-out "\\ud83d" is not taken for the first.
const ESCAPES = /\\(ud[89a-f]..|.)/g;

/** @param {string} json */
const mend = (json) =>
  json.includes("\\ud") ? json.replace(ESCAPES, (all, after) => (after.length > 1 ? "\ufffd" : all)) : json;

/**
 * Takes back what a `toJSON` on every array or object has made of a value.
 * @this {any}
 * @param {string} key
 * @param {unknown} value
 */
function unspoiled(key, value) {
  const given = this[key];
  if (!isObject(given) && typeof given !== "bigint") return value;
  const { toJSON } = /** @type {any} */ (given);
  const shared = /** @type {any} */ (Array.isArray(given) ? [] : {}).toJSON;
  return toJSON && toJSON === shared ? given : value;
}

/**
 * JSON text; `undefined` for what has none. Throws what `JSON.stringify` throws.
 * @param {unknown} value
 * @returns {string | undefined}
 */
export const jsonOf = (value) => {
  const spoiled = /** @type {any} */ ([]).toJSON || /** @type {any} */ ({}).toJSON;
  const json = /** @type {string | undefined} */ (spoiled ? stringify(value, unspoiled) : stringify(value));
  return json && mend(json);
};

/**
 * Properties as JSON text, empty where there are none.
 * @param {unknown} properties
 */
const propertiesJson = (properties) => {
  if (properties == null) return "";
  const json = jsonOf(properties);
  if (json === undefined) throw new TypeError(`a ${typeof properties} without a JSON form`);
  return json;
};

/**
 * A name or an id as JSON. A wrong type becomes JSON that the engine refuses, without a look into it.
 * @param {unknown} value
 */
export const textJson = (value) => (typeof value === "string" ? mend(stringify(value)) : value == null ? "" : "{}");

/** A number as JSON; what is none, as JSON that the engine refuses. @param {unknown} value */
export const numberJson = (value) => (typeof value === "number" && value - value === 0 ? `${value}` : "{}");

/**
 * Milliseconds since 1970, `NaN` for what is no date.
 * @param {unknown} time
 */
export const millis = (time) => {
  try {
    return /^(string|number|object)$/.test(typeof time) ? +new Date(/** @type {any} */ (time)) : NaN;
  } catch {
    return NaN;
  }
};

/** Too long for the engine to look at. */
export class TooLong extends RangeError {
  /** @param {string} code @param {number} units */
  constructor(code, units) {
    super(`${units} characters`);
    this.refusal = code;
  }
}

/** @param {unknown} value */
export const limited = (value, code = "user_id_too_long") => {
  if (typeof value === "string" && value.length > TEXT_UNITS_MAX) throw new TooLong(code, value.length);
  return value;
};

/** @param {unknown} properties */
export const limitedJson = (properties) => {
  const json = propertiesJson(properties);
  if (json.length > PROPERTIES_UNITS_MAX) throw new TooLong("properties_too_large", json.length);
  return json;
};
