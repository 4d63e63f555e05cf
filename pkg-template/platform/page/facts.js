// @ts-check
// Where this runs: what the engine starts from, and what the page is at a call.
//
// Every getter may be missing (WebViews) or patched to throw (privacy extensions); what cannot be read is left out. Texts
// are cut, since an address may be megabytes long. The time zone is never asked for at start: the first
// `Intl.DateTimeFormat` of a page loads ICU, 65 ms of main thread. It is asked for when the page is idle, and remembered.

import { attempt, bare, parse } from "../../src/builtins.js";
import { jsonOf } from "../../src/text.js";
import { isVisible } from "./lifecycle.js";

/** @typedef {import("../../src/client").Client} Client */

const TEXT_UNITS_MAX = 2_048;
const IDLE_MS = 5_000;

/** A short text, a number, a yes or no; `undefined`, which JSON leaves out, for anything else. @param {() => unknown} get */
const read = (get) => {
  const value = attempt(get);
  if (typeof value === "string") return value.slice(0, TEXT_UNITS_MAX);
  return typeof value === "number" || typeof value === "boolean" ? value : undefined;
};

/** What the page is now. */
export class PageNow {
  /** @type {string | undefined} */
  href;
  title = "";
  json = "{}";

  /** The same text while nothing changes: addresses and titles of single-page applications do. */
  read() {
    try {
      const { href } = location;
      const { title } = document;
      if (href !== this.href || title !== this.title) this.describe(href, title);
    } catch {}
    return this.json;
  }

  /** @param {string} href @param {string} title */
  describe(href, title) {
    this.href = href;
    this.title = title;
    const page = {
      url: read(() => href),
      path: read(() => location.pathname),
      search: read(() => location.search),
      title: read(() => title),
      referrer: read(() => document.referrer),
    };
    this.json = attempt(() => jsonOf(page)) ?? "{}";
  }
}

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
const hasChannel = ({ project, consent }) => {
  if (consent.analytics !== "granted") return typeof BroadcastChannel === "function";
  return attempt(() => (new BroadcastChannel(`sendoff:${project}`).close(), true)) === true;
};

export const signals = () => ({
  gpc: attempt(() => /** @type {any} */ (navigator).globalPrivacyControl) === true,
  dnt: attempt(() => navigator.doNotTrack) === "1",
});

/** Whether what is written would outlive the page; a full storage is still worth reading. @param {Client} client */
const storageKind = ({ host, consent }) => {
  const { kind } = host.storage;
  if (kind === "memory" || consent.analytics !== "granted") return kind;
  return attempt(() => (window[`${kind}Storage`].getItem("sendoff"), true)) ? kind : "memory";
};

/**
 * What the engine starts from.
 * @param {Client} client
 * @param {object} who
 * @param {string} page
 */
export const factsOf = (client, who, page) => {
  const { storage } = client.host;
  const facts = {
    ...who,
    ...signals(),
    runtime: "browser",
    context: context(storage.get(client.key("tz"))),
    page: attempt(() => parse(page)),
    landing: { url: read(() => location.href), referrer: read(() => document.referrer) },
    channel: hasChannel(client),
    deferred: attempt(() => isSecureContext && typeof (/** @type {any} */ (window).fetchLater) === "function") === true,
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
  setTimeout(() => (typeof requestIdleCallback === "function" ? requestIdleCallback(ask) : ask()), IDLE_MS);
};
