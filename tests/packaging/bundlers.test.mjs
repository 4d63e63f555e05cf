// Goal: an app that imports sendoff works with every bundler as it comes, with no line of configuration for it. Method: the
// packed package installed into an app, built, opened in Chromium; its event is in the collector, once, and the page asked for
// nothing that is not there.

import { after, before, describe, test } from "node:test";
import { join } from "node:path";

import { BUNDLERS } from "./bundlers.mjs";
import { Packaging, app, arrives, collectorWith } from "./harness.mjs";
import * as sources from "./sources.mjs";

// esbuild and Rollup (without plugins) leave `new URL(…, import.meta.url)` alone: for `sendoff/url` and workers a bundler has to know it.
const FOLLOW_URLS = ["Vite", "webpack", "Rspack", "Parcel"];
// React is CommonJS, which takes a plugin in Rollup.
const NO_REACT = ["Rollup"];
const LIMIT = { timeout: 90_000 };

const sendoff = new Packaging();
before(() => sendoff.open());
after(() => sendoff.close());

async function built(t, bundler, files, { uses, ...limits } = {}) {
  const dir = await app(t, sendoff, { files: { "index.html": sources.html, ...files }, uses });
  await BUNDLERS[bundler](dir);
  const collector = await collectorWith(t, [join(dir, "dist")]);
  await arrives(t, sendoff, collector, `${collector.url}/index.html`, limits);
}

for (const name of Object.keys(BUNDLERS)) {
  describe(name, () => {
    test("sendoff", LIMIT, (t) => built(t, name, { "main.js": sources.main() }));
    test("sendoff/destinations", LIMIT, (t) => built(t, name, { "main.js": sources.destinations }));
    if (!NO_REACT.includes(name)) {
      // A client that StrictMode's second mount has to take over from the first is 5 s late.
      const react = { uses: ["react", "react-dom"], withinMs: 4_000 };
      test("sendoff/react, in StrictMode", LIMIT, (t) => built(t, name, { "main.js": sources.react }, react));
    }
    if (!FOLLOW_URLS.includes(name)) return;
    test("sendoff/url", LIMIT, (t) => built(t, name, { "main.js": sources.main("sendoff/url") }));
    test("sendoff/worker", LIMIT, (t) => built(t, name, { "main.js": sources.workerPage, "worker.js": sources.worker }));
  });
}
