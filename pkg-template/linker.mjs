#!/usr/bin/env node
// The linker of the wasm that ships: rust-lld, asked to keep no more than the program needs.
//
// rustc has everything exported that any crate marks so, and what is exported stays, with all that it refers to. But
// a crate like js-sys exports a description of each of its hundreds of imports, for wasm-bindgen to read. Most describe
// what the program does not import. wasm-bindgen deletes those; the closures that they spoke of stay behind in the
// function table, because nobody can tell by then which of its entries are in use. The linker still can.

import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

// Only an import's description is named like this, never an export's.
const DESCRIPTION = /^__wbindgen_describe_(?=__wbg_)/;

// What wasm-bindgen's runtime exports for a kind of glue: name → the imports that such glue comes with. No import does
// for the last two: they go with panics that unwind, and ours are traps. (If some glue does ask for a thing that is
// not there, build.mjs says so.)
const FOR_GLUE = {
  __wbg_jspi_task_poll: /__wbindgen_jspi_spawn_/,
  __abort_handler: /(?!)/,
  __instance_terminated: /(?!)/,
};

/** Whether `name` has to be exported by a program that imports `imports`. */
function isNeeded(name, imports) {
  if (DESCRIPTION.test(name)) return imports.has(name.replace(DESCRIPTION, ""));
  return !(name in FOR_GLUE) || [...imports].some((imported) => FOR_GLUE[name].test(imported));
}

/**
 * Links through `link`, which is given the linker's arguments and gives back the names of what its output imports:
 * first without any description, then with those of the imports there are, until there are no more. One too few would
 * not go unnoticed: wasm-bindgen refuses a program that imports what is not described.
 */
export function linkLean(args, link) {
  const isExport = (i) => args[i - 1] === "--export";
  const exported = args.filter((_, i) => isExport(i));
  if (!exported.length) throw new Error("linker.mjs: no --export among the arguments of the linker: does rustc put it otherwise now?");
  const imports = new Set();
  for (let before = Infinity; ; ) {
    const spare = new Set(exported.filter((name) => !isNeeded(name, imports)));
    if (spare.size === before) return;
    before = spare.size;
    const isSpare = (i) => isExport(i) && spare.has(args[i]);
    for (const name of link(args.filter((_, i) => !isSpare(i) && !isSpare(i + 1)))) imports.add(name);
  }
}

/** Runs the linker that rustc has put on the path. */
function lld(args) {
  const { error, status } = spawnSync("rust-lld", args, { stdio: "inherit" });
  if (error || status !== 0) throw new Error(`rust-lld: ${error?.message ?? `exit status ${status}`}`);
  const output = args[args.indexOf("-o") + 1];
  return WebAssembly.Module.imports(new WebAssembly.Module(readFileSync(output))).map(({ name }) => name);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) linkLean(process.argv.slice(2), lld);
