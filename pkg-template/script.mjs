// Makes the package's one script: the facade with the loader in it, in as few bytes as it takes, and its source map.
//
// A page that asks for one script does not ask for two, one after the other. esbuild joins the modules of the loader
// and leaves out what nobody calls; terser makes all of it small. (esbuild can do that too; terser's names and
// statements take a tenth less once brotli has seen them.)

import { createRequire } from "node:module";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = fileURLToPath(new URL(".", import.meta.url));
// The development dependencies of the whole repository live in tests/.
const require = createRequire(join(here, "../tests/package.json"));
const { build } = require("esbuild");
const { minify } = require("terser");

// What wasm-bindgen calls its half of the boundary, and binaryen once it has shortened the names.
const GLUE_MODULE = "./sendoff_bg.js";
const GLUE_MODULE_SHORT = "a";

/**
 * Long name → short name of all that crosses the boundary, from what binaryen said when it renamed the wasm's side.
 * Throws if the wasm imports from anywhere but the glue ("env", say): a dependency has then brought in something that
 * no browser provides.
 */
export function shortNames({ imports, exports }) {
  const foreign = imports.filter(([module]) => module !== GLUE_MODULE);
  if (foreign.length) throw new Error(`the wasm imports ${foreign.map(([module, name]) => `${name} from "${module}"`).join(", ")}`);
  const names = imports.map(([, name, short]) => [name, short]);
  return { [GLUE_MODULE]: GLUE_MODULE_SHORT, ...Object.fromEntries([...names, ...exports]) };
}

/** Any of the names, in a regular expression. */
const anyOf = (names) => Object.keys(names).map((name) => name.replace(/\W/g, "\\$&")).join("|");

/** Throws if the glue asks the wasm for what that does not export: the linker has then left out too much. */
export function checkGlue(glue, { exports }) {
  const offered = new Set(exports.map(([name]) => name));
  const missing = Array.from(glue.matchAll(/\bwasm\.([\w$]+)/g), ([, name]) => name).filter((name) => !offered.has(name));
  if (missing.length) throw new Error(`the glue asks for ${[...new Set(missing)].join(", ")}, which the wasm does not export`);
}

/**
 * Throws if a source of ours uses a member with a name that crosses the boundary. Those are cut wherever they stand, but
 * not in the facade, which may be the one that is to know the member.
 */
export function checkMembers(source, names) {
  const [, clash] = new RegExp(`\\.(${anyOf(names)})\\b`).exec(source) ?? [];
  if (clash) throw new Error(`src/web uses a member called ${clash}, which is an export of the wasm: give one of them another name`);
}

/** Where a source of the loader is in this repository, whatever folder it was built in. The glue is in none. */
const place = (source) => {
  if (source.startsWith("glue:")) return "wasm-bindgen.js";
  const [, snippet] = /\/snippets\/[^/]+\/(.*)$/.exec(source) ?? [];
  return snippet ?? `pkg-template/${basename(source)}`;
};

/**
 * `loader.js`, the glue that wasm-bindgen generated and the files of src/web that it imports from `dir`, as one module
 * without dead code and with the names that the wasm has been given: its `code`, and the `map` of that.
 */
export async function bundleLoader(glue, names, dir) {
  const source = `${glue}\nexport { __wbg_finalize_init, __wbg_get_imports };`;
  const provideGlue = {
    name: "glue",
    setup({ onResolve, onLoad }) {
      onResolve({ filter: /^wasm-bindgen-glue$/ }, ({ path }) => ({ path, namespace: "glue" }));
      onLoad({ filter: /.*/, namespace: "glue" }, () => ({ contents: source, resolveDir: dir }));
    },
  };
  const { outputFiles } = await build({
    entryPoints: [join(here, "loader.js")],
    outfile: join(here, "sendoff.js"), // nothing is written there
    plugins: [provideGlue],
    bundle: true,
    write: false,
    sourcemap: "external",
    format: "esm",
    target: "es2022",
    legalComments: "none",
    logLevel: "silent", // what goes wrong is thrown
    mangleProps: new RegExp(`^(${anyOf(names)}|_+wbg_.*)$`),
    mangleQuoted: true,
    mangleCache: names,
  });
  const text = (ending) => outputFiles.find(({ path }) => path.endsWith(ending)).text;
  const map = JSON.parse(text(".map"));
  const sources = map.sources.map(place);
  sources.forEach((source, i) => source.startsWith("src/") && checkMembers(map.sourcesContent[i], names));
  return { code: text(".js"), map: { ...map, sources } };
}

/** A map of a text that stays as it is: every word and every sign is where it was. */
const mapOfItself = (source, text) => ({
  version: 3,
  sources: [source],
  sourcesContent: [text],
  names: [],
  mappings: text.split("\n").map((line, n) => [...line.matchAll(/[\w$]+|\S/g)].map(({ index }) => [index, 0, n, index])),
});

// Measured with brotli, each for itself and together. None of them changes what the script does: without
// `unsafe_arrows` terser leaves a `function` a function, as somebody could look at its `prototype` or call it with
// `new`. Nobody gets hold of one of ours.
const COMPRESS = { passes: 3, inline: 1, hoist_vars: true, unsafe_arrows: true };

/**
 * The script, and its source map as text: the facade, and the loader's module as a function that it calls where it is
 * written as if it imported `./sendoff.js`. A function, because importing the package must not do anything.
 */
export async function makeScript(facade, { code: loader, map = mapOfItself("sendoff.js", loader) }) {
  const [before, after, ...more] = facade.split('await import("./sendoff.js")');
  const [code, exported] = loader.split(/export\s*\{([^}]*)\};\s*$/);
  if (!after || more.length || !exported) throw new Error("index.js imports ./sendoff.js no longer, or that exports nothing");
  const members = exported.replace(/([\w$]+) as ([\w$]+)/g, "$2: $1");
  const wrapped = `const sendoff = () => {\n${code}return {${members}};\n};\n`;
  const sections = [
    { offset: { line: 1, column: 0 }, map },
    { offset: { line: wrapped.split("\n").length - 1, column: 0 }, map: mapOfItself("pkg-template/index.js", facade) },
  ];
  return minify(`${wrapped}${before}sendoff()${after}`, {
    module: true,
    ecma: 2020,
    compress: COMPRESS,
    sourceMap: { content: { version: 3, sections }, includeSources: true, url: "index.js.map" },
  });
}

/** Bundlers (webpack, Vite, Rollup) carry the wasm along only where this expression stands in so many words. */
export function checkAsset(script) {
  if (!/\bnew URL\("\.\/sendoff_bg\.wasm", ?import\.meta\.url\)/.test(script)) {
    throw new Error(
      'index.js no longer has `new URL("./sendoff_bg.wasm", import.meta.url)` once it is minified: bundlers would leave the wasm behind',
    );
  }
}
