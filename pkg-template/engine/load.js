// @ts-check
// Loading the engine as a module beside the entry.

/** @typedef {import("../src/types").EngineModule & { default: (source: unknown) => Promise<void> }} Module */

/**
 * Some browsers remember for good that a module failed to load. Where the files are served as they are, another address of
 * the same file helps; elsewhere there is none, and the next attempt is the first address again.
 * @param {() => Promise<any>} first as bundlers follow it
 * @param {string} address the same, beside the file that this becomes a part of
 */
export const loader = (first, address) => async (/** @type {unknown} */ source, /** @type {number} */ attempts) => {
  /** @type {Module} */
  const engine = await (attempts % 2 ? import(/* webpackIgnore: true */ /* @vite-ignore */ `${address}?${attempts}`) : first());
  await engine.default(source);
  return engine;
};
