// How each bundler is asked for an app's page, with nothing that is only for sendoff. `build` puts `dist/index.html` into the app.

import { createRequire } from "node:module";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";

import { runs, TOOLS } from "./harness.mjs";
import { htmlOf } from "./sources.mjs";

const require = createRequire(import.meta.url);
const page = (dir, file = "main.js", type) => writeFile(join(dir, "dist/index.html"), htmlOf(file, type));

/** What a package's `webpack()` of this kind says of one build. */
const compiled = (tool, options) =>
  new Promise((resolve, reject) => {
    tool(options, (error, stats) => {
      const failed = error ?? (stats.hasErrors() || stats.hasWarnings() ? new Error(stats.toString()) : undefined);
      if (failed) reject(failed);
      else resolve();
    });
  });

const likeWebpack = (name) => async (dir) => {
  await compiled(require(name), { mode: "production", performance: false, context: dir, entry: "./main.js", output: { path: join(dir, "dist"), publicPath: "/" } });
  await page(dir, "main.js", "");
};

export const BUNDLERS = {
  async esbuild(dir) {
    const { build } = require("esbuild");
    await build({ absWorkingDir: dir, entryPoints: ["main.js"], bundle: true, splitting: true, format: "esm", outdir: "dist", logLevel: "silent" });
    await page(dir);
  },
  async "esbuild into one classic script"(dir) {
    const { build } = require("esbuild");
    await build({ absWorkingDir: dir, entryPoints: ["main.js"], bundle: true, minify: true, format: "iife", outdir: "dist", logLevel: "silent" });
    await page(dir, "main.js", "");
  },
  async Rollup(dir) {
    const { rollup } = require("rollup");
    const resolve = require("@rollup/plugin-node-resolve").default;
    const bundle = await rollup({ input: join(dir, "main.js"), plugins: [resolve({ browser: true, rootDir: dir })] });
    await bundle.write({ dir: join(dir, "dist"), format: "es" });
    await bundle.close();
    await page(dir);
  },
  async Vite(dir) {
    const { build } = await import("vite");
    await build({ root: dir, logLevel: "error" });
  },
  webpack: likeWebpack("webpack"),
  Rspack: likeWebpack("@rspack/core"),
  async Parcel(dir) {
    await runs(dir, join(TOOLS, ".bin/parcel"), ["build", "index.html", "--no-cache", "--no-source-maps"]);
  },
};
