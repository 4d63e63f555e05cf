// The JavaScript half of the shell: the calls of each browser API that is objects, promises or events. The Rust file of
// the same API speaks for it and says why it is used the way it is. Nothing here throws into wasm.
//
// One file: wasm-bindgen's test server hangs when a browser asks for more than four at once.

const attempt = (run) => {
  try {
    return run();
  } catch {}
};

// --- Values of the page: convert.rs.

/** `target[name]` as text behind the first letter of its type; `?` where there is no such text. */
export const option = (target, name) => {
  try {
    const value = Reflect.get(target, name);
    const type = typeof value;
    if (type === "undefined") return;
    return type[0] + (type !== "number" ? value : value >= 0 ? Math.trunc(value) : "");
  } catch {
    return "?";
  }
};

/** The list that a text of JSON stands for. */
export const parse = (json) => attempt(() => JSON.parse(json));

/** Tells the facade. */
export const report = (host, json) => attempt(() => host.report(JSON.parse(json)));

// --- The clock: clock.rs.

/** NaN where there is no such clock. */
export const performanceNow = (from = window) => {
  try {
    return +from.performance.now();
  } catch {
    return NaN;
  }
};

// --- Where this runs: page.rs.

// Longest text in the context, in UTF-8 bytes.
const TEXT_BYTES_MAX = 2048;

/** `text`, cut, and with U+FFFD for half surrogate pairs. */
const cut = (text) => {
  const bytes = new Uint8Array(TEXT_BYTES_MAX);
  return new TextDecoder().decode(bytes.subarray(0, new TextEncoder().encodeInto(text, bytes).written));
};

/** A text or a number; `undefined`, which JSON leaves out, for anything else and where `get` throws. */
const read = (get) => {
  try {
    const value = get();
    return typeof value === "string" ? cut(value) : typeof value === "number" ? value : undefined;
  } catch {}
};

/** The context as JSON text. */
const describe = (from) => {
  const context = {
    locale: read(() => from.navigator.language),
    timezone: read(() => from.Intl.DateTimeFormat().resolvedOptions().timeZone),
    userAgent: read(() => from.navigator.userAgent),
    page: {
      url: read(() => from.location.href),
      referrer: read(() => from.document.referrer),
      title: read(() => from.document.title),
    },
    screen: {
      width: read(() => from.screen.width),
      height: read(() => from.screen.height),
      density: read(() => from.devicePixelRatio),
    },
  };
  return attempt(() => JSON.stringify(context)) || "{}";
};

/** What the engine starts from, a line each; the context comes last. `host` is the facade's, `storage` is opened. */
export const facts = (host, storage, from = window) => {
  const can =
    (isAvailable(host, from) ? 1 : 0) +
    (attempt(() => from.isSecureContext === true && typeof from.fetchLater === "function") ? 2 : 0) +
    (isVisible(from) ? 4 : 0) +
    (attempt(() => from.navigator.onLine) !== false ? 8 : 0) +
    (storage ? 16 : 0);
  return [host.tab, host.anonymous, host.project, can, describe(from)].join("\n");
};

// --- What the page lives through: lifecycle.rs.

// In the order of PageEvent: to be hidden and to be visible are one event of the page.
const EVENTS = ["", "visibilitychange", "pagehide", "pageshow", "freeze", "resume", "online", "offline"];

/** Whether the page can be seen. */
const isVisible = (from) => attempt(() => from.document.hidden) !== true;

/** Tells `host` what the page lives through. Returns what ends that. */
export const listen = (host, transport) => {
  const on = ({ type, persisted }) => {
    const code = EVENTS.indexOf(type);
    if (code === 3 && persisted !== true) return;
    // First what the browser has sent in our absence, or it would be sent again.
    if (code === 3 || code === 5) transport.tellActivated();
    host.hear(0, code === 1 ? +isVisible(window) : code);
  };
  const each = (method) => {
    try {
      for (const name of ["visibilitychange", "freeze", "resume"]) document[method](name, on, true);
      for (const name of ["pagehide", "pageshow", "online", "offline"]) window[method](name, on, true);
    } catch {}
  };
  each("addEventListener");
  return () => each("removeEventListener");
};

// --- Talk between tabs: channel.rs.

// It is missing in old browsers and throws where storage is partitioned away.
const socketOf = ({ project }, from) => new from.BroadcastChannel("sendoff:" + project);

/** Whether a channel can be had; only opening one tells. */
const isAvailable = (host, from) => attempt(() => (socketOf(host, from).close(), true));

/** Joins the channel, if there is one. The host keeps it. */
export const openChannel = (host) =>
  attempt(() => {
    const socket = (host.socket ??= socketOf(host, window));
    // Anything but a string is not from us.
    socket.onmessage = ({ data }) => {
      if (typeof data === "string") host.hear(0, 0, data);
    };
  });

export const post = ({ socket }, text) => attempt(() => socket.postMessage(text));

export const closeChannel = (host) =>
  attempt(() => {
    host.socket.onmessage = null;
    host.socket.close();
    host.socket = undefined;
  });

// --- The store: storage.rs. Without storage (`undefined`) nothing is found.

/** `localStorage` if it can be read, whether or not it is full. */
export const openStorage = () =>
  attempt(() => {
    window.localStorage.getItem("sendoff");
    return window.localStorage;
  });

export const get = (storage, key) => attempt(() => storage.getItem(key));

/** 0 for written, 1 for no room, 2 for any other reason. */
export const set = (storage, key, value) => {
  try {
    storage.setItem(key, value);
    return 0;
  } catch (error) {
    const full = attempt(() => /^(QuotaExceededError|NS_ERROR_DOM_QUOTA_REACHED)$/.test(error.name));
    return full || attempt(() => error.code === 22 || error.code === 1014) ? 1 : 2;
  }
};

export const remove = (storage, key) => attempt(() => storage.removeItem(key));

/** The keys that begin with `prefix`, a line each: no key of ours holds a line break. */
export const keys = (storage, prefix) =>
  attempt(() =>
    Reflect.ownKeys(storage)
      .filter((key) => typeof key === "string" && key.startsWith(prefix))
      .join("\n"),
  );

// --- The ways out: transport.rs, which says why requests look the way they do. `fetchImpl`, what it answers and every
// API may be the page's own, and is only touched inside of a `try`.

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

/** Posts to `endpoint`. What became of a request is told by `host.hear(id, code, body, seconds, at)`. */
export const openTransport = (endpoint, config, host) => {
  const fetchImpl = attempt(() => config.fetchImpl);
  // In order: which of several deferred requests was first matters to the engine.
  const waiting = new Map();

  const fetched = async (id, promise) => {
    let response, body;
    try {
      response = await promise;
    } catch {}
    const status = statusOf(response);
    if (status >= 200 && status < 300 && waiting.has(id)) {
      try {
        body = await response.text();
      } catch {}
    }
    const isText = typeof body === "string" && body.length <= ANSWER_LENGTH_MAX;
    if (waiting.delete(id)) host.hear(id, status, isText ? body : undefined, ...retryAfter(response));
  };

  /** Whether it was taken; throws where it was not. */
  const start = (id, means, body) => {
    if (means === BEACON) return navigator.sendBeacon(endpoint, body) === true;
    // Without a way to withdraw it, a deferred request would go out beside the fetch that replaces it.
    const abort = means === DEFERRED ? controller() : attempt(controller);
    const options = { method: "POST", body };
    if (abort) options.signal = abort.signal;
    if (means === DEFERRED) return waiting.set(id, { abort, deferred: window.fetchLater(endpoint, options) });
    if (means === KEEPALIVE) options.keepalive = true;
    const promise = typeof fetchImpl === "function" ? fetchImpl(endpoint, options) : window.fetch(endpoint, options);
    waiting.set(id, { abort });
    fetched(id, promise);
    return true;
  };

  return {
    send(id, means, body) {
      const taken = attempt(() => start(id, means, body));
      if (!taken || means >= BEACON) host.hear(id, taken ? QUEUED : REFUSED);
    },
    cancel(id) {
      const it = waiting.get(id);
      if (!waiting.delete(id)) return;
      if (isActivated(it)) host.hear(id, ACTIVATED);
      else attempt(() => it.abort.abort());
    },
    tellActivated() {
      waiting.forEach((it, id) => {
        if (isActivated(it) && waiting.delete(id)) host.hear(id, ACTIVATED);
      });
    },
  };
};
