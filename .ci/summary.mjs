// Sums up what every layer's own runner counted, for `.ci/run`. A layer counts as failed when its log is missing
// or cut short, when its command failed though its runner counted no failure (it did not compile, it hung), and
// when no test ran in it: silence is never success.
//
//   node .ci/summary.mjs LOG_DIRECTORY MAKE_STATUS LAYER...
//
// Prints a table, then `N passed, N failed` as the last line; exits 0 only if nothing failed.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** What the runners print about a run, and which counts each of the captured numbers adds to. */
const RUNNERS = [
  // cargo test, and wasm-bindgen-test-runner under wasm-pack; one line for each test program.
  [/^test result: \S+ (\d+) passed; (\d+) failed; (\d+) ignored/, ["passed", "failed", "skipped"]],
  // node --test: reporters `spec` and `tap`. A cancelled test is one that did not get to its end.
  [/^(?:ℹ|#) pass (\d+)$/, ["passed"]],
  [/^(?:ℹ|#) (?:fail|cancelled) (\d+)$/, ["failed"]],
  [/^(?:ℹ|#) (?:skipped|todo) (\d+)$/, ["skipped"]],
  // The checks written for this repository: lint, size.
  [/^checks: (\d+) passed, (\d+) failed$/, ["passed", "failed"]],
];

const ANSI_COLOUR = /\u001b\[[0-9;]*m/g;
const EXIT_STATUS = /^layer \S+: exit status (\d+) /;

/** Counts of one layer's log; `status` is null where the log ends before the layer did. */
export function readLog(text) {
  const counts = { passed: 0, failed: 0, skipped: 0, status: null };
  for (const line of text.replace(ANSI_COLOUR, "").split(/\r?\n/)) {
    for (const [pattern, names] of RUNNERS) {
      const match = pattern.exec(line.trim());
      if (match) names.forEach((name, i) => (counts[name] += Number(match[i + 1])));
    }
    const ended = EXIT_STATUS.exec(line);
    if (ended) counts.status = Number(ended[1]);
  }
  return counts;
}

/** One layer's row: its counts, and a note on what is wrong beyond them, which counts as one failure. */
export function judge(layer, text) {
  if (text === null) return { layer, passed: 0, failed: 1, skipped: 0, note: "did not run" };
  const { passed, failed, skipped, status } = readLog(text);
  const row = { layer, passed, failed, skipped, note: "" };
  if (status === null) row.note = "cut short: no exit status in its log";
  else if (status !== 0 && failed === 0) row.note = `failed with exit status ${status}`;
  else if (status === 0 && failed > 0) return { ...row, note: "counted failures but exited with 0" };
  else if (passed + failed === 0) row.note = "ran no test";
  if (row.note) row.failed += 1;
  return row;
}

/** The whole report: rows of all layers, and the totals. */
export function summarise(rows, makeStatus) {
  const passed = rows.reduce((sum, row) => sum + row.passed, 0);
  let failed = rows.reduce((sum, row) => sum + row.failed, 0);
  const notes = [];
  if (rows.length === 0) notes.push("no layer was named: nothing was tested");
  if (makeStatus !== 0 && failed === 0) notes.push(`make exited with ${makeStatus} though no layer failed`);
  failed += notes.length;
  const table = rows.map(
    (row) =>
      `${row.layer.padEnd(16)} ${String(row.passed).padStart(6)} passed ${String(row.failed).padStart(5)} failed` +
      `${row.skipped ? ` ${row.skipped} skipped` : ""}${row.note ? `  (${row.note})` : ""}`,
  );
  return { passed, failed, text: [...table, ...notes, `${passed} passed, ${failed} failed`].join("\n") };
}

function readIfThere(path) {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return null;
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [directory, makeStatus, ...layers] = process.argv.slice(2);
  const rows = layers.map((layer) => judge(layer, readIfThere(join(directory, `${layer}.log`))));
  // A status that is not a number (make was not even started) is a failure too.
  const { failed, text } = summarise(rows, makeStatus === "0" ? 0 : Number(makeStatus) || 1);
  console.log(`\n${text}`);
  process.exitCode = failed > 0 ? 1 : 0;
}
