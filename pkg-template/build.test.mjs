// What the package's assembly promises: a name and version that agree with the crate, a wasm that bundlers can find,
// exactly the files of the allow-list, and nothing touched that has not changed.

import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

import { assemble, checkAsset, checkManifest, minifyGlue } from "./build.mjs";

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

test("the loader keeps its exports and loses its comments", async () => {
  const code = await minifyGlue("/* why */ export class Client {}\nasync function init(source) { return source; }\nexport { init as default };");
  assert.doesNotMatch(code, /why/);
  const glue = await import(`data:text/javascript,${encodeURIComponent(code)}`);
  assert.equal(typeof glue.Client, "function");
  assert.equal(await glue.default(5), 5);
});

test("the package holds its allow-list and nothing else, and is written only where it differs", async (t) => {
  const dir = mkdtempSync(join(tmpdir(), "sendoff-pkg-"));
  t.after(() => rmSync(dir, { recursive: true }));
  const [wasm, glue, out] = ["in.wasm", "in.js", "pkg"].map((name) => join(dir, name));
  writeFileSync(wasm, "one");
  writeFileSync(glue, "export default () => 1;");

  await assemble({ wasm, glue, out });
  const { files } = JSON.parse(readFileSync(join(out, "package.json")));
  assert.deepEqual(readdirSync(out).sort(), [...new Set(["package.json", "README.md", ...files])].sort());

  writeFileSync(join(out, "left-over.js"), "");
  writeFileSync(wasm, "two");
  const untouched = statSync(join(out, "index.js")).ino;
  assert.deepEqual(await assemble({ wasm, glue, out }), ["sendoff_bg.wasm"]);
  assert.equal(readFileSync(join(out, "sendoff_bg.wasm"), "utf8"), "two");
  assert.equal(statSync(join(out, "index.js")).ino, untouched);
  assert.ok(!readdirSync(out).includes("left-over.js"));

  await assert.rejects(assemble({ wasm: join(dir, "none"), glue, out }), /compiled engine: .*none cannot be read/);
});
