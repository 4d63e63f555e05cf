// @ts-check
// Metrics: a stream of their own. What a number belongs to may be said by a span of any kind: an OpenTelemetry span or
// its context, an object with trace and span ids, or a W3C `traceparent`.

import { isObject, member } from "./builtins.js";
import { limited, limitedJson, refuseFor } from "./record.js";
import { millis, textJson } from "./text.js";

/** @typedef {import("./client").Client} Client */

const TYPES = ["counter", "gauge", "distribution", "timing"];
const TRACE = /^(?!0+$)[0-9a-f]{32}$/i;
const SPAN = /^(?!0+$)[0-9a-f]{16}$/i;

/** @param {unknown} name */
const text = (name) => (typeof name === "string" ? name.slice(0, 64) : "");

/** Trace and span id of a parent, as tags. @param {any} parent */
const parentTags = (parent) => {
  if (typeof parent?.spanContext === "function") parent = parent.spanContext();
  const text = typeof parent === "string" ? parent : parent?.traceparent;
  const ids = () => ["", parent?.traceId ?? parent?.trace_id, parent?.spanId ?? parent?.span_id];
  const [, trace, span] = typeof text === "string" ? text.split("-") : ids();
  return TRACE.test(trace) && SPAN.test(span) ? `\ttrace=${trace.toLowerCase()}\tspan=${span.toLowerCase()}` : undefined;
};

/**
 * @param {Client} client
 * @param {unknown} name
 * @param {unknown} value
 * @param {any} options
 * @param {string} [type] goes before that of the options
 */
export const recordMetric = (client, name, value, options, type) => {
  if (client.consent.analytics === "denied") return void client.count("consent");
  try {
    if (typeof value !== "number" || value - value !== 0) {
      return client.refuse("metric_value_invalid", "recordMetric", name, "a metric is a finite number");
    }
    const json = textJson(limited(name, "name_too_long"));
    const details = optionTags(client, name, isObject(options) ? options : {}, type);
    const tags = `${json && `\tname=${json}`}\tvalue=${value}${details}`;
    client.calls.push(`metric\t${client.host.wall()}\t${client.mono()}${tags}`);
  } catch (cause) {
    refuseFor(client, "recordMetric", name, cause);
  }
};

/**
 * @param {Client} client
 * @param {unknown} name
 * @param {any} options
 * @param {string | undefined} kind
 */
const optionTags = (client, name, options, kind) => {
  const [type, unit] = [kind ?? member(options, "type"), kind === "timing" ? "ms" : member(options, "unit")];
  const [about, time, parent] = [member(options, "tags"), member(options, "timestamp"), member(options, "parent")];
  let tags = TYPES.includes(type) ? `\ttype=${type}` : "";
  if (unit != null) tags += `\tunit=${textJson(limited(unit))}`;
  if (about != null) tags += `\ttags=${limitedJson(about)}`;
  if (time != null) tags += `\tts=${Math.floor(millis(time))}`;
  const ids = parent == null ? "" : parentTags(parent);
  if (ids === undefined) {
    client.telling.error("metric_parent_invalid", `${text(name)}: the parent has no valid trace and span id; it is left out`);
  }
  return tags + (ids ?? "");
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
