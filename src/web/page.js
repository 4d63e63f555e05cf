// The JavaScript half of page.rs. Nothing here throws into wasm.

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
