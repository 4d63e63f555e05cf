// @ts-check
// Raw DEFLATE (RFC 1951) for browsers without `DecompressionStream` (Chrome before 103, Safari before 16.4, Firefox before
// 113). The data is our own: what is wrong with it is thrown, not mended.

// prettier-ignore
const LENGTHS = [3,4,5,6,7,8,9,10,11,13,15,17,19,23,27,31,35,43,51,59,67,83,99,115,131,163,195,227,258];
// prettier-ignore
const DISTANCES = [1,2,3,4,5,7,9,13,17,25,33,49,65,97,129,193,257,385,513,769,1025,1537,2049,3073,4097,6145,8193,12289,16385,24577];
const ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

/** Bits beyond the code: none for the first `free` codes, then one more for every `each`. @param {number} code @param {number} free @param {number} each */
const extraBits = (code, free, each) => (code < free ? 0 : Math.floor((code - free) / each) + 1);

/** A Huffman code of given lengths: how many codes each length has, and the symbols in order. @param {number[]} lengths */
const huffman = (lengths) => {
  const counts = new Array(16).fill(0);
  for (const length of lengths) if (length) counts[length]++;
  /** @type {number[]} */
  const symbols = [];
  for (let n = 1; n < 16; n++) lengths.forEach((length, symbol) => length === n && symbols.push(symbol));
  return { counts, symbols };
};

class Bits {
  at = 0;
  bits = 0;
  held = 0;

  /** @param {Uint8Array} bytes */
  constructor(bytes) {
    this.bytes = bytes;
  }

  /** @param {number} count */
  take(count) {
    while (this.held < count) {
      if (this.at >= this.bytes.length) throw new RangeError("the compressed engine is cut off");
      this.bits |= this.bytes[this.at++] << this.held;
      this.held += 8;
    }
    const value = this.bits & ((1 << count) - 1);
    this.bits >>>= count;
    this.held -= count;
    return value;
  }

  /** @param {ReturnType<typeof huffman>} code */
  symbol({ counts, symbols }) {
    let [code, first, index] = [0, 0, 0];
    for (let length = 1; length < 16; length++) {
      code |= this.take(1);
      const count = counts[length];
      if (code - count < first) return symbols[index + (code - first)];
      index += count;
      first = (first + count) << 1;
      code <<= 1;
    }
    throw new RangeError("the compressed engine is damaged");
  }
}

/** The two codes of a block that brings its own. @param {Bits} bits */
const ownCodes = (bits) => {
  const [literals, distances, orders] = [bits.take(5) + 257, bits.take(5) + 1, bits.take(4) + 4];
  const lengths = new Array(19).fill(0);
  for (let n = 0; n < orders; n++) lengths[ORDER[n]] = bits.take(3);
  const code = huffman(lengths);
  /** @type {number[]} */
  const all = [];
  while (all.length < literals + distances) {
    const symbol = bits.symbol(code);
    if (symbol < 16) all.push(symbol);
    else {
      const value = symbol === 16 ? all[all.length - 1] : 0;
      const times = symbol === 18 ? 11 + bits.take(7) : 3 + bits.take(symbol === 17 ? 3 : 2);
      for (let n = 0; n < times; n++) all.push(value);
    }
  }
  return [huffman(all.slice(0, literals)), huffman(all.slice(literals))];
};

const fixedCodes = () => {
  const lengths = Array.from({ length: 288 }, (_, n) => (n < 144 ? 8 : n < 256 ? 9 : n < 280 ? 7 : 8));
  return [huffman(lengths), huffman(new Array(30).fill(5))];
};

/** @param {Bits} bits @param {number[]} out @param {ReturnType<typeof huffman>[]} codes */
const block = (bits, out, [literals, distances]) => {
  for (;;) {
    const symbol = bits.symbol(literals);
    if (symbol === 256) return;
    if (symbol < 256) out.push(symbol);
    else {
      const at = symbol - 257;
      const length = LENGTHS[at] + (at === 28 ? 0 : bits.take(extraBits(at, 8, 4)));
      const far = bits.symbol(distances);
      const distance = DISTANCES[far] + bits.take(extraBits(far, 4, 2));
      for (let n = 0; n < length; n++) out.push(out[out.length - distance]);
    }
  }
};

/** @param {Bits} bits @param {number[]} out */
const storedBlock = (bits, out) => {
  bits.take(bits.held & 7);
  const length = bits.take(16);
  bits.take(16);
  for (let n = 0; n < length; n++) out.push(bits.take(8));
};

/** @param {Uint8Array} bytes */
export const inflate = (bytes) => {
  const bits = new Bits(bytes);
  /** @type {number[]} */
  const out = [];
  let isLast;
  do {
    isLast = bits.take(1);
    const type = bits.take(2);
    if (type === 0) storedBlock(bits, out);
    else block(bits, out, type === 1 ? fixedCodes() : ownCodes(bits));
  } while (!isLast);
  return new Uint8Array(out);
};
