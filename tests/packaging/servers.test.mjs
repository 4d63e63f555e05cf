// Goal: the package works where nothing is built: Vite's server, also where the package is linked by path, and plain files of
// this origin or another one. Method: as in bundlers.test.mjs.

import { createHash } from "node:crypto";
import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";

import { createServer } from "vite";

import { Packaging, app, arrives, collectorWith } from "./harness.mjs";
import * as sources from "./sources.mjs";

const LIMIT = { timeout: 60_000 };
const sendoff = new Packaging();
before(() => sendoff.open());
after(() => sendoff.close());

describe("Vite's server", () => {
  const served = async (t, files, how) => {
    const dir = await app(t, sendoff, { files: { "index.html": sources.html, ...files }, ...how });
    const server = await createServer({ root: dir, logLevel: "error", server: { port: 0, host: "127.0.0.1" } });
    t.after(() => server.close());
    await server.listen();
    await arrives(t, sendoff, await collectorWith(t), server.resolvedUrls.local[0]);
  };
  for (const [what, linked] of [["installed", false], ["linked by path", true]]) {
    test(`sendoff, ${what}`, LIMIT, (t) => served(t, { "main.js": sources.main() }, { linked }));
    test(`sendoff/destinations, ${what}`, LIMIT, (t) => served(t, { "main.js": sources.destinations }, { linked }));
    test(`sendoff/worker, ${what}`, LIMIT, (t) => served(t, { "main.js": sources.workerPage, "worker.js": sources.worker }, { linked }));
  }
});

describe("plain files", () => {
  /** The page on one origin, the package's files on another. */
  const plain = async (t, page, more = {}) => {
    const dir = await app(t, sendoff, { files: { "www/index.html": "" } });
    const cdn = await collectorWith(t, [join(dir, "node_modules")], ["Access-Control-Allow-Origin: *"]);
    const files = Object.fromEntries(Object.entries({ "index.html": page, ...more }).map(([path, text]) => [path, text.replaceAll("CDN", `${cdn.url}/sendoff`)]));
    const site = await app(t, sendoff, { files });
    await rm(join(site, "node_modules"), { recursive: true });
    const collector = await collectorWith(t, [site]);
    return arrives(t, sendoff, collector, `${collector.url}/index.html`);
  };
  const file = (name) => readFile(join(sendoff.unpacked, name), "utf8");
  const integrity = async (name) => `sha384-${createHash("sha384").update(await file(name)).digest("base64")}`;
  const options = '{ apiKey: "demo", flushInterval: 50, endpoint: new URLSearchParams(location.search).get("collector") }';

  test("a module script from another origin", LIMIT, (t) => {
    const page = sources.htmlOf("main.js");
    return plain(t, page, { "main.js": sources.main("CDN/index.js") });
  });

  test("a module script from another origin, with the wasm as a file", LIMIT, (t) => {
    const page = sources.htmlOf("main.js");
    return plain(t, page, { "main.js": sources.main("CDN/url.js") });
  });

  test("a classic script with integrity", LIMIT, async (t) => {
    const tag = `<script src="CDN/iife.js" integrity="${await integrity("iife.js")}" crossorigin></script>`;
    await plain(t, `${sources.htmlOf("none.js").replace(/<script.*/, "")}${tag}<script>new Sendoff(${options}).track("packaged")</script>`);
  });

  test("the stub in the head, the script later", LIMIT, async (t) => {
    const stub = `<script>${await file("stub.js")};sendoffStub(${options}); sendoff.track("packaged");</script>`;
    await plain(t, `<!doctype html><link rel="icon" href="data:,">${stub}<script src="CDN/iife.js" async></script>`);
  });

  test("a service worker, which may not import()", LIMIT, async (t) => {
    const register = `navigator.serviceWorker.register("/sw.js" + location.search, { type: "module" })`;
    await plain(t, `<!doctype html><link rel="icon" href="data:,"><script>${register};</script>`, {
      "sw.js": `import { Sendoff } from "CDN/worker.js";
        const client = new Sendoff({ apiKey: "demo", endpoint: new URLSearchParams(location.search).get("collector") });
        client.track("packaged");
        addEventListener("install", (event) => event.waitUntil(client.flush()));`,
    });
  });
});
