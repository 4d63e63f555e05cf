// What the package's assembly promises: a name and version that agree with the crate, a wasm that bundlers can find,
// exactly the files of the allow-list, and nothing touched that has not changed.

import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

import { assemble, bundleLoader, checkAsset, checkGlue, checkManifest, inline, shortNames } from "./build.mjs";

// In the shape of what wasm-bindgen generates, and of what binaryen says.
const GLUE = `
export function start() { return [wasm.start(), wasm.memory.buffer.byteLength]; }
export const [anonymousId, calls, destroy, flush, shutdown, stats] = [];
function __wbg_get_imports() {
  return { __proto__: null, "./sendoff_bg.js": { __proto__: null, __wbg_now_1f: function() { return /* why */ 42; } } };
}
let wasm;
function __wbg_finalize_init(instance) { wasm = instance.exports; }
function initSync() { console.log("never called"); }
export { initSync, __wbg_finalize_init as default };
`;
const NAMES = {
  imports: [["./sendoff_bg.js", "__wbg_now_1f", "f"]],
  exports: [["start", "n"], ["memory", "m"]],
};
/** Imports the function `f` from `a`; exports it again as `n`, and a page of memory as `m`. */
// prettier-ignore
const WASM = new Uint8Array([
  0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 1, 5, 1, 0x60, 0, 1, 0x7f, 2, 7, 1, 1, 0x61, 1, 0x66, 0, 0, 5, 3, 1, 0, 1,
  7, 9, 2, 1, 0x6e, 0, 0, 1, 0x6d, 2, 0,
]);

const CARGO_TOML = '[package]\nname = "sendoff"\nversion = "1.2.3"\n\n[dependencies]\nversion = "9"\n';

test("a version that is not the crate's is refused, and so is another name", () => {
  checkManifest({ name: "sendoff", version: "1.2.3" }, CARGO_TOML);
  assert.throws(() => checkManifest({ name: "sendoff", version: "1.2.4" }, CARGO_TOML), /version is "1\.2\.4".*"1\.2\.3"/);
  assert.throws(() => checkManifest({ name: "sendon", version: "1.2.3" }, CARGO_TOML), /name is "sendon"/);
});

test("a facade that hides the wasm from bundlers is refused", () => {
  checkAsset('load(new URL("./sendoff_bg.wasm", import.meta.url))');
  assert.throws(() => checkAsset("const base = import.meta.url; load(new URL(name, base))"), /bundlers/);
});

test("an import from elsewhere than the glue is refused", () => {
  assert.deepEqual(shortNames(NAMES), { "./sendoff_bg.js": "a", __wbg_now_1f: "f", start: "n", memory: "m" });
  const imports = [...NAMES.imports, ["env", "abort", "g"]];
  assert.throws(() => shortNames({ ...NAMES, imports }), /imports abort from "env"/);
});

test("a glue that asks for more than the wasm exports is refused", () => {
  checkGlue(GLUE, NAMES);
  const glue = `${GLUE} const poll = () => wasm.__wbg_jspi_task_poll(1);`;
  assert.throws(() => checkGlue(glue, NAMES), /asks for __wbg_jspi_task_poll, /);
});

test("the loader speaks the wasm's short names and leaves out what nobody calls", async () => {
  const code = await bundleLoader(GLUE, shortNames(NAMES));
  assert.doesNotMatch(code, /why|never called|__wbg_now|sendoff_bg/);
});

test("the loader holds what the glue imports from beside it", async (t) => {
  const dir = mkdtempSync(join(tmpdir(), "sendoff-glue-"));
  t.after(() => rmSync(dir, { recursive: true }));
  mkdirSync(join(dir, "snippets"));
  writeFileSync(join(dir, "snippets/clock.js"), "export const now = () => 43; export const never = 'called';");
  const glue = `import { now } from "./snippets/clock.js";\n${GLUE.replace("42", "now()")}`;
  const code = await bundleLoader(glue, shortNames(NAMES), dir);
  const loader = await import(`data:text/javascript,${encodeURIComponent(code)}`);
  await loader.default(WASM);
  assert.equal(loader.start()[0], 43);
  assert.doesNotMatch(code, /snippets|called/);
});

test("the loader starts the engine from whatever it is given", async (t) => {
  const code = await bundleLoader(GLUE, shortNames(NAMES));
  const loader = await import(`data:text/javascript,${encodeURIComponent(code)}`);
  const asked = [];
  t.mock.method(globalThis, "fetch", async (address) => {
    asked.push(String(address));
    return new Response(WASM, { headers: { "content-type": "text/plain" } });
  });
  const address = "https://cdn.example/s.wasm";
  for (const source of [
    address,
    new URL(address),
    new Request(address),
    fetch(address),
    new Response(WASM),
    WASM,
    WASM.buffer,
    new WebAssembly.Module(WASM),
  ]) {
    await loader.default(source);
    assert.deepEqual(loader.start(), [42, 65536], String(source));
  }
  assert.deepEqual(asked.slice(1, 3), [address, address]);
  await assert.rejects(loader.default(new Response("gone", { status: 404 })), /HTTP 404/);
  await assert.rejects(loader.default(new Response("<html>")), WebAssembly.CompileError);
});

test("the loader stands in the facade, and does nothing before it is asked", async () => {
  const facade = `export const load = async () => await import("./sendoff.js");\n`;
  const code = inline(facade, "globalThis.evaluated = 1;var a=1,b=2;export{a as start,b};\n");
  const { load } = await import(`data:text/javascript,${encodeURIComponent(code)}`);
  assert.equal(globalThis.evaluated, undefined);
  assert.deepEqual(await load(), { start: 1, b: 2 });
  assert.throws(() => inline(facade + facade, "export{a};"), /imports/);
  assert.throws(() => inline("load()", "export{a};"), /imports/);
  assert.throws(() => inline(facade, "var a;"), /exports nothing/);
});

test("the package holds its allow-list and nothing else, and is written only where it differs", async (t) => {
  const dir = mkdtempSync(join(tmpdir(), "sendoff-pkg-"));
  t.after(() => rmSync(dir, { recursive: true }));
  const [wasm, names, glue, out] = ["in.wasm", "in.json", "in.js", "pkg"].map((name) => join(dir, name));
  writeFileSync(wasm, "one");
  writeFileSync(names, JSON.stringify(NAMES));
  writeFileSync(glue, GLUE);

  await assemble({ wasm, names, glue, out });
  const { files } = JSON.parse(readFileSync(join(out, "package.json")));
  assert.deepEqual(readdirSync(out).sort(), [...new Set(["package.json", "README.md", ...files])].sort());

  writeFileSync(join(out, "left-over.js"), "");
  writeFileSync(wasm, "two");
  const untouched = statSync(join(out, "index.js")).ino;
  assert.deepEqual(await assemble({ wasm, names, glue, out }), ["sendoff_bg.wasm"]);
  assert.equal(readFileSync(join(out, "sendoff_bg.wasm"), "utf8"), "two");
  assert.equal(statSync(join(out, "index.js")).ino, untouched);
  assert.ok(!readdirSync(out).includes("left-over.js"));

  await assert.rejects(assemble({ wasm: join(dir, "none"), names, glue, out }), /compiled engine: .*none cannot be read/);
});
