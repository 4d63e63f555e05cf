// What the package's assembly promises: the crate's name and version, exactly the files of the allow-list, nothing touched
// that has not changed, and scripts that lead back to what people can read.

import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { SourceMap } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

import { assemble, stampManifest } from "./build.mjs";
import { SCRIPTS, checkAsset } from "./bundle.mjs";
import { GLUE, NAMES, PLAIN, WASM } from "./fixture.mjs";

const CARGO_TOML = '[package]\nname = "sendoff"\nversion = "1.2.3"\n\n[dependencies]\nversion = "9"\n';

test("the version is the crate's, and another name is refused", () => {
  assert.equal(stampManifest({ name: "sendoff", version: "0.0.0" }, CARGO_TOML).version, "1.2.3");
  assert.throws(() => stampManifest({ name: "sendon" }, CARGO_TOML), /name is "sendon"/);
});

/** The package made of the fixture, in a folder that is gone after the test. */
function making(t, { glue = GLUE, plain = PLAIN } = {}) {
  const dir = mkdtempSync(join(tmpdir(), "sendoff-pkg-"));
  t.after(() => rmSync(dir, { recursive: true }));
  for (const engine of ["core", "destinations"].map((name) => join(dir, "stage", name))) {
    mkdirSync(engine, { recursive: true });
    writeFileSync(join(engine, "optimised.wasm"), WASM);
    writeFileSync(join(engine, "names.json"), JSON.stringify(NAMES));
    writeFileSync(join(engine, "sendoff.js"), glue);
    writeFileSync(join(engine, "plain.mjs"), plain);
  }
  return { stage: join(dir, "stage"), out: join(dir, "pkg") };
}

test("the package holds its allow-list and nothing else, and is written only where it differs", async (t) => {
  const files = making(t);
  const { out } = files;
  await assemble(files);
  const manifest = JSON.parse(readFileSync(join(out, "package.json")));
  assert.deepEqual(readdirSync(out).sort(), [...new Set(["package.json", "README.md", ...manifest.files])].sort());
  for (const [entry, targets] of Object.entries(manifest.exports)) {
    const named = (target) => (typeof target === "string" ? [target] : Object.values(target).flatMap(named));
    const files = named(targets);
    for (const file of files) assert.ok(manifest.files.includes(file.slice(2)) || file === "./package.json", `${entry}: ${file}`);
    if (typeof targets !== "string") assert.equal(Object.keys(targets)[0], "types", `${entry}: types come first`);
  }

  writeFileSync(join(out, "left-over.js"), "");
  writeFileSync(join(files.stage, "core", "optimised.wasm"), Buffer.concat([WASM, new Uint8Array([0, 2, 1, 0x78])])); // a custom section
  const untouched = statSync(join(out, "index.js")).ino;
  const changed = await assemble(files);
  assert.ok(changed.includes("sendoff_bg.wasm") && changed.includes("engine.js"), changed.join());
  assert.ok(!changed.includes("index.js") && !changed.includes("destinations-engine.js"), changed.join());
  assert.equal(statSync(join(out, "index.js")).ino, untouched);
  assert.ok(!readdirSync(out).includes("left-over.js"));
  await assert.rejects(assemble({ ...files, stage: join(out, "none") }), /compiled engine: .*none.* cannot be read/);
});

test("every script has a map that names our sources and none of this machine's folders", async (t) => {
  const files = making(t);
  await assemble(files);
  assert.doesNotMatch(readFileSync(join(files.out, "stub.js"), "utf8"), /sourceMappingURL/, "it is pasted into pages");
  const hasMap = ({ isGenerated, hasMap = !isGenerated }) => hasMap;
  for (const out of Object.keys(SCRIPTS).filter((out) => hasMap(SCRIPTS[out]))) {
    const script = readFileSync(join(files.out, out), "utf8");
    assert.match(script, new RegExp(`\\n//# sourceMappingURL=${out}\\.map$`));
    const map = JSON.parse(readFileSync(join(files.out, `${out}.map`)));
    for (const source of map.sources) assert.match(source, /^(pkg-template\/[\w/.-]+|sendoff:\w+)$/);
    // Not at the beginning of a line, nor in every one: some formats have what is nobody's source.
    const found = new SourceMap(map);
    const isOurs = (line, n) => map.sources.includes(found.findEntry(n, line.length >> 1).originalSource);
    assert.ok(script.split("\n").some(isOurs), out);
  }
  checkAsset(readFileSync(join(files.out, "url.js"), "utf8"));
  assert.throws(() => checkAsset("new URL(name, import.meta.url)"), /bundlers would leave the wasm behind/);
});

test("what bundlers are told of an import is still there, and the engine's bytes are in no map", async (t) => {
  const files = making(t);
  await assemble(files);
  const script = readFileSync(join(files.out, "index.js"), "utf8");
  assert.match(script, /import\(\s*\/\* webpackIgnore: true \*\/\s*\/\* @vite-ignore \*\//);
  assert.match(script, /import\("\.\/engine\.js"\)/);
  const { sources, sourcesContent } = JSON.parse(readFileSync(join(files.out, "engine.js.map")));
  assert.equal(sourcesContent[sources.indexOf("sendoff:packed")], null);
});

test("without WebAssembly: what the engine imports is the glue's, and views of memory that has grown are ended", async (t) => {
  const files = making(t);
  await assemble(files);
  const script = readFileSync(join(files.out, "engine-js.js"), "utf8");
  assert.match(script, /postMessage\(0,\[\w+\]\)/);
  assert.doesNotMatch(script, /\bfrom\s*["']a["']/);
  await assert.rejects(assemble(making(t, { plain: PLAIN.replace("set(HEAP8)", "copy(HEAP8)") })), /what wasm2js writes has changed/);
});
