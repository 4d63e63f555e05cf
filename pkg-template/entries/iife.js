// @ts-check
// `sendoff/iife`: a classic script with everything in it, so that one `integrity` covers it all. It makes a global
// `Sendoff`, and goes on with the client that the stub has promised (`sendoff/stub`).

import { Sendoff } from "./inline.js";
import * as functions from "../src/functions.js";
import { define } from "../src/builtins.js";

const page = /** @type {any} */ (globalThis);
const stub = page.sendoff;

for (const [name, fn] of Object.entries(functions)) define(Sendoff, name, fn);
define(Sendoff, "Sendoff", Sendoff); // as it is named where it is imported
define(page, "Sendoff", Sendoff);

if (stub?.log) define(page, "sendoff", new Sendoff(stub.config));
