// Apps of frameworks, made of the package's recipes, and built and served by the frameworks' own commands: in this folder, as
// those look for each other in the folders above an app. Sendoff alone is installed into the app.

import { fileURLToPath } from "node:url";
import { join } from "node:path";

import { end, printed, start } from "../e2e/harness/processes.mjs";
import { Packaging, app, arrives, collectorWith, runs } from "../packaging/harness.mjs";
import { recipe } from "./recipes.mjs";

export const HERE = fileURLToPath(new URL(".", import.meta.url));
const tool = (name) => join(HERE, "node_modules/.bin", name);
const QUIET = { NEXT_TELEMETRY_DISABLED: "1", NG_CLI_ANALYTICS: "false", NO_COLOR: "1" };

export const packagingHere = () => new Packaging(HERE);

/** The app of a recipe, with what else it `has` when the collector is at an address: its folder, and its collector. */
export async function shop(t, sendoff, heading, { has = () => ({}), ...how } = {}) {
  const collector = await collectorWith(t);
  const dir = await app(t, sendoff, { files: { ...recipe(heading, collector.url), ...has(collector.url) }, ...how });
  return { collector, dir };
}

/** Runs a framework's command to its end. */
export const command = (dir, name, args) => runs(dir, tool(name), args, QUIET);

/** Starts a framework's server; the address that it says it is on. */
export async function serving(t, dir, name, args) {
  const server = start(tool(name), args, { cwd: dir, env: { ...process.env, ...QUIET } });
  t.after(() => end(server, "SIGTERM"));
  const [address] = await printed(server, /http:\/\/(localhost|127\.0\.0\.1):\d+/, name);
  return address;
}

/** Every framework here leaves something of its own on an element that it has taken over; before that a click is lost. */
const isTakenOver = () => Reflect.ownKeys(document.querySelector("button") ?? {}).length > 0;

/** Opens the shop and buys something: the event is in the collector, once. */
export const buys = (t, sendoff, collector, address) =>
  arrives(t, sendoff, collector, address, {
    event: "bought",
    async act(page) {
      await page.waitForFunction(isTakenOver);
      await page.click("button");
    },
  });
