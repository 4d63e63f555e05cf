// The JavaScript half of convert.rs. Nothing here throws into wasm.

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
