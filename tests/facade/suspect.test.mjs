// Goal: nothing personal lies in storage unscreened, not even before the engine that screens it is there; and what is withheld
// is neither lost nor moved where the engine comes.
// Method: the early log of the facade that ships; the lists of names are those of the engine's guard, read in its source.
// Not covered: what the guard makes of it (tests/pii).

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";

import { openPage, readRecord, turn } from "./world.mjs";

const guard = (name) => readFileSync(new URL(`../../src/intake/guard/${name}.rs`, import.meta.url), "utf8");
/** The byte strings of a constant in Rust. */
const list = (source, constant) => Array.from(new RegExp(`const ${constant}\\b.*?\\];\\n`, "s").exec(source)[0].matchAll(/b"([^"]+)"/g), ([, text]) => text);

/** What is in storage after a call, before the engine is there. */
async function kept(t, call, config = {}) {
  const page = await openPage(t, { hold: true });
  const client = new page.Sendoff({ apiKey: "demo", ...config });
  call(client);
  await turn();
  const [key] = page.earlyLogs();
  return { page, client, lines: page.storage[key].split("\n").slice(1) };
}

const PERSONAL = {
  "a mail address": (c) => c.track("n", { to: "ann@example.com" }),
  "one in an address": (c) => c.track("n", { url: "/?u=ann%40example.com" }),
  "one in JSON in a text": (c) => c.track("n", { body: JSON.stringify({ to: "ann@example.com" }) }),
  "a card with spaces": (c) => c.track("n", { p: "4111 1111 1111 1111" }),
  "a telephone number": (c) => c.track("n", { p: "+49 (0)170 123-45-67" }),
  "a number, not as text": (c) => c.track("n", { p: 4111111111111111 }),
  "an account number": (c) => c.track("n", { p: "DE89 3704 0044 0532 0130 00" }),
  "a web token": (c) => c.track("n", { p: "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln" }),
  "a key's shape": (c) => c.track("n", { p: "ghp_abcdefghijklmnopqrstuvwxyz" }),
  "a header": (c) => c.track("n", { p: "Bearer abc" }),
  "a name": (c) => c.track("mail ann@example.com"),
  "nested": (c) => c.track("n", { a: [{ "access-token": "x" }] }),
  "a parameter": (c) => c.track("n", { p: "https://a.example/?Session_Id=x" }),
  "an experiment": (c) => c.exposure("e", "ann@example.com"),
  "a super property": (c) => c.register({ mail: "ann@example.com" }),
};

describe("the early log", () => {
  for (const [what, call] of Object.entries(PERSONAL)) {
    test(`does not hold ${what}`, async (t) => assert.deepEqual((await kept(t, call)).lines, ["withheld"]));
  }

  test("does not hold what stands under a name that the guard denies", async (t) => {
    const keys = guard("keys");
    const names = [...list(keys, "WHOLE"), ...list(keys, "ENDING").map((end) => `my_${end}`), ...list(keys, "WHOLE_TEXT")];
    assert.ok(names.length > 35, names.join());
    const { lines } = await kept(t, (c) => names.forEach((name) => c.track("n", { [name]: "x" })));
    assert.deepEqual(names.filter((_, n) => lines[n] !== "withheld"), []);
  });

  test("does not hold keys of the shapes that the guard knows", async (t) => {
    const shapes = list(guard("secrets"), "SHAPES");
    assert.ok(shapes.length > 15, shapes.join());
    const { lines } = await kept(t, (c) => shapes.forEach((shape) => c.track("n", { p: `${shape}${"a1".repeat(20)}` })));
    assert.deepEqual(shapes.filter((_, n) => lines[n] !== "withheld"), []);
  });

  test("holds what is ordinary, and traits, which may have a mail address on purpose", async (t) => {
    const ordinary = [
      (c) => c.track("order_paid", { order: "A-1000234", total: 129.9, items: [1, 2], color: "ghost white" }),
      (c) => c.track("side", { decode: true, author: "Ann", description: "passing by", tokens: 3 }, { timestamp: Date.now() }),
      (c) => c.page("Home"),
      (c) => c.identify("ann@example.com", { email: "ann@example.com" }),
    ];
    const { lines } = await kept(t, (c) => ordinary.forEach((call) => call(c)));
    assert.deepEqual(lines.map((line) => readRecord(line).kind), ["track", "track", "page", "identify"]);
  });

  test("goes by the options", async (t) => {
    const mail = (c) => c.track("n", { to: "ann@example.com" });
    const plain = (c) => c.track("n", { p: 1 });
    const is = async (call, config) => (await kept(t, call, config)).lines[0] === "withheld";
    assert.deepEqual([await is(mail, { pii: "off" }), await is(mail, { pii: "warn" }), await is(mail, { pii: "hash" })], [false, false, true]);
    assert.equal(await is((c) => c.identify("u", { mail: "ann@example.com" }), { piiTraits: "redact" }), true);
    assert.deepEqual([await is(plain), await is(plain, { piiPatterns: ["cust_#*"] }), await is(plain, { piiKeys: ["p"] })], [false, true, true]);
  });

  test("what is withheld keeps its place, is counted, and crosses as it was when the engine comes", async (t) => {
    const { page, client, lines } = await kept(t, (c) => {
      c.track("one");
      c.track("two", { to: "ann@example.com" });
      c.track("three");
    });
    assert.deepEqual(lines.map((line) => (line === "withheld" ? line : readRecord(line).name)), ['"one"', "withheld", '"three"']);
    assert.equal(client.stats().volatile, 1);
    await page.load();
    assert.deepEqual(page.engines[0].lines.map((line) => readRecord(line).name), ['"one"', '"two"', '"three"']);
    assert.match(page.engines[0].lines[1], /ann@example\.com/);
  });
});
