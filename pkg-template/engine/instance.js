// @ts-check
// The engine's one instance on a page: wasm-bindgen's glue, started from all that the option `wasm` may be, also of
// another frame's realm, where `instanceof` says nothing.

import { finalize, imports } from "sendoff:glue";

import { adviseOnDrop, diagnose, explain, watchPolicy } from "../platform/diagnose.js";
import { Platform } from "../platform/full.js";
import { factsOf, rememberTimezone } from "../platform/page/facts.js";

/** @param {unknown} value */
const kindOf = (value) => Object.prototype.toString.call(value).slice(8, -1);

/** An answer's bytes. @param {any} response */
const bytesOf = async (response) => {
  if (!response.ok) throw new Error(`HTTP ${response.status} for ${response.url}`);
  return response.arrayBuffer();
};

/** Bytes or a module. @param {any} given @returns {Promise<BufferSource | WebAssembly.Module>} */
const load = async (given) => {
  const source = await given;
  const kind = kindOf(source);
  if (kind === "WebAssembly.Module") return source;
  if (typeof source === "string" || kind === "URL" || kind === "Request") return bytesOf(await fetch(source));
  if (typeof source?.arrayBuffer === "function") return bytesOf(source.bodyUsed ? source.clone() : source);
  // A copy is of this realm.
  if (kind.endsWith("Array") || kind === "DataView") return new Uint8Array(source.buffer, source.byteOffset, source.byteLength).slice();
  return kind === "ArrayBuffer" || kind === "SharedArrayBuffer" ? new Uint8Array(source).slice() : source;
};

/** @param {unknown} given */
export const begin = async (given) => {
  const source = await load(given);
  const made = /** @type {any} */ (await WebAssembly.instantiate(/** @type {any} */ (source), imports()));
  finalize(made.instance ?? made);
};

/** @param {import("../src/client").Client} client */
export const openPlatform = (client) => {
  watchPolicy();
  rememberTimezone(client);
  return new Platform(client);
};
export { adviseOnDrop, diagnose, explain, factsOf };
export * from "sendoff:glue";
