// Goal: two clients of one key on a page are one tab, by however many copies of the module they were made; each lets go of it
// by itself; and the page's own destinations and module-level calls find whichever client there is.

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { anotherCopy, openPage, readRecord, turn } from "./world.mjs";

describe("two of one key", () => {
  test("share a tab, an engine and an account", async (t) => {
    const page = await openPage(t);
    const { Sendoff: Copy } = await anotherCopy();
    const [one, two] = [new page.Sendoff("demo"), new Copy({ apiKey: "demo" })];
    await Promise.all([one.ready, two.ready]);
    one.track("one");
    two.track("two");
    assert.equal(page.engines.length, 1);
    assert.equal(one.stats().tab, two.stats().tab);
    assert.deepEqual(page.engines[0].lines.map((line) => readRecord(line).name), ['"one"', '"two"']);
    assert.notEqual(new page.Sendoff("other").stats().tab, one.stats().tab);
  });

  test("of which the first one's options hold, which is said", async (t) => {
    const page = await openPage(t);
    const { engine } = await page.start({ apiKey: "demo", flushAt: 5 });
    new page.Sendoff({ apiKey: "demo", flushAt: 5 });
    await turn();
    assert.deepEqual(page.said, []);
    new page.Sendoff({ apiKey: "demo", flushAt: 7, endpoint: "/in", nonsense: 1 });
    await turn();
    assert.equal(engine.config.flushAt, 5);
    assert.deepEqual(page.said.map((line) => line.split(" ")[1]), ["config_unknown:", "config_shared:"]);
  });

  test("each hears with its own callbacks, and lets go of the client by itself", async (t) => {
    const page = await openPage(t);
    const heard = [];
    const make = (name) => new page.Sendoff({ apiKey: "demo", onError: ({ code }) => heard.push([name, code]) });
    const [one, two] = [make("one"), make("two")];
    await two.ready;
    const [engine] = page.engines;
    engine.report("error", { code: "storage_quota", message: "m" });
    await turn();
    assert.deepEqual(heard.splice(0), [["one", "storage_quota"], ["two", "storage_quota"]]);
    one.destroy();
    await turn();
    assert.equal(one.stats().role, "stopped");
    assert.equal(engine.gone, false);
    one.track("after");
    two.track("still");
    assert.equal(two.stats().accepted, 1);
    assert.equal(two.stats().role, "leader");
    assert.equal((await two.shutdown()).ok, true);
    assert.ok(engine.asked.some(([method]) => method === "shutdown"));
  });

  test("a component that is mounted, unmounted and mounted again loses and doubles nothing", async (t) => {
    for (const end of ["destroy", "shutdown"]) {
      const page = await openPage(t, { hold: true });
      const first = new page.Sendoff("demo");
      first.track("first");
      first[end]();
      const second = new page.Sendoff("demo");
      second.track("second");
      await page.load();
      await turn();
      const crossed = page.engines.flatMap((engine) => engine.lines).map((line) => JSON.parse(readRecord(line).name));
      const kept = page.earlyLogs().flatMap((key) => page.storage[key].split("\n").slice(1));
      const names = [...crossed, ...kept.map((line) => JSON.parse(readRecord(line).name))];
      assert.deepEqual(names.toSorted(), ["first", "second"], end);
    }
  });
});

describe("without a client in hand", () => {
  test("getSendoff finds the page's client, from any copy", async (t) => {
    const page = await openPage(t);
    const { getSendoff } = await anotherCopy();
    assert.equal(getSendoff(), null);
    const one = new page.Sendoff({ apiKey: "one" });
    const two = new page.Sendoff({ apiKey: "two", name: "second" });
    assert.equal(getSendoff(), one);
    assert.equal(getSendoff("second"), two);
    assert.equal(getSendoff("third"), null);
    one.destroy();
    const three = new page.Sendoff("three");
    assert.equal(getSendoff(), three);
  });

  test("calls wait for the first client", async (t) => {
    const page = await openPage(t);
    page.module.track("early", { p: 1 }, { userId: "u" });
    page.module.identify("ann");
    const { engine, client } = await page.start();
    page.module.track("late");
    client.stats();
    assert.deepEqual(engine.lines.map(readRecord).map(({ kind, name, user }) => [kind, name, user]), [
      ["track", '"early"', '"u"'],
      ["identify", undefined, '"ann"'],
      ["track", '"late"', undefined],
    ]);
  });

  test("destinations of the page's own are in the engine's configuration", async (t) => {
    const page = await openPage(t);
    const { module } = page;
    assert.equal(module.registerDestination({ name: "own", track() {} }), true);
    for (const bad of [null, {}, { name: "a b", track() {} }, { name: "x" }, { name: "x", track: 1 }]) {
      assert.equal(module.registerDestination(bad), false);
    }
    assert.deepEqual(module.listDestinations(), ["own"]);
    const { engine, client } = await page.start({ apiKey: "demo", destinations: [{ name: "a", format: "native" }] });
    assert.deepEqual(engine.config.destinations, [{ name: "a", format: "native" }, { name: "own", format: "custom" }]);
    client.track("before");
    module.registerTrackingProvider({ name: "late", batch() {} });
    await turn();
    assert.equal(engine.gone, true, "the engine starts anew, with what it held in the journal");
    assert.equal(page.engines.length, 2);
    assert.deepEqual(page.engines[1].config.destinations.map(({ name }) => name), ["a", "own", "late"]);
    assert.equal(engine.lines.length, 1);
    assert.equal(module.unregisterDestination("late"), true);
    assert.equal(module.unregisterDestination("late"), false);
  });
});
