// `sendoff/react`: a provider, and hooks for whatever is below it.

import type { ReactElement, ReactNode } from "react";
import type { Sendoff, SendoffConfig } from "./index.js";

/** Makes a client when an effect or an event first needs it, never while rendering, and lets go of it when it is unmounted.
 * `config` is read once. */
export declare function SendoffProvider(props: { config: SendoffConfig | string; children?: ReactNode }): ReactElement;

/** The client's members, which may be held from the first render on; without a provider those of `getSendoff()`. What they
 * return outside of a browser is `undefined`. */
export declare function useSendoff(): Omit<Sendoff, "ready">;

/** A `track` that stays the same from render to render. */
export declare function useTrack(): Sendoff["track"];
