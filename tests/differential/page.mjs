// A page for a vendor's SDK to run in, and a server that takes whatever it sends: the SDK is bundled as a site would
// bundle it and runs in jsdom, its requests really leave.

import { createServer } from "node:http";
import { gunzipSync } from "node:zlib";

import { build } from "esbuild";
import { JSDOM, VirtualConsole } from "jsdom";

const here = new URL(".", import.meta.url).pathname;

/** A server that keeps `{method, path, query, headers, body}` of each request and answers by `answers(path)`. */
export async function capture(answers = () => undefined) {
  const requests = [];
  const server = createServer(async (request, response) => {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    let body = Buffer.concat(chunks);
    if (body[0] === 0x1f && body[1] === 0x8b) body = gunzipSync(body);
    const { pathname, searchParams } = new URL(request.url, "http://x");
    response.setHeader("Access-Control-Allow-Origin", request.headers.origin ?? "*");
    response.setHeader("Access-Control-Allow-Credentials", "true");
    response.setHeader("Access-Control-Allow-Headers", request.headers["access-control-request-headers"] ?? "*");
    if (request.method !== "OPTIONS") {
      requests.push({ method: request.method, path: pathname, query: searchParams, headers: request.headers, body: body.toString() });
    }
    const answer = answers(pathname) ?? { status: 1, ok: true, code: 200 };
    response.setHeader("Content-Type", "application/json");
    response.end(request.method === "OPTIONS" ? "" : JSON.stringify(answer));
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const close = () => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  };
  return { requests, host: `http://127.0.0.1:${server.address().port}`, close };
}

/** Resolves with what `find` finds, once it does; rejects after ten seconds with what there was instead. */
export async function until(find, describe) {
  const end = Date.now() + 10_000;
  for (;;) {
    const found = await find();
    if (found) return found;
    if (Date.now() > end) throw new Error(`never came: ${describe()}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

const PAGE = { url: "https://shop.example/cart?x=1", referrer: "https://search.example/q" };
const HTML = "<!doctype html><html lang=en><head><title>Cart</title></head><body></body></html>";

/** A page with the SDK of that npm package in it, as `window.sdk`. */
export async function pageWith(packageName) {
  const { outputFiles } = await build({
    stdin: { contents: `import * as sdk from ${JSON.stringify(packageName)}; window.sdk = sdk;`, resolveDir: here },
    bundle: true,
    format: "iife",
    platform: "browser",
    define: { "process.env.NODE_ENV": '"production"', global: "window" },
    logLevel: "silent",
    write: false,
  });
  const dom = new JSDOM(HTML, { ...PAGE, runScripts: "outside-only", pretendToBeVisual: true, virtualConsole: new VirtualConsole() });
  const { window } = dom;
  for (const name of ["fetch", "Request", "Response", "Headers", "TextEncoder", "TextDecoder", "CompressionStream", "structuredClone"]) {
    window[name] ??= globalThis[name];
  }
  Object.defineProperty(window, "crypto", { value: globalThis.crypto });
  Object.defineProperty(window.navigator, "sendBeacon", {
    value: (url, body) => void fetch(url, { method: "POST", body }) ?? true,
  });
  window.eval(outputFiles[0].text);
  return window;
}

/** What the page would tell sendoff of itself. */
export function surroundings(window) {
  const { location, document, navigator, screen } = window;
  return {
    context: {
      locale: navigator.language,
      timezone: Intl.DateTimeFormat().resolvedOptions().timeZone,
      userAgent: navigator.userAgent,
      screen: { width: screen.width, height: screen.height },
      viewport: { width: window.innerWidth, height: window.innerHeight },
    },
    page: { url: location.href, path: location.pathname, search: location.search, title: document.title, referrer: document.referrer },
  };
}
