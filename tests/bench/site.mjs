// The pages that are measured, each bundled as a site would, and a server that takes whatever they send.

import { createServer } from "node:http";
import { createRequire } from "node:module";
import { gunzipSync, inflateSync } from "node:zlib";

import { configOf } from "../differential/rudder.mjs";
import { sizes as sizesOf } from "../size/size.mjs";
import { PACKAGES, SDKS } from "./sdks.mjs";

const require = createRequire(new URL("../differential/package.json", import.meta.url));
const { build } = require("esbuild");
const resolveDir = new URL("../differential/", import.meta.url).pathname;

/** The name of an SDK with its version. */
export const titleOf = (name, pkg) => {
  const manifest = /^sendoff/.test(name) ? `${pkg}/package.json` : `${resolveDir}node_modules/${PACKAGES[name]}/package.json`;
  const [sdk, ...how] = name.split(", ");
  return [`${sdk} ${require(manifest).version}`, ...how].join(", ");
};

/** What its page's path begins with. */
export const addressOf = (name) => encodeURIComponent(name);

/** Path → bytes of one SDK's page: what a bundler makes of it, in as many files as it wants. */
async function bundled(name, pkg) {
  const { outputFiles } = await build({
    stdin: { contents: SDKS[name], resolveDir },
    alias: { sendoff: `${pkg}/index.js` },
    bundle: true, splitting: true, minify: true, write: false,
    format: "esm", platform: "browser", target: "es2022", outdir: "/", entryNames: "main",
    define: { "process.env.NODE_ENV": '"production"', global: "globalThis" },
    logLevel: "silent",
  });
  return Object.fromEntries(outputFiles.map(({ path, contents }) => [path, Buffer.from(contents)]));
}

/** What a body says, whatever it is wrapped in. */
function textOf(body) {
  if (body[0] === 0x1f && body[1] === 0x8b) return gunzipSync(body).toString();
  if (body[0] === 0x78) return inflateSync(body).toString();
  const text = body.toString();
  const [, data] = /^data=([^&]*)/.exec(text) ?? [];
  if (data === undefined) return text;
  const plain = decodeURIComponent(data);
  return /^[\w+/=-]+$/.test(plain) ? Buffer.from(plain, "base64").toString() : plain;
}

/** Serves the pages of all SDKs and counts what they send: `bytes`, `requests`, and the `events` by their marks. */
export async function open(names, pkg) {
  const files = new Map([["/empty/", Buffer.from("<!doctype html><title>Shop</title>")]]);
  const sizes = {};
  for (const name of names) {
    const scripts = await bundled(name, pkg);
    for (const [path, bytes] of Object.entries(scripts)) files.set(`/${addressOf(name)}${path}`, bytes);
    files.set(`/${addressOf(name)}/`, Buffer.from('<!doctype html><title>Shop</title><script type="module" src="main.js"></script>'));
    // What is asked for where there is WebAssembly.
    const asked = Object.entries(scripts).filter(([path]) => !/engine-js/.test(path));
    sizes[name] = asked.reduce((sum, [, bytes]) => sum + sizesOf(bytes).brotli, 0);
  }
  const seen = { bytes: 0, requests: 0, events: new Set() };
  const server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url, "http://x");
    const file = request.method === "GET" && files.get(pathname);
    if (file) {
      response.setHeader("Content-Type", pathname.endsWith(".js") ? "text/javascript" : "text/html");
      return response.end(file);
    }
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const body = Buffer.concat(chunks);
    if (request.method === "POST" && body.length) {
      const marks = Array.from(textOf(body).matchAll(/mark-(\d+)/g), ([, mark]) => mark);
      if (marks.length) {
        seen.requests++;
        seen.bytes += body.length;
        marks.forEach((mark) => seen.events.add(mark));
      }
    }
    response.setHeader("Content-Type", "application/json");
    response.end(JSON.stringify(pathname.includes("sourceConfig") ? configOf("key") : { status: 1, ok: true, code: 200, accepted: 0, duplicates: 0, duplicateBatch: false, rejected: [] }));
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  return {
    seen, sizes,
    host: `http://127.0.0.1:${server.address().port}`,
    forget: () => Object.assign(seen, { bytes: 0, requests: 0, events: new Set() }),
    close: () => (server.closeAllConnections(), server.close()),
  };
}
