// What a page downloads: the size of each part of the built package, raw, gzip and brotli, held against the
// budget beside this file; and, of a wasm with the names of its functions, what each part of the engine weighs.
//
//   node tests/size/size.mjs [--pkg DIRECTORY] [--named WASM] [--json]

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

import { parts } from "./parts.mjs";

const FORMS = ["raw", "gzip", "brotli"];

/** Sizes of some bytes as servers send them: gzip at 9 and brotli at 11 are what static hosting precomputes. */
export function sizes(bytes) {
  const params = {
    [constants.BROTLI_PARAM_QUALITY]: 11,
    [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length,
  };
  return {
    raw: bytes.length,
    gzip: gzipSync(bytes, { level: 9 }).length,
    brotli: brotliCompressSync(bytes, { params }).length,
  };
}

/**
 * Part → sizes, with the sum of wasm and script as `total`; and the engine as the JavaScript module that an entry asks for,
 * which is a ninth more than the wasm in it, and as the one that it asks for where there is no WebAssembly. `worker` has its
 * engine in it.
 */
export function measure(pkg) {
  const file = (name) => readFileSync(join(pkg, name));
  const parts = {
    wasm: sizes(file("sendoff_bg.wasm")),
    script: sizes(file("index.js")),
  };
  const sum = (form) => Object.values(parts).reduce((total, part) => total + part[form], 0);
  const total = Object.fromEntries(FORMS.map((form) => [form, sum(form)]));
  const others = {
    ...{ engine: "engine.js", "engine-js": "engine-js.js", destinations: "destinations-engine.js" },
    ...{ stub: "stub.js", react: "react.js", worker: "worker.js" },
  };
  return { ...parts, total, ...Object.fromEntries(Object.entries(others).map(([part, name]) => [part, sizes(file(name))])) };
}

/** One sentence for each number over the budget, which names parts and forms as the table does. */
export function excesses(measured, budget) {
  return Object.entries(budget)
    .filter(([part]) => part !== "comment")
    .flatMap(([part, limits]) =>
      Object.entries(limits).map(([form, limit]) => {
        const size = measured[part]?.[form];
        if (!Number.isFinite(size) || !Number.isFinite(limit)) return `budget.json: no such number: ${part} ${form}`;
        return size > limit ? `${part} is ${size} bytes ${form}, ${size - limit} over the budget of ${limit}` : null;
      }),
    )
    .filter(Boolean);
}

export function table(measured) {
  const row = (name, cells) => name.padEnd(12) + cells.map((cell) => String(cell).padStart(9)).join("");
  const rows = Object.entries(measured).map(([part, size]) => row(part, FORMS.map((form) => size[form])));
  return [row("bytes", FORMS), ...rows].join("\n");
}

function main() {
  const { values } = parseArgs({ options: { pkg: { type: "string" }, named: { type: "string" }, json: { type: "boolean" } } });
  const pkg = values.pkg ?? fileURLToPath(new URL("../../pkg", import.meta.url));
  const measured = measure(pkg);
  if (values.json) return void console.log(JSON.stringify(measured));
  console.log(table(measured));
  if (values.named) {
    const shares = parts(readFileSync(values.named)).map(([part, bytes]) => `${part} ${bytes}`);
    console.log(`the engine by part, bytes of code before wasm-opt: ${shares.join(", ")}`);
  }

  const budget = JSON.parse(readFileSync(new URL("budget.json", import.meta.url)));
  const over = excesses(measured, budget);
  for (const sentence of over) console.error(`size: ${sentence}`);
  if (!over.length) console.log(`within the budget of ${budget.total.brotli} bytes brotli in all`);
  console.log(`checks: ${over.length ? "0 passed, 1 failed" : "1 passed, 0 failed"}`);
  process.exitCode = over.length ? 1 : 0;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) main();
