// @ts-check
// `sendoff/url`: the WebAssembly as a file of its own, compiled while it arrives and kept compiled by the browser. For
// pages whose bundler follows `new URL(…, import.meta.url)` and whose server knows `application/wasm`, or any address
// given as `wasm`; with another MIME type it is compiled when it has arrived.

import { makeSendoff } from "../src/index.js";
import { pageEntry } from "../platform/page.js";

/** @param {unknown} source */
const load = async (source) => {
  const engine = await import("../engine/streamed.js");
  await engine.default(source ?? new URL("./sendoff_bg.wasm", import.meta.url));
  return engine;
};

// @ts-ignore: the glue is made by the build
export const Sendoff = makeSendoff(pageEntry(load));
export default Sendoff;
export * from "../src/functions.js";
