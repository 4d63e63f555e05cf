// Goal: while consent is pending or denied a visitor's browser holds nothing of the project and says nothing to anybody; a
// grant delivers what waited, and a denial takes everything away, in all tabs.
// Method: real Chromium and real Firefox, the built package, the real collector; every place where a page can keep something
// is read by the page itself, and what was sent is what the collector got.
// Not covered: the rules (tests/scenarios/consent.rs, tests/facade/privacy.test.mjs).

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';

import { BROWSERS } from './harness/browsers.mjs';
import { Collector } from './harness/collector.mjs';
import { until } from './harness/wait.mjs';

/** Everything that the origin holds, as text; run in the page. */
const HELD = async () => ({
  local: Object.keys(localStorage),
  session: Object.keys(sessionStorage),
  cookies: document.cookie,
  caches: globalThis.caches ? await caches.keys() : [],
  databases: indexedDB.databases ? (await indexedDB.databases()).map(({ name }) => name) : [],
});
const NOTHING = { local: [], session: [], cookies: '', caches: [], databases: [] };

for (const [name, start] of Object.entries(BROWSERS)) {
  test(`${name}: nothing is held or sent before the visitor agrees, and nothing once he denies`, { timeout: 90_000 }, async (t) => {
    const collector = await Collector.start();
    t.after(() => collector.dispose());
    const open = await start(t, collector.url);
    const [first, second] = [(await open()).run, (await open()).run];
    const rows = () => collector.sql('SELECT name FROM events ORDER BY name');

    for (const [tab, consent] of [[first, 'pending'], [second, 'denied']]) {
      await tab((state) => {
        window.lab.start({ consent: state, crossSubdomain: true, flushInterval: 100 });
        window.lab.client.identify('u-1', { plan: 'pro' });
        window.lab.client.track('waits', { n: 1 });
        window.lab.client.increment('metric');
      }, consent);
      await tab(() => window.lab.client.flush());
      assert.deepEqual(await tab(HELD), NOTHING, consent);
    }
    const { requests } = await collector.stats();
    assert.equal(requests, 0, 'not one request');
    assert.deepEqual(await rows(), []);

    // What waited goes out as if nothing had happened; what was denied does not.
    await first(() => window.lab.client.optIn());
    const stored = await until('what waited', async () => {
      const all = await rows();
      return all.some((row) => row.name === 'waits') && all;
    });
    assert.equal(stored.filter((row) => row.name === 'waits').length, 1);
    assert.ok((await first(HELD)).local.length > 0);

    // A denial in one tab is one in all, at once, and takes everything with it.
    await second(() => window.lab.client.optIn());
    await second(() => window.lab.client.ready);
    await until('the second tab to be at work', () => second(() => window.lab.client.stats().engine === 'wasm'));
    await until('both to know each other', () => second(() => window.lab.client.stats().peers.length === 1));
    await first(() => window.lab.client.optOut());
    await until('nothing to be held', async () => isDeepStrictEqual(await second(HELD), NOTHING));
    assert.deepEqual(await first(HELD), NOTHING);
    assert.equal((await second(() => window.lab.client.getConsent())).analytics, 'denied');
    const before = (await rows()).length;
    for (const tab of [first, second]) {
      await tab(() => {
        window.lab.client.track('never');
        window.dispatchEvent(new PageTransitionEvent('pagehide'));
        return window.lab.client.flush();
      });
    }
    assert.equal((await rows()).length, before);
    assert.deepEqual([await first(HELD), await second(HELD)], [NOTHING, NOTHING]);
  });
}
