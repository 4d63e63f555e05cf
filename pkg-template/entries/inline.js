// @ts-check
// `sendoff/inline`: everything in one file, for single-file builds, browser extensions and test runners that know no
// dynamic `import()`. The engine's part still does nothing before the first client is made.

import { makeSendoff } from "../src/index.js";
import { pageEntry } from "../platform/page.js";

/** @param {unknown} source */
const load = async (source) => {
  const engine = await import("../engine/packed.js");
  await engine.default(source);
  return engine;
};

// @ts-ignore: the glue is made by the build
export const Sendoff = makeSendoff(pageEntry(load));
export default Sendoff;
export * from "../src/functions.js";
