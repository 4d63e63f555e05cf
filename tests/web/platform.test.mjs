// Goal: the platform's modules do in a real browser what they promise the engine. Method: each part alone, in Chromium, with
// the real storage, cookies, channels, network and page events. What the engine makes of it is tested elsewhere.

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { open } from "./browser.mjs";

const granted = (project = "demo") => `({ project: "${project}", consent: { analytics: "granted" }, options: {}, own: {} })`;

test("storage: what is written is read, listed and removed; a full one says so; one that forgets does too", async (t) => {
  const { page } = await open(t);
  const shop = await page();
  const told = await shop.evaluate((client) => {
    const store = new platform.PageStore(eval(client), "local");
    const before = [store.get("sendoff:demo:a"), store.set("sendoff:demo:a", "é\u{1f6d2}"), store.get("sendoff:demo:a")];
    localStorage.setItem("sendoff:demo:line\nbreak", "");
    localStorage.setItem("other", "");
    const keys = store.keys("sendoff:demo:");
    let size = 1 << 20;
    for (let n = 0; size >= 1; n++) {
      try { localStorage.setItem(`fill${n}`, "x".repeat(size)); } catch { size >>= 1; }
    }
    const full = store.set("sendoff:demo:b", "x".repeat(100));
    localStorage.clear();
    const { setItem } = Storage.prototype;
    Storage.prototype.setItem = () => {};
    const forgets = store.set("sendoff:demo:c", "1");
    Storage.prototype.setItem = setItem;
    store.set("sendoff:demo:d", "1");
    store.remove("sendoff:demo:d");
    return { before, keys, full, forgets, left: localStorage.length };
  }, granted());
  assert.deepEqual(told, { before: [undefined, 0, "é\u{1f6d2}"], keys: "sendoff:demo:a", full: 1, forgets: 2, left: 0 });
});

test("storage: blocked, or not agreed to, it is not there", async (t) => {
  const { page } = await open(t);
  const shop = await page();
  const told = await shop.evaluate(() => {
    localStorage.setItem("sendoff:demo:a", "1");
    const client = (analytics) => ({ project: "demo", consent: { analytics } });
    const store = (analytics) => new platform.PageStore(client(analytics), "local");
    const use = (it) => [it.get("sendoff:demo:a") ?? null, it.set("sendoff:demo:b", "1"), it.keys("sendoff:")];
    const pending = use(store("pending"));
    const denied = use(store("denied"));
    Object.defineProperty(window, "localStorage", { get() { throw new DOMException("", "SecurityError"); } });
    return { pending, denied, blocked: use(store("granted")) };
  });
  assert.deepEqual(told, { pending: [null, 2, ""], denied: [null, 2, "sendoff:demo:a"], blocked: [null, 2, ""] });
});

test("the mirror is one cookie that all subdomains of a site share", async (t) => {
  const { page, context } = await open(t);
  const [a, b, other] = [await page("/", "a.shop.test"), await page("/", "b.shop.test"), await page()];
  const text = '{"v":2,"anonymousId":"anon_é"}';
  await a.evaluate((text) => platform.writeMirror("pro%2Fject", text), text);
  assert.equal(await b.evaluate(() => platform.readMirror("pro%2Fject")), text);
  assert.equal(await b.evaluate(() => platform.readMirror("another")), undefined);
  assert.equal(await other.evaluate(() => platform.readMirror("pro%2Fject")), undefined);
  const cookies = await context.cookies("http://a.shop.test");
  assert.deepEqual(cookies.map(({ domain, sameSite, path }) => [domain, sameSite, path]), [[".shop.test", "Lax", "/"]]);
  await b.evaluate(() => platform.writeMirror("pro%2Fject", ""));
  assert.deepEqual(await context.cookies("http://a.shop.test"), []);
});

test("the channel carries text between tabs, once it is open and until it is closed", async (t) => {
  const { page } = await open(t);
  const [one, two] = [await page(), await page()];
  for (const tab of [one, two]) {
    await tab.evaluate(() => {
      window.heard = [];
      window.channel = new platform.Channel("sendoff:demo", (text) => heard.push(text));
      channel.open();
      channel.open();
    });
  }
  await one.evaluate(() => {
    channel.post("hello");
    channel.socket.postMessage({ not: "ours" });
    channel.post("again");
  });
  await two.waitForFunction(() => heard.length === 2);
  assert.deepEqual(await two.evaluate(() => heard), ["hello", "again"]);
  await two.evaluate(() => channel.close());
  await one.evaluate(() => channel.post("too late"));
  await two.evaluate(() => (channel.post("from nowhere"), channel.close()));
  assert.deepEqual([await one.evaluate(() => heard), await two.evaluate(() => heard.length)], [[], 2]);
});

describe("transport", () => {
  /** What is told of one request. */
  const ask = (shop, url, means = "fetch", type = "text", authorization = "") =>
    shop.evaluate(
      ([url, means, type, authorization]) =>
        new Promise((done) => {
          window.transport = new platform.Transport((...values) => done(values.map((one) => (one !== one ? "NaN" : (one ?? null)))));
          transport.send(7, means, url, type, "the body", authorization);
        }),
      [url, means, type, authorization],
    );

  test("says whose answer it may be", async (t) => {
    const { page, routes, origin, port } = await open(t);
    const json = (response, text = "{}") => (response.setHeader("content-type", "application/json"), response.end(text));
    const got = [];
    routes.set("/ok", ({ request, response, body }) => (got.push([request.method, request.headers["content-type"], body]), json(response)));
    routes.set("/portal", ({ response }) => (response.setHeader("content-type", "text/html"), response.end("<h1>Log in</h1>")));
    routes.set("/untyped", ({ response }) => response.end("\n <!DOCTYPE html><h1>Log in</h1>"));
    routes.set("/mistyped", ({ response }) => json(response, "<script>location = '/login'</script>"));
    routes.set("/xhtml", ({ response }) => (response.setHeader("content-type", "application/xhtml+xml"), response.end("<?xml version='1.0'?><html/>")));
    routes.set("/xml", ({ response }) => (response.setHeader("content-type", "text/xml"), response.end("<answer>taken</answer>")));
    routes.set("/login", ({ response }) => response.writeHead(302, { location: "/portal" }).end());
    routes.set("/moved", ({ response }) => response.writeHead(307, { location: "/ok" }).end());
    routes.set("/slash", ({ response }) => response.writeHead(308, { location: "/slash?again" }).end());
    routes.set("/busy", ({ response }) => response.writeHead(503, { "retry-after": "7" }).end("busy"));
    routes.set("/gone", ({ request }) => request.socket.destroy());
    routes.set("/endless", ({ response }) => (response.writeHead(200, { "content-type": "application/json" }), response.write("{")));
    const shop = await page();
    assert.deepEqual(await ask(shop, "/ok"), [7, "plain", 200, "NaN", "{}"]);
    routes.set("/secret", ({ request, response }) => (got.push([request.headers.authorization, request.headers["content-type"]]), json(response)));
    assert.deepEqual((await ask(shop, "/secret", "keepalive", "json", "Bearer x")).slice(0, 3), [7, "plain", 200]);
    assert.deepEqual(got.pop(), ["Bearer x", "application/json"]);
    assert.deepEqual((await ask(shop, "/secret", "beacon", "text", "Bearer x")).slice(0, 2), [7, "refused"], "a beacon has no headers");
    assert.deepEqual((await ask(shop, `${origin}/portal`)).slice(0, 3), [7, "html", 200]);
    for (const path of ["/login", "/untyped", "/mistyped", "/xhtml"]) assert.deepEqual((await ask(shop, path)).slice(0, 3), [7, "html", 200], path);
    assert.deepEqual((await ask(shop, "/xml")).slice(0, 3), [7, "plain", 200]);
    assert.deepEqual((await ask(shop, "/moved")).slice(0, 3), [7, "redirected", 200]);
    assert.deepEqual((await ask(shop, "/busy")).slice(0, 4), [7, "plain", 503, 7_000]);
    assert.deepEqual((await ask(shop, "/gone")).slice(0, 3), [7, "network", 0]);
    assert.deepEqual((await ask(shop, `http://127.0.0.1:${port}/ok`)).slice(0, 3), [7, "network", 0], "no CORS headers");
    const from = Date.now();
    assert.deepEqual((await ask(shop, "/endless")).slice(0, 3), [7, "plain", 200]);
    assert.ok(Date.now() - from >= 1_900, "the body had its time");
    assert.deepEqual(got[0], ["POST", "text/plain;charset=UTF-8", "the body"]);
  });

  test("has four ways out, and three types", async (t) => {
    const { page, routes } = await open(t);
    const got = [];
    routes.set("/in", ({ request, response, body }) => (got.push([request.headers["content-type"], body]), response.end("{}")));
    const shop = await page();
    assert.deepEqual((await ask(shop, "/in", "keepalive")).slice(0, 3), [7, "plain", 200]);
    assert.deepEqual((await ask(shop, "/in", "beacon", "form")).slice(0, 2), [7, "queued"]);
    assert.deepEqual((await ask(shop, "/in", "fetch", "json")).slice(0, 3), [7, "plain", 200]);
    const taken = (await ask(shop, "/in", "deferred"))[1];
    assert.equal(taken, (await shop.evaluate(() => typeof fetchLater === "function")) ? "queued" : "refused");
    await shop.goto("about:blank"); // what was deferred goes now
    const until = Date.now() + 5_000;
    while (got.length < (taken === "queued" ? 4 : 3) && Date.now() < until) await new Promise((done) => setTimeout(done, 20));
    const types = got.map(([type]) => type.split(";")[0]).toSorted();
    const expected = ["application/json", "application/x-www-form-urlencoded", "text/plain", ...(taken === "queued" ? ["text/plain"] : [])];
    assert.deepEqual(types, expected.toSorted());
    assert.ok(got.every(([, body]) => body === "the body"));
  });

  test("refuses what the browser does not take, and withdraws what is given up", async (t) => {
    const { page, routes } = await open(t);
    let aborted = 0;
    routes.set("/slow", ({ request }) => request.socket.on("close", () => aborted++));
    const shop = await page();
    const large = await shop.evaluate(
      () =>
        new Promise((done) => {
          const transport = new platform.Transport((...values) => done(values.slice(0, 2)));
          transport.send(1, "beacon", "/slow", "text", "x".repeat(70_000));
        }),
    );
    assert.deepEqual(large, [1, "refused"]);
    const heard = await shop.evaluate(async () => {
      const heard = [];
      const transport = new platform.Transport((...values) => heard.push(values));
      transport.send(1, "fetch", "/slow", "text", "body");
      await new Promise((done) => setTimeout(done, 200));
      transport.cancel(1);
      await new Promise((done) => setTimeout(done, 200));
      return heard;
    });
    assert.deepEqual(heard, []);
    assert.ok(aborted >= 1);
  });

  test("relative addresses are the page's own origin's, whatever its base and wherever it stands", async (t) => {
    const { page, origin } = await open(t);
    const shop = await page();
    await shop.evaluate(() => document.head.insertAdjacentHTML("beforeend", '<base href="https://cdn.example/assets/">'));
    assert.equal(await shop.evaluate(() => platform.absolute("/in")), `${origin}/in`);
    assert.equal(await shop.evaluate(() => platform.absolute("in?x=1")), `${origin}/in?x=1`);
    assert.equal(await shop.evaluate(() => platform.absolute("https://c.example/in")), "https://c.example/in");
    const script = await shop.evaluate(() => document.scripts[0].text);
    const framed = (attribute) =>
      shop.evaluate(
        ([script, attribute]) =>
          new Promise((done) => {
            window.addEventListener("message", ({ data }) => done(data), { once: true });
            const html = `<script>${script}; try { parent.postMessage(platform.absolute("/in"), "*") } catch (e) { parent.postMessage(e.message, "*") }<\/script>`;
            const frame = document.createElement("iframe");
            if (attribute === "sandbox") frame.sandbox = "allow-scripts";
            if (attribute === "blob") frame.src = URL.createObjectURL(new Blob([html], { type: "text/html" }));
            else frame.srcdoc = html;
            document.body.append(frame);
          }),
        [script, attribute],
      );
    assert.equal(await framed("srcdoc"), `${origin}/in`);
    assert.equal(await framed("blob"), `${origin}/in`);
    assert.match(await framed("sandbox"), /needs a page with an origin/);
  });
});

test("the lifecycle is told in the engine's words, also after document.open()", async (t) => {
  const { page } = await open(t);
  const shop = await page();
  const heard = await shop.evaluate(() => {
    const heard = [];
    const lifecycle = new platform.Lifecycle();
    lifecycle.listen((event) => heard.push(event), "sendoff:demo:identity");
    window.dispatchEvent(new PageTransitionEvent("pageshow", { persisted: false }));
    window.dispatchEvent(new PageTransitionEvent("pageshow", { persisted: true }));
    document.dispatchEvent(new Event("visibilitychange"));
    window.addEventListener("pagehide", (event) => event.stopImmediatePropagation());
    window.dispatchEvent(new PageTransitionEvent("pagehide"));
    document.open();
    document.write("<!doctype html><p>new");
    document.close();
    window.dispatchEvent(new Event("online"));
    lifecycle.check();
    lifecycle.check();
    window.dispatchEvent(new Event("offline"));
    lifecycle.stop();
    window.dispatchEvent(new Event("online"));
    return heard;
  });
  assert.deepEqual(heard, ["restored", "visible", "leaving", "offline"]);
});

test("where a page that is closed may be interrupted, a listener that goes first waits for it", async (t) => {
  const { context, page } = await open(t);
  await context.addInitScript(() => {
    window.mozInnerScreenX = 0;
    // The clock stands still where the address says so: that must not keep the page.
    if (location.search === "?still") performance.now = Date.now = () => 1;
  });
  const leaving = () => {
    const heard = [];
    const lifecycle = new platform.Lifecycle();
    lifecycle.listen((event) => heard.push(event));
    const before = new Event("x").timeStamp;
    window.dispatchEvent(new PageTransitionEvent("pagehide"));
    const took = new Event("x").timeStamp - before;
    const other = new platform.Lifecycle();
    other.listen(() => {});
    const again = new Event("x").timeStamp;
    lifecycle.stop();
    window.dispatchEvent(new PageTransitionEvent("pagehide"));
    return { heard, took, other: new Event("x").timeStamp - again };
  };
  const { heard, took, other } = await (await page()).evaluate(leaving);
  assert.deepEqual(heard, ["leaving"]);
  assert.ok(took >= 4, `it waited for ${took} ms`);
  assert.ok(other >= 4, `without the first client it waited for ${other} ms`);
  assert.deepEqual((await (await page("/?still")).evaluate(leaving)).heard, ["leaving"]);
});

test("after document.open() it listens again by itself", async (t) => {
  const { page } = await open(t);
  const shop = await page();
  const heard = await shop.evaluate(async () => {
    const heard = [];
    const lifecycle = new platform.Lifecycle();
    lifecycle.listen((event) => heard.push(event), "sendoff:demo:identity");
    document.open();
    document.write("<!doctype html><p>new");
    document.close();
    await new Promise((done) => setTimeout(done));
    window.dispatchEvent(new Event("online"));
    lifecycle.stop();
    document.open();
    await new Promise((done) => setTimeout(done));
    window.dispatchEvent(new Event("offline"));
    return heard;
  });
  assert.deepEqual(heard, ["online"]);
});

test("facts say what the browser can do, and ask it for no time zone", async (t) => {
  const { page, origin } = await open(t);
  const shop = await page("/?utm_source=x");
  const { facts, asked, closed } = await shop.evaluate((client) => {
    let asked = 0;
    const { DateTimeFormat } = Intl;
    Intl.DateTimeFormat = function (...values) { asked++; return new DateTimeFormat(...values); };
    const now = new platform.PageNow("full");
    const store = new platform.PageStore(eval(client), "local");
    const host = { runtime: "browser", storage: store, page: () => now.read(), landing: { url: location.href, referrer: "" } };
    const whole = { ...eval(client), host, tab: "0".repeat(20), visitor: { proposal: () => ({ anonymousId: "anon", sessionId: "s" }) }, key: (name) => `sendoff:demo:${name}` };
    return { facts: JSON.parse(platform.factsOf(whole)), asked, closed: localStorage.length };
  }, granted());
  assert.equal(asked, 0);
  assert.equal(closed, 0, "nothing is left behind");
  const { tab, project, anonymousId, sessionId, runtime, channel, keepalive, storage, visible, online, gpc, dnt } = facts;
  assert.deepEqual(
    { tab, project, anonymousId, sessionId, runtime, channel, keepalive, storage, visible, online, gpc, dnt },
    {
      ...{ tab: "0".repeat(20), project: "demo", anonymousId: "anon", sessionId: "s", runtime: "browser", channel: true },
      ...{ keepalive: true, storage: "local", visible: true, online: true, gpc: false, dnt: false },
    },
  );
  assert.equal(facts.deferred, await shop.evaluate(() => isSecureContext && typeof fetchLater === "function"));
  assert.deepEqual(facts.page, { url: `${origin}/?utm_source=x`, path: "/", search: "?utm_source=x", title: "Shop", referrer: "" });
  assert.equal(facts.context.userAgent, await shop.evaluate(() => navigator.userAgent));
});

test("a browser that ignores keepalive is found out", async (t) => {
  const { page } = await open(t);
  const shop = await page();
  const keepalive = await shop.evaluate((client) => {
    delete Request.prototype.keepalive;
    const host = { runtime: "browser", storage: new platform.MemoryStore(), page: () => "", landing: {} };
    const whole = { ...eval(client), host, visitor: { proposal: () => ({}) }, key: (name) => name };
    return JSON.parse(platform.factsOf(whole)).keepalive;
  }, granted());
  assert.equal(keepalive, false);
});

test("the timer fires once, is replaced, and clamps what setTimeout would fire at once", async (t) => {
  const { page } = await open(t);
  const shop = await page();
  const fired = await shop.evaluate(async () => {
    let fired = 0;
    const timer = new platform.Timer(() => fired++);
    const wait = (ms) => new Promise((done) => setTimeout(done, ms));
    timer.set(2 ** 40);
    await wait(50);
    const never = fired;
    timer.set(10);
    timer.set(20);
    await wait(100);
    const once = fired;
    timer.set(10);
    timer.set(-1);
    await wait(50);
    return [never, once, fired];
  });
  assert.deepEqual(fired, [0, 1, 1]);
});
