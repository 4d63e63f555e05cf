// For the build's tests: a glue in the shape of what wasm-bindgen generates, what binaryen says of the names in it, and
// a wasm that goes with it, as it is and as JavaScript.

export const GLUE = `
export function start(platform) { return [wasm.start(), wasm.memory.buffer.byteLength]; }
export const [answered, calls, destination, destroy, flush, page_event, peer, shutdown, stats, stored, visitor, wake] = [];
function __wbg_get_imports() {
    const import0 = {
        __proto__: null,
        __wbg_now_1f: function() { return /* why */ 42; },
        __wbg_locale_2e: function(arg0) { return arg0.locale; },
    };
    return { __proto__: null, "./sendoff_bg.js": import0 };
}

function passStringToWasm0(arg, malloc, realloc) {
    return realloc === undefined ? "by the browser" : "by character";
}

let wasm;
function __wbg_finalize_init(instance) {
    wasm = instance.exports;
    return wasm;
}

function initSync() { console.log("never called"); }
export { initSync, __wbg_finalize_init as default };
`;

export const NAMES = {
  imports: [
    ["./sendoff_bg.js", "__wbg_now_1f", "f"],
    ["./sendoff_bg.js", "__wbg_locale_2e", "g"],
  ],
  exports: Object.entries({ start: "n", memory: "m" }),
};

/** The same as wasm2js would write it, as far as the build looks at it. */
export const PLAIN = `
import * as a from 'a';
export const m = { buffer: new ArrayBuffer(65536) };
export function grow(newHEAP8, HEAP8, buffer) { newHEAP8.set(HEAP8); return buffer; }
export const n = () => a.f();
`;

/** Imports the function `f` from `a`; exports it again as `n`, and a page of memory as `m`. */
// prettier-ignore
export const WASM = new Uint8Array([
  0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 1, 5, 1, 0x60, 0, 1, 0x7f, 2, 7, 1, 1, 0x61, 1, 0x66, 0, 0, 5, 3, 1, 0, 1,
  7, 9, 2, 1, 0x6e, 0, 0, 1, 0x6d, 2, 0,
]);
