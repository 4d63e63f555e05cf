// Goal: an endpoint that nothing ever gets through to (ad blocker, wrong host, a policy of the page)
// costs the page a small bounded ring and a rare probe, and heals by itself.
// Method: real Chromium, package and collector; the page's clock is Playwright's, moved forward by
// the test, since the probes are meant to be far apart. Every drop must have its tombstone.
// Not covered: the exact probe times (unit tests of the breaker).

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { assertConserved } from './harness/verdict.mjs';
import { untilValue } from './harness/wait.mjs';
import { World } from './harness/world.mjs';

const RING_EVENTS = 1_000;
const BURST = 2_000;

test('an endpoint that never answered is given a small ring only, and recovers by itself', async (t) => {
  const w = await World.start(t);
  const tab = await w.open({ start: false });
  await tab.page.clock.install();
  await tab.page.reload();
  await tab.start();
  await w.collector.kill();
  await burst(tab, 'evt-old');
  await untilAsTimePasses(tab, 'blocked', ({ blocked }) => blocked);
  await burst(tab, 'evt-new');
  const held = await storedBytes(tab);
  await burst(tab, 'evt-newer');

  const { pending, accepted } = await tab.stats();
  assert.equal(accepted, 3 * BURST);
  assert.ok(pending <= RING_EVENTS, `${pending} events are kept`);
  const now = await storedBytes(tab);
  assert.ok(now <= held * 1.1, `storage grew from ${held} to ${now} characters`);
  const { errors } = await tab.reports();
  assert.ok(errors.some(({ code }) => code === 'endpoint_blocked'), JSON.stringify(errors));

  await w.collector.up();
  await untilAsTimePasses(tab, 'everything sent', (stats) => stats.pending === 0);
  const { delivered, dropped, blocked } = await tab.stats();
  assert.equal(blocked, false);
  assert.equal(delivered, pending, 'what was kept is what arrived');
  assert.deepEqual(dropped, { blocked: accepted - delivered });
  const { holes, dataDuplicates } = await w.closeAccount();
  assert.deepEqual(holes, [], 'the dropped events have no tombstone');
  assert.equal(dataDuplicates, 0);
});

test('events kept from a host that the page\'s policy refused arrive once the policy is mended', async (t) => {
  const w = await World.start(t);
  const config = { endpoint: `http://localhost:${w.collector.port}/api/v1/ingest/batch` };
  const tab = await w.open({ path: '/other-host-refused.html', config });
  await tab.track(40);
  await untilValue('a failed delivery', () => tab.reports(), ({ failed }) => failed.length > 0);
  await tab.leave();
  assert.equal((await w.collector.stats()).requests, 0, 'the policy did not refuse');
  await w.returnVisit({ config });
  assertConserved(await w.closeAccount());
});

const burst = (tab, prefix) =>
  tab.page.evaluate(([id, count]) => window.lab.track(id, 0, count), [prefix, BURST]);

const storedBytes = (tab) => tab.page.evaluate(() => window.lab.storedBytes());

/** Lets the page's clock run, a second at a time, until its statistics are as wanted. */
const untilAsTimePasses = (tab, what, accept) =>
  untilValue(
    what,
    async () => {
      await tab.page.clock.runFor(1_000);
      return tab.stats();
    },
    accept,
    { withinMs: 30_000 },
  );
