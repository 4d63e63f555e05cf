// The size check has to fail when it should: over a budget, and on a budget that names nothing. What it does not
// cover: the real package, which `make size` measures.

import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

import { functions, parts } from "./parts.mjs";
import { excesses, measure, sizes, table } from "./size.mjs";

test("bytes that repeat get smaller, and brotli is the smallest", () => {
  const { raw, gzip, brotli } = sizes(Buffer.from("journal segment offset lease ".repeat(200)));
  assert.equal(raw, 5800);
  assert.ok(brotli < gzip && gzip < raw, `${raw} ${gzip} ${brotli}`);
});

test("the parts are added up, the script as it ships, and what no page asks for is left out", (t) => {
  const pkg = mkdtempSync(join(tmpdir(), "sendoff-size-"));
  t.after(() => rmSync(pkg, { recursive: true }));
  const script = "// A comment that ships is downloaded.\nexport const a = 1;\n//# sourceMappingURL=index.js.map";
  writeFileSync(join(pkg, "sendoff_bg.wasm"), "12345678");
  writeFileSync(join(pkg, "index.js"), script);
  writeFileSync(join(pkg, "index.js.map"), "{}");
  writeFileSync(join(pkg, "engine.js"), "the engine");
  writeFileSync(join(pkg, "engine-js.js"), "the engine, without WebAssembly");
  writeFileSync(join(pkg, "destinations-engine.js"), "the engine, and more");
  for (const name of ["stub", "react", "worker"]) writeFileSync(join(pkg, `${name}.js`), name);
  const measured = measure(pkg);
  assert.deepEqual(measured.script, sizes(Buffer.from(script)));
  assert.equal(measured.total.raw, 8 + script.length);
  assert.deepEqual([measured.engine.raw, measured.destinations.raw], [10, 20]);
  assert.match(table(measured), /^total +\d+ +\d+ +\d+$/m);
});

test("over the budget is named with its excess; at the budget is fine", () => {
  const measured = { total: { raw: 300, brotli: 101 } };
  assert.deepEqual(excesses(measured, { comment: "…", total: { brotli: 101 } }), []);
  assert.deepEqual(excesses(measured, { total: { brotli: 100 } }), ["total is 101 bytes brotli, 1 over the budget of 100"]);
});

test("a budget that names nothing is an error, not a pass", () => {
  assert.equal(excesses({ total: { raw: 1 } }, { total: { brotly: 5 } }).length, 1);
  assert.equal(excesses({ total: { raw: 1 } }, { totl: { raw: 5 } }).length, 1);
  assert.equal(excesses({ total: { raw: 1 } }, { total: { raw: "5" } }).length, 1);
});

test("functions are weighed by the part that their names are of", () => {
  const text = (value) => [value.length, ...Buffer.from(value)];
  const section = (id, content) => [id, content.length, ...content];
  const names = [2, 0, ...text("<sendoff[0a1b]::tabs::Tabs>::on_bye"), 1, ...text("memcpy")];
  const wasm = Buffer.from([
    ...[0, ...Buffer.from("asm"), 1, 0, 0, 0],
    ...section(1, [1, 0x60, 0, 0]), // one type: nothing to nothing
    ...section(3, [2, 0, 0]), // two functions of it
    ...section(10, [2, 2, 0, 0x0b, 3, 0, 1, 0x0b]), // empty, and a nop
    ...section(0, [...text("name"), 1, names.length, ...names]),
  ]);
  assert.deepEqual(functions(wasm).map(({ bytes }) => bytes), [2, 3]);
  assert.deepEqual(parts(wasm), [["libraries and exports", 3], ["tabs", 2]]);
});
