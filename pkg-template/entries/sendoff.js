// @ts-check
// `sendoff`: for pages, whatever builds or serves them. The engine is a JavaScript module beside this one, which every
// bundler follows and every server delivers; it is asked for when the first client is made.

import { makeSendoff } from "../src/index.js";
import { pageEntry } from "../platform/page.js";

// Some browsers remember for good that a module failed to load. Where the files are served as they are, another address of
// the same file helps; elsewhere there is none, and the next attempt is the first address again.
const again = (/** @type {number} */ attempts) => `./engine.js?${attempts}`;

/** @param {unknown} source @param {number} attempts */
const load = async (source, attempts) => {
  const engine =
    attempts % 2
      ? await import(/* webpackIgnore: true */ /* @vite-ignore */ again(attempts))
      : // @ts-ignore: made by the build
        await import("./engine.js");
  await engine.default(source);
  return engine;
};

export const Sendoff = makeSendoff(pageEntry(load));
export default Sendoff;
export * from "../src/functions.js";
