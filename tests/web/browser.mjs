// A real Chromium, a server that can misbehave, and the platform's modules as a page's global `platform`.

import http from "node:http";
import { createRequire } from "node:module";

import { build } from "../../pkg-template/tools.mjs";

const require = createRequire(import.meta.url);
const { chromium } = require("playwright-core");

const MODULES = `
export { PageStore, MemoryStore } from "./platform/page/storage.js";
export { readMirror, writeMirror } from "./platform/page/mirror.js";
export { Channel } from "./platform/page/channel.js";
export { Timer } from "./platform/page/timer.js";
export { Transport, absolute } from "./platform/page/transport.js";
export { Lifecycle } from "./platform/page/lifecycle.js";
export { PageNow } from "./platform/page/now.js";
export { factsOf } from "./platform/page/facts.js";
export { clock, wall } from "./platform/page/clock.js";
`;

const bundled = build({
  stdin: { contents: MODULES, resolveDir: new URL("../../pkg-template/", import.meta.url).pathname },
  bundle: true,
  write: false,
  format: "iife",
  globalName: "platform",
  target: "es2022",
}).then(({ outputFiles }) => outputFiles[0].text);

/** Starts both; they end with the test. `hosts` are names of this machine, and `a.shop.test` and `b.shop.test`. */
export async function open(t) {
  const routes = new Map();
  const script = await bundled;
  const server = http.createServer(async (request, response) => {
    const { pathname } = new URL(request.url, "http://x");
    const route = routes.get(pathname);
    if (route) {
      let body = "";
      for await (const chunk of request) body += chunk;
      return route({ request, response, body });
    }
    response.setHeader("content-type", "text/html");
    response.end(`<!doctype html><title>Shop</title><script>${script}</script>`);
  });
  await new Promise((done) => server.listen(0, done));
  const { port } = server.address();
  const args = ["--no-sandbox", "--host-resolver-rules=MAP *.shop.test 127.0.0.1"];
  const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args });
  t.after(async () => {
    await browser.close();
    server.closeAllConnections();
    server.close();
  });
  const context = await browser.newContext();
  const page = async (path = "/", host = "localhost") => {
    const page = await context.newPage();
    await page.goto(`http://${host}:${port}${path}`);
    return page;
  };
  return { browser, context, page, routes, port, origin: `http://localhost:${port}` };
}
