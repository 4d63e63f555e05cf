// @ts-check
// The first-party cookie that mirrors the visitor record for the other subdomains of a site: one cookie on the highest
// domain that takes one. Which that is cannot be told by looking at the name (co.uk, github.io), so it is tried out.

import { attempt } from "../../src/builtins.js";

const MAX_AGE_S = 400 * 24 * 3_600; // the most that browsers allow
const LENGTH_MAX = 4_000; // with the name, browsers take 4,096

/** @param {string} project */
const nameOf = (project) => `sendoff_${project.replace(/[^\w%-]/g, "_")}`;

/** @param {string} name */
const read = (name) => {
  for (const pair of document.cookie.split("; ")) if (pair.startsWith(`${name}=`)) return pair.slice(name.length + 1);
  return undefined;
};

/** Every domain that this host is part of, the highest first, and the host alone. */
const places = () => {
  const labels = location.hostname.split(".");
  const all = [""];
  for (let n = 0; n < labels.length - 1; n++) all.unshift(`; domain=${labels.slice(n).join(".")}`);
  return all;
};

/** @param {string} project */
export const readMirror = (project) =>
  attempt(() => {
    const value = read(nameOf(project));
    return value === undefined ? value : decodeURIComponent(value);
  });

/** Writes it where it is taken first, or removes it everywhere. @param {string} project @param {string} text */
export const writeMirror = (project, text) => {
  attempt(() => {
    const name = nameOf(project);
    const value = encodeURIComponent(text);
    if (text ? name.length + value.length > LENGTH_MAX : read(name) === undefined) return;
    const secure = location.protocol === "https:" ? "; secure" : "";
    for (const where of places()) {
      document.cookie = `${name}=${value}; path=/${where}; max-age=${text ? MAX_AGE_S : 0}; samesite=lax${secure}`;
      if (text && read(name) === value) return;
    }
  });
};
