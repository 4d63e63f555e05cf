// wasm-bindgen's glue as a module of the bundle: without what nobody calls, and with the names that binaryen has given to
// what crosses the boundary. The names are changed by esbuild's parser, in the generated file alone: none of our own
// sources goes through it.

import { build } from "./tools.mjs";

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

// How wasm-bindgen hands a string to the wasm: character by character while they are ASCII, which suits short ones and took a
// page 140 ms at 4× throttling for the 3 MB that an earlier visit had left; or, without `realloc`, as the browser encodes it.
// Not so the megabytes of a giant burst: the browser's copy lies beside both others then, and the room that wasm-bindgen takes
// too much of, and gives back, is what the engine as JavaScript lives on afterwards, where memory grows by being copied (500
// events of 20 KB took it 36 s instead of 4).
const HANDS_OVER = "function passStringToWasm0(arg, malloc, realloc) {";
const LONG_UNITS = [128, 65_536];

/** The same glue, but what is long is encoded by the browser. */
export function encodingLong(glue) {
  if (glue.split(HANDS_OVER).length !== 2) throw new Error(`the glue does not say "${HANDS_OVER}": wasm-bindgen hands strings over in another way now`);
  return glue.replace(HANDS_OVER, `${HANDS_OVER}\n    if (arg.length > ${LONG_UNITS[0]} && arg.length < ${LONG_UNITS[1]}) realloc = undefined;`);
}

/** Any of the names, in a regular expression. */
const anyOf = (names) => Object.keys(names).map((name) => name.replace(/\W/g, "\\$&")).join("|");

/**
 * The glue as a module that exports the engine's functions, `imports()` for its instance and `finalize(instance)`.
 * wasm-bindgen's own loader is left out: ours (engine/instance.js) takes more, and warns of nothing.
 */
export async function glueModule(glue, said) {
  checkGlue(glue, said);
  const names = shortNames(said);
  const contents = `${encodingLong(glue)}\nexport { __wbg_finalize_init as finalize, __wbg_get_imports as imports };`;
  const { outputFiles } = await build({
    stdin: { contents, sourcefile: "wasm-bindgen.js" },
    bundle: true,
    write: false,
    format: "esm",
    target: "es2022",
    logLevel: "silent", // what goes wrong is thrown
    mangleProps: new RegExp(`^(${anyOf(names)}|_+wbg_.*)$`),
    mangleQuoted: true,
    mangleCache: names,
  });
  return outputFiles[0].text;
}
