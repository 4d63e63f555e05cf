// Puts the npm package together in one folder, from what ships by hand (this folder) and what the compiler made.
// The `files` list of package.json is the allow-list: nothing else is in the folder afterwards.
//
//   node pkg-template/build.mjs --stage DIRECTORY --out DIRECTORY
//
// The stage has a folder for each engine (core, destinations): optimised.wasm, names.json (what binaryen said),
// plain.mjs (what wasm2js made of it) and sendoff.js (wasm-bindgen's glue).
//
// The same input gives the same bytes, and a file whose bytes have not changed is not touched.

import { mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

import { bundleAll, checkAsset, packedModule } from "./bundle.mjs";
import { glueModule } from "./glue.mjs";
import { plainModules } from "./plain.mjs";

const here = fileURLToPath(new URL(".", import.meta.url));
const root = join(here, "..");

function read(path, why) {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new Error(`${why}: ${path} cannot be read (${error.code})`);
  }
}

/** The manifest with the crate's version, which is the only place where that is written. */
export function stampManifest(manifest, cargoToml) {
  const ours = (field) => new RegExp(`^${field} = "(.*)"$`, "m").exec(cargoToml)?.[1];
  if (manifest.name !== ours("name")) {
    throw new Error(`name is "${manifest.name}" in pkg-template/package.json and "${ours("name")}" in Cargo.toml: make them one`);
  }
  return { ...manifest, version: ours("version") };
}

/** The modules that are made of one engine, by the names under which they are imported; and its wasm. */
async function engineModules(folder) {
  const engine = read(join(folder, "optimised.wasm"), "the compiled engine");
  const said = JSON.parse(read(join(folder, "names.json"), "the names in the engine").toString());
  const glue = read(join(folder, "sendoff.js"), "the engine's glue").toString();
  const plain = read(join(folder, "plain.mjs"), "the engine as JavaScript").toString();
  const modules = {
    "sendoff:glue": await glueModule(glue, said),
    "sendoff:packed": packedModule(engine),
    ...plainModules(plain, said),
  };
  return { engine, modules };
}

/** Of the entries that are as `sendoff`; and for whoever requires one: the same, under the name that says so. */
function declarations() {
  const same = '// As `sendoff`.\nexport * from "./index.js";\nexport { default } from "./index.js";\n';
  const all = { "url.d.ts": same, "inline.d.ts": same, "worker.d.ts": same, "stub.d.ts": 'import "./iife.js";\nexport {};\n' };
  for (const name of ["index", "destinations", "react"]) all[`${name}.d.ts`] = read(join(here, `${name}.d.ts`), "declarations").toString();
  for (const name of ["index", "destinations", "react", "inline", "worker"]) {
    all[`${name}.d.cts`] = all[`${name}.d.ts`].replaceAll('"./index.js"', '"./index.cjs"');
  }
  return all;
}

/** Name and bytes of everything in the package. */
async function contents(stage) {
  const template = JSON.parse(read(join(here, "package.json"), "the package's manifest"));
  const manifest = stampManifest(template, read(join(root, "Cargo.toml"), "the crate's manifest").toString());
  const core = await engineModules(join(stage, "core"));
  const destinations = await engineModules(join(stage, "destinations"));
  const scripts = await bundleAll({ core: core.modules, destinations: destinations.modules });
  checkAsset(scripts["url.js"]);
  const made = {
    ...declarations(),
    "package.json": `${JSON.stringify(manifest, null, 2)}\n`,
    "sendoff_bg.wasm": core.engine,
    ...scripts,
  };
  // npm packs a README whether it is listed or not.
  return [...new Set(["package.json", "README.md", ...manifest.files])].map((file) => {
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
export async function assemble({ stage, out }) {
  const entries = await contents(stage);
  mkdirSync(out, { recursive: true });
  const keep = new Set(entries.map(([file]) => file));
  for (const stray of readdirSync(out).filter((file) => !keep.has(file))) {
    rmSync(join(out, stray), { recursive: true });
  }
  return entries.filter(([file, bytes]) => writeIfChanged(join(out, file), bytes)).map(([file]) => file);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const option = { type: "string" };
  const { values } = parseArgs({ options: { stage: option, out: option } });
  for (const name of ["stage", "out"]) {
    if (!values[name]) throw new Error(`build.mjs: --${name} is missing; run it through \`make build\``);
  }
  const changed = await assemble(values);
  console.log(`pkg: ${changed.length ? changed.join(", ") : "nothing changed"}`);
}
