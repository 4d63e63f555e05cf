// Out and back through the back/forward cache, for the browsers that are driven by WebDriver. (The
// Chromium ones are in tabs.mjs.) Firefox refuses its cache to a page that leaves a BroadcastChannel
// with a listener open or has held a Web Lock; the SDK must do neither.

import assert from 'node:assert/strict';

import { until, untilValue } from '../harness/wait.mjs';

export function bfcache(scenario) {
  scenario('the only tab comes back from the back/forward cache, and its events arrive once', async (w) => {
    const page = await w.open();
    await page.track(20);
    await page.leave();
    await w.allDelivered();
    assert.equal(await page.back(), true, 'pageshow.persisted is not true');
    await page.track(20);
    await w.allDelivered();
    assert.equal((await page.stats()).role, 'leader');
    assert.deepEqual(await page.failures(), []);
  });

  scenario('a page that left with a request in flight comes back', async (w) => {
    const page = await w.open();
    await w.collector.fault({ mode: 'delay', delayMs: 1_000, times: 1 });
    await page.track(60); // More than `flushAt`: they are sent at once.
    await until('the request', async () => (await w.collector.fault()).hits === 1);
    await page.leave();
    assert.equal(await page.back(), true, 'pageshow.persisted is not true');
    await page.track(20);
    await w.allDelivered();
    assert.deepEqual(await page.failures(), []);
  }, { ordered: false, repeats: true });

  scenario('one of two tabs comes back from the back/forward cache, and their events arrive once', async (w) => {
    const [first, second] = [await w.open(), await w.open()];
    await agreeOnLeader(first, second);
    await first.track(20);
    await w.allDelivered(); // Being left with a request in flight is a test of its own.
    await second.track(20);
    await second.leave();
    await first.track(5);
    await w.allDelivered();
    assert.equal(await second.back(), true, 'pageshow.persisted is not true');
    await second.track(20);
    await first.track(20);
    await w.allDelivered();
    await agreeOnLeader(first, second);
    assert.deepEqual([...(await first.failures()), ...(await second.failures())], []);
  });
}

async function agreeOnLeader(first, second) {
  await untilValue(
    'one leader of two',
    async () => [await first.stats(), await second.stats()].map(({ role, leader }) => ({ role, leader })),
    ([a, b]) => [a.role, b.role].sort().join() === 'follower,leader' && a.leader === b.leader,
  );
}
