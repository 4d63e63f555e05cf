// The delivery set: the ways a page can end that every browser engine is tried with. (Chromium's are more: endings.mjs,
// outages.mjs, tabs.mjs.)

import assert from 'node:assert/strict';

import { until } from '../harness/wait.mjs';
import { assertColumn, probe } from './support.mjs';

// So far away that no timer of the SDK can be what delivered.
const NO_TIMER = { flushInterval: 60_000 };
const CLOSED = 16;
const SPOKEN_MIN = 12;

export function deliverySet(scenario, browser) {
  scenario('it has what the README says', async (w) => {
    const tab = await w.open({ start: false });
    await assertColumn(browser, await tab.run(`return (${probe})()`));
  });

  scenario('40 events, then the page navigates away', async (w) => {
    const tab = await w.open({ config: NO_TIMER });
    await tab.track(40);
    await tab.leave();
    await w.allDelivered();
  });

  scenario('40 events, then the tab is closed, and another page of the site stays', async (w) => {
    await w.openOther();
    const tab = await w.open({ config: NO_TIMER });
    await tab.track(40);
    await tab.close();
    await w.allDelivered();
  });

  scenario('2,000 events, then the tab is closed and someone returns', async (w) => {
    const tab = await w.open();
    await tab.track(2_000);
    await tab.close();
  }, { ordered: false });

  scenario('40 events that are still waiting when the page is reloaded', async (w) => {
    const tab = await w.open();
    await w.collector.fault({ mode: 'status', status: 503 });
    await tab.track(40);
    await tab.reload();
    await w.collector.fault({ mode: 'none' });
    await tab.start();
    await w.allDelivered();
  });

  scenario('four tabs × 100 events, one closed in mid-flight', async (w) => {
    const four = [];
    while (four.length < 4) four.push(await w.open());
    await w.collector.fault({ mode: 'delay', delayMs: 400 });
    for (const tab of four) await tab.track(100);
    await until('a request', async () => (await w.collector.fault()).hits > 0);
    await four[3].close();
    await w.collector.fault({ mode: 'none' });
    await w.allDelivered();
  }, { ordered: false, repeats: true });

  scenario('500 events with the collector down, then the tab is closed and someone returns', async (w) => {
    const tab = await w.open();
    await w.collector.kill();
    await tab.track(500);
    await tab.close();
    await w.collector.up();
  }, { ordered: false });

  scenario('40 events while there is no network, then the browser says that it is back', async (w) => {
    const tab = await w.open({ config: NO_TIMER });
    await w.collector.kill();
    await tab.run('dispatchEvent(new Event("offline"))');
    await tab.track(40);
    await w.collector.up();
    await tab.run('dispatchEvent(new Event("online"))');
    await w.allDelivered({ withinMs: 5_000 });
  });

  scenario('40 events with storage full, then the page navigates away', async (w) => {
    const tab = await w.open({ start: false });
    await tab.run('import("/storage.js").then(({ fill }) => { window.filled = fill(); })');
    await until('storage to be full', () => tab.run('return window.filled > 1e6'));
    await tab.start(NO_TIMER);
    await tab.track(40);
    assert.equal((await tab.stats()).volatile, 40, 'there was room');
    await tab.run('localStorage.clear()');
    await tab.leave();
    await w.allDelivered();
  });

  scenario('40 events of a frame of another site, then its page navigates away', async (w) => {
    const tab = await w.open({ start: false });
    const frame = new URL('/blank.html', w.collector.url);
    frame.hostname = 'localhost';
    await tab.run(
      `const frame = document.createElement('iframe');
       frame.src = arguments[0];
       document.body.append(frame);`,
      frame.href,
    );
    await w.driver.switchTo().frame(0);
    await until('the frame', () => w.driver.executeScript('return !!window.lab'));
    await w.driver.executeScript('lab.start(arguments[0]).then(() => { window.started = true; })', NO_TIMER);
    await until('its client', () => w.driver.executeScript('return window.started'));
    w.account.claim('evt-frame', 0, 40);
    await w.driver.executeScript('lab.track("evt-frame", 0, 40)');
    await w.driver.switchTo().defaultContent();
    await tab.leave();
    await w.allDelivered();
  });
}

/** With a browser that refuses the page its storage. */
export function blockedStorage(scenario) {
  scenario('40 events without storage, then the page navigates away', async (w) => {
    const tab = await w.open({ config: NO_TIMER });
    assert.equal(await tab.run('try { return Boolean(localStorage) } catch { return false }'), false, 'it is not blocked');
    assert.equal((await tab.stats()).storage, 'memory');
    await tab.track(40);
    await tab.leave();
    await w.allDelivered();
  });
}

/** With a browser that ends a process with its last tab, and cuts off a script that runs meanwhile. */
export function lastTabs(scenario) {
  scenario(`the last tab of a process is closed, ${CLOSED} times`, async (w) => {
    let spoken = 0;
    for (let n = 0; n < CLOSED; n += 1) {
      const tab = await w.open({ config: NO_TIMER });
      await tab.track(5);
      await tab.close();
      const arrived = await w.allDelivered({ withinMs: 1_000 }).then(() => true, () => false);
      spoken += Number(arrived);
      // What was cut off is delivered by the next visit, and must not be counted for that one.
      if (!arrived) await w.returnVisit();
    }
    // 160 of 160 in two runs; 70 of 80 without the pause that the SDK makes before its last words.
    assert.ok(spoken >= SPOKEN_MIN, `${spoken} of ${CLOSED} tabs spoke their last words`);
  }, { ordered: false, repeats: true });
}

/** In a private window. */
export function privately(scenario) {
  scenario('40 events in a private window, then it is closed', async (w) => {
    await w.openOther();
    const tab = await w.open({ config: NO_TIMER });
    await tab.track(40);
    await tab.close();
    await w.allDelivered();
  });
}
