// Goal: an app of Angular tracks, with the client as a service; built by its CLI, and in development. Method: the recipe, in a
// real browser.

import { after, before, describe, test } from "node:test";

import { buys, command, packagingHere, serving, shop as shopOf } from "./harness.mjs";
import { nginx } from "./nginx.mjs";

const LIMIT = { timeout: 180_000 };
const sendoff = packagingHere();
before(() => sendoff.open());
after(() => sendoff.close());

const BUILD = { outputPath: "dist", browser: "src/main.ts", index: "src/index.html", tsConfig: "tsconfig.json" };
const SERVE = { buildTarget: "shop:build", hmr: false, proxyConfig: "proxy.json" };
const architect = {
  build: { builder: "@angular/build:application", options: BUILD },
  serve: { builder: "@angular/build:dev-server", options: SERVE },
};
const HEAD = '<title>Shop</title><base href="/"><link rel="icon" href="data:,">';
const compilerOptions = { target: "es2022", module: "preserve", moduleResolution: "bundler", strict: true, experimentalDecorators: true };
const has = (collectorUrl) => ({
  "angular.json": JSON.stringify({ version: 1, projects: { shop: { projectType: "application", root: "", architect } } }),
  "tsconfig.json": JSON.stringify({ compilerOptions, files: ["src/main.ts"] }),
  "src/index.html": `<!doctype html><html lang="en"><head>${HEAD}</head><body><app-shop></app-shop></body></html>`,
  "proxy.json": JSON.stringify({ "/ingest": { target: collectorUrl, pathRewrite: { "^": "/api/v1" } } }),
});
const shop = (t) => shopOf(t, sendoff, "Angular", { has });

describe("Angular", () => {
  test("built, and served by nginx", LIMIT, async (t) => {
    const { collector, dir } = await shop(t);
    await command(dir, "ng", ["build"]);
    await buys(t, sendoff, collector, await nginx(t, dir, "dist/browser", collector.url));
  });

  test("its development server", LIMIT, async (t) => {
    const { collector, dir } = await shop(t);
    await buys(t, sendoff, collector, await serving(t, dir, "ng", ["serve", "--host", "127.0.0.1", "--port", "0"]));
  });
});
