// Goal: what the engine tells the page has one list of names, not two. Method: the words as the Rust sources have them,
// against those that index.d.ts declares, both ways.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { DECLARATIONS, declared } from "./declarations.mjs";
import { openPage } from "./world.mjs";

const rust = (path) => readFileSync(new URL(`../../src/${path}.rs`, import.meta.url), "utf8");

/** The body of the first function of that name after `from`. */
function body(source, name, from = "") {
  const start = source.indexOf(`fn ${name}(`, source.indexOf(from));
  assert.ok(start > 0, `${name} is not where it was`);
  return source.slice(start, source.indexOf("\n    }", start));
}

/** The words that a function `code` gives for the variants of its enum. */
function codes(source, from) {
  const found = [...body(source, "code", from).matchAll(/Self::\w+(?: \{ \.\. \})? => "(\w+)"/g)].map((match) => match[1]);
  assert.ok(found.length > 2, found.join());
  return found;
}

/** The words of a union that index.d.ts declares. */
function union(name) {
  const [, text] = new RegExp(`^export type ${name} =([^;]*);`, "m").exec(DECLARATIONS);
  return [...text.matchAll(/"(\w+)"/g)].map((match) => match[1]);
}

/** The members that a `to_json` writes. */
const written = (source, from) =>
  [...body(source, "to_json", from).matchAll(/\bout\.\w+\(\s*"(\w+)"/g)].map((match) => match[1]).toSorted();

test("reasons to give an event up", () => {
  assert.deepEqual(codes(rust("model/drop_reason"), "impl DropReason").toSorted(), union("DropReason").toSorted());
});

for (const [what, path, from] of [
  ["refusals of calls", "intake/refusal", "impl CallError"],
  ["notices", "engine/account", "impl Notice"],
  ["faults of the configuration", "engine/config", "impl ConfigError"],
]) {
  test(`${what} are declared and described`, () => {
    for (const code of codes(rust(path), from)) {
      assert.ok(union("ErrorCode").includes(code), `${code} is not declared`);
      assert.ok(DECLARATIONS.includes(`\`${code}\``), `${code} is not described`);
    }
  });
}

test("the account has the members that are declared, with the engine, without it, and without a key", async (t) => {
  const report = rust("engine/report");
  assert.deepEqual(written(report, "impl Figures"), declared("DestinationStats"));
  // What it runs as is the facade's to say.
  assert.deepEqual([...written(report, "impl Stats"), "engine", "signals"].toSorted(), declared("Stats"));
  const page = await openPage(t);
  assert.deepEqual(Object.keys(new page.Sendoff({}).stats()).toSorted(), declared("Stats"));
  assert.deepEqual(Object.keys(new page.Sendoff("early").stats()).toSorted(), declared("Stats"));
});
