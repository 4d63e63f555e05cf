// What the linker of the shipped wasm promises: to leave out descriptions of what is not imported, and nothing else.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

import { linkLean } from "./linker.mjs";

const exporting = (...names) => ["-flavor", "wasm", ...names.flatMap((name) => ["--export", name]), "a.o", "-o", "a.wasm"];
const describing = (name) => `__wbindgen_describe_${name}`;

/**
 * Links a program that imports `imports` by itself, and beyond that what each description's closures import. Gives the
 * arguments of the last link.
 */
function linked(args, imports, closures = {}) {
  let last;
  linkLean(args, (given) => {
    last = given;
    return [...imports, ...Object.keys(closures).filter((name) => given.includes(name)).flatMap((name) => closures[name])];
  });
  return last;
}

test("a description is linked if what it describes is imported", () => {
  const args = exporting(describing("__wbg_now_1"), "memory", describing("__wbg_every_2"), describing("__wbg_at_3"));
  assert.deepEqual(
    linked(args, ["__wbg_now_1", "__wbg_at_3", "__wbindgen_describe"]),
    exporting(describing("__wbg_now_1"), "memory", describing("__wbg_at_3")),
  );
});

test("a description brings in what its closures import, and its description", () => {
  const args = exporting(...["__wbg_a", "__wbg_b", "__wbg_c", "__wbg_d"].map(describing));
  const closures = { [describing("__wbg_a")]: ["__wbg_b"], [describing("__wbg_b")]: ["__wbg_c"] };
  assert.deepEqual(linked(args, ["__wbg_a"], closures), exporting(...["__wbg_a", "__wbg_b", "__wbg_c"].map(describing)));
  assert.deepEqual(linked(args, [], closures), exporting());
});

test("what is exported keeps its description, and everything else its place", () => {
  const args = [...exporting("start", describing("start"), "__wbg_start"), "--export-if-defined", describing("__wbg_now_1")];
  assert.deepEqual(linked(args, []), args);
});

test("what is there for some glue goes with the imports of that glue", () => {
  const args = exporting("__abort_handler", "__wbg_jspi_task_poll", "__instance_terminated", "__wbindgen_malloc");
  assert.deepEqual(linked(args, []), exporting("__wbindgen_malloc"));
  const spawning = ["__wbg___wbindgen_jspi_spawn_poll_4e3f923bdfe46933"];
  assert.deepEqual(linked(args, spawning), exporting("__wbg_jspi_task_poll", "__wbindgen_malloc"));
});

test("arguments that it does not understand are refused, not passed on as they are", () => {
  const link = () => assert.fail("linked");
  assert.throws(() => linkLean(["-flavor", "wasm", "@/tmp/arguments"], link), /no --export/);
  assert.throws(() => linkLean(["--export=start"], link), /no --export/);
});

test("a linker that is not there, or that fails, stops the build", () => {
  const linker = fileURLToPath(new URL("linker.mjs", import.meta.url));
  const { status, stderr } = spawnSync(process.execPath, [linker, ...exporting("start")], { env: { PATH: "" } });
  assert.notEqual(status, 0);
  assert.match(stderr.toString(), /rust-lld: .*ENOENT/);
});
