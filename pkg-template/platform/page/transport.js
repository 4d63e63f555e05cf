// @ts-check
// The four ways out: `fetch`, `fetch` with `keepalive`, `sendBeacon` and `fetchLater`.
//
// * A string body goes as `text/plain` and no header is set, so a request to another origin stays "simple": a preflight is
//   not reliable while the page goes away. Formats that need another type say so.
// * `fetch` is looked up at every send: a page that wraps it later (tracing, tests) is honoured.
// * `keepalive` and `sendBeacon` share 64 KiB in flight (Fetch standard, "HTTP-network-or-cache fetch"): over it `fetch`
//   rejects and `sendBeacon` returns `false`.
// * `fetchLater` exists in secure contexts only and throws a `QuotaExceededError` over its budget. `activateAfter` stays
//   unset: the request goes when the page is gone, not before. A page that went into the back/forward cache may find on
//   its return that the browser has sent it (`activated`).
// * Compressing takes a moment (`CompressionStream` answers later, as all streams do): a page that is left meanwhile sends what
//   it has as it is (`hurry`).
// * What answers may not be the collector: a captive portal, a login page, a worker's page for being offline. What can be
//   told of that is told; what it means is the engine's affair.
//
// `fetchImpl`, what it answers and every API may be the page's own, and is only touched where it may throw.

import { attempt, bare, deferred, keysOf } from "../../src/builtins.js";

/** @typedef {(id: number, what: string, status?: number, retryAfterMs?: number, body?: string) => void} Answered */
/** @typedef {{ abort?: AbortController, deferred?: { activated: boolean } }} Waiting */

// In UTF-16 units: receipts are short, and a captive portal's page is not worth copying.
const BODY_UNITS_MAX = 262_144;
// A proxy may keep the connection of an answered request open: then the status alone decides.
const BODY_MS_MAX = 2_000;

/** @type {Record<string, string>} */
const TYPES = bare({ form: "application/x-www-form-urlencoded", json: "application/json" });

/** Relative addresses are the page's own origin's, never those of its `<base>`. */
export const ownOrigin = () => {
  const { origin, protocol } = location;
  if (/^https?:$/.test(protocol)) return origin;
  // `about:srcdoc` and `blob:` pages have the origin of whoever made them, if it may be known.
  return /^https?:/.test(self.origin) ? self.origin : "";
};

/** @param {string} url */
export const absolute = (url) => {
  if (/^[a-z][a-z\d+.-]*:/i.test(url)) return url;
  const origin = ownOrigin();
  if (!origin) throw new TypeError("a relative endpoint needs a page with an origin");
  return new URL(url, `${origin}/`).href;
};

// Below, the header and the dictionary outweigh what is saved.
const GZIP_UNITS_MIN = 1_024;

/**
 * Whether a body may go gzipped: a header that says so takes a preflight on another origin.
 * @param {string} gzip
 * @param {string} url
 * @param {string} body
 */
const mayGzip = (gzip, url, body) =>
  gzip &&
  body.length >= GZIP_UNITS_MIN &&
  typeof CompressionStream === "function" &&
  (gzip === "sniffing" || new URL(absolute(url)).origin === ownOrigin());

/** @param {string} text @returns {Promise<ArrayBuffer | undefined>} nothing where it cannot be done */
const gzipped = async (text) => {
  try {
    return await new Response(new Blob([text]).stream().pipeThrough(new CompressionStream("gzip"))).arrayBuffer();
  } catch {}
};

/** The HTTP status of whatever a `fetchImpl` resolved with. @param {any} response */
const statusOf = (response) => {
  const status = attempt(() => response.status);
  return typeof status === "number" && status >= 100 && status < 600 ? status : 0;
};

/** Milliseconds from now; readable on another origin only if the answer exposes it. @param {any} response */
const retryAfterMs = (response) => {
  const text = attempt(() => response.headers.get("retry-after")?.trim());
  if (/^\d{1,19}$/.test(text)) return text * 1_000;
  // `Date.parse` makes a date of nearly anything ("2.5" is one); those of HTTP say GMT.
  return /GMT$/.test(text) ? Math.max(0, Date.parse(text) - Date.now()) : NaN;
};

/** Where an address leads, without what may differ. @param {string} url */
const place = (url) => url.replace(/[?#].*$/, "");

/**
 * Whose answer it may be.
 * @param {any} response
 * @param {string} url
 */
const natureOf = (response, url) => {
  const type = attempt(() => response.type);
  if (type === "opaque" || type === "opaqueredirect") return "opaque";
  if (/^\s*(text\/html|application\/xhtml)/i.test(attempt(() => response.headers.get("content-type")) ?? "")) return "html";
  const isElsewhere = attempt(() => response.redirected === true && place(response.url) !== place(url));
  return isElsewhere ? "redirected" : "plain";
};

// What a web page may begin with (WHATWG MIME Sniffing, "identifying a resource with an unknown MIME type"): proxies and
// portals send theirs under any type, or none.
const PAGE = /^\s*<(!--|(!doctype html|html|head|title|meta|style|script|iframe|body|h1|div|table|font|center|a|b|br|p)\b)/i;

/** The body, if it comes in time. @param {any} response @returns {Promise<string | undefined>} */
const bodyOf = (response) => {
  const { promise, resolve } = /** @type {ReturnType<typeof deferred<string | undefined>>} */ (deferred());
  const timer = setTimeout(() => resolve(undefined), BODY_MS_MAX);
  const read = async () => {
    let body;
    try {
      body = await response.text();
    } catch {}
    clearTimeout(timer);
    resolve(typeof body === "string" && body.length <= BODY_UNITS_MAX ? body : undefined);
  };
  read();
  return promise;
};

export class Transport {
  /** @type {Map<number, Waiting>} in order: which of several deferred requests was first matters to the engine */
  waiting = new Map();
  /** Requests whose bodies are being compressed: each goes as it is when called. @type {Map<number, () => void>} */
  squeezing = new Map();
  gzipFailed = false;
  /** What the last answers looked like, for `diagnose()`. */
  seen = { url: "", what: "", status: 0 };

  /**
   * @param {Answered} answered
   * @param {unknown} fetchImpl
   */
  constructor(answered, fetchImpl) {
    this.answered = answered;
    this.fetchImpl = typeof fetchImpl === "function" ? fetchImpl : undefined;
  }

  /**
   * @param {number} id
   * @param {string} means
   * @param {string} url
   * @param {string} type
   * @param {string} body
   * @param {string} [authorization] the header, where there is one
   * @param {string} [gzip] how the receiver tells that the body is gzipped: `header`, `sniffing`; empty where it would not
   */
  send(id, means, url, type, body, authorization, gzip = "") {
    /** @param {string | ArrayBuffer} content */
    const go = (content) => {
      const isText = content === body;
      const headers = bare({
        // Text has a type by itself.
        ...((TYPES[type] || !isText) && { "content-type": TYPES[type] ?? "text/plain;charset=UTF-8" }),
        ...(!isText && gzip === "header" && { "content-encoding": "gzip" }),
        ...(authorization && { authorization }),
      });
      const taken = attempt(() => this.start(id, means, absolute(url), headers, content));
      if (!taken || means === "beacon" || means === "deferred") this.answered(id, taken ? "queued" : "refused");
    };
    if (!this.gzipFailed && attempt(() => mayGzip(gzip, url, body))) this.squeeze(id, body, go);
    else go(body);
  }

  /**
   * @param {number} id
   * @param {string} body
   * @param {(content: string | ArrayBuffer) => void} go
   */
  async squeeze(id, body, go) {
    this.squeezing.set(id, () => go(body));
    const bytes = await gzipped(body);
    if (this.squeezing.delete(id)) go(bytes ?? body);
  }

  /** What is being compressed goes as it is. */
  hurry() {
    this.squeezing.forEach((goAsItIs, id) => this.squeezing.delete(id) && goAsItIs());
  }

  /**
   * Whether it was taken; throws where it was not.
   * @param {number} id
   * @param {string} means
   * @param {string} url
   * @param {Record<string, string>} headers
   * @param {string | ArrayBuffer} body
   */
  start(id, means, url, headers, body) {
    const { "content-type": type, authorization } = headers;
    // A beacon has no headers.
    if (means === "beacon") return !authorization && navigator.sendBeacon(url, type ? new Blob([body], { type }) : body) === true;
    // Without a way to withdraw it, a deferred request would go out beside the fetch that replaces it.
    const abort = means === "deferred" ? new AbortController() : attempt(() => new AbortController());
    // Without a prototype: a page may have put `headers` or `signal` on every object.
    const options = /** @type {any} */ (bare({ method: "POST", body }));
    if (abort) options.signal = abort.signal;
    if (keysOf(headers).length) options.headers = headers;
    if (means === "deferred") {
      const deferred = /** @type {any} */ (window).fetchLater(url, options);
      return this.waiting.set(id, { abort, deferred });
    }
    if (means === "keepalive") options.keepalive = true;
    const { fetchImpl } = this;
    const promise = fetchImpl ? fetchImpl(url, options) : fetch(url, options);
    this.waiting.set(id, { abort });
    this.hear(id, url, promise);
    return true;
  }

  /**
   * @param {number} id
   * @param {string} url
   * @param {unknown} promise
   */
  async hear(id, url, promise) {
    let response;
    try {
      response = await promise;
    } catch {}
    const status = statusOf(response);
    const nature = response === undefined ? "network" : natureOf(response, url);
    let what = status || nature === "opaque" ? nature : "network";
    // What refuses may say why; what failed says nothing of use.
    const body = status >= 200 && status < 500 && nature !== "html" && this.waiting.has(id) ? await bodyOf(response) : undefined;
    if (what === "plain" && body && PAGE.test(body)) what = "html";
    this.seen = { url: place(url), what, status };
    const waiting = this.waiting.get(id);
    if (!waiting) return;
    this.waiting.delete(id);
    if (body === undefined) attempt(() => waiting.abort?.abort()); // frees a connection that does not end
    this.answered(id, what, status, retryAfterMs(response), body);
  }

  /** Gives up on a request, unless the browser has sent it already. @param {number} id */
  cancel(id) {
    // Given up before it was done: something is wrong with what compresses here.
    if (this.squeezing.delete(id)) this.gzipFailed = true;
    const it = this.waiting.get(id);
    if (!it) return;
    this.waiting.delete(id);
    if (it.deferred?.activated) this.answered(id, "activated");
    else attempt(() => it.abort?.abort());
  }

  /** Tells of what the browser has sent in our absence, or it would be sent again. */
  tellActivated() {
    this.waiting.forEach((it, id) => {
      if (attempt(() => it.deferred?.activated) !== true) return;
      this.waiting.delete(id);
      this.answered(id, "activated");
    });
  }
}
