// @ts-check
// The engine as JavaScript: the same, larger and slower, for pages that may not run WebAssembly (a policy
// without 'wasm-unsafe-eval', iOS in Lockdown Mode, a browser where it is switched off).

import { finalize } from "sendoff:glue";
import * as exports from "sendoff:plain";

export const kind = "js";
export default () => finalize(/** @type {any} */ ({ exports }));
export * from "./instance.js";
