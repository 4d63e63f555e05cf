// `sendoff/iife` and `sendoff/stub` are classic scripts. What they put on the page:

import type { Sendoff as Client, SendoffConfig } from "./index.js";

declare global {
  interface Window {
    /** Made by `sendoff/iife`: the class, with the module's functions as its members. */
    Sendoff: typeof import("./index.js");
    /** Made by `sendoff/stub`: keeps calls until the SDK is there, as `window.sendoff`. */
    sendoffStub: (config: SendoffConfig) => void;
    /** What the stub has made, and the client afterwards. */
    sendoff: Pick<
      Client,
      | "track"
      | "page"
      | "identify"
      | "setTraits"
      | "alias"
      | "group"
      | "exposure"
      | "reset"
      | "register"
      | "registerOnce"
      | "unregister"
      | "time"
    >;
  }
}
export {};
