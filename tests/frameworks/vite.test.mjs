// Goal: what stands on Vite tracks: React with Fast Refresh, Vue, and SvelteKit, whose server imports the client too; built and
// previewed, and in development, Vite's server passing on what is sent. Method: the recipes, in a real browser.

import { after, before, describe, test } from "node:test";
import assert from "node:assert/strict";

import { buys, command, packagingHere, serving, shop as shopOf } from "./harness.mjs";
import { recipe } from "./recipes.mjs";

const LIMIT = { timeout: 120_000 };
const sendoff = packagingHere();
before(() => sendoff.open());
after(() => sendoff.close());

const ADDRESS = ["--host", "127.0.0.1", "--port", "0"];
const page = (main) => `<!doctype html><link rel="icon" href="data:,"><div id="root"></div><script type="module" src="/${main}"></script>`;
/** SvelteKit's configuration, with another plugin. */
const config = (plugin, collectorUrl) =>
  recipe("SvelteKit", collectorUrl)["vite.config.js"].replace(/import .*\n/, `import plugin from "${plugin}";\n`).replace("sveltekit()", "plugin()");
const HEAD = '<link rel="icon" href="data:,">%sveltekit.head%';

const APPS = {
  React: (url) => ({ "index.html": page("src/main.jsx"), "vite.config.js": config("@vitejs/plugin-react", url) }),
  Vue: (url) => ({ "index.html": page("src/main.js"), "vite.config.js": config("@vitejs/plugin-vue", url) }),
  SvelteKit: () => ({ "src/app.html": `<!doctype html><html lang="en"><head>${HEAD}</head><body>%sveltekit.body%</body></html>` }),
};

for (const [heading, has] of Object.entries(APPS)) {
  const shop = (t) => shopOf(t, sendoff, heading, { has });
  describe(heading, () => {
    test("built and previewed", LIMIT, async (t) => {
      const { collector, dir } = await shop(t);
      await command(dir, "vite", ["build"]);
      const address = await serving(t, dir, "vite", ["preview", ...ADDRESS]);
      if (heading === "SvelteKit") assert.match(await (await fetch(address)).text(), /<h1>Shop<\/h1>/, "it was rendered on the server");
      await buys(t, sendoff, collector, address);
    });

    test("its development server", LIMIT, async (t) => {
      const { collector, dir } = await shop(t);
      await buys(t, sendoff, collector, await serving(t, dir, "vite", ["dev", ...ADDRESS]));
    });
  });
}
