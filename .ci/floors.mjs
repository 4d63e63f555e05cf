// Which part of the engine knows which: the folders of src are floors, and imports go down only, so that there is no circle
// and whoever reads a part need not know what stands on it.
//
//   node .ci/floors.mjs [DIRECTORY]

import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** From the ground up. Parts of one floor do not know each other. */
export const FLOORS = [["text"], ["model"], ["wire"], ["journal"], ["visitor"], ["intake", "delivery"], ["metrics", "tabs"], ["engine"], ["web"]];

/** The code of a file without its tests and comments. */
const shipped = (text) => text.split("#[cfg(test)]\nmod tests")[0].replace(/^\s*\/\/.*$/gm, "");

/** The members of a list in braces, from where it opens, each as far as its first `::`. */
function members(text, from) {
  const names = [];
  let depth = 1;
  for (let at = from, start = from; depth > 0 && at < text.length; at++) {
    if (text[at] === "{") depth++;
    if (text[at] === "}") depth--;
    if (depth === 0 || (depth === 1 && text[at] === ",")) {
      names.push(/^\s*(\w*)/.exec(text.slice(start, at))[1]);
      start = at + 1;
    }
  }
  return names.filter(Boolean);
}

/** The folders that a text imports from: `crate::x::…`, and the members of `crate::{x::…, y}`. */
export function imported(text) {
  const single = Array.from(text.matchAll(/\bcrate::(\w+)/g), ([, name]) => name);
  const lists = Array.from(text.matchAll(/\bcrate::\{/g), (match) => members(text, match.index + match[0].length));
  return new Set([...single, ...lists.flat()]);
}

/** One sentence for each import that goes up or sideways. `files`: path within src → text. */
export function violations(files) {
  const floorOf = new Map(FLOORS.flatMap((parts, floor) => parts.map((part) => [part, floor])));
  return Object.entries(files).flatMap(([path, text]) => {
    const part = path.split("/")[0].replace(/\.rs$/, "");
    if (part === "lib") return [];
    if (!floorOf.has(part)) return [`src/${path}: ${part} is on no floor; put it on one in .ci/floors.mjs`];
    const above = [...imported(shipped(text))].filter((other) => other !== part && floorOf.get(other) >= floorOf.get(part));
    return above.map((other) => `src/${path} imports ${other}, which is not below ${part}`);
  });
}

function main() {
  const src = process.argv[2] ?? fileURLToPath(new URL("../src", import.meta.url));
  const paths = readdirSync(src, { recursive: true }).filter((path) => path.endsWith(".rs") && !/(^|\/)tests\.rs$/.test(path));
  const found = violations(Object.fromEntries(paths.map((path) => [path, readFileSync(join(src, path), "utf8")])));
  for (const sentence of found) console.error(sentence);
  process.exitCode = found.length ? 1 : 0;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) main();
