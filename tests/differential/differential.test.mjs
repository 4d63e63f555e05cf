// The vendors' own SDKs and sendoff's formats, given the same calls.
//
// Goal: that what a vendor's back end gets from sendoff is what it gets from the vendor's SDK. Method: each SDK runs on
// a page (page.mjs) and tells a story (vendors.mjs) to a server that keeps what arrives; the same story, under the ids
// and times that the SDK chose, goes through sendoff's encoder; the events are compared field by field. Every
// difference has to be in differences.json with its reason, and every line there has to explain one.
//
// Not covered: what the back ends make of it (none can be installed), routes and headers (tests/wire_formats), and
// batches of several events, whose events are the same. @jitsu/js has no alias; posthog-node knows no page.
//
//   npm ci && node --test --test-force-exit differential.test.mjs

import assert from "node:assert/strict";
import { after, test } from "node:test";

import { differences, stale, unexplained } from "./compare.mjs";
import { canonical, encode } from "./ours.mjs";
import { STORY, USER, VENDORS } from "./vendors.mjs";

/** Everything that differs in one SDK's story: `[{kind, …}]`. */
async function compared(name) {
  const told = await VENDORS[name]();
  const kinds = Object.keys(told.events);
  const inGroup = (kind) => told.groupsAfter && kinds.indexOf(kind) >= kinds.indexOf(told.groupsAfter);
  const events = kinds.map((kind, seq) => {
    const { known, ...said } = STORY[kind];
    const groups = inGroup(kind) ? { company: "acme" } : undefined;
    return canonical({ ...said, ...told.ids(told.events[kind]), userId: known && USER, groups }, seq);
  });
  return kinds.map((kind, index) => {
    const sentAt = Date.parse(told.events[kind].sentAt ?? 0);
    const { format, context, page } = told;
    const [request] = encode({ format, sentAt, context, page, events: [events[index]] });
    return { kind, found: differences(told.events[kind], told.ofOurs(request)) };
  });
}

for (const name of Object.keys(VENDORS)) {
  test(`${name} says what sendoff says`, async (t) => {
    for (const { kind, found } of await compared(name)) {
      await t.test(kind, () => assert.deepEqual(unexplained(name, kind, found), []));
    }
  });
}

after(() => assert.deepEqual(stale(Object.keys(VENDORS)), [], "lines of differences.json that explain nothing"));
