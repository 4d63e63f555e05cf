// The files of an app, as FRAMEWORKS.md of the package has them: a test that runs them keeps them true.

import { readFileSync } from "node:fs";

const text = readFileSync(new URL("../../pkg-template/FRAMEWORKS.md", import.meta.url), "utf8");
const BLOCK = /```\w+\n(?:\/\/|#|<!--) (\S+)(?: -->)?\n([^]*?)```/g;
const ELSEWHERE = "https://collector.example";

/** Path → text of the blocks below a heading, with a collector's address for the one they name. */
export function recipe(heading, collectorUrl) {
  const [, section] = text.split(`\n## ${heading}\n`);
  if (section === undefined) throw new Error(`FRAMEWORKS.md has no heading "${heading}"`);
  const [own] = section.split("\n## ");
  const files = [...own.matchAll(BLOCK)].map(([, path, code]) => [path, code.replaceAll(ELSEWHERE, collectorUrl)]);
  if (!files.length) throw new Error(`FRAMEWORKS.md: no file under "${heading}"`);
  return Object.fromEntries(files);
}
