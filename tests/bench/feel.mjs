// What a page feels of sendoff beyond the calls themselves, in Chromium.
//
//   node tests/bench/feel.mjs [--pkg DIRECTORY] [--rounds 3]
//
// - calls: one, when 100 are made in a task; with nothing queued, with 10,000 queued that cannot be delivered, and while those are.
// - metrics: one call of `increment`, when 1,000 are made in a task.
// - tasks: the longest on the main thread at 4× CPU throttling, from the client's start until 10,000 events that an earlier visit
//   has left in storage are delivered; and how many were over 50 ms.
// - click: from a click to the frame after it, with ten events in the handler over none.
// - memory: of the page, per queued event, garbage collected: JavaScript's heap, and the wasm's memory, which never shrinks.
// - hour: by how much the same grows while the events of an hour, three a second, are tracked and delivered in a dozen lots, after the first
//   two of them.

import { parseArgs } from "node:util";

import { chromium } from "../node_modules/playwright-core/index.mjs";
import { Collector } from "../e2e/harness/collector.mjs";
import * as paths from "../e2e/harness/paths.mjs";
import { until } from "../e2e/harness/wait.mjs";
import { figure, median } from "./figures.mjs";

const QUEUED = 10_000;
const THROTTLE = 4;
const LONG_MS = 50;
const CLICKS = 60;
const HOUR_EVENTS = 10_800;
const LOTS = 12;

const { values } = parseArgs({ options: { pkg: { type: "string" }, rounds: { type: "string", default: "3" } } });
if (values.pkg) process.env.SENDOFF_PKG = values.pkg;

const ROOMY = { maxQueueSize: 20_000, maxStorageBytes: 5_000_000 };

async function pageOf(context, collector, config) {
  const page = await context.newPage();
  await page.goto(`${collector.url}/blank.html`);
  if (config) await page.evaluate((given) => window.lab.start(given), config);
  return page;
}

const stats = (page) => page.evaluate(() => window.lab.stats());
const delivered = (page) => until("all to be delivered", async () => (await stats(page)).pending === 0, { withinMs: 120_000 });

/** Small ones, so that 10,000 have room in storage. */
const queue = (page, count) =>
  page.evaluate(async (all) => {
    for (let n = 0; n < all; n += 100) {
      for (let m = n; m < n + 100; m++) window.lab.client.track("queued", { n: m });
      await new Promise((done) => setTimeout(done));
    }
  }, count);

/** µs a call: the median of 20 tasks with 100 each. */
const callMicros = (page) =>
  page.evaluate(async () => {
    const tasks = [];
    for (let task = 0; task < 20; task++) {
      const from = performance.now();
      for (let n = 0; n < 100; n++) window.lab.client.track("called", { n, total: 49.9 });
      tasks.push((performance.now() - from) * 10);
      await new Promise((done) => setTimeout(done, 20));
    }
    return tasks.sort((a, b) => a - b)[10];
  });

/** The same of metrics, in tasks of 1,000: the clock tells tenths of a millisecond. */
const metricMicros = (page) =>
  page.evaluate(async () => {
    const tasks = [];
    for (let task = 0; task < 21; task++) {
      const from = performance.now();
      for (let n = 0; n < 1_000; n++) window.lab.client.increment("called");
      tasks.push(performance.now() - from);
      await new Promise((done) => setTimeout(done, 20));
    }
    return tasks.sort((a, b) => a - b)[10];
  });

async function calls(context, collector) {
  const page = await pageOf(context, collector, { ...ROOMY, maxRetries: 20 });
  await queue(page, 2_000); // until the compiler has seen it
  await delivered(page);
  const none = await callMicros(page);
  await delivered(page);
  await collector.fault({ mode: "status", status: 503 });
  await queue(page, QUEUED);
  const queued = await callMicros(page);
  await collector.fault({ mode: "none" });
  await page.evaluate(() => void window.lab.client.flush());
  const delivering = await callMicros(page);
  await delivered(page);
  const metric = await metricMicros(page);
  await page.close();
  return { none, queued, delivering, metric };
}

async function tasks(context, collector) {
  await collector.fault({ mode: "status", status: 503 });
  const before = await pageOf(context, collector, { ...ROOMY, autoFlushOnExit: false });
  await queue(before, QUEUED);
  const { volatile } = await stats(before);
  await before.close();
  await collector.fault({ mode: "none" });
  const page = await pageOf(context, collector);
  const cdp = await context.newCDPSession(page);
  await cdp.send("Emulation.setCPUThrottlingRate", { rate: THROTTLE });
  await page.evaluate(() => {
    window.tasks = [];
    new PerformanceObserver((list) => window.tasks.push(...list.getEntries().map(({ duration }) => duration))).observe({ type: "longtask" });
  });
  await page.evaluate((given) => window.lab.start(given), ROOMY);
  await until("what was left to be delivered", async () => (await stats(page)).delivered >= QUEUED, { withinMs: 120_000 });
  const long = await page.evaluate(() => window.tasks);
  await page.close();
  return { volatile, long };
}

async function clicks(context, collector) {
  const page = await pageOf(context, collector, {});
  await page.evaluate(() => {
    document.body.innerHTML = "<button>Buy</button>";
    window.took = { 0: [], 10: [] };
    window.events = 0;
    document.querySelector("button").addEventListener("click", ({ timeStamp }) => {
      const { events } = window;
      for (let n = 0; n < events; n++) window.lab.client.track("clicked", { n });
      requestAnimationFrame(() => {
        const { port1, port2 } = new MessageChannel();
        port1.onmessage = () => window.took[events].push(performance.now() - timeStamp);
        port2.postMessage(0);
      });
    });
  });
  for (let n = 0; n < CLICKS * 2; n++) {
    await page.evaluate((events) => (window.events = events), n % 2 ? 10 : 0);
    await page.click("button");
  }
  const took = await page.evaluate(() => window.took);
  await page.close();
  return { none: median(took[0]), ten: median(took[10]) };
}

/** A page with a client, and what its memory is after garbage was collected. */
async function weighed(context, collector) {
  const page = await pageOf(context, collector);
  await page.evaluate((given) => {
    const { instantiate } = WebAssembly;
    WebAssembly.instantiate = async (...values) => {
      const made = await instantiate(...values);
      const { exports } = made.instance ?? made;
      window.memory = Object.values(exports).find((one) => one instanceof WebAssembly.Memory);
      return made;
    };
    return window.lab.start(given);
  }, ROOMY);
  const cdp = await context.newCDPSession(page);
  const used = async () => {
    await cdp.send("HeapProfiler.collectGarbage");
    const { usedSize } = await cdp.send("Runtime.getHeapUsage");
    return usedSize + (await page.evaluate(() => window.memory.buffer.byteLength));
  };
  return { page, used };
}

async function hour(context, collector) {
  const { page, used } = await weighed(context, collector);
  const lots = [];
  for (let lot = 0; lot < LOTS; lot++) {
    await queue(page, HOUR_EVENTS / LOTS);
    await page.evaluate(() => void window.lab.client.increment("lots"));
    await delivered(page);
    lots.push(await used());
  }
  await page.close();
  return Math.max(...lots.slice(2)) - lots[1];
}

async function memory(context, collector) {
  const { page, used } = await weighed(context, collector);
  await queue(page, 100);
  await delivered(page);
  await collector.fault({ mode: "status", status: 503 });
  const before = await used();
  await queue(page, QUEUED);
  const after = await used();
  const exported = await page.evaluate(async () => JSON.stringify((await window.lab.client.export()) ?? "").length);
  await collector.fault({ mode: "none" });
  await page.close();
  return { bytes: (after - before) / QUEUED, text: exported / QUEUED };
}

const browser = await chromium.launch({ executablePath: paths.chromium(), args: ["--no-sandbox"] });
const all = { metric: [], none: [], queued: [], delivering: [], longest: [], long: [], click: [], bytes: [], text: [], hour: [] };
try {
  for (let round = 0; round < Number(values.rounds); round++) {
    const collector = await Collector.start();
    const context = await browser.newContext();
    const left = await tasks(context, collector);
    const call = await calls(context, collector);
    const click = await clicks(context, collector);
    const size = await memory(context, collector);
    const growth = await hour(context, collector);
    process.stderr.write(`${JSON.stringify({ left, call, click, size, growth })}\n`);
    all.hour.push(growth / 1_024);
    all.metric.push(call.metric);
    all.none.push(call.none);
    all.queued.push(call.queued);
    all.delivering.push(call.delivering);
    all.long.push(left.long.filter((ms) => ms > LONG_MS).length);
    all.longest.push(Math.max(0, ...left.long));
    all.click.push(click.ten - click.none);
    all.bytes.push(size.bytes);
    all.text.push(size.text);
    await context.close();
    await collector.dispose();
  }
} finally {
  await browser.close();
}
console.log(`Chromium ${browser.version()}, ${new Date().toISOString().slice(0, 10)}, ${values.rounds} rounds, median (least–most):\n`);
console.log(`a call, µs: ${figure(all.none, 2)}; with ${QUEUED} queued ${figure(all.queued, 2)}; while they are delivered ${figure(all.delivering, 2)}`);
console.log(`a metric, µs: ${figure(all.metric, 2)}`);
console.log(`tasks over ${LONG_MS} ms at ${THROTTLE}× while ${QUEUED} stored events are delivered: ${figure(all.long, 0)}; the longest, ms: ${figure(all.longest, 0)}`);
console.log(`click with ten events over one without, ms: ${figure(all.click, 2)}`);
console.log(`memory of a queued event, bytes: ${figure(all.bytes, 0)}; its text ${figure(all.text, 0)}`);
console.log(`growth over the events of an hour, KiB: ${figure(all.hour, 0)}`);
