// The JavaScript half of transport.rs, which says why requests look the way they do. Nothing here throws into wasm:
// `fetchImpl`, what it answers and every API may be the page's own, and is only touched inside of a `try`.

// As in inbox.rs. A status is a code of its own.
const NETWORK = 0;
const REFUSED = 1;
const QUEUED = 2;
const ACTIVATED = 3;
// As in io.rs.
const KEEPALIVE = 1;
const BEACON = 2;
const DEFERRED = 3;

// In UTF-16 units: receipts are short, and a captive portal's page is not worth copying.
const ANSWER_LENGTH_MAX = 262_144;

const attempt = (run) => {
  try {
    return run();
  } catch {}
};

const controller = () => new AbortController();
const isActivated = ({ deferred }) => attempt(() => deferred.activated === true);

/** The HTTP status of whatever a `fetchImpl` resolved with. */
const statusOf = (response) => {
  const status = attempt(() => response.status);
  return typeof status === "number" && status >= 100 && status < 600 ? status : NETWORK;
};

/** Seconds, or a date; readable on another origin only if the answer exposes it. */
const retryAfter = (response) => {
  const text = attempt(() => response.headers.get("retry-after").trim());
  if (/^\d{1,19}$/.test(text)) return [+text];
  // `Date.parse` makes a date of nearly anything ("2.5" is one); those of HTTP say GMT.
  return [NaN, /GMT$/.test(text) ? Date.parse(text) : NaN];
};

/** Posts to `endpoint`. What became of a request is told by `hear(id, code, body, seconds, at)`. */
export const open = (endpoint, config, hear) => {
  const fetchImpl = attempt(() => config.fetchImpl);
  // In order: which of several deferred requests was first matters to the engine.
  const waiting = new Map();

  const fetched = async (id, wantsBody, promise) => {
    let response, body;
    try {
      response = await promise;
    } catch {}
    const status = statusOf(response);
    if (wantsBody && status >= 200 && status < 300 && waiting.has(id)) {
      try {
        body = await response.text();
      } catch {}
    }
    const isText = typeof body === "string" && body.length <= ANSWER_LENGTH_MAX;
    if (waiting.delete(id)) hear(id, status, isText ? body : undefined, ...retryAfter(response));
  };

  /** Whether it was taken; throws where it was not. */
  const start = (id, means, wantsBody, body) => {
    if (means === BEACON) return navigator.sendBeacon(endpoint, body) === true;
    // Without a way to withdraw it, a deferred request would go out beside the fetch that replaces it.
    const abort = means === DEFERRED ? controller() : attempt(controller);
    const options = { method: "POST", body };
    if (abort) options.signal = abort.signal;
    if (means === DEFERRED) return waiting.set(id, { abort, deferred: window.fetchLater(endpoint, options) });
    if (means === KEEPALIVE) options.keepalive = true;
    const promise = typeof fetchImpl === "function" ? fetchImpl(endpoint, options) : window.fetch(endpoint, options);
    waiting.set(id, { abort });
    fetched(id, wantsBody, promise);
    return true;
  };

  return {
    send(id, means, wantsBody, body) {
      const taken = attempt(() => start(id, means, wantsBody, body));
      if (!taken || means >= BEACON) hear(id, taken ? QUEUED : REFUSED);
    },
    cancel(id) {
      const it = waiting.get(id);
      if (!waiting.delete(id)) return;
      if (isActivated(it)) hear(id, ACTIVATED);
      else attempt(() => it.abort.abort());
    },
    tellActivated() {
      waiting.forEach((it, id) => {
        if (isActivated(it) && waiting.delete(id)) hear(id, ACTIVATED);
      });
    },
  };
};

/** Whether `fetchLater` can be used here. */
export const hasDeferred = (from = window) =>
  !!attempt(() => from.isSecureContext === true && typeof from.fetchLater === "function");
