// Goal: the package is right for whoever reads it without a browser: Node, TypeScript in every way of finding modules, test
// runners, and the checkers of packages. Method: the packed package installed into an app, and their own programs run there.

import { after, before, describe, test } from "node:test";
import assert from "node:assert/strict";
import { join } from "node:path";

import { Packaging, TOOLS, app, collectorWith, runs } from "./harness.mjs";

const LIMIT = { timeout: 90_000 };
const sendoff = new Packaging();
before(() => sendoff.open());
after(() => sendoff.close());

const tool = (name) => join(TOOLS, ".bin", name);

test("publint finds nothing", LIMIT, () => runs(sendoff.dir, tool("publint"), ["--strict", sendoff.unpacked]));

test("are the types wrong: no", LIMIT, () => {
  // Classic scripts are no modules; `sendoff/url` says `import.meta.url`, which CommonJS has not.
  const scripts = ["iife", "stub", "sendoff.wasm", "sendoff_bg.wasm"];
  const modules = ["url"];
  return runs(sendoff.dir, tool("attw"), [sendoff.tarball, "--exclude-entrypoints", ...scripts, ...modules]);
});

describe("Node", () => {
  const ENTRIES = ["", "/destinations", "/inline", "/worker"];
  const makes = (name) => `
    const client = new ${name}.Sendoff({ apiKey: "demo", consent: "pending" });
    client.track("seen");
    client.flush().then(() => console.log(typeof ${name}.default, ${name}.default === ${name}.Sendoff, typeof ${name}.track));`;
  const said = "function true function\n";

  for (const entry of ENTRIES) {
    test(`import "sendoff${entry}"; the program ends`, LIMIT, async (t) => {
      const dir = await app(t, sendoff, { files: { "main.mjs": `import * as sdk from "sendoff${entry}";${makes("sdk")}` } });
      assert.equal(await runs(dir, "node", ["main.mjs"]), said);
    });
    test(`require("sendoff${entry}"); the program ends`, LIMIT, async (t) => {
      const dir = await app(t, sendoff, { files: { "main.cjs": `const sdk = require("sendoff${entry}");${makes("sdk")}` } });
      assert.equal(await runs(dir, "node", ["main.cjs"]), said);
    });
  }

  for (const [kind, head] of [["mjs", 'import { Sendoff } from "sendoff/worker";'], ["cjs", 'const { Sendoff } = require("sendoff/worker");']]) {
    test(`sendoff/worker delivers from a .${kind}`, LIMIT, async (t) => {
      const collector = await collectorWith(t);
      const body = `
        const client = new Sendoff({ apiKey: "demo", endpoint: "${collector.url}/api/v1/ingest/batch" });
        client.track("packaged");
        client.flush().then(({ ok }) => {
          console.log(ok);
          const answered = performance.now();
          process.on("exit", () => performance.now() - answered > 1_000 && console.log("and kept the program from ending"));
        });`;
      const dir = await app(t, sendoff, { files: { [`main.${kind}`]: head + body } });
      assert.equal(await runs(dir, "node", [`main.${kind}`]), "true\n");
      assert.deepEqual(await collector.sql("SELECT count(*) AS count FROM events WHERE name = 'packaged'"), [{ count: 1 }]);
    });
  }
});

describe("TypeScript", () => {
  const IMPORTS = `
    import { Sendoff } from "sendoff";
    import Same, { type SendoffConfig } from "sendoff";
    import { Sendoff as Other, posthog } from "sendoff/destinations";
    import { SendoffProvider, useTrack } from "sendoff/react";
    import { Sendoff as Worker } from "sendoff/worker";
    import { Sendoff as Inline } from "sendoff/inline";`;
  const USES = `
    const config: SendoffConfig = { apiKey: "demo" };
    for (const make of [Sendoff, Same, Other, Worker, Inline]) new make(config).track("seen", { total: 1 });
    new Other({ apiKey: "demo", destinations: [posthog({ apiKey: "k" })] });
    export const used = [SendoffProvider, useTrack];
    // @ts-expect-error: there is no such option
    new Sendoff({ apiKey: "demo", flushEvery: 3 });`;
  const ESM_ONLY = `import { Sendoff as Url } from "sendoff/url"; import address from "sendoff/sendoff.wasm"; new Url({ apiKey: address });`;
  const OPTIONS = ["--noEmit", "--strict", "--exactOptionalPropertyTypes", "--target", "es2022", "--jsx", "react-jsx"];
  const WAYS = { bundler: ["--module", "esnext", "--moduleResolution", "bundler"], node16: ["--module", "node16"], nodenext: ["--module", "nodenext"] };
  for (const [way, options] of Object.entries(WAYS)) {
    test(way, LIMIT, async (t) => {
      const files = { "main.ts": IMPORTS + ESM_ONLY + USES, "required.cts": IMPORTS + USES };
      const dir = await app(t, sendoff, { files, uses: ["react", "@types"] });
      await runs(dir, tool("tsc"), [...OPTIONS, ...options, "main.ts", "required.cts"]);
    });
  }
});

describe("test runners", () => {
  const TEST = `
    test("a component that tracks", async () => {
      const errors = [];
      const client = new Sendoff({ apiKey: "demo", onError: ({ code }) => errors.push(code) });
      client.track("seen", { total: 1 });
      expect(errors).toEqual([]);
      expect(client.getAnonymousId()).toMatch(typeof document === "undefined" ? /^$/ : /^anon_/);
    });`;

  for (const environment of ["jsdom", "node"]) {
    test(`vitest in ${environment}`, LIMIT, async (t) => {
      const files = { "seen.test.js": `import { expect, test } from "vitest"; import { Sendoff } from "sendoff";${TEST}` };
      const dir = await app(t, sendoff, { files, uses: ["vitest", "vite", "jsdom"] });
      await runs(dir, tool("vitest"), ["run", "--environment", environment]);
    });
    test(`jest in ${environment}, as CommonJS`, LIMIT, async (t) => {
      const files = { "package.json": '{ "private": true }', "seen.test.js": `const { Sendoff } = require("sendoff");${TEST}` };
      const dir = await app(t, sendoff, { files, uses: ["jest-environment-jsdom"] });
      const said = await runs(dir, tool("jest"), ["--env", environment, "--rootDir", dir, "--no-watchman"]);
      assert.doesNotMatch(said, /did not exit|worker process has failed to exit/);
    });
    test(`jest in ${environment}, as modules`, LIMIT, async (t) => {
      const files = { "seen.test.mjs": `import { Sendoff } from "sendoff";${TEST}` };
      const dir = await app(t, sendoff, { files, uses: ["jest-environment-jsdom"] });
      const options = ["--env", environment, "--rootDir", dir, "--no-watchman", "--testMatch", "**/*.test.mjs", "--transform", "{}"];
      const said = await runs(dir, tool("jest"), options, { NODE_OPTIONS: "--experimental-vm-modules" });
      assert.doesNotMatch(said, /did not exit|worker process has failed to exit/);
    });
  }
});
