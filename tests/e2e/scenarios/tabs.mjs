// Several tabs of one origin: one of them sends, whatever happens to it.

import assert from 'node:assert/strict';

import { until, untilValue } from '../harness/wait.mjs';

// Two leaders that can hear each other become one within this time.
const RESOLVE_MS = 2_000;

export function tabs(scenario) {
  scenario('four tabs × 100 events, one closed in mid-flight', async (w) => {
    const four = await openMany(w, 4);
    await oneLeader(four);
    await w.collector.fault({ mode: 'delay', delayMs: 400 });
    const inFlight = Promise.any(four.map(({ page }) => page.waitForRequest((request) => request.url().includes('/ingest/batch'))));
    await Promise.all(four.map((tab) => tab.track(100)));
    await inFlight;
    // The leader is the one whose end hurts most: it holds everyone's request.
    await (await leaderOf(four)).close();
    await w.collector.fault({ mode: 'none' });
    await w.allDelivered();
  }, { column: '4 tabs × 100, one closed', ordered: false, repeats: true });

  scenario('four tabs × 100 events, the leader crashes in mid-flight', async (w) => {
    const four = await openMany(w, 4);
    await oneLeader(four);
    await w.collector.fault({ mode: 'delay', delayMs: 400 });
    const inFlight = Promise.any(four.map(({ page }) => page.waitForRequest((request) => request.url().includes('/ingest/batch'))));
    await Promise.all(four.map((tab) => tab.track(100)));
    await inFlight;
    await (await leaderOf(four)).crash();
    await w.collector.fault({ mode: 'none' });
    await w.allDelivered();
  }, { ordered: false, repeats: true });

  scenario('four tabs × 100 events, all crash with the server refusing', async (w) => {
    const four = await openMany(w, 4);
    await w.collector.fault({ mode: 'status', status: 503 });
    await Promise.all(four.map((tab) => tab.track(100)));
    for (const tab of four) await tab.crash();
    await w.collector.fault({ mode: 'none' });
  }, { ordered: false });

  scenario('the leader navigates away in mid-flight, and comes back', async (w) => {
    const three = await openMany(w, 3);
    await oneLeader(three);
    await w.collector.fault({ mode: 'delay', delayMs: 400 });
    const leader = await leaderOf(three);
    const inFlight = leader.page.waitForRequest((request) => request.url().includes('/ingest/batch'));
    await Promise.all(three.map((tab) => tab.track(60)));
    await inFlight;
    await leader.leave();
    await w.collector.fault({ mode: 'none' });
    await w.allDelivered();
    assert.equal(await leader.back(), true, 'the page did not come from the back/forward cache');
    await oneLeader(three, RESOLVE_MS);
    await leader.track(10);
    await w.allDelivered();
  }, { ordered: false, repeats: true });

  scenario('20 tabs opened at once × 10 events', async (w) => {
    const twenty = await Promise.all(Array.from({ length: 20 }, () => w.open({ start: false })));
    await Promise.all(twenty.map((tab) => tab.startAndTrack(10)));
    await w.allDelivered();
    await oneLeader(twenty);
  });

  scenario('the leader is frozen with events pending, and thawed after another took over', async (w) => {
    const old = await w.open();
    await untilRole(old, 'leader');
    await w.collector.fault({ mode: 'status', status: 503 });
    await old.track(40);
    await old.freeze();
    await w.collector.fault({ mode: 'none' });
    const heir = await w.open();
    await heir.track(10);
    await untilRole(heir, 'leader');
    // The dead tab's journal is adopted within 10 s while any other tab lives.
    await w.allDelivered();
    await old.thaw();
    await oneLeader([old, heir], RESOLVE_MS);
    await old.track(10);
    await w.allDelivered();
  });

  scenario('a hidden leader hands over to the visible tab', async (w) => {
    const first = await w.open();
    await untilRole(first, 'leader');
    await first.track(10);
    const second = await w.open(); // In the same window: the first is hidden from now on.
    assert.equal(await first.page.evaluate(() => document.visibilityState), 'hidden');
    await untilRole(second, 'leader');
    await untilRole(first, 'follower');
    await first.track(10);
    await second.track(10);
    await w.allDelivered();
    await first.page.bringToFront();
    await untilRole(first, 'leader');
    await second.track(10);
    await w.allDelivered();
  });

  scenario('a follower is closed with its events not yet delivered', async (w) => {
    const leader = await w.open();
    const follower = await w.open();
    await oneLeader([leader, follower]);
    await w.collector.fault({ mode: 'status', status: 503 });
    await leader.track(20);
    await follower.track(20);
    await follower.close();
    await w.collector.fault({ mode: 'none' });
    await w.allDelivered();
  });

  scenario('a follower crashes, and a live tab adopts its journal within 10 s', async (w) => {
    const first = await w.open();
    const second = await w.open();
    await oneLeader([first, second]);
    await w.collector.fault({ mode: 'status', status: 503 });
    await first.track(20);
    await second.track(20);
    await (await followerOf([first, second])).crash();
    await w.collector.fault({ mode: 'none' });
    await w.allDelivered({ withinMs: 10_000 });
  });

  scenario('a leader and a follower, both hidden with their timers throttled', async (w) => {
    // One after the other: a tab that was never shown is not throttled either.
    const both = [await w.open(), await w.open()];
    await oneLeader(both);
    await Promise.all(both.map(({ page }) => page.evaluate(startTicking)));
    await w.open({ start: false, path: '/away.html' }); // In front of both.
    await Promise.all(both.map(({ page }) =>
      until('timers to be throttled', () => page.evaluate(() => performance.now() - window.lastTick > 2_000), RARELY)));
    await (await followerOf(both)).track(10);
    await w.allDelivered({ withinMs: 10_000 });
    await (await leaderOf(both)).track(10);
    await w.allDelivered({ withinMs: 10_000 });
  }, { world: { browser: { args: [THROTTLE_SOON] } } });

  scenario('a page waits in the back/forward cache while another tab delivers its events', async (w) => {
    const [stays, leaves] = await openMany(w, 2);
    await oneLeader([stays, leaves]);
    await w.collector.fault({ mode: 'status', status: 503 });
    await leaves.track(20);
    await leaves.leave();
    await w.collector.fault({ mode: 'none' });
    await w.allDelivered();
    assert.equal(await leaves.back(), true, 'the page did not come from the back/forward cache');
    await leaves.track(10);
    await stays.track(10);
    await w.allDelivered();
    await w.drained(leaves);
  });

  scenario('two tabs without BroadcastChannel', async (w) => {
    await w.browser.context.addInitScript(() => delete window.BroadcastChannel);
    const both = await openMany(w, 2);
    for (const tab of both) assert.equal((await tab.stats()).role, 'independent');
    await Promise.all(both.map((tab) => tab.track(40)));
    await both[0].close();
    await w.allDelivered();
  });

  scenario('two tabs that were told to be independent', async (w) => {
    const config = { multiTabMode: 'independent' };
    const both = [await w.open({ config }), await w.open({ config })];
    for (const tab of both) assert.equal((await tab.stats()).role, 'independent');
    await w.collector.fault({ mode: 'status', status: 503 });
    await Promise.all(both.map((tab) => tab.track(40)));
    await both[0].crash();
    await w.collector.fault({ mode: 'none' });
    await both[1].track(1);
  });

  for (const [title, others] of [['one tab', 0], ['two tabs', 1]]) {
    scenario(`out and back through the back/forward cache, ${title} open`, async (w) => {
      const tab = await w.open();
      const companions = await openMany(w, others);
      if (others) await oneLeader([tab, ...companions]);
      await Promise.all([tab, ...companions].map((each) => each.track(10)));
      await tab.leave();
      await w.allDelivered();
      assert.equal(await tab.back(), true, 'the page did not come from the back/forward cache');
      await tab.track(10);
      await Promise.all(companions.map((each) => each.track(10)));
      await w.allDelivered();
      await oneLeader([tab, ...companions], RESOLVE_MS);
    });
  }
}

// Chromium lets a hidden page's chained timers run once a minute, normally after five minutes.
const THROTTLE_SOON = '--enable-features=IntensiveWakeUpThrottling:grace_period_seconds/1';

// Being asked by the test all the time would keep the page awake.
const RARELY = { everyMs: 2_500 };

const startTicking = () => {
  setInterval(() => {
    window.lastTick = performance.now();
  }, 100);
};

const openMany = (w, count) => Promise.all(Array.from({ length: count }, () => w.open()));

const roleOf = async (tab) => (await tab.stats()).role;

const untilRole = (tab, role) => untilValue(`${tab.name} is ${role}`, () => roleOf(tab), (r) => r === role);

async function leaderOf(tabs) {
  const roles = await Promise.all(tabs.map(roleOf));
  return tabs[roles.indexOf('leader')];
}

async function followerOf(tabs) {
  const roles = await Promise.all(tabs.map(roleOf));
  return tabs[roles.indexOf('follower')];
}

/** Waits until exactly one tab leads and the others know which. */
async function oneLeader(tabs, withinMs = 15_000) {
  await untilValue(
    `one leader among ${tabs.length}`,
    async () => (await Promise.all(tabs.map((tab) => tab.stats()))).map(({ role, leader }) => ({ role, leader })),
    (seen) =>
      seen.filter(({ role }) => role === 'leader').length === 1 &&
      seen.every(({ leader }) => leader && leader === seen[0].leader),
    { withinMs },
  );
}
