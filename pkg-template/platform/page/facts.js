// @ts-check
// Where this runs: what the engine starts from, on a page and in a worker, which lacks most of it.
//
// The time zone is never asked for at start: the first `Intl.DateTimeFormat` of a page loads ICU, 65 ms of main thread. It
// is asked for when the page is idle, and remembered.

import { attempt, bare, parse } from "../../src/builtins.js";
import { jsonOf } from "../../src/text.js";
import { isVisible } from "./lifecycle.js";
import { read, signals } from "./now.js";

/** @typedef {import("../../src/client").Client} Client */

const IDLE_MS = 5_000;

/** The hints that browsers give without being asked for more. */
const hints = () => {
  const { brands, mobile, platform } = /** @type {any} */ (navigator).userAgentData;
  /** @type {string[]} */
  const names = [];
  for (const { brand, version } of brands) names.push(`${brand} ${version}`);
  return { brands: names, mobile, platform };
};

/** What stays as it is while the page lives. @param {string | undefined} timezone */
const context = (timezone) => ({
  locale: read(() => navigator.language),
  timezone,
  userAgent: read(() => navigator.userAgent),
  hints: attempt(hints),
  screen: { width: read(() => screen.width), height: read(() => screen.height), density: read(() => devicePixelRatio) },
  viewport: { width: read(() => innerWidth), height: read(() => innerHeight) },
  connection: read(() => /** @type {any} */ (navigator).connection.effectiveType),
});

/** A `Request` says whether the browser knows `keepalive`: Firefox before 133 does not, and drops such a request. */
const honoursKeepalive = () =>
  attempt(() => new Request("https://sendoff.invalid/", bare({ keepalive: true })).keepalive) === true;

/** Only opening one tells: it is missing in old browsers and throws where storage is partitioned away. @param {Client} client */
const hasChannel = ({ host, project, consent }) => {
  if (host.runtime === "node") return false; // other processes do not hear it
  if (consent.analytics !== "granted") return typeof BroadcastChannel === "function";
  return attempt(() => (new BroadcastChannel(`sendoff:${project}`).close(), true)) === true;
};

/** Whether what is written would outlive the page, as it is to; a full storage is still worth reading. @param {Client} client */
const storageKind = ({ host, consent }) => {
  const { kind } = host.storage;
  if (kind === "memory" || consent.analytics !== "granted") return kind;
  return attempt(() => (globalThis[`${kind}Storage`].getItem("sendoff"), true)) ? kind : "blocked";
};

/**
 * What the engine starts from.
 * @param {Client} client
 */
export const factsOf = (client) => {
  const { host, tab, project, visitor } = client;
  const { anonymousId, sessionId } = visitor.proposal();
  const facts = {
    ...{ tab, project, anonymousId, sessionId, runtime: host.runtime },
    ...signals(),
    context: context(host.storage.get(client.key("tz"))),
    page: attempt(() => parse(host.page())),
    landing: host.landing,
    channel: hasChannel(client),
    deferred: attempt(() => isSecureContext && typeof (/** @type {any} */ (globalThis).fetchLater) === "function") === true,
    keepalive: honoursKeepalive(),
    storage: storageKind(client),
    visible: isVisible(),
    online: attempt(() => navigator.onLine) !== false,
  };
  return attempt(() => jsonOf(facts)) ?? "{}";
};

/** Asks for the time zone when nobody is waiting, and remembers it for the next page. @param {Client} client */
export const rememberTimezone = (client) => {
  const ask = () => {
    const { storage } = client.host;
    const key = client.key("tz");
    if (client.over || client.consent.analytics !== "granted" || storage.get(key)) return;
    const zone = read(() => Intl.DateTimeFormat().resolvedOptions().timeZone);
    if (typeof zone === "string") storage.set(key, zone);
  };
  if (client.host.runtime !== "browser") return;
  const wait = () => (typeof requestIdleCallback === "function" ? requestIdleCallback(ask) : ask());
  client.host.unref?.(setTimeout(wait, IDLE_MS));
};
