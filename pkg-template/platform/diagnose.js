// @ts-check
// What is wrong, in one line each, and what to do about it: on the console when nothing has ever got through, and for
// whoever asks with `diagnose()`. It comes with the engine, so it costs no page anything before that.

import { attempt, bare, parse } from "../src/builtins.js";
import { absolute } from "./page/transport.js";

/** @typedef {import("../src/client").Client} Client */
/** @typedef {import("../src/types").Finding} Finding */
/** @typedef {{ url: string, what: string, status: number }} Seen */
/** @typedef {[code: string, message: string]} Trouble */

const ENDPOINT = "/api/v1/ingest/batch"; // as the engine's default
const NEEDS_ORIGIN = "a relative `endpoint` needs a page with an origin, which this one (sandboxed, or from a file) has not: give an absolute one";
const PROBE_MS = 5_000;
const SKEW_MS = 120_000;

/** @type {string[]} what the page's policy has forbidden: "directive address" */
const forbidden = [];
const FORBIDDEN_MAX = 20;

/** @param {SecurityPolicyViolationEvent} event */
const note = ({ effectiveDirective, blockedURI }) => {
  const one = `${effectiveDirective} ${blockedURI}`;
  if (forbidden.length < FORBIDDEN_MAX && !forbidden.includes(one)) forbidden.push(one);
};

/** Policies are told of when they strike, and never again. To listen twice is to listen once. */
export const watchPolicy = () => attempt(() => document.addEventListener("securitypolicyviolation", note));

/** Where events go; none if the page gives a relative address no origin. @param {Client} client @returns {string | undefined} */
const addressOf = ({ options }) => attempt(() => absolute(attempt(() => parse(options.endpoint)) || ENDPOINT));

/** @type {Record<string, string>} */
const ADVICE = bare({
  blocked: "nothing has ever reached `endpoint`; check it, the page's CSP (connect-src) and content blockers",
  rejected: "the collector refused them; check `apiKey` and what is sent",
  overflow: "more than `maxQueueSize` were waiting",
});

/**
 * Says once a reason what to do about it.
 * @param {import("../src/telling").Telling} telling
 * @param {{ reason: string, count: number }} report
 */
export const adviseOnDrop = (telling, { reason, count }) => {
  if (reason === "consent") return;
  const advice = ADVICE[reason] ?? "see DropReason in index.d.ts";
  telling.say(`dropped_${reason}`, `${count} events given up: ${advice}`);
};

/** Of what answered. @param {Seen} seen @returns {Trouble | undefined} */
const troubleOf = ({ url, what, status }) => {
  if (status === 401) return ["key_rejected", `${url} refuses the key (HTTP 401): check \`apiKey\``];
  if (status === 403) return ["key_rejected", `${url} refuses (HTTP 403): check \`apiKey\`, and for a firewall in between`];
  if (status === 404 || status === 405 || status === 410) {
    return ["endpoint_not_found", `nothing takes events at ${url} (HTTP ${status}): check the path of \`endpoint\``];
  }
  if (status >= 500) return ["endpoint_failing", `${url} fails (HTTP ${status}): look at the collector's log, and at what stands before it`];
  if (what === "html") return ["endpoint_not_collector", `${url} answers with a web page (HTTP ${status}): correct \`endpoint\``];
  if (what === "redirected") return ["endpoint_redirected", `${url} leads elsewhere: set \`endpoint\` to the last address`];
  if (what === "opaque") return ["endpoint_not_collector", `${url} gives no readable answer: use a fetch without no-cors`];
  return undefined;
};

/** @param {string} url @param {RequestInit} options */
const ask = async (url, options) => {
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort(), PROBE_MS);
  try {
    return await fetch(url, { cache: "no-store", signal: abort.signal, ...options });
  } finally {
    clearTimeout(timer);
  }
};

/** Of what did not answer: a policy, a missing header, or nobody there. @param {string} url @returns {Promise<Trouble>} */
const troubleBehind = async (url) => {
  const { origin } = new URL(url);
  if (forbidden.some((one) => one.startsWith(`connect-src ${origin}`))) {
    return ["csp_connect_src", `the page's Content-Security-Policy forbids ${origin}: add it to connect-src`];
  }
  try {
    await ask(url, { mode: "no-cors" });
  } catch {
    return ["endpoint_unreachable", `${url} does not answer: is the collector running, and no content blocker or CSP in the way?`];
  }
  if (origin === location.origin) return ["endpoint_unreachable", `posting to ${url} fails, though the server is there: look for a content blocker`];
  return ["cors_missing", `${origin} lets no other site read its answers: send Access-Control-Allow-Origin for ${location.origin}`];
};

/**
 * Says once what stands in the way of a client that has delivered nothing yet.
 * @param {Client} client
 */
export const explain = async (client) => {
  if (client.engine.stats()?.delivered > 0) return;
  const seen = client.engine.platform?.transport.seen;
  if (!seen?.url) {
    // Nothing has even left.
    if (!addressOf(client)) client.tellOnce("endpoint_unreachable", NEEDS_ORIGIN);
    return;
  }
  const isSilent = seen.what === "network" && attempt(() => navigator.onLine) !== false;
  const trouble = isSilent ? await troubleBehind(seen.url) : troubleOf(seen);
  if (trouble) client.tellOnce(...trouble);
};

/** Asks the collector with nothing in hand. @param {Client} client @returns {Promise<Finding[]>} */
const askCollector = async (client) => {
  const url = addressOf(client);
  if (!url) return [{ check: "endpoint", ok: false, message: NEEDS_ORIGIN }];
  const body = `{"apiKey":${client.options.apiKey},"events":[]}`;
  try {
    const response = await ask(url, { method: "POST", body });
    const isHtml = /^text\/html/i.test(response.headers.get("content-type") ?? "");
    const what = isHtml ? "html" : response.redirected ? "redirected" : "plain";
    const trouble = troubleOf({ url, what, status: response.status });
    const [code = "", message = `${url} answers (HTTP ${response.status})`] = trouble ?? [];
    const isKey = code === "key_rejected";
    return [
      { check: "endpoint", ok: !trouble || isKey, message },
      { check: "key", ok: !trouble, message: trouble ? (isKey ? message : "not known: the endpoint does not take events") : "the key is taken" },
      ...clock(response),
    ];
  } catch {
    const [code, message] = await troubleBehind(url);
    const check = code === "csp_connect_src" ? "csp" : code === "cors_missing" ? "cors" : "endpoint";
    return [{ check, ok: false, message }];
  }
};

/** The date of an answer is readable on the page's own origin. @param {Response} response @returns {Finding[]} */
const clock = (response) => {
  const skew = Date.now() - Date.parse(response.headers.get("date") ?? "");
  if (skew !== skew) return [];
  const isRight = Math.abs(skew) < SKEW_MS;
  const message = isRight ? "this clock agrees with the server's" : `this clock is ${Math.round(skew / 1_000)} s off; times are corrected on arrival`;
  return [{ check: "clock", ok: isRight, message }];
};

/** @param {Client} client @param {any} stats @returns {[ok: boolean, message: string]} */
const storageOf = (client, stats) => {
  if (client.host.storage.kind === "memory") return [true, "memory, as asked for: events live as long as this"];
  if (stats.storage !== "memory" && !(stats.volatile > 0)) return [true, "events survive the page"];
  return [false, "nothing survives the page: storage is blocked, full or forgets"];
};

/** @param {Client} client @returns {Finding[]} */
const local = (client) => {
  const stats = client.stats();
  const [isStored, kept] = storageOf(client, stats);
  const hasChannel = typeof BroadcastChannel === "function";
  return [
    { check: "wasm", ok: true, message: "the engine runs" },
    { check: "consent", ok: client.consent.analytics === "granted", message: `analytics: ${client.consent.analytics}` },
    { check: "storage", ok: isStored, message: kept },
    { check: "channel", ok: hasChannel, message: hasChannel ? `this tab is ${stats.role}` : "tabs cannot talk: each sends for itself" },
    ...forbidden.map((one) => ({ check: "csp", ok: false, message: `the page's Content-Security-Policy forbids ${one}` })),
  ];
};

/** @param {Client} client */
export const diagnose = async (client) => [...local(client), ...(await askCollector(client))];
