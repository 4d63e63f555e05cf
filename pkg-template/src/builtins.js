// @ts-check
// What the facade takes of the page's built-ins, once, while the module loads. Host pages replace `Array.from`, add
// `toJSON` to every array, put members on every object, freeze prototypes and exchange `Promise`: so nothing is looked
// up later that can be held now, literals and syntax stand where there is syntax, and what may be missing is attempted.

export const { stringify, parse } = JSON;
export const { keys: keysOf, defineProperty } = Object;
const everyObject = Object.prototype;

/**
 * For what may be missing, blocked, full or hostile. What is missing on most pages is asked for first: to throw and to catch takes
 * V8 a hundred times as long, and at a page's first it reads the functions on the stack once more, for their positions.
 * @template T
 * @param {() => T} run
 * @returns {T | undefined}
 */
export const attempt = (run) => {
  try {
    return run();
  } catch {
    return undefined;
  }
};

/**
 * Runs later, before the task ends. By syntax alone: a page may have replaced `Promise` and `queueMicrotask`.
 * @param {() => void} run
 */
export const soon = async (run) => {
  await undefined;
  attempt(run);
};

/** The browser's own, whatever the page has made of the global. */
const NativePromise = /** @type {PromiseConstructor} */ ((async () => {})().constructor);

/**
 * A promise, and what resolves it.
 * @template T
 * @returns {{ promise: Promise<T>, resolve: (value: T) => void }}
 */
export const deferred = () => {
  /** @type {any} */
  const it = {};
  it.promise = new NativePromise((resolve) => (it.resolve = resolve));
  return it;
};

/**
 * An object of these members and no others: not those that a page has put on every object.
 * @template {object} T
 * @param {T} members
 * @returns {T}
 */
export const bare = (members) => /** @type {any} */ ({ __proto__: null, ...members });

/** @returns {Record<string, any>} */
export const nothing = () => bare({});

/**
 * Gives `target` a member, also where a frozen prototype has one of that name and assigning would fail without a word.
 * @param {object} target
 * @param {string} name
 * @param {unknown} value
 */
export const define = (target, name, value) => {
  defineProperty(target, name, bare({ value, enumerable: true, configurable: true, writable: true }));
};

/**
 * A member that `from` has itself or by its class, not one that a page put on every object.
 * @param {any} from
 * @param {string} name
 */
export const member = (from, name) => {
  const value = from[name];
  return name in everyObject && value === /** @type {any} */ (everyObject)[name] ? undefined : value;
};

/** @param {unknown} value @returns {value is object} */
export const isObject = (value) => typeof value === "object" && value !== null;

/** @param {string} text */
export const utf8Bytes = (text) => new TextEncoder().encode(text).length;

const DETAIL_UNITS_MAX = 200;

/**
 * What was thrown, in words: it may be anything, also something that throws when looked at.
 * @param {any} cause
 * @returns {string}
 */
export const describe = (cause) =>
  attempt(() => `${cause?.message ?? cause}`.slice(0, DETAIL_UNITS_MAX)) ?? "unknown cause";
