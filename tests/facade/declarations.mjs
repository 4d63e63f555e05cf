// What index.d.ts declares, for tests that hold the code against it.

import { readFileSync } from "node:fs";
import { join } from "node:path";

import { PACKAGE } from "./world.mjs";

export const DECLARATIONS = readFileSync(join(PACKAGE, "index.d.ts"), "utf8");

/** The names that an interface or class of the file has as members, with those of an interface that it extends. */
export function declared(name) {
  const head = new RegExp(`(?:interface|class) ${name}\\b(?: extends (\\w+)(?= {))?[^{]*{`, "g");
  const [, base] = head.exec(DECLARATIONS);
  const start = head.lastIndex;
  const body = DECLARATIONS.slice(start, DECLARATIONS.indexOf("\n}", start));
  const own = [...body.matchAll(/^ {2}(?:readonly )?(\w+)\??:/gm)].map((match) => match[1]);
  return [...own, ...(base ? declared(base) : [])].toSorted();
}
