// The package's scripts: entries/ × output, from esbuild's module graph.
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

const ENGINES = ["./engine.js", "./engine-js.js"];
const DESTINATIONS_ENGINES = ENGINES.map((name) => name.replace("engine", "destinations-engine"));

/**
 * Script → how it is made. What is not said here is an ES module, of the entry of that name, with the core engine.
 * `external`: what stays an import of a file beside it. `isGenerated`: mostly a compiler's, a megabyte of it.
 */
export const SCRIPTS = {
  "index.js": { entry: "sendoff", external: ENGINES },
  "index.cjs": { entry: "sendoff", external: ENGINES },
  "engine.js": {},
  "engine-js.js": { isGenerated: true },
  "destinations.js": { external: DESTINATIONS_ENGINES },
  "destinations.cjs": { external: DESTINATIONS_ENGINES },
  "destinations-engine.js": { entry: "engine", engine: "destinations" },
  "destinations-engine-js.js": { entry: "engine-js", engine: "destinations", isGenerated: true },
  "url.js": {},
  "inline.js": {},
  "inline.cjs": {},
  "iife.js": { format: "iife" },
  // Its text is pasted into pages: a comment at its end would swallow what follows.
  "stub.js": { format: "iife", hasMap: false },
  // A service worker may not `import()`; Node may, and loads no more than it needs.
  "worker.js": {},
  "worker.cjs": { external: ["./engine.js"] },
  "react.js": { external: ["react"] },
  "react.cjs": { external: ["react"] },
};

/** Modules that are made from what the compiler made, and the package itself, for entries that stand on another. */
const generated = (modules, ending) => ({
  name: "generated",
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^(sendoff:.*|a)$/ }, ({ path }) => ({ path, namespace: "generated" }));
    onLoad({ filter: /.*/, namespace: "generated" }, ({ path }) => ({ contents: modules[path], resolveDir: here }));
    onResolve({ filter: /^\.\/index\.js$/ }, () => ({ path: `./index${ending}`, external: true }));
  },
});

/** The wasm in a JavaScript text: raw deflate is what a browser can undo by itself. */
export const packedModule = (wasm) => {
  const text = deflateRawSync(wasm, { level: 9 }).toString("base64");
  return `export const packed = "${text}";`;
};

// Measured with brotli, each for itself and together. None of them changes what the script does: without
// `unsafe_arrows` terser leaves a `function` a function, as somebody could look at its `prototype` or call it with
// `new`. Nobody gets hold of one of ours. Directives are for bundlers ("use client").
const COMPRESS = { passes: 3, inline: 1, unsafe_arrows: true, directives: false };
// Chromium (136 and later) then compiles on another thread, while the script arrives, what it would compile on the page's at
// each first call: at 4× throttling 22 ms instead of 33 for the first client and its first event. Bundlers leave it out.
const EAGERLY = "//# allFunctionsCalledOnLoad";
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

const small = (code, map, { out, isModule, hasMap }) =>
  minify(code, {
    module: isModule,
    ecma: 2020,
    compress: COMPRESS,
    format: { comments: COMMENTS, preamble: hasMap ? EAGERLY : undefined },
    sourceMap: hasMap && { content: map, filename: out, includeSources: true, url: `${out}.map` },
  });

/** Name and bytes of one script, and of its source map. `modules` are those that are made by the build. */
export async function bundle(out, modules, { minified = true, ...more } = {}) {
  const ending = extname(out);
  const { entry = basename(out, ending), external, hasMap = true, isGenerated, format = ending === ".cjs" ? "cjs" : "esm" } = SCRIPTS[out];
  const { outputFiles } = await build({
    entryPoints: [join(here, "entries", `${entry}.js`)],
    outfile: join(here, out), // nothing is written there
    plugins: [generated(modules, ending)],
    bundle: true,
    write: false,
    sourcemap: "external",
    format,
    external,
    target: "es2022",
    legalComments: "none",
    logLevel: "silent", // what goes wrong is thrown
    minify: isGenerated,
    ...more,
  });
  const text = (end) => outputFiles.find(({ path }) => path.endsWith(end)).text;
  const code = text(ending);
  // terser would take a minute for it, and a map would be as large again and lead to nothing that people wrote.
  if (!minified || isGenerated) return { [out]: code };
  const map = cleanMap(text(".map"), out);
  // Node finds out by reading what a CommonJS module exports, and cannot once it is minified. No page downloads it.
  const asItIs = { code: `${code}//# sourceMappingURL=${out}.map`, map: JSON.stringify(map) };
  const made = format === "cjs" ? asItIs : await small(code, map, { out, hasMap, isModule: format === "esm" });
  return { [out]: made.code, ...(hasMap && { [`${out}.map`]: made.map }) };
}

/** All scripts of the package, by name. `engines`: the modules made of each. */
export async function bundleAll(engines) {
  const files = {};
  for (const [out, { engine = "core" }] of Object.entries(SCRIPTS)) Object.assign(files, await bundle(out, engines[engine]));
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
