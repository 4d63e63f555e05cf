// Compiled by types.test.mjs, never run. Each line marked `@ts-expect-error` must be wrong: if the declarations took
// it, the mark would be the error.

import DefaultSendoff, {
  Sendoff,
  flushTracking,
  getSendoff,
  listDestinations,
  registerDestination,
  registerTrackingProvider,
  track,
  unregisterDestination,
  type Consent,
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
  destinations: [{ name: "own", format: "native", endpoint: "/collect", only: ["order"] }],
  flushInterval: 2_000,
  flushAt: 50,
  maxBatchSize: 500,
  maxQueueSize: 10_000,
  maxPayloadBytes: 60_000,
  maxRetries: 3,
  retryBaseDelayMs: 300,
  timeout: 5_000,
  disableTimer: false,
  autoFlushOnExit: true,
  compression: "gzip",
  fetchImpl: fetch,
  debug: false,
  maxStorageBytes: 2_097_152,
  metricsEndpoint: "/m",
  metricsFormat: "otlp",
  maxMetricsQueueSize: 500,
  metricsFlushInterval: 30_000,
  maxEventAgeMs: 604_800_000,
  multiTabMode: "leader",
  name: "main",
  identityPolicy: "guard",
  crossSubdomain: true,
  persistence: "sessionStorage",
  cookieless: false,
  sessionTimeoutMs: 1_800_000,
  sessionMaxMs: 86_400_000,
  newSessionOnCampaign: false,
  captureUrl: "path",
  attribution: "every",
  referralExclusions: ["pay.example"],
  clickIds: ["xclid"],
  sampling: { page_view: 0.1, "debug.*": 0.01 },
  sampleBy: "session",
  propertyMode: "flat",
  nameConvention: /^[a-z_]+$/,
  strictNames: true,
  consent: "pending",
  persistConsent: true,
  respectGpc: true,
  gpc: "deny",
  respectDnt: false,
  pii: "hash",
  piiTraits: "off",
  piiIp: true,
  piiKeys: ["maiden"],
  piiPatterns: ["secret"],
  piiAllow: ["order"],
  piiSalt: "salt",
  botFilter: true,
  breadcrumbs: 20,
  beforeSend(event) {
    event.properties["seen"] = true;
    return event.name === "secret" ? null : event;
  },
  onBreadcrumb: ({ name, timestamp }) => void [name.length, timestamp.toFixed()],
  wasm: new URL("https://example.com/sendoff_bg.wasm"),
  onEventsDropped(count, reason) {
    const known: "overflow" | "blocked" | "rejected" | "too_large" | "set_aside" | "expired" | "corrupt" | "consent" | "unknown" =
      reason;
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
client.track("user-1", "n", { total: 5 });
client.track(null, "n");
client.track("n", order, { value: 1.5, sample: 0.1, context: { a: 1 }, urgent: true });
// @ts-expect-error: a value is a number
client.track("n", order, { value: "1.5" });
// @ts-expect-error: properties are an object
client.track("n", 5);
// @ts-expect-error: an event is needed
client.track({ properties: {} });
// @ts-expect-error: no such field
client.track({ event: "n", props: {} });
// @ts-expect-error: ids are text
client.track("n", {}, { userId: 7 });
// @ts-expect-error: no time
client.track("n", {}, { timestamp: true });

interface Events {
  order: { total: number; note?: string };
  seen: { where?: string };
}
const typed = new Sendoff<Events>("demo");
typed.track("order", { total: 5 });
typed.track("order", { total: 5, note: "n" }, { timestamp: 5 });
typed.track("seen");
typed.track("seen", { where: "here" });
typed.track({ event: "order", properties: { total: 5 } });
typed.track(null, "order", { total: 5 });
// @ts-expect-error: a typo in the name
typed.track("ordre", { total: 5 });
// @ts-expect-error: a required property is missing
typed.track("order");
// @ts-expect-error: … or of the wrong type
typed.track("order", { total: "5" });
// @ts-expect-error: a typo in a property
typed.track("seen", { wehre: "here" });

client.page();
client.page("Home", { a: 1 }, { urgent: true });
client.page({ a: 1 });
client.setTraits({ plan: "pro" });
client.group("acme", { seats: 5 }, { type: "company" });
client.exposure("color", "red", { a: 1 }, { every: "session" });
// @ts-expect-error: a variant is needed
client.exposure("color");
client.reset();
client.register({ a: 1 });
client.registerOnce({ a: 1 });
client.unregister("a");
client.time("upload");
client.recordMetric("size", 5, { unit: "B", tags: { a: "b" }, type: "gauge", parent: "00-a-b-01" });
client.increment("n");
client.gauge("n", 1);
client.distribution("n", 1);
const answer: number = client.timing("work", () => 42);
const later: Promise<string> = client.timing("work", async () => "text");
client.timing("given", 12.5);
// @ts-expect-error: metrics are numbers
client.recordMetric("size", "5");
client.optIn();
client.optOut({ erase: true, notify: true });
client.setConsent({ analytics: true, marketing: "denied" });
// @ts-expect-error: no such word
client.setConsent({ analytics: "maybe" });
const consent: Consent = client.getConsent();
client.on("consent", ({ analytics }) => void (analytics === "granted"));
const who: [string, string | null, string] = [client.getAnonymousId(), client.getUserId(), client.getSessionId()];
client.use({ name: "mine", beforeSend: (event) => event, setup: (it) => it.track("n"), teardown() {} });
// @ts-expect-error: a plugin has a name
client.use({ beforeSend: (event) => event });
const had: boolean = client.unuse("mine");
client.destination("own").pause();
const crumbs: string[] = client.breadcrumbs().map(({ name }) => name);
const findings: string[] = (await client.diagnose()).filter(({ ok }) => !ok).map(({ check, message }) => check + message);
const all2: string = await client.export();
client.erase();
getSendoff()?.track("n");
getSendoff("main")?.flush();
track("n", { a: 1 }, { userId: "u" });
registerDestination({ name: "own", track: ({ name }) => void name, batch: async (events, { exit }) => void [events.length, exit] });
registerTrackingProvider({ name: "own", track: () => ({ retryAfter: 5 }) });
const gone: [boolean, string[], Promise<void>] = [unregisterDestination("own"), listDestinations(), flushTracking()];
void [answer, later, consent, who, had, crumbs, findings, all2, gone];

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

// `sendoff/destinations`.
import { Sendoff as Several, mixpanel, own, posthog, webhook } from "sendoff/destinations";

const several = new Several({
  apiKey: "demo",
  metricsFormat: "otlp",
  destinations: [own(), posthog({ apiKey: "k", profiles: true }), mixpanel({ apiKey: "t", ip: false, consent: "marketing" })],
});
several.destination("posthog").pause();
// @ts-expect-error: a key is needed
posthog({ host: "/in" });
// @ts-expect-error: a webhook has no address of its own
webhook({ apiKey: "k" });
// @ts-expect-error: no such option
posthog({ apiKey: "k", persons: "all" });
