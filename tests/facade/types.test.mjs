// Goal: the declarations are true and strict. Method: the TypeScript compiler on `usage.ts`, which uses everything
// right, and wrong where it is marked; the facade itself type-checked; and the declared names against the real ones.

import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

import { openPage, PACKAGE, turn } from "./world.mjs";

const here = fileURLToPath(new URL(".", import.meta.url));
const compiler = join(dirname(createRequire(import.meta.url).resolve("typescript/package.json")), "bin/tsc");
const DECLARATIONS = readFileSync(join(PACKAGE, "index.d.ts"), "utf8");

/** Compiles `usage.ts` against the package, as an application that has installed it would. */
function compile(t, options, prepare = () => {}) {
  const app = mkdtempSync(join(tmpdir(), "sendoff-types-"));
  t.after(() => rmSync(app, { recursive: true }));
  const installed = join(app, "node_modules/sendoff");
  execFileSync("mkdir", ["-p", installed]);
  for (const file of ["index.js", "index.d.ts", "package.json"]) copyFileSync(join(PACKAGE, file), join(installed, file));
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

test("and would not if the declarations took anything", (t) => {
  const loosen = (app) => {
    const path = join(app, "node_modules/sendoff/index.d.ts");
    writeFileSync(path, readFileSync(path, "utf8").replace("(call: TrackCall): void", "(call: any): void"));
  };
  const { ok, output } = compile(t, ["--module", "nodenext"], loosen);
  assert.ok(!ok && /Unused '@ts-expect-error'/.test(output), output);
});

test("the facade passes the type checker", (t) => {
  const app = mkdtempSync(join(tmpdir(), "sendoff-check-"));
  t.after(() => rmSync(app, { recursive: true }));
  copyFileSync(join(PACKAGE, "index.js"), join(app, "index.js"));
  const flags = "--ignoreConfig --noEmit --allowJs --checkJs --strict --noImplicitAny false --strictNullChecks false";
  const args = [compiler, ...flags.split(" "), "--target", "es2022", "--module", "es2022", "--lib", "es2022,dom", "index.js"];
  const { status, stdout } = spawnSync(process.execPath, args, { cwd: app, encoding: "utf8" });
  assert.equal(status, 0, stdout);
});

/** The names that a declaration of the file has as members. */
function members(declaration) {
  const start = DECLARATIONS.indexOf(declaration);
  assert.ok(start > 0, `${declaration} is not declared`);
  const body = DECLARATIONS.slice(start, DECLARATIONS.indexOf("\n}", start));
  return [...body.matchAll(/^ {2}(?:readonly )?(\w+)\??:/gm)].map((match) => match[1]).toSorted();
}

test("what is declared is there, and nothing else", async (t) => {
  const page = await openPage(t);
  const { client } = await page.start();
  assert.deepEqual(members("export declare class Sendoff"), Object.keys(client).toSorted());
  assert.deepEqual(members("export interface Stats"), Object.keys(client.stats()).toSorted());
  assert.deepEqual(members("export interface FlushResult"), Object.keys(await client.flush()).toSorted());
  assert.deepEqual(Object.keys(page.module).toSorted(), ["Sendoff", "default"]);
  for (const event of members("export interface SendoffEvents")) client.on(event, () => {});
  await turn();
  assert.deepEqual(page.said, [], "every declared event is one");
});

test("every declared option is read, and every option that is read is declared", async (t) => {
  const page = await openPage(t);
  const read = new Set();
  new page.Sendoff(new Proxy({}, { get: (_, name) => void read.add(name) }));
  assert.deepEqual(members("export interface SendoffConfig"), [...read].toSorted());
});

test("every error code of the facade is declared", () => {
  const source = readFileSync(join(PACKAGE, "index.js"), "utf8");
  const calls = /\b(?:error|lose|refuse|fail|say|count)\("([a-z]+_[a-z_]+)"/g;
  const codes = new Set([...source.matchAll(calls)].map((match) => match[1]));
  assert.ok(codes.size >= 12, [...codes].join());
  for (const code of codes) {
    if (code !== "dropped_") assert.ok(DECLARATIONS.includes(`\`${code}\``), `${code} is not described`);
  }
});
