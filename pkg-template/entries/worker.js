// @ts-check
// `sendoff/worker`: for workers of every kind, and for Node and edge runtimes: no `document` is needed.

import { makeSendoff } from "../src/index.js";
import { nodeEntry } from "../platform/node.js";
import { workerEntry } from "../platform/worker.js";

/** @param {unknown} source */
const load = async (source) => {
  // @ts-ignore: made by the build
  const engine = await import("./engine.js");
  await engine.default(source);
  return engine;
};

const worker = workerEntry(load);

export const Sendoff = makeSendoff(worker.isAvailable() ? worker : nodeEntry(load));
export default Sendoff;
export * from "../src/functions.js";
