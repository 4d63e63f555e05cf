// Goal: what a newcomer and a strict visitor see of the package as it ships, in a real Chromium: a first mistake is named once
// and in one line, an engine that fails to load comes later, the entries work where they are for, and nothing touches the
// device before it may. Method: the built package behind a server that answers as the collector does, or badly.

import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, test } from "node:test";

import { open } from "./browser.mjs";

const PKG = fileURLToPath(new URL("../../pkg/", import.meta.url));
const BATCH = "/api/v1/ingest/batch";

/** A page with the package, and what its collector gets. `script` is the page's module; it has `Sendoff` and `options`. */
async function shop(t, { script, head = "", entry = "index.js", headers = {}, answer } = {}) {
  const world = await open(t);
  const { routes, context, origin } = world;
  const events = [];
  const serve = (name, type) =>
    routes.set(`/pkg/${name}`, ({ response }) => {
      response.setHeader("content-type", type);
      response.end(readFileSync(PKG + name));
    });
  for (const name of ["index.js", "engine.js", "engine-js.js", "url.js", "inline.js", "iife.js", "worker.js"]) serve(name, "text/javascript");
  serve("sendoff_bg.wasm", "application/wasm");
  routes.set(BATCH, ({ response, body }) => {
    const status = answer?.(response, body);
    if (status === "handled") return;
    if (!status) for (const event of JSON.parse(body).events) if (event.name[0] !== "$") events.push(event);
    response.statusCode = status || 200;
    response.setHeader("content-type", "application/json");
    response.end("{}");
  });
  const body = script === null ? "" : `<script type="module">
    import * as sdk from "/pkg/${entry}"; const { Sendoff } = sdk; Object.assign(window, sdk);
    const options = { apiKey: "demo", flushInterval: 50, onError: ({ code }) => (window.codes ??= []).push(code) };
    ${script ?? 'window.sdk = new Sendoff(options); window.sdk.track("seen");'}</script>`;
  routes.set("/shop", ({ response }) => {
    response.setHeader("content-type", "text/html");
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
    response.end(`<!doctype html><title>Shop</title>${head}${body}`);
  });
  const visit = async (path = "/shop") => {
    const page = await context.newPage();
    page.said = [];
    page.on("console", (message) => message.text().startsWith("[sendoff]") && page.said.push(message.text()));
    await page.goto(origin + path);
    return page;
  };
  const until = async (is, ms = 15_000) => {
    const end = Date.now() + ms;
    while (!(await is())) {
      assert.ok(Date.now() < end, `waited in vain until ${is}`);
      await new Promise((done) => setTimeout(done, 30));
    }
  };
  return { ...world, events, visit, until };
}

const NO_WASM = "script-src 'self' 'unsafe-inline'";

describe("without WebAssembly the engine is JavaScript", () => {
  const TRUSTED = `${NO_WASM}; require-trusted-types-for 'script'; trusted-types 'none'`;
  const pages = {
    "by the page's policy": { headers: { "content-security-policy": NO_WASM } },
    "by a policy of trusted types, too": { headers: { "content-security-policy": TRUSTED } },
    "in a browser that has none": { head: "<script>delete globalThis.WebAssembly</script>" },
  };
  for (const [why, page] of Object.entries(pages)) {
    test(why, async (t) => {
      const { visit, until, events, routes } = await shop(t, page);
      let wasm = 0;
      routes.set("/pkg/engine.js", ({ response }) => (wasm++, response.end()));
      const opened = await visit();
      await until(() => events.length === 1);
      assert.equal(await opened.evaluate(() => window.sdk.stats().engine), "js");
      assert.deepEqual([wasm, opened.said, await opened.evaluate(() => window.codes ?? [])], [0, [], []]);
    });
  }

  test("its memory grows, and what was there before is still there", async (t) => {
    const { visit, until, events } = await shop(t, pages["by the page's policy"]);
    const opened = await visit();
    await until(() => events.length === 1);
    await opened.evaluate(() => {
      for (let n = 0; n < 500; n++) window.sdk.track("grown", { n, text: `é${"x".repeat(20_000)}` });
    });
    await until(() => events.length === 501, 30_000);
    assert.deepEqual(events.slice(1).map(({ properties }) => properties.n), Array.from({ length: 500 }, (_, n) => n));
    assert.ok(events.slice(1).every(({ properties }) => properties.text.length === 20_001 && properties.text[0] === "é"));
  });
});

describe("a first mistake is said once, in one line, with what to do", () => {
  const html = (response) => (response.setHeader("content-type", "text/html"), response.end("<h1>not here</h1>"), "handled");
  const cases = {
    "a wrong key": [{ answer: () => 401 }, "key_rejected", /refuses the key \(HTTP 401\): check `apiKey`/],
    "a wrong path": [{ answer: (response) => ((response.statusCode = 404), html(response)) }, "endpoint_not_found", /check the path of `endpoint`/],
    "a wrong path without a page": [{ answer: () => 404 }, "endpoint_not_found", /check the path of `endpoint`/],
    "a collector that is broken": [{ answer: () => 502 }, "endpoint_failing", /fails \(HTTP 502\): look at the collector's log/],
    "a page that answers 200": [{ answer: html }, "endpoint_not_collector", /correct `endpoint`/],
    "a collector that is not there": [
      { script: 'window.sdk = new Sendoff({ ...options, endpoint: "http://localhost:9/in" }); window.sdk.track("seen");' },
      "endpoint_unreachable",
      /is the collector running/,
    ],
    "a policy that forbids it": [
      {
        script: 'window.sdk = new Sendoff({ ...options, endpoint: "http://127.0.0.1:9/in" }); window.sdk.track("seen");',
        headers: { "content-security-policy": "connect-src 'self'" },
      },
      "csp_connect_src",
      /add it to connect-src/,
    ],
  };
  for (const [name, [options, code, line]] of Object.entries(cases)) {
    test(name, async (t) => {
      const { visit, until } = await shop(t, options);
      const page = await visit();
      await until(() => page.said.some((one) => one.startsWith(`[sendoff] ${code}: `)));
      await page.evaluate(() => window.sdk.flush());
      const said = page.said.filter((one) => one.startsWith(`[sendoff] ${code}: `));
      assert.equal(said.length, 1);
      assert.match(said[0], line);
      assert.ok(!/\n|sentAt/.test(said[0]), "one line, and the address as the page gave it");
      assert.ok((await page.evaluate(() => window.codes)).includes(code));
    });
  }

  test("another site's collector without CORS headers", async (t) => {
    const { visit, until, port, routes } = await shop(t, { script: "" });
    const at = `http://127.0.0.1:${port}/elsewhere`;
    routes.set("/elsewhere", ({ response }) => response.end("{}"));
    const page = await visit();
    await page.evaluate((endpoint) => {
      window.sdk = new Sendoff({ apiKey: "demo", endpoint });
      window.sdk.track("seen");
      window.sdk.flush();
    }, at);
    await until(() => page.said.some((one) => /cors_missing: .*send Access-Control-Allow-Origin/.test(one)));
  });

  test("a page that may not run WebAssembly, and an entry that has nothing else", async (t) => {
    const { visit, until } = await shop(t, { entry: "inline.js", headers: { "content-security-policy": NO_WASM } });
    const page = await visit();
    await until(() => page.said.length);
    assert.match(page.said[0], /wasm_load_failed: .*'wasm-unsafe-eval' in script-src/);
    assert.equal(await page.evaluate(() => Object.keys(localStorage).filter((key) => key.endsWith(":e")).length), 1);
  });

  test("a relative address on a page without an origin", async (t) => {
    const { visit, until, origin, routes } = await shop(t, { script: null });
    const inner = `<script type="module">import { Sendoff } from "${origin}/pkg/index.js"; console.warn = (text) => parent.postMessage(text, "*"); new Sendoff({ apiKey: "demo", flushInterval: 50 }).track("seen");</script>`;
    for (const name of ["index.js", "engine.js"]) {
      const serve = routes.get(`/pkg/${name}`);
      routes.set(`/pkg/${name}`, (exchange) => (exchange.response.setHeader("access-control-allow-origin", "*"), serve(exchange)));
    }
    routes.set("/outer", ({ response }) => {
      response.setHeader("content-type", "text/html");
      response.end(`<script>said = []; onmessage = ({ data }) => said.push(data);</script><iframe sandbox="allow-scripts" srcdoc='${inner}'></iframe>`);
    });
    const page = await visit("/outer");
    const said = () => page.evaluate(() => window.said.filter((text) => text.includes("endpoint")));
    await until(async () => (await said()).length);
    assert.equal((await said()).length, 1);
    assert.match((await said())[0], /endpoint_unreachable: a relative `endpoint` needs .*give an absolute one/);
  });

  test("a page that may not load the engine", async (t) => {
    // Bundlers give it a name of its own, and sometimes another host.
    const { visit, until, origin, routes } = await shop(t, { script: null });
    const csp = `script-src 'unsafe-inline' 'wasm-unsafe-eval' ${origin}/pkg/index.js`;
    routes.set("/strict", ({ response }) => {
      response.setHeader("content-type", "text/html");
      response.setHeader("content-security-policy", csp);
      response.end('<script type="module">import { Sendoff } from "/pkg/index.js"; window.sdk = new Sendoff("demo");</script>');
    });
    const page = await visit("/strict");
    await until(() => page.said.length);
    assert.match(page.said[0], /wasm_load_failed: .*CSP forbids \S+engine\.js: add it to script-src/);
  });

  for (const [name, answer] of [
    ["nowhere", (response) => response.writeHead(404).end("no")],
    ["a web page", (response) => (response.setHeader("content-type", "text/html"), response.end("<!doctype html><h1>App</h1>"))],
    ["cut off", (response) => (response.setHeader("content-type", "application/wasm"), response.end(readFileSync(`${PKG}sendoff_bg.wasm`).subarray(0, 5_000)))],
  ]) {
    test(`a WebAssembly file that is ${name}`, async (t) => {
      const { visit, until, routes } = await shop(t, { entry: "url.js" });
      routes.set("/pkg/sendoff_bg.wasm", ({ response }) => answer(response));
      const page = await visit();
      await until(() => page.said.length);
      assert.match(page.said[0], /wasm_load_failed: .*its file is missing, blocked or cut off: serve all files of the package/);
    });
  }

  test("and diagnose() lists what is right and what is wrong", async (t) => {
    const { visit } = await shop(t, { answer: () => 401 });
    const page = await visit();
    const findings = await page.evaluate(async () => (await window.sdk.ready, window.sdk.diagnose()));
    const wrong = findings.filter(({ ok }) => !ok).map(({ check }) => check);
    assert.deepEqual(wrong, ["key"]);
    assert.ok(["wasm", "storage", "channel", "endpoint", "clock"].every((name) => findings.some(({ check }) => check === name)));
  });
});

describe("the engine", () => {
  test("that fails to load once comes in the same visit, and what was kept goes out", async (t) => {
    const { visit, until, events, routes } = await shop(t);
    const serve = routes.get("/pkg/engine.js");
    let asked = 0;
    routes.set("/pkg/engine.js", (exchange) => (++asked === 1 ? exchange.response.writeHead(503).end("busy") : serve(exchange)));
    const page = await visit();
    await until(() => events.length === 1);
    assert.equal(asked, 2);
    assert.match(page.said[0], /wasm_load_failed/);
  });

  for (const [name, source] of Object.entries({
    "an address": '"/pkg/sendoff_bg.wasm"',
    "a response": 'fetch("/pkg/sendoff_bg.wasm")',
    bytes: 'await (await fetch("/pkg/sendoff_bg.wasm")).arrayBuffer()',
    "a module": 'await WebAssembly.compileStreaming(fetch("/pkg/sendoff_bg.wasm"))',
    "another frame's response": 'await frames[0].fetch("/pkg/sendoff_bg.wasm")',
    "another frame's bytes": 'await (await frames[0].fetch("/pkg/sendoff_bg.wasm")).arrayBuffer()',
    "another frame's module": 'await frames[0].WebAssembly.compileStreaming(frames[0].fetch("/pkg/sendoff_bg.wasm"))',
  })) {
    test(`starts from ${name}`, async (t) => {
      const script = `window.sdk = new Sendoff({ ...options, wasm: ${source} }); window.sdk.track("seen");`;
      const { visit, until, events } = await shop(t, { script, head: "<iframe src='about:blank'></iframe>" });
      const page = await visit();
      await page.waitForFunction(() => window.sdk); // a module that awaits may run on after the page's `load`
      assert.deepEqual(await page.evaluate(() => window.sdk.ready), { ok: true, code: null });
      await until(() => events.length === 1);
    });
  }
});

describe("the entry", () => {
  for (const entry of ["inline.js", "url.js"]) {
    test(entry, async (t) => {
      const { visit, until, events, routes } = await shop(t, { entry });
      routes.delete("/pkg/engine.js");
      await visit();
      await until(() => events.length === 1);
    });
  }

  test("url.js with a server that does not know the type", async (t) => {
    const { visit, until, events, routes } = await shop(t, { entry: "url.js" });
    routes.set("/pkg/sendoff_bg.wasm", ({ response }) => response.end(readFileSync(`${PKG}sendoff_bg.wasm`)));
    await visit();
    await until(() => events.length === 1);
  });

  const stub = () => readFileSync(`${PKG}stub.js`, "utf8").replace(/\n\/\/#.*$/, "");

  test("iife.js goes on with what the stub has kept", async (t) => {
    const head = `<script>${stub()}; sendoffStub({ apiKey: "demo", flushInterval: 50 }); sendoff.track("early", { n: 1 });</script><script src="/pkg/iife.js"></script>`;
    const { visit, until, events } = await shop(t, { script: null, head });
    const page = await visit();
    await page.evaluate(() => sendoff.track("late"));
    await until(() => events.length === 2);
    assert.deepEqual(events.map(({ name }) => name), ["early", "late"]);
    assert.equal(await page.evaluate(() => typeof Sendoff.getSendoff), "function");
  });

  test("stub.js: a visit that ends before the SDK has come loses nothing", async (t) => {
    const head = `<script>${stub()}; sendoffStub({ apiKey: "demo" }); sendoff.track("bounced");</script>`;
    const { visit, until, events, routes } = await shop(t);
    routes.set("/bounce", ({ response }) => (response.setHeader("content-type", "text/html"), response.end(`<!doctype html>${head}`)));
    await (await visit("/bounce")).close();
    assert.equal(events.length, 0);
    await visit();
    await until(() => events.some(({ name }) => name === "bounced"));
    assert.equal(events.filter(({ name }) => name === "bounced").length, 1);
  });

  test("worker.js in a worker", async (t) => {
    const { visit, until, events, routes } = await shop(t, { script: null });
    const source = 'import { Sendoff } from "/pkg/worker.js"; const sdk = new Sendoff("demo"); sdk.track("worked"); sdk.flush().then((it) => postMessage(it));';
    routes.set("/w.js", ({ response }) => (response.setHeader("content-type", "text/javascript"), response.end(source)));
    const page = await visit();
    const flushed = await page.evaluate(() => new Promise((done) => (new Worker("/w.js", { type: "module" }).onmessage = ({ data }) => done(data))));
    assert.equal(flushed.ok, true);
    await until(() => events.length === 1);
  });
});

describe("before the visitor agrees", () => {
  /** Everything on the device, and every channel that was opened. */
  const touched = (page) =>
    page.evaluate(async () => ({
      keys: [...Object.keys(localStorage), ...Object.keys(sessionStorage)],
      cookie: document.cookie,
      databases: (await indexedDB.databases()).length,
      caches: (await caches.keys()).length,
      channels: window.channels,
      fetches: window.fetches,
    }));
  const NOTHING = { keys: [], cookie: "", databases: 0, caches: 0, channels: [], fetches: [] };
  const watch = `<script>
    window.channels = []; window.fetches = [];
    const Native = BroadcastChannel;
    window.BroadcastChannel = class extends Native { constructor(name) { super(name); channels.push(name); } };
    for (const name of ["fetch", "fetchLater"]) { const before = window[name]; if (before) window[name] = (...all) => (fetches.push(name), before.apply(window, all)); }
    const beacon = navigator.sendBeacon; navigator.sendBeacon = (...all) => (fetches.push("beacon"), beacon.apply(navigator, all));
  </script>`;

  for (const consent of ["pending", "denied"]) {
    test(`${consent}: nothing on the device, nothing sent`, async (t) => {
      const script = `window.sdk = new Sendoff({ ...options, consent: "${consent}", crossSubdomain: true });
        window.sdk.track("early"); window.sdk.identify("ann"); window.sdk.page(); window.sdk.flush(); window.sdk.getAnonymousId();`;
      const { visit, events } = await shop(t, { script, head: watch });
      const page = await visit();
      await page.evaluate(() => window.sdk.ready);
      await page.evaluate(() => (document.dispatchEvent(new Event("visibilitychange")), dispatchEvent(new PageTransitionEvent("pagehide"))));
      await page.waitForTimeout(6_500); // longer than anything that waits until the page is idle
      assert.deepEqual(await touched(page), NOTHING);
      assert.deepEqual(events, []);
    });
  }

  test("granted later: it goes out with its own time; withdrawn: everything is gone", async (t) => {
    const script = 'window.sdk = new Sendoff({ ...options, consent: "pending" }); window.sdk.track("early");';
    const { visit, until, events } = await shop(t, { script });
    const page = await visit();
    const at = Date.now();
    await page.waitForTimeout(300);
    await page.evaluate(() => window.sdk.optIn());
    await until(() => events.length === 1);
    assert.ok(Math.abs(Date.parse(events[0].timestamp) - at) < 250, "its own time");
    assert.ok((await page.evaluate(() => localStorage.length)) > 0);
    await page.evaluate(() => (window.sdk.optOut(), window.sdk.track("after")));
    assert.deepEqual(await page.evaluate(() => Object.keys(localStorage)), []);
    await page.waitForTimeout(500);
    assert.deepEqual(await page.evaluate(() => Object.keys(localStorage)), []);
    assert.equal(events.length, 1);
  });
});

test("the package is built", () => assert.ok(existsSync(`${PKG}index.js`), "run `make build`"));
