// What index.d.ts declares, for tests that hold the code against it.

import { readFileSync } from "node:fs";
import { join } from "node:path";

import { PACKAGE } from "./world.mjs";

export const DECLARATIONS = readFileSync(join(PACKAGE, "index.d.ts"), "utf8");

/** The names that an interface or class of the file has as members. */
export function declared(name) {
  const [, start] = new RegExp(`(?:interface|class) ${name}\\b[^{]*{()`, "d").exec(DECLARATIONS).indices;
  const body = DECLARATIONS.slice(start[0], DECLARATIONS.indexOf("\n}", start[0]));
  return [...body.matchAll(/^ {2}(?:readonly )?(\w+)\??:/gm)].map((match) => match[1]).toSorted();
}
