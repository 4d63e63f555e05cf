// `sendoff/destinations`: `sendoff` with an engine that speaks the formats of other vendors' back ends. DESTINATIONS.md has what
// becomes of every event, and what each back end drops repeats by.

export * from "./index.js";
export { Sendoff as default } from "./index.js";
import type { CalledEvent, DestinationConfig, Hook } from "./index.js";

/** What every destination may be given. */
export interface Common {
  /** Under which its progress is kept: a destination that is renamed begins anew. Unique, 1 to 64 of `[A-Za-z0-9_.-]`; default the
   * name of the function (of `own`: `sendoff`). */
  name?: string;
  /** Names of the only events that go there; a `*` at the end stands for anything. Or a function that is asked at each call. */
  only?: readonly string[] | ((event: CalledEvent) => boolean);
  /** Names of events that do not go there; or a function. */
  except?: readonly string[] | ((event: CalledEvent) => boolean);
  /** May change each event for this destination alone, or keep it from there by `null`: see `DestinationConfig`. */
  beforeSend?: Hook;
  /** The consent that it takes. What is recorded without consent to marketing never goes where that is needed. Default
   * `"analytics"`. */
  consent?: "analytics" | "marketing";
}

/** Where it is: the vendor's address with its scheme, or a path of the page's own origin (a proxy of yours, which no ad blocker
 * knows). What follows is kept. */
export interface Host {
  host?: string;
}

/** The public key of the project; each vendor has another word for it. */
export interface Key {
  apiKey: string;
}

/** Segment and its kin. */
export interface SegmentOptions extends Common, Key {
  /** `"json"` says what the body is, at the price of a preflight. Default `"text"`. */
  contentType?: "text" | "json";
  /** As Segment has it: destinations behind the back end that are on or off. */
  integrations?: Readonly<Record<string, unknown>>;
}

/** PostHog. `host` default `https://us.i.posthog.com`; `profiles: true`: person profiles for visitors who are not known, too. */
export declare function posthog(options: Common & Key & Host & { profiles?: true }): DestinationConfig;
/** Mixpanel. `host` default `https://api-js.mixpanel.com`; `apiKey` is the project's token; `ip: false`: no place by the address. */
export declare function mixpanel(options: Common & Key & Host & { ip?: boolean }): DestinationConfig;
/** Amplitude. `host` default `https://api2.amplitude.com`. */
export declare function amplitude(
  options: Common & Key & Host & { contentType?: "text" | "json"; partnerId?: string },
): DestinationConfig;
/** Segment. `host` default `https://api.segment.io`; `apiKey` is the write key. */
export declare function segment(options: SegmentOptions & Host): DestinationConfig;
/** RudderStack: `host` is the data plane's. */
export declare function rudderstack(options: SegmentOptions & Required<Host>): DestinationConfig;
/** Jitsu: `host` is the instance's. */
export declare function jitsu(options: SegmentOptions & Required<Host>): DestinationConfig;
/** Any address that takes JSON: a list of `{name, properties, timestamp, userId, …}`, or with `shape: "event"` one event a
 * request. `authorization` is a header's value: browsers ask before they send it (a preflight), and what leaves with the page
 * may then have to wait for the next visit. */
export declare function webhook(
  options: Common &
    Required<Host> & { apiKey?: string; shape?: "events" | "event"; contentType?: "text" | "json"; authorization?: string },
): DestinationConfig;
/** An OpenTelemetry Collector: events become log records at `<host>/v1/logs`. Its JSON takes a preflight on another origin: put
 * it behind a path of your own. */
export declare function otlp(
  options: Common &
    Required<Host> & { serviceName?: string; resource?: Readonly<Record<string, unknown>>; authorization?: string },
): DestinationConfig;
/** sendoff's own collector, beside others. Default: `endpoint` and `apiKey` of the client. */
export declare function own(options?: Common & { endpoint?: string; apiKey?: string }): DestinationConfig;
