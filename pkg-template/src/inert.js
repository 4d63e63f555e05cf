// @ts-check
// The members of a client that does nothing: where a page is rendered on a server, and where there is no key.

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
    stats: () => ({ ...NO_STATS, dropped: {}, refused: {}, peers: [], destinations: {} }),
    on: () => () => {},
    ready: (async () => ({ ok: false, code }))(),
    unuse: () => false,
    breadcrumbs: () => [],
    diagnose: async () => [{ check: code === "no_document" ? "page" : "key", ok: false, message: code }],
    destination: () => ({ pause() {}, resume() {} }),
  };
};

const NO_STATS = {
  ...{ accepted: 0, adopted: 0, handedBack: 0, delivered: 0, pending: 0, sampled: 0, volatile: 0, requests: 0, retries: 0 },
  ...{ storageBytes: 0, storage: "memory", breaker: "closed", blocked: false, role: "inert", term: 0, leader: null, engine: null, tab: "", lastSeq: 0 },
};
