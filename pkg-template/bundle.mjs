// The package's scripts: one for each file of entries/, from esbuild's module graph.
//
// A page that asks for one script does not ask for two, one after the other; what only the engine needs comes with the
// engine. esbuild joins the modules and leaves out what nobody calls; terser makes all of it small. (esbuild can do that
// too; terser's names and statements take a twelfth less once brotli has seen them.)

import { basename, extname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { deflateRawSync } from "node:zlib";

import { build, minify } from "./tools.mjs";

const here = fileURLToPath(new URL(".", import.meta.url));
const root = join(here, "..");

/** Entry → how it is made. What is not said here is an ES module, of the file of that name, with the core engine. */
export const ENTRIES = {
  sendoff: { out: "index.js", external: ["./engine.js"] },
  commonjs: { out: "index.cjs", from: "sendoff", external: ["./engine.js"], format: "cjs" },
  engine: { out: "engine.js" },
  destinations: { out: "destinations.js", external: ["./destinations-engine.js"] },
  "destinations-engine": { out: "destinations-engine.js", from: "engine", engine: "destinations" },
  url: { out: "url.js" },
  inline: { out: "inline.js" },
  iife: { out: "iife.js", format: "iife" },
  stub: { out: "stub.js", format: "iife" },
  worker: { out: "worker.js", external: ["./engine.js"] },
  react: { out: "react.js", external: ["react", "./index.js"] },
};

/** Modules that are made from what the compiler made. */
const generated = (modules) => ({
  name: "generated",
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^sendoff:/ }, ({ path }) => ({ path, namespace: "generated" }));
    onLoad({ filter: /.*/, namespace: "generated" }, ({ path }) => ({ contents: modules[path], resolveDir: here }));
  },
});

/** The wasm in a JavaScript text: raw deflate is what a browser can undo by itself. */
export const packedModule = (wasm) => {
  const text = deflateRawSync(wasm, { level: 9 }).toString("base64");
  return `export const packed = "${text}";`;
};

// Measured with brotli, each for itself and together. None of them changes what the script does: without
// `unsafe_arrows` terser leaves a `function` a function, as somebody could look at its `prototype` or call it with
// `new`. Nobody gets hold of one of ours.
const COMPRESS = { passes: 3, inline: 1, unsafe_arrows: true };
// What bundlers are told of an `import()`.
const COMMENTS = /webpackIgnore|@vite-ignore/;

/** The map without what is not ours to read: the engine's bytes, and paths of this machine. */
const cleanMap = (text, out) => {
  const map = JSON.parse(text);
  const place = (source) => (source.includes("sendoff:") ? source.replace(/^.*?(sendoff:)/, "$1") : relative(root, join(here, source)));
  const sources = map.sources.map(place);
  const sourcesContent = map.sourcesContent.map((content, n) => (sources[n] === "sendoff:packed" ? null : content));
  return { ...map, file: out, sources, sourcesContent };
};

/** Name and bytes of one entry's script, and of its source map. `modules` are those that are made by the build. */
export async function bundleEntry(name, modules, { minified = true, ...more } = {}) {
  const { out, external, from = name, format = "esm" } = ENTRIES[name];
  const { outputFiles } = await build({
    entryPoints: [join(here, "entries", `${from}.js`)],
    outfile: join(here, out), // nothing is written there
    plugins: [generated(modules)],
    bundle: true,
    write: false,
    sourcemap: "external",
    format,
    external,
    target: "es2022",
    legalComments: "none",
    logLevel: "silent", // what goes wrong is thrown
    ...more,
  });
  const text = (ending) => outputFiles.find(({ path }) => path.endsWith(ending)).text;
  const map = cleanMap(text(".map"), out);
  if (!minified) return { [out]: text(extname(out)) };
  const { code, map: small } = await minify(text(extname(out)), {
    module: format === "esm",
    ecma: 2020,
    compress: COMPRESS,
    format: { comments: COMMENTS },
    sourceMap: { content: map, filename: out, includeSources: true, url: `${basename(out)}.map` },
  });
  return { [out]: code, [`${out}.map`]: small };
}

/** All scripts of the package, by name. `engines`: the modules made of each. */
export async function bundleAll(engines) {
  const files = {};
  for (const [name, { engine = "core" }] of Object.entries(ENTRIES)) Object.assign(files, await bundleEntry(name, engines[engine]));
  return files;
}

/** Bundlers (webpack, Vite, Rollup) carry the wasm along only where this expression stands in so many words. */
export function checkAsset(script) {
  if (!/\bnew URL\("\.\/sendoff_bg\.wasm", ?import\.meta\.url\)/.test(script)) {
    throw new Error(
      'url.js no longer has `new URL("./sendoff_bg.wasm", import.meta.url)` once it is minified: bundlers would leave the wasm behind',
    );
  }
}
