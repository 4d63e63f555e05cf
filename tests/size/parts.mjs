// What each part of the engine weighs: bytes of machine code by folder of src, read from the wasm as wasm-bindgen leaves it, which
// still has the names of its functions. What several parts share (collections, iterators) is the libraries'.

/** Reads numbers and texts of a wasm's binary format (WebAssembly core specification, "Binary Format"). */
class Reader {
  at = 0;

  /** @param {Buffer} bytes */
  constructor(bytes) {
    this.bytes = bytes;
  }

  number() {
    let [value, scale] = [0, 1];
    for (;;) {
      const byte = this.bytes[this.at++];
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
      scale *= 128;
    }
  }

  text() {
    const length = this.number();
    return this.bytes.toString("utf8", this.at, (this.at += length));
  }

  /** As many of something as are said. @template T @param {() => T} read */
  list(read) {
    return Array.from({ length: this.number() }, read);
  }
}

const SECTION = { custom: 0, code: 10 };
const FUNCTION_NAMES = 1;

/** Each section's number, and a reader of it. @param {Buffer} wasm */
function* sections(wasm) {
  const reader = new Reader(wasm);
  reader.at = 8; // magic and version
  while (reader.at < wasm.length) {
    const id = wasm[reader.at++];
    const length = reader.number();
    yield { id, reader: new Reader(wasm.subarray(reader.at, (reader.at += length))) };
  }
}

/** Names of functions by number. @param {Reader} reader at the section's content */
function namesIn(reader) {
  if (reader.text() !== "name") return [];
  while (reader.at < reader.bytes.length) {
    const kind = reader.bytes[reader.at++];
    const end = reader.number() + reader.at;
    if (kind === FUNCTION_NAMES) return reader.list(() => [reader.number(), reader.text()]);
    reader.at = end;
  }
  return [];
}

/** Bytes and name of each function that a wasm has itself. @param {Buffer} wasm */
export function functions(wasm) {
  const imported = WebAssembly.Module.imports(new WebAssembly.Module(wasm)).filter(({ kind }) => kind === "function").length;
  const names = new Map();
  let sizes = [];
  for (const { id, reader } of sections(wasm)) {
    if (id === SECTION.code) {
      sizes = reader.list(() => {
        const length = reader.number();
        reader.at += length;
        return length;
      });
    }
    if (id === SECTION.custom) for (const [index, name] of namesIn(reader)) names.set(index, name);
  }
  return sizes.map((bytes, index) => ({ bytes, name: names.get(imported + index) ?? "" }));
}

/** The folder of src that a function is from; those of the boundary and of the libraries have none. @param {string} name */
const partOf = (name) => /\bsendoff(?:\[[0-9a-f]+\])?::(\w+)/.exec(name)?.[1] ?? "libraries and exports";

/** Part → bytes, the largest first. @param {Buffer} wasm */
export function parts(wasm) {
  const sums = new Map();
  for (const { bytes, name } of functions(wasm)) sums.set(partOf(name), (sums.get(partOf(name)) ?? 0) + bytes);
  return [...sums].toSorted(([, a], [, b]) => b - a);
}
