// Out and back through the back/forward cache, for the browsers that are driven by WebDriver. (The
// Chromium ones are in tabs.mjs.) Firefox refuses its cache to a page that leaves a BroadcastChannel
// with a listener open or has held a Web Lock; the SDK must do neither.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Account } from '../harness/account.mjs';
import { Collector } from '../harness/collector.mjs';
import { assertConserved } from '../harness/verdict.mjs';
import { until, untilValue } from '../harness/wait.mjs';

/** Registers the tests of one browser; `startDriver(t)` gives its driver. */
export function bfcache(name, startDriver) {
  test(`${name} restores the only tab from its back/forward cache, and its events arrive once`, { timeout: 90_000 }, async (t) => {
    const { account, driver, base, closeAll } = await world(t, startDriver);
    const page = await openPage(driver, base, 'only');
    await page.track(account, 20);
    await page.leave();
    await account.allDelivered();
    assert.equal(await page.back(), true, 'pageshow.persisted is not true');
    await page.track(account, 20);
    await account.allDelivered();
    assert.equal((await page.stats()).role, 'leader');
    assert.deepEqual(await page.failures(), []);
    await closeAll();
    assertConserved(await account.close());
  });

  test(`${name} restores a page that left with a request in flight`, { timeout: 90_000 }, async (t) => {
    const { account, collector, driver, base, closeAll } = await world(t, startDriver);
    const page = await openPage(driver, base, 'only');
    await collector.fault({ mode: 'delay', delayMs: 1_000, times: 1 });
    await page.track(account, 60); // More than `flushAt`: they are sent at once.
    await until('the request', async () => (await collector.fault()).hits === 1);
    await page.leave();
    assert.equal(await page.back(), true, 'pageshow.persisted is not true');
    await page.track(account, 20);
    await account.allDelivered();
    assert.deepEqual(await page.failures(), []);
    await closeAll();
    assertConserved(await account.close(), { ordered: false, repeats: true });
  });

  test(`${name} restores one of two tabs from its back/forward cache, and their events arrive once`, { timeout: 90_000 }, async (t) => {
    const { account, driver, base, closeAll } = await world(t, startDriver);
    const first = await openPage(driver, base, 'first');
    await driver.switchTo().newWindow('tab');
    const second = await openPage(driver, base, 'second');
    await agreeOnLeader(first, second);
    await first.track(account, 20);
    await account.allDelivered(); // Being left with a request in flight is a test of its own.
    await second.track(account, 20);
    await second.leave();
    await first.track(account, 5);
    await account.allDelivered();
    assert.equal(await second.back(), true, 'pageshow.persisted is not true');
    await second.track(account, 20);
    await first.track(account, 20);
    await account.allDelivered();
    await agreeOnLeader(first, second);
    assert.deepEqual([...(await first.failures()), ...(await second.failures())], []);
    await closeAll();
    assertConserved(await account.close());
  });
}

async function world(t, startDriver) {
  const collector = await Collector.start();
  t.after(() => collector.dispose());
  const driver = await startDriver(t);
  return { account: new Account(collector), collector, driver, base: collector.url, closeAll: () => closeAll(driver) };
}

/** The page of one window; every method first switches to that window. */
async function openPage(driver, base, name) {
  const window = await driver.getWindowHandle();
  let tracked = 0;
  const run = async (script, ...args) => {
    if ((await driver.getWindowHandle()) !== window) await driver.switchTo().window(window);
    return driver.executeScript(script, ...args);
  };
  // Only the browser is asked until the tab is on its way, not the page it leaves: a script that meets its page just
  // as that one goes into the back/forward cache is frozen with it, and WebKit's driver then waits for its answer for
  // ever. (The time limit of scripts is a timer of the same page.) WebKit's browser names the new address as soon as
  // it is on its way there, and the driver lets the script after that wait until it has arrived.
  const at = (what, path) =>
    until(what, async () =>
      new URL(await driver.getCurrentUrl()).pathname === path && (await run('return location.pathname')) === path);

  await driver.get(`${base}/blank.html`);
  await until('the test page', () => run('return !!window.lab'));
  await run('window.started = false; lab.start().then(() => { window.started = true; })');
  await until('the client', () => run('return window.started'));
  return {
    async track(account, count) {
      account.claim(`evt-${name}`, tracked, count);
      await run('lab.track(arguments[0], arguments[1], arguments[2])', `evt-${name}`, tracked, count);
      tracked += count;
    },
    async leave() {
      await run('location.href = "/away.html"');
      await at('the other page', '/away.html');
    },
    async back() {
      await run('setTimeout(() => history.back())');
      await at('the page again', '/blank.html');
      await until('pageshow', () => run('return !!window.lab && lab.shows.length > 1 || !window.started'));
      return run('return !!window.started && lab.shows.at(-1)');
    },
    stats: () => run('return lab.stats()'),
    failures: () => run('return lab.failures'),
  };
}

async function agreeOnLeader(first, second) {
  await untilValue(
    'one leader of two',
    async () => [await first.stats(), await second.stats()].map(({ role, leader }) => ({ role, leader })),
    ([a, b]) => [a.role, b.role].sort().join() === 'follower,leader' && a.leader === b.leader,
  );
}

/** Closes the tabs one by one, as a user does: the driver's own quit may skip `pagehide`. */
async function closeAll(driver) {
  for (const window of await driver.getAllWindowHandles()) {
    await driver.switchTo().window(window);
    await driver.get('about:blank');
  }
}
