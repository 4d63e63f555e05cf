// Goal: the package can be imported and used where there is no page: server-side rendering, tests, build scripts,
// workers. Method: the file that ships, in Node as it is, without anything faked.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";

import { SHIPPED } from "./world.mjs";

test("required, it is the same: quiet in plain Node, and with the same names", () => {
  const script = `
    const sendoff = require(${JSON.stringify(join(SHIPPED, "index.cjs"))});
    const client = new sendoff.Sendoff("demo");
    client.track("n");
    console.log(JSON.stringify([client.stats().role, sendoff.default === sendoff.Sendoff, Object.keys(sendoff).sort()]));
  `;
  const output = execFileSync(process.execPath, ["--input-type=commonjs", "--eval", script], { encoding: "utf8" });
  const [role, same, names] = JSON.parse(output);
  assert.deepEqual([role, same], ["inert", true]);
  const module = execFileSync(
    process.execPath,
    ["--input-type=module", "--eval", `console.log(JSON.stringify(Object.keys(await import(${JSON.stringify(join(SHIPPED, "index.js"))})).sort()))`],
    { encoding: "utf8" },
  );
  assert.deepEqual(names, JSON.parse(module));
});

test("in plain Node the client does nothing, quietly, and in the same shape", () => {
  const script = `
    import { Sendoff } from ${JSON.stringify(pathToFileURL(join(SHIPPED, "index.js")))};
    const client = new Sendoff({ get apiKey() { throw new Error("read") }, onError: () => console.log("onError") });
    client.track("n", { big: 1n });
    client.identify("u");
    client.alias("u");
    client.on("delivered", () => {})();
    const { role, accepted } = client.stats();
    const result = [await client.ready, await client.flush(), role, accepted, client.getAnonymousId()];
    client.destroy();
    await client.shutdown();
    console.log(JSON.stringify(result));
  `;
  const args = ["--unhandled-rejections=strict", "--input-type=module", "--eval", script];
  const output = execFileSync(process.execPath, args, { encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] });
  assert.deepEqual(JSON.parse(output), [
    { ok: false, code: "no_document" },
    { ok: false, delivered: 0, pending: 0, dropped: 0 },
    "inert",
    0,
    "",
  ]);
});
