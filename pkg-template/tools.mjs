// The build's own tools. The development dependencies of the whole repository live in tests/.

import { createRequire } from "node:module";

const require = createRequire(new URL("../tests/package.json", import.meta.url));
export const { build } = require("esbuild");
export const { minify } = require("terser");
