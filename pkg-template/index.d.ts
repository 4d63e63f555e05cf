// The public API of sendoff, and the place where every option, unit, limit and error code is
// described. Hand-written: what wasm-bindgen generates describes the engine's boundary, not this.

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
  /** Waiting events that start a delivery at once. 1 to 1,000; default 50. */
  flushAt?: number;
  /** Events in one request at most. 1 to 1,000; default 50. */
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
  /** Where the WebAssembly comes from: an address, a `Response`, its bytes or a compiled module.
   * Default: `sendoff_bg.wasm` next to the package's files. One instance serves the whole page, so
   * only the first client's value counts. */
  wasm?: string | URL | Request | Response | BufferSource | WebAssembly.Module | Promise<Response>;
  /** Accepted events were given up. `on("dropped", …)` hears the same. */
  onEventsDropped?: (count: number, reason: DropReason) => void;
  /** A batch was not delivered in this go. */
  onDeliveryFailed?: (failure: DeliveryFailure) => void;
  /** Something was wrong: a call, the configuration, storage, the engine. `on("error", …)` hears
   * the same. Called 100 times for one code at most; `stats().refused` counts them all. */
  onError?: (error: SendoffError) => void;
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
 * and `wasm_trapped` (calls are kept for the next visit), `destroyed` (before it was ready). */
export type ReadyResult =
  | { readonly ok: true; readonly code: null }
  | {
      readonly ok: false;
      readonly code: "no_document" | "missing_api_key" | "wasm_load_failed" | "wasm_trapped" | "destroyed";
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
 * - `corrupt`: its stored form was damaged. */
export type DropReason = "overflow" | "blocked" | "rejected" | "too_large" | "expired" | "corrupt";

/** A batch that got no 2xx in one go. */
export interface DeliveryFailure {
  /** HTTP status, 0 where there was no answer. */
  readonly status: number;
  /** Events in that batch. */
  readonly events: number;
}

/** Names of what can be wrong. Stable; later versions may add some.
 *
 * A call that was refused, and not recorded:
 * - `name_missing`, `name_not_string`, `name_too_long`: event names are strings of 1 to 64 characters.
 * - `user_id_missing`, `user_id_not_string`, `user_id_too_long`: ids are strings of 1 to 120 characters.
 * - `properties_not_object`: properties must be a plain object, or left out.
 * - `properties_too_deep`: more than 8 levels.
 * - `properties_too_large`: more than 32,768 bytes as JSON.
 * - `properties_not_serializable`: `JSON.stringify` failed: a cycle, a BigInt, a throwing getter.
 * - `timestamp_invalid`: see {@link Timestamp}.
 * - `event_too_large`: the event alone exceeds `maxPayloadBytes`.
 * - `call_malformed`: the call could not be read.
 * - `shut_down`: after `shutdown()` or `destroy()`; told once, counted always.
 * - `early_log_full`: more than 8 Mi characters of calls before the client was ready, or no room in
 *   storage on a page where the engine cannot run; told once, counted always.
 *
 * The configuration: `missing_api_key`, `config_wrong_type`, `config_out_of_range`,
 * `config_unreadable` (a getter or Proxy threw), `config_unknown` (no such option).
 *
 * The engine:
 * - `wasm_load_failed`: it did not load or start; the page's CSP needs `'wasm-unsafe-eval'` in
 *   `script-src`, and `sendoff_bg.wasm` must be served. Calls are kept for the next visit.
 * - `wasm_trapped`: it broke. Calls of that burst may be lost (`stats().refused.wasm_trapped`);
 *   what was recorded before is in storage, and later calls are kept for the next visit.
 *
 * Use of this API: `listener_invalid` (`on` with an unknown event or without a function), and
 * `callback_threw`, which goes to the console only. */
export type ErrorCode =
  | "name_missing"
  | "name_not_string"
  | "name_too_long"
  | "user_id_missing"
  | "user_id_not_string"
  | "user_id_too_long"
  | "properties_not_object"
  | "properties_too_deep"
  | "properties_too_large"
  | "properties_not_serializable"
  | "timestamp_invalid"
  | "event_too_large"
  | "call_malformed"
  | "shut_down"
  | "early_log_full"
  | "missing_api_key"
  | "config_wrong_type"
  | "config_out_of_range"
  | "config_unreadable"
  | "config_unknown"
  | "wasm_load_failed"
  | "wasm_trapped"
  | "listener_invalid"
  | "storage_unavailable"
  | "storage_quota"
  | "channel_unavailable"
  | "journal_damaged"
  | "journal_foreign_version"
  | "endpoint_blocked"
  | "queue_overflow"
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
  readonly count: number;
  readonly reason: DropReason;
}

/** What can be listened to with `on`. */
export interface SendoffEvents {
  /** This tab's role has changed; `stats().role` tells it at any time. */
  leader: RoleChange;
  delivered: Delivered;
  dropped: Dropped;
  error: SendoffError;
}

/** The account of one client. While it runs,
 * `accepted + adopted = delivered + pending + handedBack + sum of dropped`. Before it is ready (role
 * `loading`), and where the engine cannot run (`failed`), `accepted` and `pending` are the calls that
 * are kept, not checked yet. Every figure counts from this page load. */
export interface Stats {
  /** Events of this tab that passed the checks at the call. */
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
  /** Calls refused, by error code; they are not in `accepted`. */
  readonly refused: { readonly [code: string]: number | undefined };
  /** Pending events that storage does not hold. */
  readonly volatile: number;
  /** Requests sent. */
  readonly requests: number;
  /** Of these, repeats of a batch sent before. */
  readonly retries: number;
  /** UTF-8 bytes in storage, of this tab and those it took over. */
  readonly storageBytes: number;
  readonly storage: "local" | "memory";
  /** The circuit breaker: `open` while the collector is left alone after repeated failures. */
  readonly breaker: "closed" | "open" | "half_open";
  /** Nothing has ever got through, and only the newest few events are kept. */
  readonly blocked: boolean;
  /** See {@link TabRole}; `inert`: no key or no document; `loading`: not ready yet; `failed`: the
   * engine cannot run; `stopped`: after `destroy`, and when `shutdown` is over. */
  readonly role: TabRole | "inert" | "loading" | "failed" | "stopped";
  /** Term of the leader's lease. */
  readonly term: number;
  /** The leading tab, if known. */
  readonly leader: string | null;
  /** This tab: 20 hex digits, new with each page load. */
  readonly tab: string;
  /** Other tabs heard from and not known to be gone. */
  readonly peers: readonly string[];
  /** Number of the newest accepted event of this tab. */
  readonly lastSeq: number;
}

/**
 * A client. No member ever throws, and no promise it returns is ever rejected, whatever the arguments.
 *
 * Creating one is synchronous; the engine loads in the background, and calls until then are kept
 * with their own timestamps, also across the end of the page. Where there is no `document` (server-side
 * rendering, workers) it does nothing. The members are bound: `const { track } = client` works.
 */
export declare class Sendoff {
  /** @param config Options, or just the API key. */
  constructor(config: SendoffConfig | string);

  /** Resolved when the engine runs, or is known not to. Nothing needs to wait for it. */
  readonly ready: Promise<ReadyResult>;

  /**
   * Records an event. It is in `localStorage` before the current task ends.
   *
   * `name`: 1 to 64 characters. `properties`: a plain object, serialised at once with
   * `JSON.stringify` (so `toJSON` counts and `undefined` members are left out), at most 8 levels and
   * 32,768 bytes. What breaks a rule is refused, counted in `stats().refused` and named through
   * `onError`; see {@link ErrorCode}.
   */
  readonly track: {
    (name: string, properties?: object | null, options?: TrackOptions | null): void;
    (call: TrackCall): void;
  };

  /** Says who the visitor is, from now on and on later visits, and delivers at once. Recorded as
   * `$identify`, with the traits as its properties. `userId`: 1 to 120 characters. */
  readonly identify: (userId: string, traits?: object | null) => void;

  /** Says that `newUserId` is the same person as `previousId` (default: the user id so far, else the
   * anonymous id), and delivers at once. Recorded as `$alias`. Ids: 1 to 120 characters. */
  readonly alias: (newUserId: string, previousId?: string | null) => void;

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

  /** The id of this browser's visitor, the same on every visit while storage lasts. Known at once;
   * empty in a client that does nothing. */
  readonly getAnonymousId: () => string;

  /** Listens until the function that is returned is called. Listeners are called in a microtask. */
  readonly on: <E extends keyof SendoffEvents>(
    event: E,
    listener: (value: SendoffEvents[E]) => void,
  ) => () => void;
}

export default Sendoff;
