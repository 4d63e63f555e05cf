// What sendoff's formats make of the calls that a vendor's SDK was given: canonical events with the ids, times and
// session that the SDK chose, through the example `encode`.

import { execFileSync } from "node:child_process";

const root = new URL("../..", import.meta.url).pathname;
const cargo = ["run", "--quiet", "--features", "destinations", "--example", "encode"];

/** A canonical event. `ids` are the vendor's: `{key, anonymousId, userId, time (ms), sessionId}`. */
export function canonical({ name, properties = {}, groups, ...ids }, seq) {
  return {
    idempotencyKey: ids.key,
    seq,
    name,
    userId: ids.userId ?? null,
    anonymousId: ids.anonymousId,
    timestamp: new Date(ids.time).toISOString(),
    properties,
    ...(ids.sessionId && { sessionId: ids.sessionId, sessionSeq: seq + 1 }),
    ...(groups && { groups }),
  };
}

/** A session id that says when the session began, as sendoff's do. */
export function sessionOf(ms) {
  const hex = ms.toString(16).padStart(12, "0");
  return `${hex.slice(0, 8)}-${hex.slice(8)}-7000-8000-000000000000`;
}

/** The requests that the format makes of the events, one each: `[{url, body}]`. */
export function encode({ format, options = {}, sentAt, context, page, events }) {
  const input = JSON.stringify({ format, options, sentAt, context, pages: [page], events });
  return JSON.parse(execFileSync("cargo", cargo, { cwd: root, input, maxBuffer: 1 << 26 }));
}
