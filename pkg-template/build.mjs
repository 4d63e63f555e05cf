// Puts the npm package together in one folder, from what ships by hand (this folder) and what the compiler made.
// The `files` list of package.json is the allow-list: nothing else is in the folder afterwards.
//
//   node pkg-template/build.mjs --wasm FILE --names FILE --glue FILE --out DIRECTORY
//
// The same input gives the same bytes, and a file whose bytes have not changed is not touched.

import { mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

import { bundleLoader, checkAsset, checkGlue, makeScript, shortNames } from "./script.mjs";

const here = fileURLToPath(new URL(".", import.meta.url));
const root = join(here, "..");

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
  const source = read(glue, "the engine's glue").toString();
  const said = JSON.parse(read(names, "the names in the engine").toString());
  checkGlue(source, said);
  const script = await makeScript(facade, await bundleLoader(source, shortNames(said), dirname(resolve(glue))));
  checkAsset(script.code);
  const made = {
    "package.json": manifest,
    "sendoff_bg.wasm": read(wasm, "the compiled engine"),
    "index.js": script.code,
    "index.js.map": script.map,
  };
  // npm packs a README whether it is listed or not.
  return [...new Set(["package.json", "README.md", ...files])].map((file) => {
    const from = file.startsWith("LICENSE") ? join(root, file) : join(here, file);
    return [file, made[file] ?? read(from, `named in "files" of package.json`)];
  });
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
