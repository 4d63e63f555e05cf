// Every way a page, a tab or a browser can end.

import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';

import { settled, until } from '../harness/wait.mjs';

// So far away that no timer of the SDK can be what delivered.
const NO_TIMER = { flushInterval: 60_000 };

export function endings(scenario) {
  scenario('40 events, then the page navigates away', async (w) => {
    const tab = await w.open({ config: NO_TIMER });
    await tab.track(40);
    await tab.leave();
    await w.allDelivered();
  }, { column: '40, then navigate away' });

  scenario('40 events, then the tab is closed', async (w) => {
    const tab = await w.open({ config: NO_TIMER });
    await tab.track(40);
    await tab.close();
    await w.allDelivered();
  }, { column: '40, then close' });

  scenario('40 events, then the whole browser is closed and started again', async (w) => {
    const tab = await w.open({ config: NO_TIMER });
    await tab.track(40);
    await w.browser.quit();
    await w.browser.up();
  });

  scenario('40 events, then the tab is hidden', async (w) => {
    const tab = await w.open({ config: NO_TIMER });
    await tab.track(40);
    await w.open({ start: false, path: '/away.html' });
    await w.allDelivered();
  });

  scenario('2,000 events, then the tab is closed and someone returns', async (w) => {
    const tab = await w.open();
    await tab.track(2_000);
    await tab.close();
  }, { column: '2,000, close, return', ordered: false });

  scenario('40 events, then the page is reloaded', async (w) => {
    const tab = await w.open({ config: NO_TIMER });
    await tab.track(40);
    await tab.page.reload();
  });

  scenario('40 events, then the renderer crashes and someone returns', async (w) => {
    const tab = await w.open({ config: NO_TIMER });
    await tab.track(40);
    await tab.crash();
  }, { column: '40, crash, return' });

  scenario('40 events, then the renderer of a browser without fetchLater crashes', async (w) => {
    await w.browser.context.addInitScript(() => delete window.fetchLater);
    const tab = await w.open({ config: NO_TIMER });
    await tab.track(40);
    assert.equal(await tab.page.evaluate(() => 'fetchLater' in window), false);
    await tab.crash();
  });

  scenario('40 events, then the renderer crashes and nobody returns', async (w) => {
    const tab = await w.open({ config: NO_TIMER });
    await tab.track(40);
    await tab.crash();
    // Only a deferred request can do this: no page of the origin is left.
    await w.allDelivered();
  }, { column: '40, crash, never return' });

  scenario('40 events before the engine is loaded, then the renderer crashes', async (w) => {
    const tab = await w.open({ start: false });
    const asked = await tab.interceptEngine(() => {}); // Never answered: still loading at the crash.
    await tab.startAndTrack(40);
    await asked();
    await tab.crash();
  });

  scenario('40 events before the engine is loaded, then the tab is closed', async (w) => {
    const tab = await w.open({ start: false });
    const asked = await tab.interceptEngine(() => {});
    await tab.startAndTrack(40);
    await asked();
    await tab.close();
  });

  scenario('40 events with the server refusing, then kill -9 of the browser', async (w) => {
    const tab = await w.open();
    await w.collector.fault({ mode: 'status', status: 503 });
    await tab.track(40);
    // Chromium writes localStorage to disk within about five seconds; what a killed browser had
    // not written yet is beyond any page's power.
    await until('the journal on disk', () => onDisk(w.browser.profile, `${tab.prefix}-39"`));
    await w.browser.kill();
    await w.collector.fault({ mode: 'none' });
    await w.browser.up();
  }, { column: '40, kill -9, return' });

  scenario('60 events, closed with a request in flight', async (w) => {
    const tab = await w.open();
    await w.collector.fault({ mode: 'delay', delayMs: 400 });
    const inFlight = tab.page.waitForRequest((request) => request.url().includes('/ingest/batch'));
    await tab.track(60);
    await inFlight;
    await tab.close();
    await w.collector.fault({ mode: 'none' });
  }, { ordered: false, repeats: true });

  scenario('40 events of an iframe that is removed in the same task', async (w) => {
    const tab = await w.open({ start: false });
    await tab.page.evaluate(async (config) => {
      const frame = document.createElement('iframe');
      frame.src = '/blank.html';
      document.body.append(frame);
      await new Promise((resolve) => { frame.onload = resolve; });
      await frame.contentWindow.lab.start(config);
    }, NO_TIMER);
    w.account.claim('evt-frame', 0, 40);
    await tab.page.evaluate(() => {
      const frame = document.querySelector('iframe');
      frame.contentWindow.lab.track('evt-frame', 0, 40);
      frame.remove();
    });
    await w.allDelivered();
  });

  scenario('40 events of a frame of another site, then its page navigates away', async (w) => {
    const tab = await w.open({ start: false });
    const src = `http://localhost:${w.collector.port}/blank.html`;
    await tab.page.evaluate((address) => {
      const frame = document.createElement('iframe');
      frame.src = address;
      document.body.append(frame);
    }, src);
    const frame = await until('the frame', () => tab.page.frames().find((one) => one.url() === src));
    await frame.waitForFunction(() => window.lab);
    await frame.evaluate((config) => window.lab.start(config), NO_TIMER);
    w.account.claim('evt-frame', 0, 40);
    await frame.evaluate(() => window.lab.track('evt-frame', 0, 40));
    await tab.leave();
    await w.allDelivered();
  });

  scenario('40 events in a private window, then it is closed', async (w) => {
    const tab = await w.open({ config: NO_TIMER, privately: true });
    await tab.track(40);
    await tab.close();
    await w.allDelivered();
  });

  scenario('events tracked by a later pagehide handler', async (w) => {
    const tab = await w.open({ config: NO_TIMER });
    await tab.track(5);
    await tab.trackOnPageHide(5);
    await tab.leave();
    await w.allDelivered();
  }, { ordered: false });

  scenario('out and back while the server refuses, then it recovers', async (w) => {
    const tab = await w.open();
    await w.collector.fault({ mode: 'status', status: 503 });
    await tab.track(20);
    await tab.leave();
    assert.equal(await tab.back(), true, 'the page did not come from the back/forward cache');
    await tab.track(10);
    await w.collector.fault({ mode: 'none' });
    await w.allDelivered();
    await w.drained(tab);
  });

  scenario('a page with nothing left to say, then the tab is closed', async (w) => {
    const tab = await w.open();
    await tab.track(40);
    await tab.flush();
    const { requests } = await w.collector.stats();
    await tab.close();
    const quiet = await settled('requests', async () => (await w.collector.stats()).requests);
    assert.equal(quiet, requests, 'closing a page with nothing pending sent something');
  });

  scenario('storage is cleared under a live tab', async (w) => {
    const tab = await w.open();
    await w.collector.fault({ mode: 'status', status: 503 });
    await tab.track(40);
    await tab.page.evaluate(() => localStorage.clear());
    await tab.track(10);
    await w.collector.fault({ mode: 'none' });
    await w.allDelivered();
    await w.drained(tab);
  });

  scenario('a page on plain http, which is no secure context', async (w) => {
    const origin = `http://example.test:${w.collector.port}`;
    const tab = await w.open({ origin });
    assert.equal(await tab.page.evaluate(() => isSecureContext), false);
    await tab.track(40);
    await tab.leave();
    await w.allDelivered();
    const again = await w.open({ origin });
    await again.track(1);
    await w.allDelivered();
    await w.drained(again);
  });
}

async function onDisk(profile, text) {
  const folder = path.join(profile, 'Default/Local Storage/leveldb');
  const logs = (await readdir(folder)).filter((name) => name.endsWith('.log'));
  const contents = await Promise.all(logs.map((name) => readFile(path.join(folder, name))));
  // Chromium stores a value as Latin-1 where it can, else as UTF-16.
  return contents.some((bytes) => bytes.includes(text) || bytes.includes(Buffer.from(text, 'utf16le')));
}
