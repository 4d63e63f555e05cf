// What is promised of the glue: it speaks the wasm's short names, has nothing that nobody calls, and is refused where it and
// the wasm do not go together. That it works with the real wasm is shown by tests/facade/shipped.test.mjs.

import assert from "node:assert/strict";
import { test } from "node:test";

import { GLUE, NAMES, WASM } from "./fixture.mjs";
import { checkGlue, encodingLong, glueModule, shortNames } from "./glue.mjs";

test("an import from elsewhere than the glue is refused", () => {
  const { "./sendoff_bg.js": module, __wbg_now_1f: now, start } = shortNames(NAMES);
  assert.deepEqual([module, now, start], ["a", "f", "n"]);
  const imports = [...NAMES.imports, ["env", "abort", "z"]];
  assert.throws(() => shortNames({ ...NAMES, imports }), /the wasm imports abort from "env"/);
});

test("a glue that asks for what the wasm does not export is refused", () => {
  checkGlue(GLUE, NAMES);
  assert.throws(() => checkGlue("wasm.start(); wasm.stop();", NAMES), /asks for stop/);
});

test("it starts a wasm of short names", async () => {
  const code = await glueModule(GLUE, NAMES);
  const { imports, finalize, start } = await import(`data:text/javascript,${encodeURIComponent(code)}`);
  const { instance } = await WebAssembly.instantiate(WASM, imports());
  finalize(instance);
  assert.deepEqual(start(), [42, 65_536]);
});

test("short strings are handed over by character, long ones as the browser encodes them", () => {
  const handOver = new Function(`${encodingLong(GLUE).match(/function passStringToWasm0[^]*?\n}/)[0]}; return passStringToWasm0;`)();
  const [malloc, realloc] = [() => 0, () => 0];
  const ways = [128, 129, 65_535, 65_536].map((units) => handOver("x".repeat(units), malloc, realloc));
  assert.deepEqual(ways, ["by character", "by the browser", "by the browser", "by character"]);
  assert.throws(() => encodingLong(GLUE.replaceAll("passStringToWasm0", "other")), /hands strings over in another way now/);
});
