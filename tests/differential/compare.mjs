// Differences between two events, field by field, and whether each of them is in the table with a reason.

import { readFileSync } from "node:fs";

const table = JSON.parse(readFileSync(new URL("differences.json", import.meta.url)));
const used = new Set();

/** `{"a.b": value}` of everything that is not an object; lists are values. */
function flat(value, path = "", into = {}) {
  const inner = value && typeof value === "object" && !Array.isArray(value) ? Object.entries(value) : [];
  if (!inner.length) into[path] = JSON.stringify(value);
  for (const [name, item] of inner) flat(item, path ? `${path}.${name}` : name, into);
  return into;
}

/** `[{field, theirs, ours}]`; a side that does not have it is undefined. */
export function differences(theirs, ours) {
  const [a, b] = [flat(theirs), flat(ours)];
  const fields = [...new Set([...Object.keys(a), ...Object.keys(b)])].sort();
  return fields.filter((field) => a[field] !== b[field]).map((field) => ({ field, theirs: a[field], ours: b[field] }));
}

const matches = (pattern, text) => pattern === text || (pattern.endsWith("*") && text.startsWith(pattern.slice(0, -1)));

/** The differences that no line of the table explains. */
export function unexplained(sdk, kind, found) {
  return found.filter(({ field, theirs, ours }) => {
    const side = theirs === undefined ? "ours" : ours === undefined ? "theirs" : "both";
    const line = table.find(
      (line) => [].concat(line.sdk).includes(sdk) && matches(line.kind, kind) && line.side === side && line.fields.some((pattern) => matches(pattern, field)),
    );
    if (line) used.add(line);
    return !line;
  });
}

/** Lines of the table for these SDKs that explained nothing. */
export function stale(sdks) {
  return table.filter((line) => [].concat(line.sdk).some((sdk) => sdks.includes(sdk)) && !used.has(line));
}
