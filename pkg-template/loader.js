// The facade's `./sendoff.js`: the glue that wasm-bindgen generates, with a loader that does what the facade needs and
// no more. build.mjs bundles it into the package's index.js. wasm-bindgen's own also streams, can do so synchronously
// and warns of how it was once called. A module this small is compiled in a millisecond or two, so little is lost by
// waiting for its last byte, and any MIME type will do.

import { __wbg_finalize_init as begin, __wbg_get_imports as imports } from "wasm-bindgen-glue";

export { anonymousId, calls, destroy, flush, heard, shutdown, start, stats } from "wasm-bindgen-glue";

/** Starts the engine from all that the option `wasm` may be: an address, a response, bytes or a module. */
export default async (given) => {
  let source = await given;
  if (typeof source === "string" || source instanceof URL || source instanceof Request) source = await fetch(source);
  if (source instanceof Response) {
    if (!source.ok) throw new Error(`HTTP ${source.status} for ${source.url}`);
    source = await source.arrayBuffer();
  }
  const made = await WebAssembly.instantiate(source, imports());
  begin(made.instance ?? made);
};
