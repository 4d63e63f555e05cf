// What `npm publish` would need, short of publishing: `make release-check`.
//
// Versions agree, every entry is in the package, nothing of anybody else's is in it but what its licence allows, npm would take
// it, and it would say where it was built (provenance: npm's own word for that, which only a build service can give).

import { execFileSync } from "node:child_process";
import { readFileSync, readdirSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const pkg = path.join(root, "pkg");
const text = (file) => readFileSync(path.join(root, file), "utf8");
const manifest = JSON.parse(text("pkg/package.json"));
const run = (command, args, options = {}) => execFileSync(command, args, { cwd: root, encoding: "utf8", maxBuffer: 64 << 20, ...options });

const faults = [];
const check = (what, found) => {
  const bad = found();
  console.log(`${bad.length ? "FAILED" : "ok"} ${what}`);
  faults.push(...bad.map((one) => `${what}: ${one}`));
};

check("one version", () => {
  const cargo = /^version = "(.*)"/m.exec(text("Cargo.toml"))?.[1];
  const noted = /^## (\S+)/m.exec(text("pkg-template/CHANGELOG.md"))?.[1];
  const others = { "pkg/package.json": manifest.version, "CHANGELOG.md, its first heading": noted };
  return Object.entries(others).flatMap(([where, version]) => (version === cargo ? [] : [`Cargo.toml has ${cargo}, ${where} ${version}`]));
});

const packed = JSON.parse(run("npm", ["pack", "--dry-run", "--json"], { cwd: pkg, stdio: ["ignore", "pipe", "ignore"] }))[0];
const files = new Set(packed.files.map((file) => file.path));

check("every entry is packed", () => {
  const named = (value) => (typeof value === "string" ? [value] : Object.values(value).flatMap(named));
  const wanted = [...named(manifest.exports), manifest.main, manifest.module, manifest.types, "README.md", "CHANGELOG.md", "LICENSE-MIT", "LICENSE-APACHE"];
  return wanted.filter((file) => !files.has(file.replace(/^\.\//, ""))).map((file) => `${file} is not in the package`);
});

check("scripts are of our own sources", () =>
  readdirSync(pkg)
    .filter((file) => file.endsWith(".map"))
    .flatMap((file) => JSON.parse(text(`pkg/${file}`)).sources.filter((source) => source.includes("node_modules")).map((source) => `${file} has ${source}`)));

/** What is compiled into the wasm: dependencies that are no tools of the build. */
function crates() {
  const { packages, resolve } = JSON.parse(run("cargo", ["metadata", "--locked", "--format-version", "1", "--filter-platform", "wasm32-unknown-unknown"]));
  const nodes = new Map(resolve.nodes.map((node) => [node.id, node]));
  const seen = new Set();
  const visit = (id) => {
    if (seen.has(id)) return;
    seen.add(id);
    for (const { pkg, dep_kinds: kinds } of nodes.get(id).deps) if (kinds.some(({ kind }) => kind === null)) visit(pkg);
  };
  visit(resolve.root);
  return packages.filter(({ id }) => seen.has(id));
}

check("licences of what is compiled in", () =>
  crates()
    .filter(({ license }) => !/\b(MIT|Apache-2\.0)\b/.test(license ?? ""))
    .map(({ name, version, license }) => `${name} ${version} is under ${license}`));

check("provenance", () => (manifest.publishConfig?.provenance === true ? [] : ["package.json has no publishConfig.provenance"]));

check("npm publish --dry-run", () => {
  try {
    // Provenance is left out: npm refuses it anywhere but in a build service that it knows.
    run("npm", ["publish", "--dry-run", "--provenance=false"], { cwd: pkg, stdio: ["ignore", "pipe", "pipe"] });
    return [];
  } catch (error) {
    return [error.stderr.trim().split("\n").slice(-5).join(" ")];
  }
});

for (const fault of faults) console.error(fault);
console.log(`release check of ${manifest.name} ${manifest.version}: ${files.size} files, ${faults.length} faults`);
process.exit(faults.length ? 1 : 0);
