// @ts-check
// The members of a client that does nothing: where a page is rendered on a server, and where there is no key.

import { emptyAccount } from "./stats.js";

const NOTHING = ["track", "page", "identify", "setTraits", "alias", "group", "exposure", "reset", "register", "registerOnce"];
const NO_CALLS = ["unregister", "time", "recordMetric", "increment", "gauge", "distribution", "optIn", "optOut", "setConsent"];
const NO_SERVICE = ["erase", "destroy", "use"];

/** @param {"no_document" | "missing_api_key"} code */
export const inertMembers = (code) => {
  const flushed = async () => ({ ok: false, delivered: 0, pending: 0, dropped: 0 });
  /** @type {Record<string, any>} */
  const members = {};
  for (const name of [...NOTHING, ...NO_CALLS, ...NO_SERVICE]) members[name] = () => {};
  return {
    ...members,
    /** @type {(name: unknown, work: unknown) => unknown} */
    timing: (_, work) => (typeof work === "function" ? work() : undefined),
    getConsent: () => ({ analytics: "denied", marketing: "denied" }),
    getAnonymousId: () => "",
    getUserId: () => null,
    getSessionId: () => "",
    export: async () => "{}",
    flush: flushed,
    shutdown: flushed,
    stats: emptyAccount,
    on: () => () => {},
    ready: (async () => ({ ok: false, code }))(),
    unuse: () => false,
    breadcrumbs: () => [],
    diagnose: async () => [{ check: code === "no_document" ? "page" : "key", ok: false, message: code }],
    destination: () => ({ pause() {}, resume() {} }),
  };
};
