// Compiled by types.test.mjs, never run. Each line marked `@ts-expect-error` must be wrong: if the declarations took
// it, the mark would be the error.

import DefaultSendoff, {
  Sendoff,
  type Delivered,
  type Dropped,
  type FlushResult,
  type ReadyResult,
  type RoleChange,
  type SendoffConfig,
  type SendoffError,
  type Stats,
} from "sendoff";

const all: Required<SendoffConfig> = {
  apiKey: "demo",
  endpoint: "/collect",
  flushInterval: 2_000,
  flushAt: 50,
  maxBatchSize: 50,
  maxQueueSize: 10_000,
  maxPayloadBytes: 60_000,
  maxRetries: 3,
  retryBaseDelayMs: 300,
  timeout: 5_000,
  disableTimer: false,
  autoFlushOnExit: true,
  fetchImpl: fetch,
  debug: false,
  maxStorageBytes: 2_097_152,
  maxEventAgeMs: 604_800_000,
  multiTabMode: "leader",
  wasm: new URL("https://example.com/sendoff_bg.wasm"),
  onEventsDropped(count, reason) {
    const known: "overflow" | "blocked" | "rejected" | "too_large" | "expired" | "corrupt" = reason;
    void [count.toFixed(), known];
  },
  onDeliveryFailed: ({ status, events }) => void (status + events),
  onError: (error) => void [error.code, error.message, error instanceof Error],
};
const client: Sendoff = new Sendoff(all);
const byKey: Sendoff = new DefaultSendoff("demo");
// @ts-expect-error: a key is needed
new Sendoff();
// @ts-expect-error: a key is needed
new Sendoff({});
// @ts-expect-error: no such option
new Sendoff({ apiKey: "demo", flushIntervall: 1 });
// @ts-expect-error: no such mode
new Sendoff({ apiKey: "demo", multiTabMode: "both" });
// @ts-expect-error: milliseconds, not text
new Sendoff({ apiKey: "demo", timeout: "5s" });

interface Order {
  total: number;
}
const order: Order = { total: 5 };
client.track("n");
client.track("n", order, { timestamp: new Date(), userId: "u", anonymousId: "a" });
client.track("n", null, { timestamp: 5 });
client.track({ event: "n", properties: order, userId: "u", anonymousId: null, timestamp: "2026-01-15T12:00:00Z" });
// @ts-expect-error: a name is needed
client.track();
// @ts-expect-error: names are text
client.track(5);
// @ts-expect-error: properties are an object
client.track("n", "properties");
// @ts-expect-error: an event is needed
client.track({ properties: {} });
// @ts-expect-error: no such field
client.track({ event: "n", props: {} });
// @ts-expect-error: ids are text
client.track("n", {}, { userId: 7 });
// @ts-expect-error: no time
client.track("n", {}, { timestamp: true });

client.identify("u");
client.identify("u", { plan: "pro" });
// @ts-expect-error: ids are text
client.identify(7);
client.alias("new");
client.alias("new", "old");
// @ts-expect-error: ids are text
client.alias("new", 7);

const flushed: Promise<FlushResult> = client.flush();
const ended: Promise<FlushResult> = client.shutdown({ timeoutMs: 1_000 });
// @ts-expect-error: milliseconds
client.shutdown({ timeoutMs: "1s" });
client.destroy();

const stats: Stats = client.stats();
const overflow: number | undefined = stats.dropped.overflow;
// @ts-expect-error: no such reason
void stats.dropped.overflown;
// @ts-expect-error: a snapshot, not the account itself
stats.pending = 0;
const id: string = client.getAnonymousId();

const off: () => void = client.on("leader", (change: RoleChange) => void (change.role === "leader"));
client.on("delivered", ({ count, tab, from, to }: Delivered) => void [count, tab, from, to]);
client.on("dropped", ({ count, reason }: Dropped) => void [count, reason]);
client.on("error", (error: SendoffError) => void error.code);
// @ts-expect-error: no such event
client.on("deliverd", () => {});
// @ts-expect-error: a role has no count
client.on("leader", ({ count }) => void count);

const ready: ReadyResult = await client.ready;
if (ready.ok) {
  const none: null = ready.code;
  void none;
} else {
  const why: string = ready.code;
  void why;
}
void [byKey, flushed, ended, overflow, id, off];
