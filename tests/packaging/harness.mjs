// The package as npm would install it, in a folder of an app's own; the real collector; and a page of that app.

import { execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, readdir, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import { chromium } from "../node_modules/playwright-core/index.mjs";
import { Collector } from "../e2e/harness/collector.mjs";
import * as paths from "../e2e/harness/paths.mjs";
import { untilValue } from "../e2e/harness/wait.mjs";

const run = promisify(execFile);
export const TOOLS = fileURLToPath(new URL("node_modules/", import.meta.url));

/** What all tests of a file share: what npm makes of the package, its own list of files and not the folder; and one browser. */
export class Packaging {
  /** Apps are made in `within`, which matters to tools that look for others in the folders above. */
  constructor(within = tmpdir()) {
    this.within = within;
  }

  async open() {
    this.dir = await mkdtemp(join(this.within, "sendoff-packed-"));
    await run("npm", ["pack", paths.pkg(), "--silent", "--pack-destination", this.dir]);
    const [tarball] = await readdir(this.dir);
    this.tarball = join(this.dir, tarball);
    await run("tar", ["xzf", this.tarball, "-C", this.dir]);
    this.unpacked = join(this.dir, "package");
    this.browser = await chromium.launch({ executablePath: paths.chromium(), args: ["--no-sandbox"] });
  }

  async close() {
    await this.browser?.close();
    await rm(this.dir, { recursive: true });
  }
}

/** An app of these files (path → text), with sendoff installed, or linked by path, and what else it `uses`. */
export async function app(t, { unpacked, within }, { files, uses = [], linked = false }) {
  const dir = await mkdtemp(join(within, "sendoff-app-"));
  t.after(() => rm(dir, { recursive: true, maxRetries: 5 }));
  const modules = join(dir, "node_modules");
  await mkdir(modules);
  if (linked) await symlink(unpacked, join(modules, "sendoff"));
  else await cp(unpacked, join(modules, "sendoff"), { recursive: true });
  for (const name of uses) await symlink(join(TOOLS, name), join(modules, name));
  for (const [path, text] of Object.entries({ "package.json": '{ "private": true, "type": "module" }', ...files })) {
    await mkdir(dirname(join(dir, path)), { recursive: true });
    await writeFile(join(dir, path), text);
  }
  return dir;
}

/** Runs a program in an app; its output where it fails. */
export async function runs(dir, program, args, env = {}) {
  try {
    const { stdout, stderr } = await run(program, args, { cwd: dir, env: { ...process.env, ...env }, timeout: 120_000 });
    return stdout + stderr;
  } catch (error) {
    throw new Error(`${program} ${args.join(" ")}: ${error.message}\n${error.stdout}${error.stderr}`);
  }
}

/** Starts a collector that also serves `www`. */
export async function collectorWith(t, www = [], headers = []) {
  const collector = await Collector.start({ www, headers, withPkg: false });
  t.after(() => collector.dispose());
  return collector;
}

/**
 * Opens the page, does there what makes its event, if it needs that, and waits for the event, once. What the page asked for and did not get, or could not run, is a failure even
 * where the event arrived: it would be on the console of whoever uses it.
 */
export async function arrives(t, { browser }, collector, address, { event = "packaged", act, withinMs = 15_000 } = {}) {
  const context = await browser.newContext();
  t.after(() => context.close());
  const page = await context.newPage();
  const troubles = [];
  page.on("pageerror", (error) => troubles.push(String(error)));
  page.on("console", (message) => message.type() === "error" && troubles.push(message.text()));
  page.on("response", (response) => response.status() >= 400 && troubles.push(`${response.status()} ${response.url()}`));
  const url = new URL(address);
  url.searchParams.set("collector", `${collector.url}/api/v1/ingest/batch`);
  await page.goto(url.href);
  try {
    await act?.(page);
  } catch (error) {
    error.message += `; the page had: ${troubles.join("; ") || "no trouble"}`;
    throw error;
  }
  // The query is a process of its own: not before there is something to find.
  const count = async () => (await collector.stats()).events && collector.sql(`SELECT count(*) AS count FROM events WHERE name = '${event}'`).then(([row]) => row.count);
  await untilValue("the page's event in the collector", async () => ({ count: await count(), troubles }), (seen) => seen.count === 1, { withinMs });
  if (troubles.length) throw new Error(`the event arrived, but the page had: ${troubles.join("; ")}`);
  return page;
}
