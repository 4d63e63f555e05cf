// Goal: `sendoff/worker` delivers from Cloudflare's runtime, which compiles no bytes, has no timers outside of a request, and
// stops what nobody waits for; it says what to do where the compiled module was forgotten; and a worker there may be the proxy.
// Method: the recipes, bundled as wrangler does it, in the real runtime.

import { readFile } from "node:fs/promises";
import { after, before, test } from "node:test";
import assert from "node:assert/strict";
import { join } from "node:path";

import { build } from "esbuild";
import { Miniflare } from "miniflare";

import { untilValue } from "../e2e/harness/wait.mjs";
import { app, collectorWith, runs } from "../packaging/harness.mjs";
import { packagingHere } from "./harness.mjs";
import { recipe } from "./recipes.mjs";

const LIMIT = { timeout: 60_000 };
const sendoff = packagingHere();
before(() => sendoff.open());
after(() => sendoff.close());

/** A worker of this text in workerd. */
async function workerd(t, text) {
  const dir = await app(t, sendoff, { files: { "worker.js": text } });
  const bundled = await build({ entryPoints: [join(dir, "worker.js")], bundle: true, format: "esm", external: ["*.wasm"], write: false, absWorkingDir: dir });
  const wasm = await readFile(join(dir, "node_modules/sendoff/sendoff_bg.wasm"));
  const flare = new Miniflare({
    compatibilityDate: "2026-07-01",
    modulesRoot: "/",
    modules: [
      { type: "ESModule", path: "/worker.js", contents: bundled.outputFiles[0].text },
      { type: "CompiledWasm", path: "/sendoff/sendoff.wasm", contents: wasm },
    ],
  });
  t.after(() => flare.dispose());
  return flare;
}

test("each request's event is delivered", LIMIT, async (t) => {
  const collector = await collectorWith(t);
  const flare = await workerd(t, recipe("Cloudflare Workers", collector.url)["worker.js"]);
  for (const path of ["/a", "/b"]) assert.equal(await (await flare.dispatchFetch(`http://shop.test${path}`)).text(), "thank you");
  const bought = () => collector.sql("SELECT json_extract(properties, '$.path') AS path FROM events WHERE name = 'bought' ORDER BY path");
  assert.deepEqual(await untilValue("both events", bought, (rows) => rows.length >= 2), [{ path: "/a" }, { path: "/b" }]);
});

test("without the compiled module the client says what to do, and nothing is thrown", LIMIT, async (t) => {
  const flare = await workerd(t, `
    import { Sendoff } from "sendoff/worker";

    export default {
      async fetch() {
        const heard = [];
        const analytics = new Sendoff({ apiKey: "demo", onError: ({ message }) => heard.push(message) });
        analytics.track("bought");
        return Response.json({ flushed: await analytics.flush(), heard });
      },
    };`);
  const { flushed, heard } = await (await flare.dispatchFetch("http://shop.test/")).json();
  assert.deepEqual(flushed, { ok: false, delivered: 0, pending: 1, dropped: 0 });
  assert.equal(heard.length, 1);
  assert.match(heard[0], /import wasm from "sendoff\/sendoff\.wasm", and give it as the option `wasm`/);
});

test("a worker as the proxy passes on what is sent, and nothing else", LIMIT, async (t) => {
  const collector = await collectorWith(t);
  const flare = await workerd(t, recipe("A path of your own", collector.url)["proxy.js"]);
  const url = await flare.ready;
  const sender = `
    import { Sendoff } from "sendoff/worker";
    const analytics = new Sendoff({ apiKey: "demo", endpoint: "${new URL("/ingest/batch", url)}" });
    analytics.track("bought");
    analytics.flush().then(({ ok }) => console.log(ok));`;
  const dir = await app(t, sendoff, { files: { "main.js": sender } });
  assert.equal(await runs(dir, "node", ["main.js"]), "true\n");
  assert.deepEqual(await collector.sql("SELECT count(*) AS count FROM events WHERE name = 'bought'"), [{ count: 1 }]);
  for (const path of ["/api/v1/events", "/ingest/../events"]) assert.equal((await fetch(new URL(path, url))).status, 404, path);
});
