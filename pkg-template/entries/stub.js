// @ts-check
// `sendoff/stub`: under 1 KB, inline in the page's head before everything: `sendoffStub({ apiKey: "…" })` makes a global
// `sendoff` that keeps calls until the SDK has loaded, with their times. By the end of the task they are in storage as
// this tab's early log, which the SDK of this page goes on with, and that of a next visit adopts.
// Being small it checks nothing and knows no options of a call: what is wrong with one is said when it is taken over. Only what
// may be personal it keeps out of storage, as the SDK does before its engine is there.

import { WITHHELD, isSuspect } from "../src/suspect.js";

// Method → the record's kind and what its arguments are, as in the engine's src/intake/call.rs.
const METHODS = {
  track: "track name props",
  page: "page name props",
  identify: "identify user props",
  setTraits: "set_traits props",
  alias: "alias user prev",
  group: "group group props",
  exposure: "exposure name variant props",
  reset: "reset",
  register: "register props",
  registerOnce: "register_once props",
  unregister: "unregister name",
  time: "time name",
};

/** @type {any} */ (globalThis).sendoffStub = (/** @type {any} */ config) => {
  const random = crypto.getRandomValues(new Uint32Array(3));
  let tab = "";
  for (const part of random) tab += part.toString(16).padStart(8, "0");
  const stub = { config, tab: tab.slice(4), log: `2 ${Date.now()}`, calls: 0, page: "", to: /** @type {any} */ (null) };
  /** @type {any} */
  const options = {};
  for (const name in config) options[name] = JSON.stringify(config[name]);
  let stored = stub.log;
  const key = `sendoff:${encodeURIComponent(config.apiKey)}:${stub.tab}:e`;
  const keep = () => {
    try {
      if (!stub.to && (config.consent ?? "granted") === "granted") localStorage[key] = stored;
    } catch {}
  };
  for (const [method, spec] of Object.entries(METHODS)) {
    const [kind, ...tags] = spec.split(" ");
    /** @type {any} */ (stub)[method] = (/** @type {any[]} */ ...values) => {
      if (stub.to) return stub.to[method](...values);
      let line = `${kind}\t${Date.now()}\t${Math.floor(performance.now())}`;
      tags.forEach((tag, n) => values[n] != null && (line += `\t${tag}=${JSON.stringify(values[n])}`));
      const page = JSON.stringify({ url: location.href, title: document.title, referrer: document.referrer });
      if (page !== stub.page) line += `\tpage=${(stub.page = page)}`;
      stub.log += `\n${line}`;
      stored += `\n${isSuspect(options, line) ? WITHHELD : line}`;
      stub.calls++;
      queueMicrotask(keep);
    };
  }
  /** @type {any} */ (globalThis).sendoff = stub;
};
