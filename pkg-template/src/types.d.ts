// Shapes that the modules of the facade share. The public ones are in ../index.d.ts.

import type { Client } from "./client";

/** The engine's options: JSON text of each. */
export type EngineOptions = Record<string, string>;

/** The facade's own options. */
export interface Settings {
  [name: string]: any;
  wasm?: unknown;
  debug?: boolean;
  name?: string;
  breadcrumbs?: unknown;
  botFilter?: boolean;
  nameConvention?: RegExp | string;
  strictNames?: boolean;
  persistence?: string;
  /** Of the destinations that have functions as `only` or `except`. */
  destinationHooks?: import("./destination-hooks").DestinationHooks[];
  captureUrl?: string;
  consent?: string;
  gpc?: string;
  fetchImpl?: typeof fetch;
  beforeSend?: Function;
  onBreadcrumb?: Function;
  onDeliveryFailed?: Function;
  onError?: Function;
  onEventsDropped?: Function;
}

export type ConsentWord = "granted" | "pending" | "denied";

export interface Visitor {
  anonymousId: string;
  userId: string | null;
  sessionId: string;
}

export type ReadyResult = { ok: true; code: null } | { ok: false; code: string };

export interface FlushResult {
  ok: boolean;
  delivered: number;
  pending: number;
  dropped: number;
}

export interface HookEvent {
  [name: string]: unknown;
  type: string;
  name: string;
  properties?: object | null;
  context?: object;
}

/** What the engine reports, and what the facade tells of itself. */
export type Report =
  | { type: "delivered"; destination?: string; count: number; tab: string; from: number; to: number }
  | { type: "dropped"; destination?: string; count: number; reason: string }
  | { type: "deliveryFailed"; destination?: string; status: number; events: number }
  | { type: "error"; code: string; message: string }
  | { type: "flushed"; id: number; delivered: number; pending: number; dropped: number }
  | { type: "role"; role: string; leader: string | null; term: number }
  | { type: "visitor" }
  | { type: "consent"; analytics: ConsentWord; marketing: ConsentWord }
  | { type: "breadcrumb"; name: string; timestamp: number };

/** A finding of `diagnose()`. */
export interface Finding {
  check: string;
  ok: boolean;
  message: string;
}

/** Keys and values that outlive the page, as far as there are any. Nothing throws. */
export interface Store {
  get(key: string): string | undefined;
  /** 0 written, 1 no room, 2 anything else. */
  set(key: string, value: string): number;
  remove(key: string): void;
  /** Those that begin with a prefix, a line each. */
  keys(prefix: string): string;
  /** What the site's cookie holds. */
  mirror(): string | undefined;
  /** Writes that; empty text removes it. */
  setMirror(text: string): void;
  /** Like `get` and `set`, whatever the consent: for the consent itself. */
  raw(key: string): string | undefined;
  force(key: string, value: string): number;
  /** Where it is kept. */
  kind: "local" | "session" | "memory";
}

/** What a client needs of where it runs before the engine is there. Nothing throws. */
export interface Host {
  storage: Store;
  wall(): number;
  mono(): number;
  /** The page as it is now, as JSON text; the same text while nothing changes. */
  page(): string;
  /** Makes sure that `listen` is still in force. */
  check(): void;
  listen(hear: (event: string) => void): void;
  /** From here on what other tabs write is told as well. */
  watchStorage?(): void;
  stop(): void;
  /** Where the visit began: as it was when the client was made. */
  landing: { url?: unknown; referrer?: unknown };
  signals(): { gpc: boolean; dnt: boolean };
  runtime: string;
  /** Removes all keys that begin so. */
  forget(prefix: string): void;
  load(source: unknown, attempts: number): Promise<EngineModule>;
  /** What to do about an engine that did not load. */
  adviceOnLoading(cause: unknown): string;
  /** Lets a program end that only waits for this timer. */
  unref?(timer: any): void;
}

/** Where an entry runs, and where its engine comes from. */
export interface Entry {
  isAvailable(): boolean;
  open(client: Client): Host;
}

/** What the engine works on, as far as the facade knows it. */
export interface Platform {
  transport: { seen: { url: string; what: string; status: number }; hurry(): void; tellActivated(): void };
  /** Nobody waits for an answer any more. */
  rest?(): void;
}

/** The engine's functions, and what makes the platform object that it works on. */
export interface EngineModule {
  /** WebAssembly where it says nothing. */
  kind?: "js";
  openPlatform(client: Client): Platform;
  /** What the engine starts from, as JSON text. */
  factsOf(client: Client): string;
  diagnose(client: Client): Promise<Finding[]>;
  explain(client: Client): Promise<void>;
  adviseOnDrop(telling: import("./telling").Telling, report: { reason: string; count: number }): void;
  start(platform: Platform, config: string, facts: string): number;
}

/** A destination that the page delivers to itself. */
export interface Destination {
  name: string;
  track?(event: object): unknown;
  identify?(userId: string, traits: object): unknown;
  batch?(events: object[], options: { exit: boolean }): unknown;
  flush?(): unknown;
}

export interface Registry {
  clients: Record<string, Client>;
  named: Record<string, any>;
  first?: any;
  destinations: Record<string, Destination>;
  waiting: [string, any[]][];
}
