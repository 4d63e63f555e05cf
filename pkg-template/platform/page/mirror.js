// @ts-check
// The first-party cookie that mirrors the visitor record for the other subdomains of a site: one cookie on the highest
// domain that takes one. Which that is cannot be told by looking at the name (co.uk, github.io), so it is tried out.

import { attempt } from "../../src/builtins.js";

const MAX_AGE_S = 400 * 24 * 3_600; // the most that browsers allow
const LENGTH_MAX = 4_000; // with the name, browsers take 4,096

/** @type {string | undefined} "; domain=…", or empty for this host alone */
let place;

/** @param {string} name */
const read = (name) => {
  for (const pair of document.cookie.split("; ")) if (pair.startsWith(`${name}=`)) return pair.slice(name.length + 1);
  return undefined;
};

/** @param {string} name @param {string} value @param {string} where @param {number} seconds */
const write = (name, value, where, seconds) => {
  const secure = location.protocol === "https:" ? "; secure" : "";
  document.cookie = `${name}=${value}; path=/${where}; max-age=${seconds}; samesite=lax${secure}`;
};

const findPlace = () => {
  const labels = location.hostname.split(".");
  const probe = "sendoff_probe";
  for (let n = labels.length - 2; n >= 0; n--) {
    const where = `; domain=${labels.slice(n).join(".")}`;
    write(probe, "1", where, 10);
    const isTaken = read(probe) !== undefined;
    write(probe, "", where, 0);
    if (isTaken) return where;
  }
  return "";
};

/** @param {string} project */
const nameOf = (project) => `sendoff_${project.replace(/[^\w%-]/g, "_")}`;

/** @param {string} project */
export const readMirror = (project) =>
  attempt(() => {
    const value = read(nameOf(project));
    return value === undefined ? value : decodeURIComponent(value);
  });

/** Writes it, or removes it where there is nothing to be written. @param {string} project @param {string} text */
export const writeMirror = (project, text) => {
  attempt(() => {
    const name = nameOf(project);
    if (!text && read(name) === undefined) return;
    place ??= findPlace();
    const value = encodeURIComponent(text);
    if (name.length + value.length <= LENGTH_MAX) write(name, value, place, text ? MAX_AGE_S : 0);
  });
};
