// The vendors' SDKs: how each is set up on a page, how each is told the same story, and where in its requests an event
// is. `story` lists what was called in sendoff's words; a vendor that has no such call leaves it out.

import { createRequire } from "node:module";

import { capture, pageWith, surroundings, until } from "./page.mjs";
import { sessionOf } from "./ours.mjs";
import { configOf } from "./rudder.mjs";

const KEY = "key_test";
export const USER = "user-42";

/** The story, in sendoff's canonical names. */
export const STORY = {
  track: { name: "Item Added", properties: { sku: "A1", qty: 2, gift: true } },
  page: { name: "$page_view", properties: {} },
  identify: { name: "$identify", properties: { plan: "pro" }, known: true },
  traits: { name: "$set_traits", properties: { seats: 3 }, known: true },
  group: { name: "$group", properties: { groupType: "company", groupId: "acme", seats: 9 }, known: true },
  link: { name: "$identify", properties: {}, known: true },
  join: { name: "$group", properties: { groupType: "company", groupId: "acme" }, known: true },
  alias: { name: "$alias", properties: { previousId: "legacy-7" }, known: true },
  known: { name: "Order Placed", properties: { total: 5 }, known: true },
};

/** The JSON of a body, whatever way it is wrapped. */
function decode({ body }) {
  const data = body.startsWith("data=") ? new URLSearchParams(body).get("data") : body;
  try {
    return JSON.parse(data);
  } catch {
    return JSON.parse(Buffer.from(data, "base64").toString());
  }
}

const posts = (requests, path) => requests.filter((request) => request.method === "POST" && request.path.startsWith(path));

/** `calls` one after the other, each after what the one before it sent has come; what came is by kind. */
async function tell(server, read, calls) {
  const events = {};
  for (const [kind, call, wanted = () => true] of calls) {
    const seen = read(server.requests).length;
    call();
    const fresh = () => read(server.requests).slice(seen).find(wanted);
    events[kind] = await until(fresh, () => `${kind}: ${JSON.stringify(read(server.requests).slice(seen)).slice(0, 2000)}`);
  }
  return events;
}

/** Runs an SDK on a page and closes both. */
async function onPage(packageName, answers, run) {
  const server = await capture(answers);
  const window = await pageWith(packageName);
  try {
    return { ...surroundings(window), ...(await run(window, server)) };
  } finally {
    window.close();
    await server.close();
  }
}

/** PostHog's server reads these from either place; sendoff writes the first three of them where the API's page has them. */
function posthogShape({ $set, $set_once, ...event }) {
  const { distinct_id, ...properties } = event.properties;
  const inside = { ...properties, ...($set && { $set }), ...($set_once && { $set_once }) };
  // The alias needs it inside as well.
  if (event.event === "$create_alias") inside.distinct_id = distinct_id;
  return { ...event, distinct_id: event.distinct_id ?? distinct_id, properties: inside };
}

async function posthogJs() {
  return onPage("posthog-js", () => ({}), async (window, server) => {
    const { posthog } = window.sdk;
    posthog.init(KEY, {
      api_host: server.host, autocapture: false, capture_pageview: false, capture_pageleave: false, request_batching: false,
      disable_session_recording: true, disable_compression: true, advanced_disable_flags: true, disable_surveys: true,
      disable_external_dependency_loading: true, person_profiles: "identified_only", capture_dead_clicks: false,
      capture_performance: false, opt_out_useragent_filter: true,
    });
    const read = (requests) => posts(requests, "/e/").flatMap((request) => decode(request).batch ?? decode(request)).map(posthogShape);
    const named = (name) => (event) => event.event === name;
    const events = await tell(server, read, [
      ["track", () => posthog.capture("Item Added", { ...STORY.track.properties })],
      ["page", () => posthog.capture("$pageview"), named("$pageview")],
      ["identify", () => posthog.identify(USER, { plan: "pro" }), named("$identify")],
      ["traits", () => posthog.setPersonProperties({ seats: 3 }), named("$set")],
      ["group", () => posthog.group("company", "acme", { seats: 9 }), named("$groupidentify")],
      ["alias", () => posthog.alias("legacy-7"), named("$create_alias")],
      ["known", () => posthog.capture("Order Placed", { total: 5 }), named("Order Placed")],
    ]);
    const ids = (event) => ({
      key: event.uuid, anonymousId: event.properties.$device_id, time: Date.parse(event.timestamp), sessionId: event.properties.$session_id,
    });
    return { format: "posthog", events, ids, ofOurs: (request) => decode(request).batch[0], groupsAfter: "group" };
  });
}

async function posthogNode() {
  const server = await capture(() => ({ status: "Ok" }));
  const { PostHog } = createRequire(import.meta.url)("posthog-node");
  const client = new PostHog(KEY, { host: server.host, flushAt: 1, flushInterval: 0, disableCompression: true, preloadFeatureFlags: false });
  const read = (requests) => posts(requests, "/batch/").flatMap((request) => decode(request).batch);
  const events = await tell(server, read, [
    ["identify", () => client.identify({ distinctId: USER, properties: { plan: "pro" } })],
    ["group", () => client.groupIdentify({ groupType: "company", groupKey: "acme", properties: { seats: 9 }, distinctId: USER })],
    ["alias", () => client.alias({ distinctId: USER, alias: "legacy-7" })],
    ["known", () => client.capture({ distinctId: USER, event: "Order Placed", properties: { total: 5 }, groups: { company: "acme" } })],
  ]);
  await client.shutdown();
  await server.close();
  const ids = (event) => ({ key: event.uuid, anonymousId: "anon_1", time: Date.parse(event.timestamp) });
  return { format: "posthog", context: {}, page: null, events, ids, ofOurs: (request) => decode(request).batch[0], groupsAfter: "group" };
}

/** Mixpanel takes seconds, as its SDK sends, and milliseconds, as sendoff does. */
function inMs(event) {
  if (event.properties?.time) event.properties.time = Math.round(event.properties.time * 1000);
  return event;
}

async function mixpanel() {
  return onPage("mixpanel-browser", () => 1, async (window, server) => {
    const sdk = window.sdk.default;
    sdk.init(KEY, { api_host: server.host, batch_requests: false, persistence: "localStorage", api_payload_format: "json", record_sessions_percent: 0, track_pageview: false });
    const read = (requests) => requests.filter((request) => /^\/(track|engage|groups)\//.test(request.path)).flatMap(decode).map(inMs);
    const named = (name) => (event) => event.event === name;
    const setting = (name, operation = "$set") => (event) => event[operation] && name in event[operation];
    const events = await tell(server, read, [
      ["track", () => sdk.track("Item Added", { ...STORY.track.properties })],
      ["page", () => sdk.track_pageview(), named("$mp_web_page_view")],
      ["link", () => sdk.identify(USER), named("$identify")],
      ["identify", () => sdk.people.set({ plan: "pro" }), setting("plan")],
      ["traits", () => sdk.people.set({ seats: 3 }), setting("seats")],
      ["group", () => sdk.get_group("company", "acme").set({ seats: 9 }), (event) => event.$group_key],
      ["join", () => sdk.add_group("company", "acme"), setting("company", "$union")],
      ["known", () => sdk.track("Order Placed", { total: 5 }), named("Order Placed")],
      ["alias", () => sdk.alias("legacy-7", USER), named("$create_alias")],
    ]);
    const anonymousId = events.track.properties.$device_id;
    const ids = ({ properties = {} }) => ({ key: properties.$insert_id ?? "none", anonymousId, time: properties.time ?? 0 });
    return { format: "mixpanel", events, ids, ofOurs: (request) => decode(request)[0], groupsAfter: "join" };
  });
}

async function amplitude() {
  return onPage("@amplitude/analytics-browser", () => ({ code: 200 }), async (window, server) => {
    const sdk = window.sdk;
    sdk.init(KEY, undefined, {
      serverUrl: `${server.host}/2/httpapi`, flushQueueSize: 1, flushIntervalMillis: 10, fetchRemoteConfig: false,
      remoteConfig: { fetchRemoteConfig: false }, autocapture: { attribution: false, sessions: false, fileDownloads: false, formInteractions: false, pageViews: true },
    });
    const read = (requests) => posts(requests, "/2/httpapi").flatMap((request) => decode(request).events);
    const named = (name) => (event) => event.event_type === name;
    const identify = (name, value) => new sdk.Identify().set(name, value);
    const events = await tell(server, read, [
      ["page", () => {}, named("[Amplitude] Page Viewed")],
      ["track", () => sdk.track("Item Added", { ...STORY.track.properties }), named("Item Added")],
      ["identify", () => { sdk.setUserId(USER); sdk.identify(identify("plan", "pro")); }, named("$identify")],
      ["traits", () => sdk.identify(identify("seats", 3)), named("$identify")],
      ["group", () => sdk.groupIdentify("company", "acme", identify("seats", 9)), named("$groupidentify")],
      ["join", () => sdk.setGroup("company", "acme"), named("$identify")],
      ["known", () => sdk.track("Order Placed", { total: 5 }), named("Order Placed")],
    ]);
    const ids = (event) => ({ key: event.insert_id, anonymousId: event.device_id, time: event.time, sessionId: sessionOf(event.session_id) });
    return { format: "amplitude", events, ids, ofOurs: (request) => decode(request).events[0] };
  });
}

const segmentIds = (event) => ({ key: event.messageId, anonymousId: event.anonymousId, time: Date.parse(event.originalTimestamp ?? event.timestamp) });

/** The five calls that Segment's model has, and one known user's event. */
const segmentStory = (sdk) => {
  const typed = (type) => (event) => event.type === type;
  return [
    ["track", () => sdk.track("Item Added", { ...STORY.track.properties }), typed("track")],
    ["page", () => sdk.page(), typed("page")],
    ["identify", () => sdk.identify(USER, { plan: "pro" }), typed("identify")],
    ["group", () => sdk.group("acme", { seats: 9 }), typed("group")],
    ...(sdk.alias ? [["alias", () => sdk.alias(USER, "legacy-7"), typed("alias")]] : []),
    ["known", () => sdk.track("Order Placed", { total: 5 }), typed("track")],
  ];
};

async function segment() {
  return onPage("@segment/analytics-next", () => ({}), async (window, server) => {
    const apiHost = `${server.host.slice(7)}/v1`;
    const settings = { integrations: { "Segment.io": { apiKey: KEY, apiHost, protocol: "http" } } };
    const [sdk] = await window.sdk.AnalyticsBrowser.load({ writeKey: KEY, cdnSettings: settings }, { disableClientPersistence: true, integrations: { "Segment.io": { apiHost, protocol: "http" } } });
    const read = (requests) => posts(requests, "/v1/").map(decode).filter((event) => event.messageId);
    const events = await tell(server, read, segmentStory(sdk));
    return { format: "segment", events, ids: segmentIds, ofOurs: (request) => decode(request).batch[0] };
  });
}

async function rudderstack() {
  return onPage("@rudderstack/analytics-js/bundled", (path) => (path.includes("sourceConfig") ? configOf(KEY) : "OK"), async (window, server) => {
    const sdk = new window.sdk.RudderAnalytics();
    sdk.load(KEY, server.host, { configUrl: server.host, lockIntegrationsVersion: true, lockPluginsVersion: true, storage: { type: "memoryStorage" }, plugins: ["XhrQueue"], sessions: { autoTrack: true } });
    const read = (requests) => posts(requests, "/v1/").map(decode).filter((event) => event.messageId);
    const events = await tell(server, read, segmentStory(sdk));
    const ids = (event) => ({ ...segmentIds(event), sessionId: sessionOf(event.context.sessionId) });
    return { format: "rudderstack", events, ids, ofOurs: (request) => decode(request).batch[0] };
  });
}

async function jitsu() {
  return onPage("@jitsu/js", () => ({ ok: true }), async (window, server) => {
    const sdk = window.sdk.jitsuAnalytics({ host: server.host, writeKey: `${KEY}:secret`, fetch: window.fetch });
    const read = (requests) => posts(requests, "/api/s/").map(decode);
    const events = await tell(server, read, segmentStory(sdk));
    return { format: "jitsu", events, ids: segmentIds, ofOurs: (request) => decode(request).batch[0] };
  });
}

export const VENDORS = {
  "posthog-js": posthogJs,
  "posthog-node": posthogNode,
  "mixpanel-browser": mixpanel,
  "@amplitude/analytics-browser": amplitude,
  "@segment/analytics-next": segment,
  "@rudderstack/analytics-js": rudderstack,
  "@jitsu/js": jitsu,
};
