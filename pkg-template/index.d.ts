// The public API of sendoff, and the place where every option, unit, limit and error code is
// described. Hand-written: what wasm-bindgen generates describes the engine's boundary, not this.

/** `"granted"`: everything works. `"pending"`: nothing touches the device and nothing is sent; calls wait in memory, the
 * newest 1,000 or 1 MiB of them; `flush` does not wait for the decision. `"denied"`: nothing is kept or sent. */
export type ConsentState = "granted" | "pending" | "denied";

/** What the visitor allows: analytics is everything; marketing is click ids, campaign parameters and referrers. */
export interface Consent {
  readonly analytics: ConsentState;
  readonly marketing: ConsentState;
}

/** A change of consent; what is left out stays as it is. `true` and `false` stand for granted and denied. */
export interface ConsentChoice {
  analytics?: ConsentState | boolean;
  marketing?: ConsentState | boolean;
}

/** What a destination's function is asked about: a copy, and `context`, `userId`, `anonymousId` and `timestamp` where the call
 * gave them. */
export interface CalledEvent {
  /** The call: `track`, `page`, `identify` … */
  readonly type: string;
  readonly name: string;
  readonly properties: { readonly [name: string]: any };
  readonly context?: { readonly [name: string]: unknown };
  readonly userId?: string;
  readonly anonymousId?: string;
  readonly timestamp?: unknown;
}

/** One of several places that events are delivered to, each with its own progress: `posthog(…)` and the like of
 * `sendoff/destinations`. */
export interface DestinationConfig {
  /** Unique among the client's destinations, 1 to 64 of `[A-Za-z0-9_.-]`. */
  readonly name: string;
  readonly format: string;
  readonly endpoint?: string;
  readonly apiKey?: string;
  /** Only these event names (a `*` at the end stands for anything), or all but these. Or a function that is asked at each call
   * (`$session` events, which no call makes, go there); one that throws has said nothing (`hook_failed`). */
  readonly only?: readonly string[] | ((event: CalledEvent) => boolean);
  readonly except?: readonly string[] | ((event: CalledEvent) => boolean);
  /** May change an event for this destination alone, after the client's own `beforeSend`: at the call, before anything is written.
   * `null`: it does not go there (as by `except`: no figure of the destination counts it). What it changes is stored with the event, so it
   * counts towards `maxPayloadBytes`. Super properties are added after it; `$session` events, which no call makes, are not shown to it. */
  readonly beforeSend?: Hook;
  /** The consent that it needs. Default `"analytics"`. */
  readonly consent?: "analytics" | "marketing";
  readonly [option: string]: unknown;
}

/** What a page may set. Only `apiKey` is required; a value that cannot be used is named through
 * `onError` (`config_out_of_range`, `config_wrong_type`, `config_unreadable`, `config_unknown`) and
 * its default is in force: a typo costs an option, never the events. */
export interface SendoffConfig {
  /** The key of your project at the collector, 1 to 1,024 characters. Without it the client is inert
   * and says so once (`missing_api_key`). It also separates what several projects keep in storage. */
  apiKey: string;
  /** Where batches are posted. Default `/api/v1/ingest/batch` on the page's own origin. */
  endpoint?: string;
  /** Milliseconds that an event waits at most before a delivery is tried. 50 to 3,600,000;
   * default 2,000. */
  flushInterval?: number;
  /** Waiting events that start a delivery: at once, or 250 ms after the request before, unless they fill one. 1 to 1,000;
   * default 50. */
  flushAt?: number;
  /** Events in one request at most; bytes decide. 1 to 1,000; default 500. */
  maxBatchSize?: number;
  /** Events waiting at most; beyond it the oldest is dropped (`overflow`). 1 to 100,000; default
   * 10,000. */
  maxQueueSize?: number;
  /** UTF-8 bytes of one request body at most. 4,096 to 4,000,000; default 60,000. The default lies
   * under the 64 KiB that all `keepalive` requests of a page share (Fetch standard,
   * HTTP-network-or-cache fetch): larger bodies cannot be sent while a page is being left. */
  maxPayloadBytes?: number;
  /** Attempts to deliver one batch in one go. 1 to 20; default 3. Then it waits for the next flush;
   * it is not lost. */
  maxRetries?: number;
  /** Milliseconds, upper bound of the first wait between attempts; it doubles with each, and the
   * wait is drawn at random below it. 1 to 60,000; default 300. */
  retryBaseDelayMs?: number;
  /** Milliseconds without an answer after which a request has failed. 100 to 120,000; default
   * 5,000. */
  timeout?: number;
  /** `true`: no delivery by time, only by `flushAt`, `flush()` and page events. Default `false`. */
  disableTimer?: boolean;
  /** Whether what is waiting is sent when the page is hidden or left. Default `true`. */
  autoFlushOnExit?: boolean;
  /** `"gzip"`: bodies of 1 KB and more are compressed before they leave (`CompressionStream`), to about a ninth; never while
   * the page is being left. It takes a receiver on the page's own origin that understands `Content-Encoding: gzip`
   * (sendoff's collector does; of the others those of Amplitude, RudderStack, Jitsu and OTLP), as on another one the header would
   * take a preflight; PostHog takes it anywhere. The others get plain bodies. Default `"none"`. */
  compression?: "none" | "gzip";
  /** Used instead of `fetch`, with the same arguments and result. Default: the page's `fetch`. */
  fetchImpl?: typeof fetch;
  /** `true`: every error goes to the console each time (up to 100 times a code), not only the
   * first. Default `false`. */
  debug?: boolean;
  /** UTF-8 bytes of `localStorage` taken at most, keys and values. 0 (keep in memory only) to
   * 5,000,000; default 2,097,152. */
  maxStorageBytes?: number;
  /** Milliseconds after which an event found in storage is dropped (`expired`). 1,000 to
   * 42,949,672,950; default 604,800,000 (7 days). */
  maxEventAgeMs?: number;
  /** `"leader"` (default): one tab of the origin sends for all. `"independent"`: every tab sends
   * its own events, and only what dead tabs left is taken over. */
  multiTabMode?: "leader" | "independent";
  /** Where metrics are posted. Default: beside `endpoint`, with `metrics` as the last part of its path
   * (`/api/v1/ingest/metrics`). */
  metricsEndpoint?: string;
  /** `"native"` (default), or `"otlp"` with `sendoff/destinations`: an OpenTelemetry Collector at `metricsEndpoint`, to which
   * `/v1/metrics` is added. Its JSON takes a preflight on another origin: put it behind a path of your own. */
  metricsFormat?: "native" | "otlp";
  /** Metrics waiting at most; beyond it the oldest are dropped and counted. 1 to 10,000; default 500. */
  maxMetricsQueueSize?: number;
  /** Milliseconds between two requests with metrics. 1,000 to 3,600,000; default 30,000. */
  metricsFlushInterval?: number;
  /** Several places to deliver to, each with its own progress: one that is down neither delays nor loses anything for the
   * others. Default: the collector at `endpoint` alone. */
  destinations?: readonly DestinationConfig[];

  /** A name under which `getSendoff(name)` finds this client. */
  name?: string;

  /** What a second, different `identify` without `reset()` does: `"guard"` (default) refuses it (`identity_conflict`),
   * `"reset"` makes a new visitor first, `"allow"` takes it. */
  identityPolicy?: "guard" | "reset" | "allow";
  /** `true`: the visitor record is mirrored in one first-party cookie on the highest domain that takes one, so that
   * subdomains share it. Default `false`. */
  crossSubdomain?: boolean;
  /** Where ids and events are kept. `"memory"`: as long as the page. Default `"localStorage"`. */
  persistence?: "localStorage" | "sessionStorage" | "memory";
  /** `true`: no id is stored at all; the anonymous id lives as long as the page. Default `false`. */
  cookieless?: boolean;
  /** Milliseconds without an event after which the next one begins a session. 1,000 to 86,400,000; default 1,800,000
   * (30 minutes). */
  sessionTimeoutMs?: number;
  /** Milliseconds after which a session ends anyway. 60,000 to 604,800,000; default 86,400,000 (24 hours). */
  sessionMaxMs?: number;
  /** `true`: new campaign parameters begin a session. Default `false`. */
  newSessionOnCampaign?: boolean;
  /** How much of the page's address goes with events. Default `"full"`. */
  captureUrl?: "full" | "path" | "none";
  /** `"every"`: first and last touch go with every event, not only with `$session` and `$identify`. Default `"session"`. */
  attribution?: "session" | "every";
  /** Further hosts that are no source of visits (sign-in and payment providers are known), 100 at most. */
  referralExclusions?: readonly string[];
  /** Further URL parameters that are click ids, 100 at most. */
  clickIds?: readonly string[];
  /** Event name, or prefix with `*` → share that is kept, 0.01 to 1. `$` events are never sampled away. */
  sampling?: { readonly [name: string]: number };
  /** What is in or out as a whole. Default `"user"`. */
  sampleBy?: "user" | "session" | "event";
  /** `"flat"`: the properties of events are texts, numbers, booleans and null, 4,096 bytes as JSON in all; others are refused
   * (`properties_not_flat`). Traits may be nested all the same. Default `"nested"`: 8 levels, 32,768 bytes. */
  propertyMode?: "nested" | "flat";
  /** What names of events should look like: warned of once a name (`name_convention`), refused with `strictNames`. */
  nameConvention?: "snake_case" | "dot.case" | RegExp;
  /** `true`: names that break `nameConvention` are refused. Default `false`. */
  strictNames?: boolean;

  /** What holds until the visitor has decided. Default `"granted"`. */
  consent?: ConsentState;
  /** `true`: the decision is kept by sendoff and goes before `consent` on later visits. Default `false`: by the page. */
  persistConsent?: boolean;
  /** Whether Global Privacy Control switches marketing off. Default `true`. */
  respectGpc?: boolean;
  /** `"deny"`: Global Privacy Control switches analytics off as well. Default `"marketing"`. */
  gpc?: "marketing" | "deny";
  /** Whether Do Not Track switches analytics off. Default `false`. */
  respectDnt?: boolean;
  /** What becomes of personal data in properties, names, addresses, titles and referrers. Default `"redact"`. */
  pii?: "off" | "warn" | "redact" | "hash" | "reject";
  /** The same for traits, which may hold an e-mail on purpose. Default `"off"`. */
  piiTraits?: "off" | "warn" | "redact" | "hash" | "reject";
  /** `true`: IPv4 and IPv6 addresses are personal data too. Default `false`. */
  piiIp?: boolean;
  /** Further names of properties and URL parameters whose values are, 100 at most. */
  piiKeys?: readonly string[];
  /** Further texts that are personal data, 100 at most. */
  piiPatterns?: readonly string[];
  /** Keys and values that are not, 100 at most. */
  piiAllow?: readonly string[];
  /** Goes into the hashes of `"hash"`, so that they fit no other site's. */
  piiSalt?: string;


  /** Called with each event before anything is kept; see {@link Hook}. `use` takes more of them. */
  beforeSend?: Hook;
  /** `true`: events of automated browsers (`navigator.webdriver`, crawlers' user agents, headless brands) are dropped,
   * counted as `stats().refused.bot` and said once on the console. Default `false`, because every end-to-end test
   * drives such a browser. */
  botFilter?: boolean;
  /** How many of the latest names `breadcrumbs()` keeps: `true` for 50, at most 1,000. Default none. */
  breadcrumbs?: boolean | number;
  /** A name was recorded, and `breadcrumbs` is on. */
  onBreadcrumb?: (crumb: Breadcrumb) => void;

  /** Where the WebAssembly comes from: an address, a `Request`, a `Response`, its bytes or a compiled module, also of
   * another frame, or a promise of one. Default: the module `engine.js` of the package; `sendoff_bg.wasm` in
   * `sendoff/url`. One instance serves the whole page, so only the first client's value counts. */
  wasm?: string | URL | Request | Response | BufferSource | WebAssembly.Module | Promise<Response | BufferSource | WebAssembly.Module>;
  /** Accepted events were given up. `on("dropped", …)` hears the same. */
  onEventsDropped?: (count: number, reason: DropReason) => void;
  /** A batch was not delivered in this go. */
  onDeliveryFailed?: (failure: DeliveryFailure) => void;
  /** Something was wrong: a call, the configuration, storage, the engine. `on("error", …)` hears
   * the same. Called 100 times for one code at most; `stats().refused` counts them all. */
  onError?: (error: SendoffError) => void;
}

/** A name that was recorded. */
export interface Breadcrumb {
  readonly name: string;
  /** Milliseconds since 1970. */
  readonly timestamp: number;
}

/** An event as a hook sees it: a copy, of which `name` (of `track` only), `properties` and `context` may be changed. */
export interface HookEvent {
  /** The method that was called, such as `track`. */
  readonly type: string;
  name: string;
  properties: { [name: string]: unknown };
  context?: { [name: string]: unknown };
  readonly userId?: string;
  readonly anonymousId?: string;
  readonly timestamp?: unknown;
}

/** Answers the event, changed or not, or `null` to drop it (counted as `stats().refused.hook`). One that throws, or answers
 * anything else, a promise too, changes nothing (`hook_failed`). */
export type Hook = (event: HookEvent) => HookEvent | null;

/** An extension of a client. */
export interface Plugin {
  /** Unique; a second one of a name replaces the first. */
  name: string;
  /** Called at once, with what a client has. */
  setup?: (client: Omit<Sendoff, "ready">) => void;
  beforeSend?: Hook;
  /** Called by `unuse` and `destroy`. */
  teardown?: () => void;
}

/** A time: a `Date`, milliseconds since 1970, or what `new Date(string)` takes, best ISO 8601. From
 * 1970 to 9999; anything else is refused (`timestamp_invalid`). */
export type Timestamp = Date | number | string;

/** Details of one event. */
export interface TrackOptions {
  /** When it happened. Default: the moment of the call. */
  timestamp?: Timestamp | null;
  /** Who did it, for this event only; at most 120 characters. Default: the last `identify`. */
  userId?: string | null;
  /** Anonymous id for this event only; at most 120 characters. Default: `getAnonymousId()`. */
  anonymousId?: string | null;
  /** What it is worth, a finite number. */
  value?: number | null;
  /** Share of such events that is kept, 0.01 to 1; see `sampleBy`. */
  sample?: number | null;
  /** Merged into the event's context; at most 32,768 characters as JSON. */
  context?: object | null;
  /** `true`: delivered at once. */
  urgent?: boolean | null;
}

/** `track` as one object. */
export interface TrackCall extends TrackOptions {
  /** Name of the event: 1 to 64 characters. */
  event: string;
  /** See `track`. */
  properties?: object | null;
}

/** Outcome of `ready`. `code` says why a client does not run: `no_document` (server-side rendering
 * or a worker: it does nothing, silently), `missing_api_key` (it does nothing), `wasm_load_failed`
 * (calls are kept, and loading is tried again: with growing pauses, when the network is back and when the page is shown),
 * `wasm_trapped` (calls are kept for the next visit), `consent_pending` and `consent_denied` (it runs once that is granted), `destroyed` (before it was ready). */
export type ReadyResult =
  | { readonly ok: true; readonly code: null }
  | {
      readonly ok: false;
      readonly code: "no_document" | "missing_api_key" | "wasm_load_failed" | "wasm_trapped" | "consent_pending" | "consent_denied" | "destroyed";
    };

/** Outcome of `flush` and `shutdown`. */
export interface FlushResult {
  /** Everything recorded before the call has reached the collector. */
  readonly ok: boolean;
  /** Events delivered since the call. */
  readonly delivered: number;
  /** Events still waiting; they are kept and tried again. */
  readonly pending: number;
  /** Events given up since the call. */
  readonly dropped: number;
}

/** Options of `shutdown`. */
export interface ShutdownOptions {
  /** Milliseconds that the last delivery may take, 0 to 2,147,483,647. Default 5,000, also for
   * what is not such a number. */
  timeoutMs?: number;
}

/** Why accepted events were given up.
 * - `overflow`: more than `maxQueueSize` were waiting; the oldest went.
 * - `blocked`: nothing has ever got through to `endpoint`; only the newest few are kept.
 *   Check `endpoint`, the page's CSP (`connect-src`) and content blockers.
 * - `rejected`: the collector answered 4xx (not 408, 413, 429). Check `apiKey`.
 * - `too_large`: the collector answered 413 for the event alone.
 * - `expired`: found in storage, older than `maxEventAgeMs`.
 * - `corrupt`: its stored form was damaged.
 * - `consent`: the visitor has withdrawn it.
 * - `set_aside`: this one event was refused, or broke the connection, time after time, while others were taken.
 * - `unknown`: a reason of another version. */
export type DropReason =
  | "overflow"
  | "blocked"
  | "rejected"
  | "too_large"
  | "set_aside"
  | "expired"
  | "corrupt"
  | "consent"
  | "unknown";

/** A batch that got no 2xx in one go. */
export interface DeliveryFailure {
  /** The destination's name. */
  readonly destination?: string;
  /** HTTP status, 0 where there was no answer. */
  readonly status: number;
  /** Events in that batch. */
  readonly events: number;
}

/** Names of what can be wrong. Stable; later versions may add some.
 *
 * A call that was refused, and not recorded:
 * - `name_missing`, `name_not_string`, `name_too_long`: event names are strings of 1 to 64 characters.
 * - `name_reserved`: names that begin with `$` are the SDK's own; the message says which call is meant.
 * - `user_id_missing`, `user_id_not_string`, `user_id_too_long`: ids are strings of 1 to 120 characters.
 * - `user_id_invalid`: a word that stands for no id (`"null"`, `"undefined"`, `"[object Object]"`, `"anonymous"` …).
 * - `identity_conflict`: another user is identified already; see `identityPolicy`.
 * - `properties_not_object`: properties must be a plain object, or left out.
 * - `properties_too_deep`: more than 8 levels.
 * - `properties_not_flat`: see `propertyMode`.
 * - `properties_too_large`: more than 32,768 bytes as JSON.
 * - `properties_not_serializable`: `JSON.stringify` failed: a cycle, a BigInt, a throwing getter.
 * - `timestamp_invalid`: see {@link Timestamp}. `timestamp_in_seconds`: it looks like seconds. `timestamp_out_of_range`: more
 *   than 30 days ago, or more than a day ahead.
 * - `value_invalid`: `value` is a finite number. `sample_invalid`: `sample` is a number from 0.01.
 * - `personal`: personal data was found, and `pii` (or `piiTraits`) is `"reject"`.
 * - `event_too_large`: the event alone exceeds `maxPayloadBytes`.
 * - `call_malformed`: the call could not be read.
 * - `metric_invalid`: a metric has a name of 1 to 64 characters, a finite number as its value, a type of those in
 *   {@link MetricOptions}, a unit of at most 32 characters, and at most 16 tags of at most 200.
 * - `name_looks_like_data`: not refused, warned of once a name: it holds an id, a number of six digits or more, an address. Every
 *   such name is another row of whoever looks at the data: what varies belongs into properties.
 * - `name_convention`: see `nameConvention`; refused only with `strictNames`.
 * - `hook`, `bot`: not kept on purpose; counted, never told.
 * - `shut_down`: after `shutdown()` or `destroy()`; told once, counted always.
 * - `early_log_full`: more than 8 Mi characters of calls before the client was ready, more than 1,000 calls or 1 Mi
 *   characters before the visitor has decided, or no room in storage on a page where the engine cannot run; told once,
 *   counted always.
 *
 * The configuration: `missing_api_key`, `config_wrong_type`, `config_out_of_range`,
 * `config_unreadable` (a getter or Proxy threw), `config_unknown` (no such option), `config_destination` (one that cannot be
 * made; it is left out), `config_shared` (the first client of this key on the page has another value, which stays).
 *
 * The engine:
 * - `wasm_load_failed`: it did not load or start; for entries other than `sendoff` and `sendoff/destinations` the page's CSP needs `'wasm-unsafe-eval'` in `script-src`, and all files
 *   of the package must be served. It is tried again, and calls are kept.
 * - `wasm_trapped`: it broke. Calls of that burst may be lost (`stats().refused.wasm_trapped`);
 *   what was recorded before is in storage, and later calls are kept for the next visit.
 * - `storage_unavailable` (missing or blocked), `storage_forgetful` (it takes values and does not keep them), `storage_quota`
 *   (full): events are kept in memory. `channel_unavailable`: each tab sends for itself.
 * - `queue_overflow`: more than `maxQueueSize` events wait. `endpoint_blocked`: no request ever got through. The oldest events are
 *   dropped.
 * - `journal_damaged`: a stored journal was damaged, and set aside. `journal_foreign_version`, `destination_unknown`: storage holds
 *   what this version, or this configuration, does not know; it is left alone.
 * - `personal_data`: personal data was found in a call, and treated as `pii` says; told once.
 *
 * The collector, said when nothing has ever got through: `key_rejected` (401 or 403: check `apiKey`), `endpoint_not_found`
 * (404, 405 or 410: check the path), `endpoint_not_collector` (a web page or an unreadable answer), `endpoint_redirected`, `endpoint_failing` (5xx),
 * `endpoint_unreachable`, `cors_missing`, `csp_connect_src`.
 *
 * Use of this API: `listener_invalid` (`on` with an unknown event or without a function), `consent_invalid`, `hook_failed`,
 * `plugin_failed`, `metric_parent_invalid`, `internal` (a fault of ours: please report it), and `callback_threw`, which goes to
 * the console only. */
export type ErrorCode =
  | "name_missing"
  | "name_not_string"
  | "name_too_long"
  | "name_reserved"
  | "user_id_missing"
  | "user_id_not_string"
  | "user_id_too_long"
  | "user_id_invalid"
  | "identity_conflict"
  | "properties_not_object"
  | "properties_too_deep"
  | "properties_not_flat"
  | "properties_too_large"
  | "properties_not_serializable"
  | "timestamp_invalid"
  | "timestamp_in_seconds"
  | "timestamp_out_of_range"
  | "value_invalid"
  | "sample_invalid"
  | "personal"
  | "event_too_large"
  | "call_malformed"
  | "hook"
  | "bot"
  | "metric_invalid"
  | "metric_parent_invalid"
  | "name_convention"
  | "name_looks_like_data"
  | "consent_invalid"
  | "hook_failed"
  | "plugin_failed"
  | "key_rejected"
  | "endpoint_not_found"
  | "endpoint_not_collector"
  | "endpoint_redirected"
  | "endpoint_failing"
  | "endpoint_unreachable"
  | "cors_missing"
  | "csp_connect_src"
  | "internal"
  | "shut_down"
  | "early_log_full"
  | "missing_api_key"
  | "config_wrong_type"
  | "config_out_of_range"
  | "config_unreadable"
  | "config_unknown"
  | "config_destination"
  | "config_shared"
  | "wasm_load_failed"
  | "wasm_trapped"
  | "listener_invalid"
  | "storage_unavailable"
  | "storage_forgetful"
  | "storage_quota"
  | "channel_unavailable"
  | "journal_damaged"
  | "journal_foreign_version"
  | "destination_unknown"
  | "endpoint_blocked"
  | "queue_overflow"
  | "personal_data"
  | (string & {});

/** What `onError` and `on("error", …)` get. It is never thrown. */
export interface SendoffError extends Error {
  readonly name: "SendoffError";
  /** Stable name of what was wrong; the message says where, and what to do. */
  readonly code: ErrorCode;
}

/** What this tab does for the others of its origin. `joining`: asking who leads. `leader`: sends for
 * all. `follower`: hands its events to the leader. `independent`: sends its own. */
export type TabRole = "joining" | "leader" | "follower" | "independent";

/** A change of this tab's role, or of the leader it knows. */
export interface RoleChange {
  readonly role: TabRole;
  /** The leading tab, if known. */
  readonly leader: string | null;
  /** Term of its lease; it grows with every new leader. */
  readonly term: number;
}

/** Events that the collector has taken (answered 2xx). */
export interface Delivered {
  /** The destination's name. */
  readonly destination?: string;
  readonly count: number;
  /** The tab that recorded them: not always this one. */
  readonly tab: string;
  /** First of that tab's sequence numbers. */
  readonly from: number;
  /** Last of that tab's sequence numbers. */
  readonly to: number;
}

/** Accepted events that were given up. */
export interface Dropped {
  /** The destination's name; none where all gave it up. */
  readonly destination?: string;
  readonly count: number;
  readonly reason: DropReason;
}

/** What can be listened to with `on`. */
export interface SendoffEvents {
  /** This tab's role has changed; `stats().role` tells it at any time. */
  leader: RoleChange;
  delivered: Delivered;
  dropped: Dropped;
  deliveryFailed: DeliveryFailure;
  error: SendoffError;
  /** The visitor has decided, in this tab or another. */
  consent: Consent;
  breadcrumb: Breadcrumb;
}

/** What an account says of a client, and of each of its destinations. */
export interface Figures {
  /** Events of this tab that passed the checks at the call; of a destination, those that go there. */
  readonly accepted: number;
  /** Events taken over from tabs that are gone, or from earlier visits. */
  readonly adopted: number;
  /** Taken over, then left to their tab again because it was alive. */
  readonly handedBack: number;
  /** Answered 2xx. */
  readonly delivered: number;
  /** Waiting or in flight. */
  readonly pending: number;
  /** Given up, by reason; a reason that never occurred is absent. */
  readonly dropped: { readonly [reason in DropReason]?: number };
  /** Requests sent. */
  readonly requests: number;
  /** Of these, repeats of a batch sent before. */
  readonly retries: number;
  /** The circuit breaker: `open` while the collector is left alone after repeated failures. */
  readonly breaker: "closed" | "open" | "half_open";
  /** Nothing has ever got through, and only the newest few events are kept. */
  readonly blocked: boolean;
}

/** The account of one client. While it runs,
 * `accepted + adopted = delivered + pending + handedBack + sum of dropped`. Before it is ready (role
 * `loading`), and where the engine cannot run (`failed`), `accepted` and `pending` are the calls that
 * are kept, not checked yet. Every figure counts from this page load. What the SDK adds where a session begins (`$session`)
 * is stored like any event and in no figure. */
export interface Stats extends Figures {
  /** Calls refused, by error code; they are not in `accepted`. */
  readonly refused: { readonly [code: string]: number | undefined };
  /** Calls that sampling left out; they are not in `accepted`. */
  readonly sampled: number;
  /** Pending events that storage does not hold. */
  readonly volatile: number;
  /** UTF-8 bytes in storage, of this tab and those it took over. */
  readonly storageBytes: number;
  readonly storage: "local" | "session" | "memory";
  /** See {@link TabRole}; `inert`: no key or no document; `pending`: calls wait for a decision; `denied`: nothing is recorded; `loading`: not ready yet; `failed`: the
   * engine cannot run; `stopped`: after `destroy`, and when `shutdown` is over. */
  readonly role: TabRole | "inert" | "pending" | "denied" | "loading" | "failed" | "stopped";
  /** Term of the leader's lease. */
  readonly term: number;
  /** The leading tab, if known. */
  readonly leader: string | null;
  /** What the engine runs as: `js` where a page may not run WebAssembly; `null` while it does not. */
  readonly engine: "wasm" | "js" | null;
  /** What the browser says of its visitor: Global Privacy Control, Do Not Track. What they do is said by `respectGpc`, `gpc` and
   * `respectDnt`, and in force by `getConsent()`. */
  readonly signals: { readonly gpc: boolean; readonly dnt: boolean };
  /** This tab: 20 hex digits, new with each page load. */
  readonly tab: string;
  /** Other tabs heard from and not known to be gone. */
  readonly peers: readonly string[];
  /** Number of the newest accepted event of this tab. */
  readonly lastSeq: number;
  /** Metrics: `recorded = delivered + pending + dropped`. Dropped are those that were too many, that the collector refused,
   * and those for which consent was withdrawn. */
  readonly metrics: {
    readonly recorded: number;
    readonly delivered: number;
    readonly pending: number;
    readonly dropped: number;
  };
  /** The account of every destination, by its name. What is said of one above is said of the first. */
  readonly destinations: { readonly [name: string]: DestinationStats };
}

/** The account of one destination. At every moment `accepted + adopted = delivered + pending + handedBack + Σ dropped`. */
export interface DestinationStats extends Figures {
  /** Whether the page has paused it. */
  readonly paused: boolean;
}

/** A finding of `diagnose()`. `check` is one of `key`, `endpoint`, `cors`, `storage`, `channel`, `csp`, `wasm`, `clock`, `consent`,
 * `page`. */
export interface Finding {
  readonly check: string;
  readonly ok: boolean;
  /** What is wrong and what to do, in one line. */
  readonly message: string;
}

/** Event names → their properties, for a `Sendoff<Events>` that checks both: a typo is an error, and so is a property that is
 * missing. Without it everything is allowed. */
export type EventMap = object;

/** `track` of a client, and of the module. */
export interface Track<Events extends EventMap> {
  <Name extends keyof Events & string>(
    name: Name,
    ...rest: {} extends Events[Name]
      ? [properties?: Events[Name] | null, options?: TrackOptions | null]
      : [properties: Events[Name], options?: TrackOptions | null]
  ): void;
  <Name extends keyof Events & string>(call: TypedTrackCall<Name, Events[Name]>): void;
  /** As on servers: whose event it is (`null`: the visitor's), its name, its properties. */
  <Name extends keyof Events & string>(userId: string | null, name: Name, properties?: Events[Name] | null): void;
}

/** `track` as one object, of a known event. */
export interface TypedTrackCall<Name extends string, Properties> extends TrackOptions {
  /** Name of the event: 1 to 64 characters. */
  event: Name;
  /** See `track`. */
  properties?: Properties | null;
}

/** Details of a metric. */
export interface MetricOptions {
  /** What it is about: at most 16, their names at most 64 bytes and their texts at most 200 characters long. Numbers and
   * booleans become texts. They are screened as `pii` says. */
  tags?: { readonly [name: string]: string | number | boolean | null } | null;
  /** At most 32 characters, for example `ms` or `By` (UCUM). */
  unit?: string | null;
  /** Default `"gauge"`. */
  type?: "counter" | "gauge" | "distribution" | "timing" | null;
  /** The span that it belongs to: an OpenTelemetry span or its context, an object with trace and span id, or a W3C
   * `traceparent`. One that is malformed is left out (`metric_parent_invalid`). */
  parent?: object | string | null;
  timestamp?: Timestamp | null;
}

/** A destination that is JavaScript of the page. What it returns counts: a promise that resolves moves on, one that rejects is
 * tried again (with pauses, and on later visits), `{ retryAfter }` (seconds) is obeyed, nothing is success. None hears an
 * event twice in one page life, unless it failed it. */
export interface CustomDestination {
  /** Unique, 1 to 64 of `[A-Za-z0-9_.-]`. */
  name: string;
  /** One event, as the native format has it. One of `track` and `batch` is needed. */
  track?: (event: { readonly [member: string]: unknown }) => unknown;
  /** `$identify`, instead of `track`. */
  identify?: (userId: string, traits: object) => unknown;
  /** All events of a request at once; `exit`: the page is being left. */
  batch?: (events: readonly { readonly [member: string]: unknown }[], options: { exit: boolean }) => unknown;
  /** Called by `flushTracking()`. */
  flush?: () => unknown;
}

/**
 * A client. No member ever throws, and no promise it returns is ever rejected, whatever the arguments.
 *
 * Creating one is synchronous; the engine loads in the background, and calls until then are kept
 * with their own timestamps, also across the end of the page. Where there is no `document` (server-side
 * rendering) it does nothing; for workers see `sendoff/worker`. The members are bound: `const { track } = client` works.
 * Two clients of one key on one page, also of two copies of this module, are one: the options of the first hold.
 */
export declare class Sendoff<Events extends EventMap = { [name: string]: object }> {
  /** @param config Options, or just the API key. */
  constructor(config: SendoffConfig | string);

  /** Resolved when the engine runs, or could not be started. Nothing needs to wait for it. */
  readonly ready: Promise<ReadyResult>;

  /**
   * Records an event. It is in `localStorage` before the current task ends.
   *
   * `name`: 1 to 64 characters. `properties`: a plain object, serialised at once with
   * `JSON.stringify` (so `toJSON` counts and `undefined` members are left out), at most 8 levels and
   * 32,768 bytes. What breaks a rule is refused, counted in `stats().refused` and named through
   * `onError`; see {@link ErrorCode}.
   */
  readonly track: Track<Events>;

  /** Records a look at a page, as `$page_view`; what page it is goes with every event. `name` becomes `properties.name`. */
  readonly page: {
    (name?: string | null, properties?: object | null, options?: TrackOptions | null): void;
    (properties: object, options?: TrackOptions | null): void;
  };

  /** Says who the visitor is, from now on and on later visits, and delivers at once. Recorded as
   * `$identify`, with the traits as its properties. `userId`: 1 to 120 characters; see `identityPolicy`. */
  readonly identify: (userId: string, traits?: object | null) => void;

  /** Says more about the user who is known. Recorded as `$set_traits`. */
  readonly setTraits: (traits: object) => void;

  /** Says that `newUserId` is the same person as `previousId` (default: the user id so far, else the
   * anonymous id), and delivers at once. Recorded as `$alias`. Ids: 1 to 120 characters. */
  readonly alias: (newUserId: string, previousId?: string | null) => void;

  /** Says to what the visitor belongs, such as a company; later events carry it. Recorded as `$group`. `type` is
   * `"group"` by default; one group of each type is in force. */
  readonly group: (groupId: string, traits?: object | null, options?: { type?: string } | null) => void;

  /** The visitor is shown a variant of an experiment. Recorded as `$exposure`: once for a visitor, experiment and variant (of
   * the latest 200), or with `every: "session"` once in each session. */
  readonly exposure: (
    experiment: string,
    variant: string,
    properties?: object | null,
    options?: { every?: "session" } | null,
  ) => void;

  /** Another visitor from here on, in all tabs: new anonymous id; user, groups and registered properties are gone. His session begins at
   * once (`$session`, reason `reset`). */
  readonly reset: () => void;

  /** Properties for every event from now on and on later visits; an event's own go before them. */
  readonly register: (properties: object) => void;
  /** Like `register`, for those that are not registered yet. */
  readonly registerOnce: (properties: object) => void;
  readonly unregister: (name: string) => void;

  /** Starts a clock: the next event of that name has `durationMs` in its properties. */
  readonly time: (name: string) => void;

  /** Records a finite number under a name of 1 to 64 characters. Metrics are a stream of their own: in memory, at most
   * `maxMetricsQueueSize`, one request each `metricsFlushInterval` to `metricsEndpoint`; events never wait for them. What is
   * left when the page ends goes with it, or with the next visit. `stats().metrics` counts them. */
  readonly recordMetric: (name: string, value: number, options?: MetricOptions | null) => void;
  /** A counter; `by` is 1 by default. */
  readonly increment: (name: string, by?: number, options?: MetricOptions | null) => void;
  readonly gauge: (name: string, value: number, options?: MetricOptions | null) => void;
  readonly distribution: (name: string, value: number, options?: MetricOptions | null) => void;
  /** Records how long `work` takes (a promise: until it settles), in ms, and gives back what it gives. What it throws is
   * passed on. A number is recorded as it is. */
  readonly timing: {
    <Result>(name: string, work: () => Result, options?: MetricOptions | null): Result;
    (name: string, ms: number, options?: MetricOptions | null): void;
  };

  /** Grants everything. */
  readonly optIn: () => void;
  /** Denies everything, in all open tabs: all keys and cookies of the project are removed, running requests aborted.
   * `erase`: ids are forgotten as well; `notify`: with it, one last `$opt_out` that has nothing but ids is sent. */
  readonly optOut: (options?: { erase?: boolean; notify?: boolean } | null) => void;
  readonly setConsent: (choice: ConsentChoice) => void;
  readonly getConsent: () => Consent;

  /** The id of this browser's visitor, the same on every visit while storage lasts. Known at once;
   * empty in a client that does nothing. */
  readonly getAnonymousId: () => string;
  /** The user of the last `identify`, `null` where there is none. */
  readonly getUserId: () => string | null;
  /** The session that an event of now belongs to. */
  readonly getSessionId: () => string;

  /** Delivers what is waiting, now. Asked before the client is ready, it waits for that, at most 30
   * seconds. After `shutdown` it is the promise that `shutdown` returned. */
  readonly flush: () => Promise<FlushResult>;

  /** Delivers what is waiting, then stops. Calls after it are refused (`shut_down`). What could not
   * be delivered is kept for the next visit. */
  readonly shutdown: (options?: ShutdownOptions | null) => Promise<FlushResult>;

  /** Stops at once, without a delivery. What is waiting is kept for the next visit. */
  readonly destroy: () => void;

  /** The account so far: a new plain object with each call. */
  readonly stats: () => Stats;

  /** Listens until the function that is returned is called. Listeners are called in a microtask. */
  readonly on: <E extends keyof SendoffEvents>(
    event: E,
    listener: (value: SendoffEvents[E]) => void,
  ) => () => void;

  readonly use: (plugin: Plugin) => void;
  /** Whether there was one of that name. The bot filter is called `bots`. */
  readonly unuse: (name: string) => boolean;

  /** The latest names, oldest first; see the option. */
  readonly breadcrumbs: () => Breadcrumb[];

  /** Pauses one destination, or goes on with it; its events wait. */
  readonly destination: (name: string) => { pause(): void; resume(): void };

  /** What is wrong, if anything: asks the collector, looks at storage, policies and clocks. */
  readonly diagnose: () => Promise<Finding[]>;

  /** All that this device holds of the project, as JSON: ids, consent, and every key of storage. */
  readonly export: () => Promise<string>;
  /** Removes that, and goes on with a new visitor. */
  readonly erase: () => void;
}

/** The client of that name; without one the first that the page has made, by whichever copy of this module. */
export declare function getSendoff(name?: string): Sendoff | null;

/** `track` of the page's client, or of the first one that it makes (100 such calls are kept). */
export declare const track: Track<{ [name: string]: object }>;
/** `identify` of the page's client. */
export declare function identify(userId: string, traits?: object | null): void;

/** Adds a destination of the page's own to every client; whether it could be. */
export declare function registerDestination(destination: CustomDestination): boolean;
/** Whether there was one of that name. */
export declare function unregisterDestination(name: string): boolean;
export declare function listDestinations(): string[];
/** Delivers what is waiting at every client, and asks each destination of the page's own to flush. */
export declare function flushTracking(): Promise<void>;

export { registerDestination as registerTrackingProvider };
export { unregisterDestination as unregisterTrackingProvider };
export { listDestinations as listTrackingProviders };

export default Sendoff;
