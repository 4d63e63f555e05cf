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

const TYPES = ["undefined", "number", "boolean", "string"];

/** The type of `target[name]` by its place among these, -1 for any other or where it throws. */
export const typeOf = (target, name) => {
  try {
    return TYPES.indexOf(typeof Reflect.get(target, name));
  } catch {
    return -1;
  }
};

/** `target[name]` as a number: 0 or 1 for what is false or true. */
export const number = (target, name) => {
  try {
    return +target[name];
  } catch {
    return NaN;
  }
};

/** `target[name]` if it is a string. */
export const text = (target, name) => {
  try {
    const value = target[name];
    if (typeof value === "string") return value;
  } catch {}
};

/** The plain object that a text of JSON stands for. */
export const parse = (json) => {
  try {
    return JSON.parse(json);
  } catch {}
};

/** Calls `target[name]`. */
export const call = (target, name, value) => {
  try {
    target[name](value);
  } catch {}
};

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
export const describe = (from = window) => {
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
  try {
    return JSON.stringify(context) || "{}";
  } catch {
    return "{}";
  }
};

/** `navigator.onLine`; online where that is unknown. */
export const isOnline = (from = window) => {
  try {
    return from.navigator.onLine !== false;
  } catch {
    return true;
  }
};

// --- What the page lives through: lifecycle.rs.

// In the order of PageEvent: to be hidden and to be visible are one event of the page.
const EVENTS = ["", "visibilitychange", "pagehide", "pageshow", "freeze", "resume", "online", "offline"];

/** Whether the page can be seen. */
export const isVisible = (from = window) => {
  try {
    return from.document.hidden !== true;
  } catch {
    return true;
  }
};

/** Tells `hear` what the page lives through. Returns what ends that. */
export const listen = (hear) => {
  const on = ({ type, persisted }) => {
    const code = EVENTS.indexOf(type);
    if (code === 1) hear(0, +isVisible());
    else if (code !== 3 || persisted === true) hear(0, code);
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
const socketOf = (project) => new BroadcastChannel("sendoff:" + project);

/** Whether a channel can be had; only opening one tells. */
export const isAvailable = (project) =>
  !!attempt(() => {
    socketOf(project).close();
    return true;
  });

/** Joins a channel, if there is one. */
export const openChannel = (project, hear) =>
  attempt(() => {
    const socket = socketOf(project);
    // Anything but a string is not from us.
    socket.hear = ({ data }) => {
      if (typeof data === "string") hear(0, 0, data);
    };
    socket.addEventListener("message", socket.hear);
    return socket;
  });

/** It throws only once closed, and then nobody is to hear it. */
export const post = (socket, text) => attempt(() => socket.postMessage(text));

export const closeChannel = (socket) =>
  attempt(() => {
    socket.removeEventListener("message", socket.hear);
    socket.close();
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

/** The keys that begin with `prefix`. */
export const keys = (storage, prefix) =>
  attempt(() => Reflect.ownKeys(storage).filter((key) => typeof key === "string" && key.startsWith(prefix))) ?? [];

export const at = (list, index) => list[index];

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

/** Posts to `endpoint`. What became of a request is told by `hear(id, code, body, seconds, at)`. */
export const openTransport = (endpoint, config, hear) => {
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
