// @ts-check
// Names that nobody has used before. Not `crypto.randomUUID`: pages on plain http do not have it.

import { attempt } from "./builtins.js";

/** @param {number} bytes */
export const hex = (bytes) => {
  const random = new Uint8Array(bytes);
  if (!attempt(() => crypto.getRandomValues(random))) {
    for (let n = 0; n < bytes; n++) random[n] = Math.random() * 256;
  }
  let text = "";
  for (let n = 0; n < bytes; n++) text += (random[n] + 256).toString(16).slice(1);
  return text;
};

/** A version 4 UUID. */
export const uuid = () => {
  const h = hex(16);
  return `${h.slice(0, 8)}-${h.slice(8, 12)}-4${h.slice(13, 16)}-a${h.slice(17, 20)}-${h.slice(20)}`;
};
