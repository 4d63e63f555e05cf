// @ts-check
// The engine as a JavaScript module: it loads wherever JavaScript does, whatever the bundler knows of WebAssembly, the
// server of its MIME type, and offline with the page.

import { packed } from "sendoff:packed";

import { inflate } from "./inflate.js";
import { begin } from "./instance.js";

/** @returns {Uint8Array<ArrayBuffer>} */
const decode = () => {
  const { fromBase64 } = /** @type {any} */ (Uint8Array);
  if (fromBase64) return fromBase64.call(Uint8Array, packed);
  const text = atob(packed);
  const bytes = new Uint8Array(text.length);
  for (let n = 0; n < text.length; n++) bytes[n] = text.charCodeAt(n);
  return bytes;
};

const unpack = () => {
  const bytes = decode();
  if (typeof DecompressionStream !== "function") return inflate(bytes);
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
  return new Response(stream).arrayBuffer();
};

/** @param {unknown} source what the page gave instead, if anything */
export default (source) => begin(source ?? unpack());
export * from "./instance.js";
