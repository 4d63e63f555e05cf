// @ts-check
// Metrics: numbers, a stream of their own. What makes one is decided in the engine (src/metrics/sample.rs); here it is put
// into words, whatever was given.

import { isObject, keysOf, member } from "./builtins.js";
import { refuseFor } from "./record.js";
import { limited, limitedJson, millis, numberJson, textJson } from "./text.js";

/** @typedef {import("./client").Client} Client */

/**
 * The span that a number belongs to, of any kind: an OpenTelemetry span or its context, an object with trace and span ids,
 * or a W3C `traceparent`. Spans are large; no more than their ids is taken.
 * @param {any} parent
 */
const spanOf = (parent) => {
  if (typeof parent.spanContext === "function") parent = parent.spanContext();
  if (!isObject(parent)) return parent;
  const { traceparent, traceId, trace_id, spanId, span_id } = /** @type {any} */ (parent);
  return { traceparent, traceId: traceId ?? trace_id, spanId: spanId ?? span_id };
};

/** @param {any} options @param {string | undefined} type goes before that of the options */
const optionTags = (options, type) => {
  const [time, parent] = [member(options, "timestamp"), member(options, "parent")];
  /** @type {Record<string, unknown>} */
  const given = {
    type: type ?? member(options, "type"),
    unit: type === "timing" ? "ms" : member(options, "unit"),
    tags: member(options, "tags"),
    parent: parent == null ? undefined : spanOf(parent),
  };
  let tags = time == null ? "" : `\tts=${Math.floor(millis(time))}`;
  for (const tag of keysOf(given)) if (given[tag] != null) tags += `\t${tag}=${limitedJson(given[tag])}`;
  return tags;
};

/**
 * @param {Client} client
 * @param {unknown} name
 * @param {unknown} value
 * @param {any} options
 * @param {string} [type]
 */
export const recordMetric = (client, name, value, options, type) => {
  if (client.consent.analytics === "denied") return void client.count("consent");
  try {
    const json = textJson(limited(name, "name_too_long"));
    const tags = `${json && `\tname=${json}`}\tvalue=${numberJson(value)}${optionTags(isObject(options) ? options : {}, type)}`;
    client.calls.push(`metric\t${client.host.wall()}\t${client.mono()}${tags}`);
  } catch (cause) {
    refuseFor(client, "recordMetric", name, cause);
  }
};

/**
 * Records how long `work` takes, and gives back what that gives: a number of milliseconds is recorded as it is.
 * @param {Client} client
 * @param {unknown} name
 * @param {any} work
 * @param {any} options
 */
export const timing = (client, name, work, options) => {
  if (typeof work !== "function") return recordMetric(client, name, work, options, "timing");
  const from = client.host.mono();
  const end = () => recordMetric(client, name, client.host.mono() - from, options, "timing");
  let result;
  try {
    result = work();
    return result;
  } finally {
    if (typeof result?.then === "function") result.then(end, end);
    else end();
  }
};
