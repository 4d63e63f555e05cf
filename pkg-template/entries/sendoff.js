// @ts-check
// `sendoff`: for pages, whatever builds or serves them. The engine is a JavaScript module beside this one, which every
// bundler follows and every server delivers; it is asked for when the first client is made.

import { loader } from "../engine/load.js";
import { makeSendoff } from "../src/index.js";
import { pageEntry } from "../platform/page.js";

const load = loader(
  // @ts-ignore: made by the build
  [() => import("./engine.js"), "./engine.js"],
  // @ts-ignore: made by the build
  [() => import("./engine-js.js"), "./engine-js.js"],
);

export const Sendoff = makeSendoff(pageEntry(load));
export default Sendoff;
export * from "../src/functions.js";
