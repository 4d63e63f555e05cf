// @ts-check
// `sendoff/destinations`: the same, with an engine that speaks the formats of other vendors' back ends, and a function for
// each that says how it is set up.

import { attempt } from "../src/builtins.js";
import { loader } from "../engine/load.js";
import { makeSendoff } from "../src/index.js";
import { pageEntry } from "../platform/page.js";

const load = loader(
  // @ts-ignore: made by the build
  [() => import("./destinations-engine.js"), "./destinations-engine.js"],
  // @ts-ignore: made by the build
  [() => import("./destinations-engine-js.js"), "./destinations-engine-js.js"],
);

export const Sendoff = makeSendoff(pageEntry(load));
export default Sendoff;
export * from "../src/functions.js";

/**
 * An entry of `destinations`. What is wrong with it the engine says, when it reads it.
 * @param {string} format
 * @param {string} [name]
 */
const of = (format, name = format) => (/** @type {any} */ given) =>
  attempt(() => {
    // Anything else has no options, and a long text would be spread into as many.
    const { host, ...options } = typeof given === "object" ? given : {};
    return { name, format, endpoint: host, ...options };
  }) ?? { name, format };

export const posthog = of("posthog");
export const mixpanel = of("mixpanel");
export const amplitude = of("amplitude");
export const segment = of("segment");
export const rudderstack = of("rudderstack");
export const jitsu = of("jitsu");
export const webhook = of("webhook");
export const otlp = of("otlp");
/** sendoff's own collector; under the name that it has where no destinations are given, so that nothing is sent twice. */
export const own = of("native", "sendoff");
