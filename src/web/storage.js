// The JavaScript half of storage.rs. Nothing here throws into wasm; without storage (`undefined`) nothing is found.

const attempt = (run) => {
  try {
    return run();
  } catch {}
};

/** `localStorage` if it can be read, whether or not it is full. */
export const open = () =>
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
