// What an SDK costs the page that uses it: ours and its peers', in one Chromium, in turns, medians of some rounds.
//
//   node tests/bench/bench.mjs [--pkg DIRECTORY] [--rounds 3] [--only "sendoff;posthog"]
//
// - start: main-thread time over an empty page's, from navigation until 1.5 s after the first call, at 4× CPU throttling; and how
//   much of it is in the way of the page, in the call that makes the client and in the first event.
// - burst: one call, when a thousand are made in one task.
// - delivered: main-thread time for 1,000 events, ten a task, until all have arrived and been answered.

import { parseArgs } from "node:util";
import { fileURLToPath } from "node:url";

import { chromium } from "../node_modules/playwright-core/index.mjs";
import * as paths from "../e2e/harness/paths.mjs";
import { settled, until } from "../e2e/harness/wait.mjs";
import { figure } from "./figures.mjs";
import { SDKS } from "./sdks.mjs";
import { addressOf, open, titleOf } from "./site.mjs";

const EVENTS = 1_000;
const THROTTLE = 4;
const QUIET_MS = 1_500;

const { values } = parseArgs({ options: { pkg: { type: "string" }, rounds: { type: "string", default: "3" }, only: { type: "string" } } });
const pkg = values.pkg ?? fileURLToPath(new URL("../../pkg", import.meta.url));
const names = values.only?.split(";") ?? Object.keys(SDKS);
const pause = (ms) => new Promise((done) => setTimeout(done, ms));

/** A page of its own context, with the means to read what its main thread has done. */
async function visit(browser, address, throttle = 1) {
  const context = await browser.newContext();
  const page = await context.newPage();
  const cdp = await context.newCDPSession(page);
  await cdp.send("Performance.enable");
  await cdp.send("Emulation.setCPUThrottlingRate", { rate: throttle });
  await page.goto(address);
  const busy = async () => (await cdp.send("Performance.getMetrics")).metrics.find(({ name }) => name === "TaskDuration").value * 1_000;
  return { page, busy, close: () => context.close() };
}

/** Runs in the page. Eight small properties, and a mark to be found by. */
const TRACK = `(from, count) => {
  for (let n = from; n < from + count; n++) {
    bench.track("checkout_completed", {
      mark: "mark-" + n, order: "A-1000234", total: 129.9, currency: "EUR", items: 3, coupon: "SPRING", shipping: "standard", returning: true,
    });
  }
}`;

async function startUp(browser, site, name) {
  const { page, busy, close } = await visit(browser, `${site.host}/${addressOf(name)}/`, THROTTLE);
  let sync = 0;
  if (name !== "empty") {
    sync = await page.evaluate(`(() => {
      const from = performance.now();
      bench.start(${JSON.stringify(site.host)});
      (${TRACK})(0, 1);
      return performance.now() - from;
    })()`);
  }
  await pause(QUIET_MS);
  const ms = await busy();
  await close();
  return { sync, ms };
}

async function untilAll(site, count) {
  const limit = { withinMs: 90_000, everyMs: 50 };
  const complete = await until("all events", () => site.seen.events.size >= count, limit).catch(() => false);
  if (complete) await settled("requests", () => site.seen.requests, { ...limit, forMs: QUIET_MS });
  return complete;
}

async function working(browser, site, name) {
  const { page, busy, close } = await visit(browser, `${site.host}/${addressOf(name)}/`);
  await page.evaluate(`bench.start(${JSON.stringify(site.host)}); (${TRACK})(0, 1)`);
  await page.evaluate("bench.flush()");
  await pause(QUIET_MS);
  site.forget();
  const before = await busy();
  await page.evaluate(`(async () => {
    for (let n = 1; n <= ${EVENTS}; n += 10) {
      (${TRACK})(n, 10);
      await new Promise((done) => setTimeout(done));
    }
  })()`);
  await page.evaluate("bench.flush()");
  const complete = await untilAll(site, EVENTS);
  const ms = (await busy()) - before;
  // Before the burst, of which some arrive while it lasts.
  const { requests } = site.seen;
  const arrived = site.seen.events.size;
  const bytes = site.seen.bytes / Math.max(1, arrived);
  // Afterwards: a burst leaves more to do than some can.
  const burst = await page.evaluate(`(() => {
    const from = performance.now();
    (${TRACK})(2_000, ${EVENTS});
    return ((performance.now() - from) * 1_000) / ${EVENTS};
  })()`);
  await close();
  return { burst, delivered: ms, bytes, requests, arrived: complete ? EVENTS : arrived };
}

async function main() {
  const site = await open(names, pkg);
  const browser = await chromium.launch({ executablePath: paths.chromium(), args: ["--no-sandbox"] });
  const all = Object.fromEntries(names.map((name) => [name, { start: [], sync: [], burst: [], delivered: [], bytes: [], requests: [], arrived: [] }]));
  try {
    for (let round = 0; round < Number(values.rounds); round++) {
      const empty = await startUp(browser, site, "empty");
      for (const name of names) {
        const { sync, ms } = await startUp(browser, site, name);
        const work = await working(browser, site, name);
        const row = { start: ms - empty.ms, sync, ...work };
        for (const [what, value] of Object.entries(row)) all[name][what].push(value);
        process.stderr.write(`${round + 1} ${name}: ${JSON.stringify(row)}\n`);
      }
    }
  } finally {
    await browser.close();
    site.close();
  }
  console.log(`Chromium ${browser.version()}, ${new Date().toISOString().slice(0, 10)}, ${values.rounds} rounds, median (least–most):\n`);
  console.log("| SDK | brotli KB | start, ms of main thread at 4× | of it synchronous, ms | a call in a burst, µs | 1,000 events delivered, ms of main thread | bytes an event | requests | arrived |");
  console.log("|---|---|---|---|---|---|---|---|---|");
  for (const name of names) {
    const { start, sync, burst, delivered, bytes, requests, arrived } = all[name];
    const cells = [titleOf(name, pkg), (site.sizes[name] / 1_024).toFixed(1), figure(start), figure(sync, 1), figure(burst, 1), figure(delivered), figure(bytes), figure(requests), figure(arrived)];
    console.log(`| ${cells.join(" | ")} |`);
  }
}

await main();
