// @ts-check
// The engine, as the module that `sendoff` and `sendoff/worker` ask for.

export { default } from "../engine/packed.js";
export * from "../engine/packed.js";
