// @ts-check
// The engine without WebAssembly, as the module that `sendoff` and `sendoff/destinations` ask for where there is none.

export { default } from "../engine/plain.js";
export * from "../engine/plain.js";
