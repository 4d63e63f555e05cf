// What the package's assembly promises: a name and version that agree with the crate, exactly the files of the
// allow-list, and nothing touched that has not changed.

import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";

import { assemble, checkManifest } from "./build.mjs";
import { GLUE, NAMES, SNIPPETS } from "./fixture.mjs";
import { checkAsset } from "./script.mjs";

const CARGO_TOML = '[package]\nname = "sendoff"\nversion = "1.2.3"\n\n[dependencies]\nversion = "9"\n';

test("a version that is not the crate's is refused, and so is another name", () => {
  checkManifest({ name: "sendoff", version: "1.2.3" }, CARGO_TOML);
  assert.throws(() => checkManifest({ name: "sendoff", version: "1.2.4" }, CARGO_TOML), /version is "1\.2\.4".*"1\.2\.3"/);
  assert.throws(() => checkManifest({ name: "sendon", version: "1.2.3" }, CARGO_TOML), /name is "sendon"/);
});

test("the package holds its allow-list and nothing else, and is written only where it differs", async (t) => {
  const dir = mkdtempSync(join(tmpdir(), "sendoff-pkg-"));
  t.after(() => rmSync(dir, { recursive: true }));
  const [wasm, names, glue, out] = ["in.wasm", "in.json", "in.js", "pkg"].map((name) => join(dir, name));
  writeFileSync(wasm, "one");
  writeFileSync(names, JSON.stringify(NAMES));
  writeFileSync(glue, GLUE);
  for (const [name, text] of Object.entries(SNIPPETS)) {
    mkdirSync(dirname(join(dir, name)), { recursive: true });
    writeFileSync(join(dir, name), text);
  }

  await assemble({ wasm, names, glue, out });
  const { files } = JSON.parse(readFileSync(join(out, "package.json")));
  assert.deepEqual(readdirSync(out).sort(), [...new Set(["package.json", "README.md", ...files])].sort());
  const script = readFileSync(join(out, "index.js"), "utf8");
  checkAsset(script);
  const [, map] = /\n\/\/# sourceMappingURL=(.*)$/.exec(script);
  assert.equal(JSON.parse(readFileSync(join(out, map))).version, 3);

  writeFileSync(join(out, "left-over.js"), "");
  writeFileSync(wasm, "two");
  const untouched = statSync(join(out, "index.js")).ino;
  assert.deepEqual(await assemble({ wasm, names, glue, out }), ["sendoff_bg.wasm"]);
  assert.equal(readFileSync(join(out, "sendoff_bg.wasm"), "utf8"), "two");
  assert.equal(statSync(join(out, "index.js")).ino, untouched);
  assert.ok(!readdirSync(out).includes("left-over.js"));

  await assert.rejects(assemble({ wasm: join(dir, "none"), names, glue, out }), /compiled engine: .*none cannot be read/);
});
