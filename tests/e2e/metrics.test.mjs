// Goal: numbers of the page are in the collector's own table, once, whatever becomes of the page; and events do not wait
// for them.
// Method: real Chromium, the built package, the real collector; rows are read from the SQLite file.
// Not covered: the rules of the stream (src/metrics, tests/scenarios/metrics.rs), what the collector makes of the numbers
// (its own tests).

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { until } from './harness/wait.mjs';
import { World } from './harness/world.mjs';

const rows = (w) => w.collector.sql('SELECT name, type, value, unit, tags, trace_id, span_id FROM metrics ORDER BY seq');

test('numbers of every kind become rows, once', async (t) => {
  const w = await World.start(t);
  const tab = await w.open();
  const result = await tab.page.evaluate(async () => {
    const { client } = window.lab;
    client.recordMetric('lcp', 1234.5, { unit: 'ms', type: 'distribution', tags: { route: '/a', n: 2 } });
    client.increment('clicks');
    client.gauge('heap', 7, { parent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01' });
    const answer = client.timing('work', () => 42);
    client.gauge('no number', Number.NaN);
    await client.flush();
    return answer;
  });
  assert.equal(result, 42);
  const stored = await until('four rows', async () => {
    const all = await rows(w);
    return all.length >= 4 && all;
  });
  assert.deepEqual(
    stored.map(({ name, type, unit }) => [name, type, unit]),
    [
      ['lcp', 'distribution', 'ms'],
      ['clicks', 'counter', null],
      ['heap', 'gauge', null],
      ['work', 'timing', 'ms'],
    ],
  );
  assert.deepEqual([stored[0].value, JSON.parse(stored[0].tags)], [1234.5, { route: '/a', n: '2' }]);
  assert.deepEqual([stored[2].trace_id, stored[2].span_id], ['4bf92f3577b34da6a3ce929d0e0e4736', '00f067aa0ba902b7']);
  const stats = await until('the account', () =>
    tab.page.evaluate(() => {
      const { metrics, refused } = window.lab.client.stats();
      return metrics.pending === 0 && { metrics, refused };
    }),
  );
  assert.deepEqual(stats.metrics, { recorded: 4, delivered: 4, pending: 0, dropped: 0 });
  assert.deepEqual(stats.refused, { metric_invalid: 1 });
});

test('what was recorded just before the page ends goes with it', async (t) => {
  const w = await World.start(t);
  const tab = await w.open();
  await tab.page.evaluate(() => {
    for (let n = 0; n < 20; n++) window.lab.client.increment('last');
  });
  await tab.page.goto('about:blank');
  const stored = await until('all rows', async () => {
    const all = await rows(w);
    return all.length >= 20 && all;
  });
  assert.equal(stored.length, 20);
});

test('while metrics are refused events arrive, and the numbers when that is over', async (t) => {
  const w = await World.start(t);
  await fetch(`${w.collector.url}/_faults?of=metrics`, { method: 'POST', body: JSON.stringify({ mode: 'status', status: 503 }) });
  const tab = await w.open();
  const flushed = await tab.page.evaluate(() => {
    window.lab.client.gauge('waits', 1);
    window.lab.client.track('goes');
    return window.lab.client.flush();
  });
  assert.deepEqual([flushed.ok, flushed.pending], [true, 0]);
  assert.deepEqual(await rows(w), []);
  await fetch(`${w.collector.url}/_faults?of=metrics`, { method: 'POST', body: JSON.stringify({ mode: 'none' }) });
  await tab.page.goto('about:blank');
  const again = await w.open();
  await again.page.evaluate(() => window.lab.client.flush());
  const stored = await until('the row', async () => {
    const all = await rows(w);
    return all.length > 0 && all;
  });
  assert.deepEqual(stored.map(({ name, value }) => [name, value]), [['waits', 1]]);
});
