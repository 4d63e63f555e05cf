// Goal: an app of Next's app router tracks, with the provider in its layout, which is a server component, and its own server
// passing on what is sent; built, and in development, where an edit must neither lose nor double anything. Method: the recipe, in
// a real browser. Rendering with `cacheComponents` fails a page that reads a clock or randomness meanwhile.

import { readFile, writeFile } from "node:fs/promises";
import { after, before, describe, test } from "node:test";
import assert from "node:assert/strict";
import { join } from "node:path";

import { untilValue } from "../e2e/harness/wait.mjs";
import { HERE, buys, command, packagingHere, serving, shop as shopOf } from "./harness.mjs";
import { recipe } from "./recipes.mjs";

const LIMIT = { timeout: 180_000 };
const sendoff = packagingHere();
before(() => sendoff.open());
after(() => sendoff.close());

const ADDRESS = ["-H", "127.0.0.1", "-p", "0"];
const MORE = { cacheComponents: true, partialPrefetching: true, turbopack: { root: HERE }, allowedDevOrigins: ["127.0.0.1"] };

/** The recipe's configuration, and what this folder and the test need. */
const has = (collectorUrl) => ({ "next.config.mjs": recipe("Next.js", collectorUrl)["next.config.mjs"].replace("{\n", `{ ...${JSON.stringify(MORE)},\n`) });
const shop = (t, how) => shopOf(t, sendoff, "Next.js", { has, ...how });

describe("Next.js", () => {
  test("built and started", LIMIT, async (t) => {
    const { collector, dir } = await shop(t);
    await command(dir, "next", ["build"]);
    const address = await serving(t, dir, "next", ["start", ...ADDRESS]);
    assert.match(await (await fetch(address)).text(), /<h1>Shop<\/h1>.*Buy/, "it was rendered on the server");
    await buys(t, sendoff, collector, address);
  });

  test("its development server, with an edit", LIMIT, async (t) => {
    const { collector, dir } = await shop(t);
    const page = await buys(t, sendoff, collector, await serving(t, dir, "next", ["dev", ...ADDRESS]));
    await page.click("button");
    const file = join(dir, "app/buy.js");
    await writeFile(file, (await readFile(file, "utf8")).replace(">Buy<", ">Buy now<"));
    await page.waitForSelector("text=Buy now");
    await page.click("button");
    const bought = () => collector.sql("SELECT count(*) AS count, count(DISTINCT tab) AS tabs FROM events WHERE name = 'bought'");
    const [{ tabs }] = await untilValue("what was bought before and after the edit", bought, ([seen]) => seen.count >= 3);
    assert.equal(tabs, 1, "the edit made a client anew");
    await page.evaluate(() => dispatchEvent(new Event("pagehide"))); // what else there were would go now
    assert.deepEqual(await bought(), [{ count: 3, tabs: 1 }]);
  });

  test("its development server, linked by path", LIMIT, async (t) => {
    const { collector, dir } = await shop(t, { linked: true });
    await buys(t, sendoff, collector, await serving(t, dir, "next", ["dev", ...ADDRESS]));
  });
});
