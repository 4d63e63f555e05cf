// Goal: one page, several back ends. Each gets every event in its own format, once by what it drops repeats by; one that is
// down, or refuses some, costs the others nothing; and what the page left unsent the next visit sends.
// Method: real Chromium and Firefox, `sendoff/destinations` as built, the real collector, and a server that plays PostHog and Mixpanel and
// notes what it takes.
// Not covered: the formats themselves (tests/wire_formats, tests/differential), vendors' servers.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { BROWSERS } from './harness/browsers.mjs';
import { Collector } from './harness/collector.mjs';
import { vendors } from './harness/vendors.mjs';
import { outageOf, until } from './harness/wait.mjs';

const EVENTS = 60;

/** Makes a client of `sendoff/destinations` on a page, for the collector and the vendors. */
const start = (tab, host, authorization) =>
  tab.run((config) => window.lab.startSeveral(config), {
    flushInterval: 100,
    retryBaseDelayMs: 20,
    destinations: [
      ['own'],
      ['posthog', { apiKey: 'phc_1', host }],
      ['mixpanel', { apiKey: 'token', host, except: ['page_*'] }],
      ...(authorization ? [['webhook', { host: `${host}/hook`, authorization }]] : []),
    ],
  });

const track = (first, many) => {
  for (let n = first; n < first + many; n++) window.client.track('order', { n });
};

/** The account of every destination, once nothing waits any more. */
const settled = (tab) =>
  until('all is settled', () =>
    tab.run(() => {
      const { destinations } = window.client.stats();
      return Object.values(destinations).every(({ pending }) => pending === 0) && destinations;
    }),
  );

const numbers = (events) => events.filter(({ event }) => event === 'order').map(({ properties }) => properties.n);
const all = (count) => Array.from({ length: count }, (_, n) => n);
const rows = async (collector) => (await collector.sql(`SELECT properties FROM events WHERE name = 'order'`)).map((row) => JSON.parse(row.properties).n);
const sorted = (list) => list.toSorted((a, b) => a - b);

for (const [name, launch] of Object.entries(BROWSERS)) {
  test(`${name}: three destinations get every event once, though one is down for a minute, one refuses half, and the page is closed meanwhile`, { timeout: 180_000 }, async (t) => {
    const collector = await Collector.start();
    t.after(() => collector.dispose());
    const back = await vendors(t);
    const open = await launch(t, collector.url);
    back.down.add('posthog');
    back.half.add('mixpanel');
    const first = await open();
    await start(first, back.url);
    await first.run(track, 0, EVENTS);
    await until('the others have all', async () => (await rows(collector)).length === EVENTS && numbers(back.taken.mixpanel).length === EVENTS);
    assert.ok(back.requests.posthog > 0, 'it was tried');
    await outageOf(55_000);
    await first.run(track, EVENTS, 20);
    await outageOf(5_000);
    assert.equal(back.taken.posthog.length, 0, 'it is down');
    await first.run(track, EVENTS + 20, 20);
    await first.close();
    back.down.clear();
    const second = await open();
    await start(second, back.url);
    const total = EVENTS + 40;
    await until('posthog has all', () => numbers(back.taken.posthog).length >= total);
    await until('the collector has all', async () => (await rows(collector)).length >= total);
    await until('mixpanel has all', () => numbers(back.taken.mixpanel).length >= total);
    const figures = await settled(second);
    assert.deepEqual(sorted(await rows(collector)), all(total));
    // Each drops repeats by a name of its own; what came twice came under the same one.
    const once = (events, key) => [...new Map(events.map((event) => [key(event), event])).values()];
    assert.deepEqual(sorted(numbers(once(back.taken.posthog, (event) => event.uuid))), all(total));
    assert.deepEqual(sorted(numbers(once(back.taken.mixpanel, (event) => event.properties.$insert_id))), all(total));
    assert.deepEqual(Object.keys(figures).sort(), ['mixpanel', 'posthog', 'sendoff']);
    for (const [destination, { dropped }] of Object.entries(figures)) assert.deepEqual(dropped, {}, destination);
  });
}

test('one event that a vendor refuses is found and counted there, and is everywhere else', async (t) => {
  const collector = await Collector.start();
  t.after(() => collector.dispose());
  const back = await vendors(t);
  const open = await BROWSERS.Chromium(t, collector.url);
  back.refuse = ({ properties }) => properties.n === 7;
  const tab = await open();
  await start(tab, back.url);
  await tab.run(track, 0, 16);
  const stats = await settled(tab);
  assert.deepEqual(sorted(await rows(collector)), all(16));
  assert.deepEqual(sorted(numbers(back.taken.posthog)), all(16));
  assert.deepEqual(sorted(numbers(back.taken.mixpanel)), all(16).filter((n) => n !== 7));
  assert.deepEqual(stats.mixpanel.dropped, { rejected: 1 });
  assert.deepEqual([stats.posthog.dropped, stats.sendoff.dropped], [{}, {}]);
});

test('a destination may be paused, filtered, and given a header', async (t) => {
  const collector = await Collector.start();
  t.after(() => collector.dispose());
  const back = await vendors(t);
  const open = await BROWSERS.Chromium(t, collector.url);
  const tab = await open();
  await start(tab, back.url, 'Bearer secret');
  await tab.run(() => window.client.destination('posthog').pause());
  await tab.run(() => {
    window.client.track('page_seen');
    window.client.track('order', { n: 0 });
  });
  await until('the webhook has both', () => back.taken.webhook.filter(({ name }) => !name.startsWith('$')).length === 2);
  await until('mixpanel has one', () => numbers(back.taken.mixpanel).length === 1);
  assert.ok(!back.taken.mixpanel.some(({ event }) => event === 'page_seen'), 'it is excepted');
  assert.ok(back.headers.some(([vendor, header]) => vendor === 'webhook' && header === 'Bearer secret'));
  assert.ok(back.headers.every(([vendor, header]) => vendor === 'webhook' || header === null), 'nobody else is given it');
  assert.equal(back.taken.posthog.length, 0, 'it is paused');
  await tab.run(() => window.client.destination('posthog').resume());
  await until('posthog has both', () => back.taken.posthog.filter(({ event }) => event === 'order' || event === 'page_seen').length === 2);
});
