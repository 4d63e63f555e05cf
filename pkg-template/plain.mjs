// The engine as JavaScript, as wasm2js writes it, in modules of the bundle.

// With a WebAssembly.Memory that grows, old views of it end, and by that wasm-bindgen's glue knows to take new ones. wasm2js
// only lets go of the old buffer. Sending it off (HTML standard, "transferable objects") ends it at once, in any browser.
const GROWS = "newHEAP8.set(HEAP8);";
const ENDS_OLD = `${GROWS} new MessageChannel().port1.postMessage(0, [buffer]);`;

/**
 * `sendoff:plain` exports what a WebAssembly instance does; what it imports is the glue's.
 * @param {string} plain what wasm2js wrote
 * @param {{ imports: [string, string, string][] }} said what binaryen said of the names
 */
export function plainModules(plain, { imports }) {
  if (plain.split(GROWS).length !== 2) throw new Error(`what wasm2js writes has changed: \`${GROWS}\` is not there, or more than once`);
  const names = imports.map(([, , short]) => short);
  return {
    "sendoff:plain": plain.replace(GROWS, ENDS_OLD),
    // wasm-bindgen's half of the boundary, under the name that binaryen has given it.
    a: `import { imports } from "sendoff:glue"; export const { ${names.join(", ")} } = imports().a;`,
  };
}
