// @ts-check
// Loading the engine as a module beside the entry: the WebAssembly, or where that may not run the same as JavaScript.

import { attempt } from "../src/builtins.js";

/** @typedef {import("../src/types").EngineModule & { default: (source: unknown) => Promise<void> }} Module */

// A module with nothing in it.
const EMPTY = new Uint8Array([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]);
/** A page's policy forbids it where it is compiled; iOS in Lockdown Mode has none. */
const mayRunWasm = () => attempt(() => new WebAssembly.Module(EMPTY)) !== undefined;

/**
 * Some browsers remember for good that a module failed to load. Where the files are served as they are, another address of
 * the same file helps; elsewhere there is none, and the next attempt is the first address again.
 * @param {[first: () => Promise<any>, address: string]} wasm the module as bundlers follow it, and the same, beside the file that this becomes a part of
 * @param {[first: () => Promise<any>, address: string]} plain without WebAssembly
 */
export const loader = (wasm, plain) => async (/** @type {unknown} */ source, /** @type {number} */ attempts) => {
  const [first, address] = mayRunWasm() ? wasm : plain;
  /** @type {Module} */
  const engine = await (attempts % 2 ? import(/* webpackIgnore: true */ /* @vite-ignore */ `${address}?${attempts}`) : first());
  await engine.default(source);
  return engine;
};
