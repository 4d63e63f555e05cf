// Goal: the declarations are true and strict. Method: the TypeScript compiler on `usage.ts`, which uses everything
// right, and wrong where it is marked; the facade itself type-checked; and the declared names against the real ones.

import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { copyFileSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

import { DECLARATIONS, declared } from "./declarations.mjs";
import { openPage, PACKAGE, SHIPPED, turn } from "./world.mjs";

const here = fileURLToPath(new URL(".", import.meta.url));
const compiler = join(dirname(createRequire(import.meta.url).resolve("typescript/package.json")), "bin/tsc");

/** Compiles `usage.ts` against the package, as an application that has installed it would. */
function compile(t, options, prepare = () => {}) {
  const app = mkdtempSync(join(tmpdir(), "sendoff-types-"));
  t.after(() => rmSync(app, { recursive: true }));
  const installed = join(app, "node_modules/sendoff");
  execFileSync("mkdir", ["-p", installed]);
  for (const file of ["index.js", "index.d.ts", "index.cjs", "index.d.cts", "destinations.js", "destinations.d.ts", "package.json"]) copyFileSync(join(SHIPPED, file), join(installed, file));
  copyFileSync(join(here, "usage.ts"), join(app, "usage.ts"));
  writeFileSync(join(app, "package.json"), '{"type":"module"}');
  prepare(app);
  const flags = ["--ignoreConfig", "--noEmit", "--strict", "--exactOptionalPropertyTypes", "--noUncheckedIndexedAccess"];
  const args = [compiler, ...flags, "--target", "es2022", "--lib", "es2022,dom", ...options, "usage.ts"];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: app, encoding: "utf8" });
  return { ok: status === 0, output: stdout + stderr };
}

for (const [module, resolution] of [["nodenext", "nodenext"], ["esnext", "bundler"]]) {
  test(`usage.ts compiles with module resolution ${resolution}`, (t) => {
    const { ok, output } = compile(t, ["--module", module, "--moduleResolution", resolution]);
    assert.ok(ok, output);
  });
}

test("a CommonJS file in TypeScript has the types, too", (t) => {
  const prepare = (app) => {
    writeFileSync(join(app, "usage.ts"), "");
    writeFileSync(
      join(app, "required.cts"),
      'import { Sendoff } from "sendoff";\nconst client: Sendoff = new Sendoff("demo");\nclient.track("n");\n' +
        "// @ts-expect-error: a name is a text\nclient.track(12);\n",
    );
  };
  const { ok, output } = compile(t, ["--module", "nodenext", "required.cts"], prepare);
  assert.ok(ok, output);
});

test("and would not if the declarations took anything", (t) => {
  const loosen = (app) => {
    const path = join(app, "node_modules/sendoff/index.d.ts");
    writeFileSync(path, readFileSync(path, "utf8").replace("(call: TypedTrackCall<Name, Events[Name]>): void", "(call: any): void"));
  };
  const { ok, output } = compile(t, ["--module", "nodenext"], loosen);
  assert.ok(!ok && /Unused '@ts-expect-error'/.test(output), output);
});

test("the facade, the platforms and the entries pass the type checker, strictly", () => {
  const project = join(PACKAGE, "tsconfig.json");
  const { status, stdout } = spawnSync(process.execPath, [compiler, "--project", project], { encoding: "utf8" });
  assert.equal(status, 0, stdout);
});

test("what is declared is there, and nothing else", async (t) => {
  const page = await openPage(t);
  const { client } = await page.start();
  assert.deepEqual(declared("Sendoff"), Object.keys(client).toSorted());
  assert.deepEqual(declared("Stats"), Object.keys(client.stats()).toSorted());
  assert.deepEqual(declared("FlushResult"), Object.keys(await client.flush()).toSorted());
  const exported = [...DECLARATIONS.matchAll(/^export (?:declare (?:class|const|function) (\w+)|\{ \w+ as (\w+) \}|(default))/gm)];
  assert.deepEqual(Object.keys(page.module).toSorted(), exported.map((match) => match[1] ?? match[2] ?? match[3]).toSorted());
  for (const event of declared("SendoffEvents")) client.on(event, () => {});
  await turn();
  assert.deepEqual(page.said, [], "every declared event is one");
});

test("every declared option is read, and every option that is read is declared", async (t) => {
  const page = await openPage(t);
  const read = new Set();
  new page.Sendoff(new Proxy({}, { get: (_, name) => void read.add(name) }));
  assert.deepEqual(declared("SendoffConfig"), [...read].toSorted());
});

test("every option has its row in the README, and every row its option", () => {
  const readme = readFileSync(join(PACKAGE, "README.md"), "utf8");
  const [, options] = readme.split(/^## Options$/m);
  const rows = [...options.matchAll(/^\| `(\w+)` \|/gm)].map((match) => match[1]);
  assert.deepEqual(rows.toSorted(), declared("SendoffConfig"));
});

test("the engine and the facade share the options between them", async (t) => {
  const { ENGINE_OPTIONS } = await import("../../pkg-template/src/config.js");
  const sources = ["config.rs", "config/reader.rs"].map((file) => new URL(`../../src/engine/${file}`, import.meta.url));
  const config = sources.map((file) => readFileSync(file, "utf8")).join("\n");
  const unknown = ENGINE_OPTIONS.filter((name) => !new RegExp(`\\b${name}\\b`).test(config));
  assert.deepEqual(unknown, [], "the facade passes on what the engine does not read");
  const read = [...config.matchAll(/\b(?:read|self)\s*\.\w+\(\s*"(\w+)"/g)].map((match) => match[1]);
  assert.ok(read.length > 20, read.join());
  assert.deepEqual(read.filter((name) => !ENGINE_OPTIONS.includes(name)), [], "the engine reads what the facade does not pass on");
});

test("every error code of the facade is declared", () => {
  const sources = ["src", "platform", "engine"].flatMap((folder) =>
    readdirSync(join(PACKAGE, folder)).map((file) => join(PACKAGE, folder, file)),
  );
  const codes = new Set();
  const uses = /\b(?:error|lose|refuse|fail|say|count|tellOnce|TooLong)\(\s*"([a-z]+(?:_[a-z]+)*)"|return \["([a-z_]+)", `/g;
  for (const file of sources.filter((file) => file.endsWith(".js"))) {
    for (const [, called, given] of readFileSync(file, "utf8").matchAll(uses)) codes.add(called ?? given);
  }
  assert.ok(codes.size >= 20, [...codes].join());
  for (const code of codes) assert.ok(DECLARATIONS.includes(`\`${code}\``), `${code} is not described`);
});
