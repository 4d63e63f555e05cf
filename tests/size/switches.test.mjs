// The table of switches has to name what the build uses. What it does not cover: the builds themselves, which take a
// minute each.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { row, switches } from "./switches.mjs";

test("a line of the flags file is what is measured at a time, without its comment", () => {
  const source = "# -Zcomment\nRUSTC_FLAGS += -Za -Cb=c\nWASM_OPT_FLAGS += -Oz # 12\n\nOTHER = -Zd\n";
  assert.deepEqual(switches(source), [["-Za", "-Cb=c"], ["-Oz"]]);
});

test("every switch of the build is found", () => {
  const source = readFileSync(new URL("../../.ci/wasm-flags.mk", import.meta.url), "utf8");
  const assignments = source.split("\n").filter((line) => line && !line.startsWith("#"));
  assert.equal(switches(source).length, assignments.length);
  assert.ok(assignments.length > 0);
});

test("a switch is worth what the package is larger by without it", () => {
  const total = (brotli) => ({ total: { brotli } });
  assert.equal(row(["-Za", "-Zb"], total(100), total(130)), "    30  -Za -Zb");
  assert.equal(row(["-Za"], total(100), total(97)), "    -3  -Za");
  assert.equal(row(["-Za"], total(100), null), "needed  -Za");
});
