// What is promised of the script: it speaks the wasm's short names, importing it does nothing, bundlers find the wasm
// in it, and its map leads back to what people can read. That it works with the real wasm is shown by
// tests/facade/shipped.test.mjs.

import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { SourceMap } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";

import { GLUE, NAMES, SNIPPETS, WASM } from "./fixture.mjs";
import { bundleLoader, checkAsset, checkGlue, checkMembers, makeScript, shortNames } from "./script.mjs";

const FACADE = readFileSync(new URL("index.js", import.meta.url), "utf8");

const load = (code) => import(`data:text/javascript,${encodeURIComponent(code)}`);

/** A folder with the glue's neighbours in it, which is gone after the test. */
function besideGlue(t) {
  const dir = mkdtempSync(join(tmpdir(), "sendoff-glue-"));
  t.after(() => rmSync(dir, { recursive: true }));
  for (const [name, text] of Object.entries(SNIPPETS)) {
    mkdirSync(dirname(join(dir, name)), { recursive: true });
    writeFileSync(join(dir, name), text);
  }
  return dir;
}

const bundle = (t, glue = GLUE) => bundleLoader(glue, shortNames(NAMES), besideGlue(t));

test("an import from elsewhere than the glue is refused", () => {
  const { "./sendoff_bg.js": module, __wbg_now_1f: now, start } = shortNames(NAMES);
  assert.deepEqual([module, now, start], ["a", "f", "n"]);
  const imports = [...NAMES.imports, ["env", "abort", "z"]];
  assert.throws(() => shortNames({ ...NAMES, imports }), /imports abort from "env"/);
});

test("the loader speaks the wasm's short names and leaves out what nobody calls", async (t) => {
  const { code } = await bundle(t);
  for (const [name] of Object.entries(shortNames(NAMES)).filter(([name]) => /^[._]/.test(name))) {
    assert.ok(!code.includes(name), name);
  }
  assert.doesNotMatch(code, /never|initSync/);
  assert.match(code, /language/, "it holds what the glue imports from beside it");
});

test("a glue that asks for more than the wasm exports is refused", () => {
  checkGlue(GLUE, NAMES);
  const glue = `${GLUE} const poll = () => wasm.__wbg_jspi_task_poll(1);`;
  assert.throws(() => checkGlue(glue, NAMES), /asks for __wbg_jspi_task_poll, /);
});

test("a source of ours with a member that is called like an export is refused", async () => {
  const names = shortNames(NAMES);
  checkMembers("const start = (host) => host.begin();", names);
  assert.throws(() => checkMembers("const begin = (host) => host.start();", names), /member called start/);
});

test("the loader starts the engine from whatever it is given", async (t) => {
  const loader = await load((await bundle(t)).code);
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
  const script = (facade, code) => makeScript(facade, { code });
  const { code } = await script(facade, "globalThis.evaluated = 1;\nvar a = 1, b = 2;\nexport { a as start, b };\n");
  const { load: ask } = await load(code);
  assert.equal(globalThis.evaluated, undefined);
  assert.deepEqual(await ask(), { start: 1, b: 2 });
  assert.equal(globalThis.evaluated, 1);
  await assert.rejects(script(facade + facade, "export { a };"), /imports/);
  await assert.rejects(script("load()", "export { a };"), /imports/);
  await assert.rejects(script(facade, "var a;"), /exports nothing/);
});

test("minified the script is a class under both names, with everything that was said in it", async (t) => {
  const { code } = await makeScript(FACADE, await bundle(t));
  assert.ok(code.length < 0.75 * FACADE.length, `${code.length} bytes of ${FACADE.length}`);
  assert.doesNotMatch(code, /\/\*|[^:]\/\/(?!# sourceMappingURL)/, "a comment");
  checkAsset(code);
  const { Sendoff, ...others } = await load(code);
  assert.deepEqual(others, { default: Sendoff });
  assert.equal(Sendoff.name, "Sendoff");
  assert.throws(() => Sendoff(), /Class constructor/);
  for (const [, text] of FACADE.matchAll(/"([a-z]+_[a-z_]+)"/g)) assert.ok(code.includes(`"${text}"`), text);
});

test("a script that hides the wasm from bundlers is refused", () => {
  checkAsset('load(new URL("./sendoff_bg.wasm", import.meta.url))');
  checkAsset('load(new URL("./sendoff_bg.wasm",import.meta.url))');
  for (const hidden of ["const base = import.meta.url; load(new URL(name, base))", 'new URL("./sendoff_bg.wasm",u)']) {
    assert.throws(() => checkAsset(hidden), /bundlers/);
  }
});

test("the map leads from the script to the sources, which are in it, wherever it was built", async (t) => {
  const { code, map: text } = await makeScript(FACADE, await bundle(t));
  assert.match(code, /\n\/\/# sourceMappingURL=index\.js\.map$/);
  const map = JSON.parse(text);
  assert.deepEqual(map.sources.toSorted(), [
    "pkg-template/index.js",
    "pkg-template/loader.js",
    "src/web/locale.js",
    "wasm-bindgen.js",
  ]);
  const contents = Object.fromEntries(map.sources.map((source, i) => [source, map.sourcesContent[i]]));
  assert.equal(contents["pkg-template/index.js"], FACADE);
  assert.equal(contents["src/web/locale.js"], Object.values(SNIPPETS)[0]);
  for (const machine of [tmpdir(), process.cwd(), process.env.HOME, "file:"]) assert.ok(!text.includes(machine), machine);

  const lines = code.split("\n");
  const origin = (words) => {
    const line = lines.findIndex((one) => one.includes(words));
    return new SourceMap(map).findEntry(line, lines[line].indexOf(words));
  };
  for (const [source, words] of [
    ["pkg-template/index.js", '"callback_threw"'],
    ["pkg-template/index.js", "sendoff_bg.wasm"],
    ["pkg-template/loader.js", "`HTTP "],
    ["src/web/locale.js", "language"],
    ["wasm-bindgen.js", "byteLength"],
  ]) {
    const { originalSource, originalLine } = origin(words);
    assert.equal(originalSource, source, words);
    assert.ok(contents[source].split("\n")[originalLine].includes(words.slice(1, 9)), `${words}: line ${originalLine + 1}`);
  }
});

test("the same input gives the same bytes, in another folder too", async (t) => {
  const [one, two] = await Promise.all([bundle(t), bundle(t)]);
  assert.deepEqual(await makeScript(FACADE, one), await makeScript(FACADE, two));
});
