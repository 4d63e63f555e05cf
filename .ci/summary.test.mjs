// The summing-up must never make a success out of a failure. Each story is a log as the real runners write it;
// the last ones run the program itself, for its last line and its exit status.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

import { judge, readLog, summarise } from "./summary.mjs";

const CARGO = `running 2 tests
test engine::a ... ok
test result: ok. 2 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s
   Doc-tests sendoff
test result: FAILED. 3 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.10s
`;
const NODE_SPEC = "ℹ tests 5\nℹ suites 0\nℹ pass 3\nℹ fail 1\nℹ cancelled 1\nℹ skipped 2\nℹ todo 0\n";
const NODE_TAP = "1..4\n# tests 4\n# pass 4\n# fail 0\n# cancelled 0\n# skipped 0\n# todo 0\n";
const ended = (status) => `layer x: exit status ${status} after 3 s\n`;

test("cargo's lines are added up over all test programs", () => {
  assert.deepEqual(readLog(CARGO + ended(101)), { passed: 5, failed: 1, skipped: 1, status: 101 });
});

test("node's counts are read from both reporters; a cancelled test is a failed one", () => {
  assert.deepEqual(readLog(NODE_SPEC + ended(1)), { passed: 3, failed: 2, skipped: 2, status: 1 });
  assert.deepEqual(readLog(NODE_TAP + ended(0)), { passed: 4, failed: 0, skipped: 0, status: 0 });
});

test("colours do not hide a count", () => {
  assert.equal(readLog("\u001b[34mℹ pass 7\u001b[39m\n").passed, 7);
  assert.equal(readLog("test result: \u001b[32mok\u001b[0m. 6 passed; 0 failed; 0 ignored\n").passed, 6);
});

test("a number in a test's own output is not a count", () => {
  assert.equal(readLog("the page said: 3 passed, 0 failed\nsent # pass 9 times\n").passed, 0);
});

test("a layer that did not run, ran nothing, was cut short or failed to compile is a failure", () => {
  assert.deepEqual(judge("x", null).failed, 1);
  assert.equal(judge("x", ended(0)).note, "ran no test");
  assert.equal(judge("x", ended(0)).failed, 1);
  assert.equal(judge("x", NODE_TAP).failed, 1, "no exit status");
  assert.equal(judge("x", `error[E0308]: mismatched types\n${ended(101)}`).failed, 1);
  assert.equal(judge("x", NODE_TAP + ended(1)).failed, 1, "all passed, yet the runner failed");
});

test("a failure that the runner counted is not counted twice", () => {
  assert.equal(judge("x", CARGO + ended(101)).failed, 1);
});

test("a failed make is a failure even where every layer passed, and so is having no layer", () => {
  const fine = judge("x", NODE_TAP + ended(0));
  assert.deepEqual({ ...summarise([fine], 0), text: "" }, { passed: 4, failed: 0, text: "" });
  assert.equal(summarise([fine], 2).failed, 1);
  assert.equal(summarise([], 0).failed, 1);
});

test("the last line is the sum, and the exit status follows it", (t) => {
  const directory = mkdtempSync(join(tmpdir(), "sendoff-summary-"));
  t.after(() => rmSync(directory, { recursive: true }));
  writeFileSync(join(directory, "good.log"), NODE_TAP + ended(0));
  writeFileSync(join(directory, "bad.log"), CARGO + ended(101));
  const run = (...args) => {
    const program = fileURLToPath(new URL("./summary.mjs", import.meta.url));
    const { status, stdout } = spawnSync(process.execPath, [program, directory, ...args], { encoding: "utf8" });
    return { status, last: stdout.trimEnd().split("\n").at(-1) };
  };
  assert.deepEqual(run("0", "good"), { status: 0, last: "4 passed, 0 failed" });
  assert.deepEqual(run("2", "good", "bad"), { status: 1, last: "9 passed, 1 failed" });
  assert.deepEqual(run("0", "good", "missing"), { status: 1, last: "4 passed, 1 failed" });
  assert.deepEqual(run("", "good"), { status: 1, last: "4 passed, 1 failed" });
});
