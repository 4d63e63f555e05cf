// Goal: the platform's parts say what happened, whatever a browser or a page does. Method: the modules as they are, in Node,
// on fakes of one API each. The APIs themselves are asked in tests/web, in a real browser.

import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, test } from "node:test";
import { deflateRawSync, gunzipSync } from "node:zlib";

import { inflate } from "../../pkg-template/engine/inflate.js";
import { CustomDestinations } from "../../pkg-template/platform/custom.js";
import { Monotonic } from "../../pkg-template/platform/page/clock.js";
import { Transport } from "../../pkg-template/platform/page/transport.js";
import { registry } from "../../pkg-template/src/registry.js";
import { turn, until } from "./world.mjs";

const URL = "https://c.example/batch";

describe("a body that may be gzipped", () => {
  const LONG = "ein Körper, ".repeat(200);
  const sent = [];
  const fetchImpl = async (url, { body, headers = {} }) => {
    sent.push({ body: typeof body === "string" ? body : gunzipSync(new Uint8Array(body)).toString(), type: headers["content-type"], encoding: headers["content-encoding"], gzipped: typeof body !== "string" });
    return { status: 200, text: async () => "{}" };
  };
  const RAW = { body: LONG, type: undefined, encoding: undefined, gzipped: false };
  const GZIPPED = { body: LONG, type: "text/plain;charset=UTF-8", gzipped: true };
  const arrived = async () => {
    await until(() => sent.length);
    return sent;
  };
  const answered = [];
  let transport;
  const { CompressionStream } = globalThis;
  beforeEach(() => {
    sent.length = answered.length = 0;
    globalThis.location = { origin: "https://c.example", protocol: "https:" };
    transport = new Transport((...values) => answered.push(values), fetchImpl);
  });
  afterEach(() => {
    delete globalThis.location;
    globalThis.CompressionStream = CompressionStream;
  });
  const send = (gzip, { url = URL, type = "text", body = LONG } = {}) => transport.send(1, "keepalive", url, type, body, "", gzip);

  test("is, on the page's own origin, and says so", async () => {
    send("header");
    assert.deepEqual(await arrived(), [{ ...GZIPPED, encoding: "gzip" }]);
  });
  test("keeps its type", async () => {
    send("header", { type: "json" });
    assert.deepEqual(await arrived(), [{ ...GZIPPED, type: "application/json", encoding: "gzip" }]);
  });
  test("is not on another origin, where the header would take a preflight", async () => {
    send("header", { url: "https://elsewhere.example/batch" });
    assert.deepEqual(await arrived(), [RAW]);
  });
  test("is on another origin where nobody needs to be told", async () => {
    send("sniffing", { url: "https://elsewhere.example/batch" });
    assert.deepEqual(await arrived(), [{ ...GZIPPED, encoding: undefined }]);
  });
  test("is not where it is short, or the receiver would not understand", async () => {
    send("header", { body: "short" });
    send("");
    assert.deepEqual(await arrived(), [{ ...RAW, body: "short" }, RAW]);
  });
  test("goes as it is, at once and once, when the page is left meanwhile", async () => {
    send("header");
    assert.deepEqual(sent, []);
    transport.hurry();
    assert.deepEqual(sent, [RAW]);
    for (let n = 0; n < 50; n++) await turn();
    assert.equal(sent.length, 1);
  });
  test("goes as it is where compressing fails", async () => {
    globalThis.CompressionStream = class {
      constructor() {
        throw new Error("not here");
      }
    };
    send("header");
    assert.deepEqual(await arrived(), [RAW]);
  });
  test("that is given up while it is compressed never goes; and after that none is compressed", async () => {
    globalThis.CompressionStream = class {
      readable = new ReadableStream();
      writable = new WritableStream({ write: () => new Promise(() => {}) });
    };
    send("header");
    transport.cancel(1);
    globalThis.CompressionStream = CompressionStream;
    send("header");
    assert.deepEqual(await arrived(), [RAW]);
  });
});

describe("an answer", () => {
  const text = async () => '{"ok":true}';
  const headers = (all) => ({ get: (name) => all[name] ?? null });
  const cases = {
    "of the collector": [{ status: 200, text }, ["plain", 200, NaN, '{"ok":true}']],
    "of a vendor that says why it refuses": [{ status: 400, text: async () => "bad" }, ["plain", 400, NaN, "bad"]],
    "of a server in trouble": [{ status: 503, text }, ["plain", 503, NaN, undefined]],
    "of a captive portal": [{ status: 200, text, headers: headers({ "content-type": "text/html; charset=utf-8" }) }, ["html", 200, NaN, undefined]],
    "after a login redirect": [{ status: 200, text, redirected: true, url: "https://c.example/login" }, ["redirected", 200, NaN, '{"ok":true}']],
    "after a redirect to the same place": [{ status: 200, text, redirected: true, url: `${URL}?x=1` }, ["plain", 200, NaN, '{"ok":true}']],
    "that nobody may read": [{ status: 0, type: "opaque", text }, ["opaque", 0, NaN, undefined]],
    "that is none": [undefined, ["network", 0, NaN, undefined]],
    "with seconds to wait": [{ status: 429, headers: headers({ "retry-after": " 7 " }), text }, ["plain", 429, 7_000, '{"ok":true}']],
    "with a date long past": [
      { status: 429, headers: headers({ "retry-after": "Fri, 01 Jan 1999 00:00:00 GMT" }), text },
      ["plain", 429, 0, '{"ok":true}'],
    ],
    "with nonsense to wait for": [{ status: 429, headers: headers({ "retry-after": "2.5" }), text }, ["plain", 429, NaN, '{"ok":true}']],
    "whose members throw": [{ status: 200, get headers() { throw new Error("no"); }, text }, ["plain", 200, NaN, '{"ok":true}']],
    "too long to be one": [{ status: 200, text: async () => "x".repeat(262_145) }, ["plain", 200, NaN, undefined]],
  };
  for (const [name, [response, expected]] of Object.entries(cases)) {
    test(name, async () => {
      const heard = [];
      const transport = new Transport((...values) => heard.push(values), async () => response);
      transport.send(1, "fetch", URL, "text", "body");
      for (let n = 0; n < 10 && !heard.length; n++) await turn();
      const [id, what, status, wait, body] = heard[0];
      assert.deepEqual([id, what, status, wait, body], [1, ...expected]);
    });
  }

  test("whose body never ends: the status decides after 2 s, and the connection is let go", async (t) => {
    t.mock.timers.enable({ apis: ["setTimeout"] });
    const heard = [];
    let signal;
    const answer = { status: 200, text: () => new Promise(() => {}) };
    const transport = new Transport((...values) => heard.push(values), async (_, options) => ((signal = options.signal), answer));
    transport.send(1, "fetch", URL, "text", "body");
    await turn();
    t.mock.timers.tick(1_999);
    await turn();
    assert.deepEqual(heard, []);
    t.mock.timers.tick(1);
    await turn();
    assert.deepEqual(heard, [[1, "plain", 200, NaN, undefined]]);
    assert.equal(signal.aborted, true);
  });

  test("that was given up is not told", async () => {
    const heard = [];
    let answer;
    const transport = new Transport((...values) => heard.push(values), () => new Promise((resolve) => (answer = resolve)));
    transport.send(1, "fetch", URL, "text", "body");
    transport.cancel(1);
    answer({ status: 200, text });
    await turn();
    assert.deepEqual(heard, []);
  });

  test("a way out that throws was not taken", () => {
    const heard = [];
    const transport = new Transport((...values) => heard.push(values), () => {
      throw new TypeError("too much");
    });
    transport.send(1, "keepalive", URL, "text", "body");
    assert.deepEqual(heard, [[1, "refused"]]);
  });
});

describe("a destination of the page's own", () => {
  const body = (...keys) => JSON.stringify({ events: keys.map((idempotencyKey) => ({ idempotencyKey, name: "n" })) });

  async function send(t, destination, ...bodies) {
    registry().destinations.own = { name: "own", ...destination };
    t.after(() => delete registry().destinations.own);
    const heard = [];
    const custom = new CustomDestinations((...values) => heard.push(values));
    for (const [n, text] of bodies.entries()) await custom.send(n + 1, "fetch", "own", text);
    return heard;
  }

  test("what it takes is delivered, and heard once in one page life", async (t) => {
    const seen = [];
    const heard = await send(t, { track: ({ idempotencyKey }) => void seen.push(idempotencyKey) }, body("a", "b"), body("b", "c"));
    assert.deepEqual(seen, ["a", "b", "c"]);
    assert.deepEqual(heard, [[1, "plain", 200], [2, "plain", 200]]);
  });

  test("what it fails is a network error, and only that comes again", async (t) => {
    const seen = [];
    let fails = true;
    const track = async ({ idempotencyKey }) => {
      seen.push(idempotencyKey);
      if (idempotencyKey === "b" && fails) throw new Error("no");
    };
    const first = await send(t, { track }, body("a", "b", "c"));
    assert.deepEqual(first, [[1, "network"]]);
    fails = false;
    assert.deepEqual(seen, ["a", "b", "c"]);
    const custom = new CustomDestinations(() => {});
    await custom.send(1, "fetch", "own", body("a"));
    fails = true;
    await custom.send(2, "fetch", "own", body("a", "b"));
    fails = false;
    await custom.send(3, "fetch", "own", body("a", "b"));
    assert.deepEqual(seen.slice(3), ["a", "b", "b"]);
  });

  test("it may ask to be left alone, take batches, and be gone", async (t) => {
    assert.deepEqual(await send(t, { track: () => ({ retryAfter: 5 }) }, body("a")), [[1, "plain", 429, 5_000]]);
    const batches = [];
    const batch = (events, { exit }) => void batches.push([events.length, exit]);
    assert.deepEqual(await send(t, { batch }, body("a", "b")), [[1, "plain", 200]]);
    assert.deepEqual(batches, [[2, false]]);
    const heard = [];
    await new CustomDestinations((...values) => heard.push(values)).send(1, "fetch", "nobody", body("a"));
    assert.deepEqual(heard, [[1, "plain", 503]]);
  });

  test("identify is its own, where it has one", async (t) => {
    const seen = [];
    const event = { idempotencyKey: "i", name: "$identify", userId: "ann", properties: { plan: "pro" } };
    await send(t, { track: () => seen.push("track"), identify: (...values) => seen.push(values) }, JSON.stringify({ events: [event] }));
    assert.deepEqual(seen, [["ann", { plan: "pro" }]]);
  });
});

describe("the monotonic clock", () => {
  test("does not believe one reading that is an hour ahead", (t) => {
    t.mock.timers.enable({ apis: ["Date"], now: 1_000_000 });
    let raw = 100;
    const clock = new Monotonic(() => raw);
    assert.equal(clock.now(), 100);
    raw = 3_600_200;
    assert.equal(clock.now(), 100);
    raw = 300;
    assert.equal(clock.now(), 300);
  });

  test("but does when those after it agree", (t) => {
    t.mock.timers.enable({ apis: ["Date"], now: 1_000_000 });
    let raw = 100;
    const clock = new Monotonic(() => raw);
    clock.now();
    raw = 3_600_100;
    clock.now();
    raw += 5_000;
    t.mock.timers.setTime(1_005_000);
    assert.equal(clock.now(), 3_605_100);
  });

  test("never runs backwards, and stands still where it cannot be read", () => {
    const readings = [100, 50, 60, NaN, 70];
    const clock = new Monotonic(() => readings.shift() ?? assert.fail());
    assert.deepEqual([1, 2, 3, 4, 5, 6].map(() => clock.now()), [100, 100, 110, 110, 120, 120]);
  });

  test("goes on by the other one while it stands still", (t) => {
    t.mock.timers.enable({ apis: ["Date"], now: 1_000_000 });
    const clock = new Monotonic(() => 100);
    assert.equal(clock.now(), 100);
    for (const at of [1_000_400, 1_000_800]) t.mock.timers.setTime(at) || assert.equal(clock.now(), 100);
    t.mock.timers.setTime(1_001_200);
    assert.equal(clock.now(), 1_300);
    t.mock.timers.setTime(90_000_000);
    assert.equal(clock.now(), 6_300, "a wall clock that is set forward meanwhile");
    t.mock.timers.setTime(1_000_000);
    assert.equal(clock.now(), 6_300, "or back");
    t.mock.timers.setTime(1_002_000);
    assert.equal(clock.now(), 8_300);
  });

  test("a wall clock that is set forward, or a sleep, stops nothing", (t) => {
    t.mock.timers.enable({ apis: ["Date"], now: 1_000_000 });
    let raw = 100;
    const clock = new Monotonic(() => raw);
    clock.now();
    t.mock.timers.setTime(90_000_000);
    raw = 200;
    assert.equal(clock.now(), 200);
  });
});

describe("the engine, unpacked without the browser's help", () => {
  for (const [name, bytes] of [
    ["nothing", new Uint8Array(0)],
    ["zeros", new Uint8Array(70_000)],
    ["text", new TextEncoder().encode("the engine ".repeat(5_000))],
    ["noise", crypto.getRandomValues(new Uint8Array(40_000))],
  ]) {
    for (const level of [0, 1, 9]) {
      test(`${name}, at level ${level}`, () => {
        assert.ok(Buffer.from(inflate(deflateRawSync(bytes, { level }))).equals(Buffer.from(bytes)));
      });
    }
  }

  test("cut off: it is thrown", () => {
    const packed = deflateRawSync(Buffer.from("engine ".repeat(100)));
    assert.throws(() => inflate(packed.subarray(0, packed.length - 3)), /cut off/);
  });
});
