// What the check of the floors finds, and what it leaves alone. The sources themselves are checked by `make lint`.

import assert from "node:assert/strict";
import { test } from "node:test";

import { FLOORS, imported, violations } from "./floors.mjs";

test("imports are found in every form", () => {
  const text = "use crate::{\n  model::{ids::TabId, time::Now},\n  wire,\n  text::fields::join,\n};\nfn a() { crate::engine::run() }";
  assert.deepEqual([...imported(text)].sort(), ["engine", "model", "text", "wire"]);
});

test("what goes up or sideways is named, and what goes down is not", () => {
  assert.deepEqual(violations({ "engine/mod.rs": "use crate::{tabs::Tabs, text::json};", "lib.rs": "use crate::engine;" }), []);
  assert.deepEqual(violations({ "model/request.rs": "use crate::{model::time::Now, wire::Format};" }), [
    "src/model/request.rs imports wire, which is not below model",
  ]);
  assert.deepEqual(violations({ "intake/mod.rs": "use crate::delivery::Lane;" }), ["src/intake/mod.rs imports delivery, which is not below intake"]);
  assert.equal(violations({ "new.rs": "" }).length, 1);
});

test("tests and comments may name anything", () => {
  const text = "// crate::engine\nuse crate::text::json;\n#[cfg(test)]\nmod tests {\n  use crate::engine::Engine;\n}";
  assert.deepEqual(violations({ "model/ids.rs": text }), []);
});

test("no part is on two floors", () => {
  assert.equal(new Set(FLOORS.flat()).size, FLOORS.flat().length);
});
