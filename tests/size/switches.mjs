// What each switch of .ci/wasm-flags.mk is worth: the package is built without one line of it at a time, and its brotli
// size compared with that of the package as it ships. The figures in that file come from here, and go stale as the code
// grows: after an update of the compiler or of binaryen, run this again.
//
//   node tests/size/switches.mjs               every line: a build of the wasm each, in a folder of its own
//   node tests/size/switches.mjs SWITCH...     these switches together

import { spawnSync } from "node:child_process";
import { readFileSync, rmSync } from "node:fs";
import { fileURLToPath } from "node:url";

import { measure } from "./size.mjs";

const root = fileURLToPath(new URL("../..", import.meta.url));
const FLAGS_FILE = `${root}.ci/wasm-flags.mk`;
const TARGET = `${root}target/switches`;

/** The switches of each line of the flags file, as lists. */
export function switches(source) {
  return Array.from(source.matchAll(/^\w+_FLAGS \+= ([^#\n]+)/gm), ([, words]) => words.trim().split(/\s+/));
}

/** Builds the package without these switches. Gives its sizes, or null where the build fails. */
function sizesWithout(words) {
  rmSync(`${TARGET}/sendoff-pkg`, { recursive: true, force: true });
  const pkg = `${TARGET}/pkg`;
  const { status } = spawnSync("make", ["-s", "build", `PKG=${pkg}`, `WITHOUT=${words.join(" ")}`], {
    cwd: root,
    env: { ...process.env, CARGO_TARGET_DIR: TARGET },
    stdio: ["ignore", "ignore", process.env.SWITCHES_VERBOSE ? "inherit" : "ignore"],
  });
  return status === 0 ? measure(pkg) : null;
}

/** One row of the table: how much larger the package is without `words`. */
export function row(words, whole, without) {
  const worth = without ? String(without.total.brotli - whole.total.brotli).padStart(6) : "needed";
  return `${worth}  ${words.join(" ")}`;
}

function main(asked) {
  const whole = sizesWithout([]);
  if (!whole) throw new Error("switches.mjs: the package does not build as it is: run `make build` to see why");
  console.log(`${whole.total.brotli} bytes brotli with all switches, and more without each:`);
  for (const words of asked.length ? [asked] : switches(readFileSync(FLAGS_FILE, "utf8"))) {
    console.log(row(words, whole, sizesWithout(words)));
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) main(process.argv.slice(2));
