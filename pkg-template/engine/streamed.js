// @ts-check
// The engine as a file, compiled while it arrives where the server's MIME type allows that.

import { finalize, imports } from "sendoff:glue";

import { begin } from "./instance.js";

/** @param {URL | RequestInfo} address */
const stream = async (address) => {
  const response = await fetch(address);
  if (!response.ok) throw new Error(`HTTP ${response.status} for ${response.url}`);
  const isWasm = /^application\/wasm/i.test(response.headers.get("content-type") ?? "");
  if (!isWasm) return begin(response);
  const { instance } = await WebAssembly.instantiateStreaming(response, imports());
  finalize(instance);
};

/** @param {any} source */
export default (source) => (source instanceof URL || typeof source === "string" ? stream(source) : begin(source));
export * from "./instance.js";
