// The SDKs that are measured, each set up as its documentation recommends, with what it records by itself switched off:
// everybody does the same work. This is the configuration that the figures are of.
//
// Each is the source of a module that sets `bench = { start(host), track(name, properties), flush() }`; `start` is what a
// page does to have a client, `track` records one event.

const sendoff = (more) => `
    import { Sendoff } from "sendoff";
    let client;
    globalThis.bench = {
      start: (host) => { client = new Sendoff({ apiKey: "key", endpoint: host + "/api/v1/ingest/batch"${more} }); },
      track: (name, properties) => client.track(name, properties),
      flush: () => client.flush(),
    };`;

export const SDKS = {
  sendoff: sendoff(""),
  "sendoff, gzip": sendoff(', compression: "gzip"'),
  amplitude: `
    import * as amplitude from "@amplitude/analytics-browser";
    globalThis.bench = {
      start: (host) => { amplitude.init("key", { serverUrl: host + "/2/httpapi", autocapture: false, fetchRemoteConfig: false, remoteConfig: { fetchRemoteConfig: false } }); },
      track: (name, properties) => { amplitude.track(name, properties); },
      flush: () => amplitude.flush().promise,
    };`,
  jitsu: `
    import { jitsuAnalytics } from "@jitsu/js";
    let client;
    globalThis.bench = {
      start: (host) => { client = jitsuAnalytics({ host, writeKey: "key" }); },
      track: (name, properties) => { client.track(name, properties); },
      flush: () => {},
    };`,
  mixpanel: `
    import mixpanel from "mixpanel-browser/src/loaders/loader-module-core.js";
    globalThis.bench = {
      start: (host) => { mixpanel.init("key", { api_host: host, persistence: "localStorage", ignore_dnt: true, flags: false, record_sessions_percent: 0 }); },
      track: (name, properties) => { mixpanel.track(name, properties); },
      flush: () => {},
    };`,
  posthog: `
    import posthog from "posthog-js";
    globalThis.bench = {
      start: (host) => {
        posthog.init("key", {
          api_host: host, autocapture: false, capture_pageview: false, capture_pageleave: false, disable_session_recording: true, disable_surveys: true,
          advanced_disable_flags: true, disable_external_dependency_loading: true, capture_performance: false, capture_dead_clicks: false, opt_out_useragent_filter: true,
        });
      },
      track: (name, properties) => { posthog.capture(name, properties); },
      flush: () => {},
    };`,
  rudderstack: `
    import { RudderAnalytics } from "@rudderstack/analytics-js/bundled";
    const client = new RudderAnalytics();
    globalThis.bench = {
      start: (host) => { client.load("key", host, { configUrl: host, queueOptions: { batch: { enabled: true } }, sessions: { autoTrack: false }, plugins: ["XhrQueue"], lockIntegrationsVersion: true, lockPluginsVersion: true }); },
      track: (name, properties) => client.track(name, properties),
      flush: () => {},
    };`,
  segment: `
    import { AnalyticsBrowser } from "@segment/analytics-next";
    let client;
    globalThis.bench = {
      start: (host) => {
        const endpoint = host.replace("http://", "") + "/v1";
        const cdnSettings = { integrations: { "Segment.io": { apiKey: "key", apiHost: endpoint, protocol: "http" } } };
        client = AnalyticsBrowser.load({ writeKey: "key", cdnSettings }, { integrations: { "Segment.io": { deliveryStrategy: { strategy: "batching" }, protocol: "http" } } });
      },
      track: (name, properties) => { client.track(name, properties); },
      flush: () => {},
    };`,
  snowplow: `
    import { newTracker, trackSelfDescribingEvent, flushBuffer } from "@snowplow/browser-tracker";
    globalThis.bench = {
      start: (host) => { newTracker("sp", host, { appId: "shop", bufferSize: 50, contexts: { webPage: true } }); },
      track: (name, data) => trackSelfDescribingEvent({ event: { schema: "iglu:com.example/" + name + "/jsonschema/1-0-0", data } }),
      flush: () => flushBuffer(),
    };`,
};

export const PACKAGES = {
  amplitude: "@amplitude/analytics-browser", jitsu: "@jitsu/js", mixpanel: "mixpanel-browser", posthog: "posthog-js",
  rudderstack: "@rudderstack/analytics-js", segment: "@segment/analytics-next", snowplow: "@snowplow/browser-tracker",
};
