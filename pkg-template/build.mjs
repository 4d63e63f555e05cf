// Puts the npm package together in one folder, from what ships by hand (this folder) and what the compiler made.
// The `files` list of package.json is the allow-list: nothing else is in the folder afterwards.
//
//   node pkg-template/build.mjs --wasm FILE --names FILE --glue FILE --out DIRECTORY
//
// The same input gives the same bytes, and a file whose bytes have not changed is not touched.

import { mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const here = fileURLToPath(new URL(".", import.meta.url));
const root = join(here, "..");
// The development dependencies of the whole repository live in tests/.
const { build } = createRequire(join(root, "tests/package.json"))("esbuild");

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

/** Throws if the glue asks the wasm for what that does not export: the linker has then left out too much. */
export function checkGlue(glue, { exports }) {
  const offered = new Set(exports.map(([name]) => name));
  const missing = Array.from(glue.matchAll(/\bwasm\.([\w$]+)/g), ([, name]) => name).filter((name) => !offered.has(name));
  if (missing.length) throw new Error(`the glue asks for ${[...new Set(missing)].join(", ")}, which the wasm does not export`);
}

/**
 * `loader.js`, the glue that wasm-bindgen generated and the files of src/web that it imports from `dir`, as one module
 * without comments, spaces and dead code, and with the names that the wasm has been given.
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
  const escaped = Object.keys(names).map((name) => name.replace(/\W/g, "\\$&"));
  const { outputFiles } = await build({
    entryPoints: [join(here, "loader.js")],
    plugins: [provideGlue],
    bundle: true,
    write: false,
    format: "esm",
    target: "es2022",
    minify: true,
    legalComments: "none",
    logLevel: "silent", // what goes wrong is thrown
    mangleProps: new RegExp(`^(${escaped.join("|")}|_+wbg_.*)$`),
    mangleQuoted: true,
    mangleCache: names,
  });
  return outputFiles[0].text;
}

/**
 * The facade with the loader in it, so that a page asks for one script and not for two, one after the other. The loader
 * is minified and the facade is not: those who open it in `node_modules` can read it, and their bundler minifies all.
 * The loader's module becomes a function, because importing the package must not do anything.
 */
export function inline(facade, loader) {
  const [before, after, ...more] = facade.split('await import("./sendoff.js")');
  const [code, exported] = loader.split(/export\{(.*)\};\s*$/);
  if (!after || more.length || !exported) throw new Error("index.js imports ./sendoff.js no longer, or that exports nothing");
  const members = exported.replace(/([\w$]+) as ([\w$]+)/g, "$2:$1");
  return `${before}sendoff()${after}
// Generated: what wasm-bindgen made of src/web, and loader.js, bundled and minified by pkg-template/build.mjs.
// prettier-ignore
const sendoff = () => { ${code.trim()}return{${members}} };
`;
}

/** Bundlers (webpack, Vite, Rollup) carry the wasm along only where this expression stands in so many words. */
export function checkAsset(facade) {
  const expression = 'new URL("./sendoff_bg.wasm", import.meta.url)';
  if (!facade.includes(expression)) {
    throw new Error(`index.js no longer has \`${expression}\`: bundlers would leave the wasm behind`);
  }
}

function read(path, why) {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new Error(`${why}: ${path} cannot be read (${error.code})`);
  }
}

/** Throws unless the npm package and the crate have one name and one version. */
export function checkManifest(manifest, cargoToml) {
  for (const field of ["name", "version"]) {
    const ours = new RegExp(`^${field} = "(.*)"$`, "m").exec(cargoToml)?.[1];
    if (manifest[field] !== ours) {
      throw new Error(`${field} is "${manifest[field]}" in pkg-template/package.json and "${ours}" in Cargo.toml: make them one`);
    }
  }
}

/** Name and bytes of everything in the package. */
async function contents({ wasm, names, glue }) {
  const manifest = read(join(here, "package.json"), "the package's manifest");
  const { name, version, files } = JSON.parse(manifest);
  checkManifest({ name, version }, read(join(root, "Cargo.toml"), "the crate's manifest").toString());
  const facade = read(join(here, "index.js"), "the facade").toString();
  checkAsset(facade);
  const made = {
    "package.json": () => manifest,
    "sendoff_bg.wasm": () => read(wasm, "the compiled engine"),
    "index.js": async () => {
      const said = JSON.parse(read(names, "the names in the engine").toString());
      const source = read(glue, "the engine's glue").toString();
      checkGlue(source, said);
      return inline(facade, await bundleLoader(source, shortNames(said), dirname(resolve(glue))));
    },
  };
  // npm packs a README whether it is listed or not.
  const entries = [...new Set(["package.json", "README.md", ...files])].map(async (file) => {
    const from = file.startsWith("LICENSE") ? join(root, file) : join(here, file);
    return [file, await (made[file]?.() ?? read(from, `named in "files" of package.json`))];
  });
  return Promise.all(entries);
}

/** Replaces in one step, so that a page that loads the package right now never sees half a file. */
function writeIfChanged(path, bytes) {
  try {
    if (readFileSync(path).equals(Buffer.from(bytes))) return false;
  } catch (error) {
    if (error.code !== "ENOENT") throw error;
  }
  writeFileSync(`${path}.new`, bytes);
  renameSync(`${path}.new`, path);
  return true;
}

/** Fills `out` with exactly the package's files and returns the names of those that changed. */
export async function assemble({ wasm, names, glue, out }) {
  const entries = await contents({ wasm, names, glue });
  mkdirSync(out, { recursive: true });
  const keep = new Set(entries.map(([file]) => file));
  for (const stray of readdirSync(out).filter((file) => !keep.has(file))) {
    rmSync(join(out, stray), { recursive: true });
  }
  return entries.filter(([file, bytes]) => writeIfChanged(join(out, file), bytes)).map(([file]) => file);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const option = { type: "string" };
  const { values } = parseArgs({ options: { wasm: option, names: option, glue: option, out: option } });
  for (const name of ["wasm", "names", "glue", "out"]) {
    if (!values[name]) throw new Error(`build.mjs: --${name} is missing; run it through \`make build\``);
  }
  const changed = await assemble(values);
  console.log(`pkg: ${changed.length ? changed.join(", ") : "nothing changed"}`);
}
