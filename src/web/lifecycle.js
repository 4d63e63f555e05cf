// The JavaScript half of lifecycle.rs. Nothing here throws into wasm.

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
