// Goal: the main job. A page calls track, identify and alias; rows are in the collector's database,
// once, also when the collector was down, refused, or was killed in the middle.
// Method: real Chromium, the built package, the real collector; rows are read from the SQLite file.
// Not covered: the endings of a page and several tabs (delivery.test.mjs), what a page can do to the
// SDK and the SDK to a page (host-page.test.mjs).

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Recorder } from './harness/recorder.mjs';
import { assertConserved } from './harness/verdict.mjs';
import { outageOf, until } from './harness/wait.mjs';
import { World } from './harness/world.mjs';
import { assertColumn, probe } from './scenarios/support.mjs';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[47][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const ISO_MILLIS = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

test('the browser has what the README says', async (t) => {
  const w = await World.start(t);
  const tab = await w.open({ start: false });
  await assertColumn('Chromium', await tab.page.evaluate(probe));
});

test('a tracked event becomes a row that carries what was given', async (t) => {
  const w = await World.start(t);
  const tab = await w.open();
  const anonymousId = await tab.page.evaluate(() => {
    window.lab.client.track('checkout', { total: 12.5, items: ['a', 'b'], note: 'tab\t"quote" 𝒳 ü' });
    return window.lab.client.getAnonymousId();
  });
  const [row] = await until('a row', () => rowsNamed(w, 'checkout'));
  assert.deepEqual(JSON.parse(row.properties), { total: 12.5, items: ['a', 'b'], note: 'tab\t"quote" 𝒳 ü' });
  assert.equal(row.anonymous_id, anonymousId);
  assert.equal(row.user_id, null);
  assert.equal(row.seq, 2, 'the start of the session is 1');
  assert.match(row.idempotency_key, UUID);
  assert.equal(row.idempotency_key[14], '7', 'idempotency keys are UUID v7');
  assert.match(row.timestamp, ISO_MILLIS);
});

test('identify and alias are sent at once, and later events carry the user', async (t) => {
  const w = await World.start(t);
  const tab = await w.open({ config: { flushInterval: 60_000 } });
  await tab.page.evaluate(() => window.lab.client.identify('u-1', { plan: 'pro' }));
  const [identify] = await until('the identify row', () => rowsNamed(w, '$identify'));
  assert.equal(identify.user_id, 'u-1');
  assert.deepEqual(JSON.parse(identify.properties), { plan: 'pro' });

  await tab.page.evaluate(() => {
    window.lab.client.track('after');
    window.lab.client.alias('u-2', 'u-1');
  });
  const [alias] = await until('the alias row', () => rowsNamed(w, '$alias'));
  assert.equal(alias.user_id, 'u-2');
  assert.equal(JSON.parse(alias.properties).previousId, 'u-1');
  const [after] = await until('the event after identify', () => rowsNamed(w, 'after'));
  assert.equal(after.user_id, 'u-1');
});

test('the object form of track takes user, anonymous id and timestamp from the caller', async (t) => {
  const w = await World.start(t);
  const tab = await w.open();
  await tab.page.evaluate(() =>
    window.lab.client.track({
      event: 'imported',
      userId: 'u-9',
      anonymousId: 'a-9',
      timestamp: new Date(Date.now() - 3_600_000).toISOString(),
      properties: { n: 1 },
    }),
  );
  const [row] = await until('a row', () => rowsNamed(w, 'imported'));
  assert.equal(row.user_id, 'u-9');
  assert.equal(row.anonymous_id, 'a-9');
  assert.ok(Date.now() - Date.parse(row.timestamp) >= 3_600_000);
});

test('calls made before the engine is loaded keep their own timestamps', async (t) => {
  const w = await World.start(t);
  const tab = await w.open({ start: false });
  let release;
  const gate = new Promise((resolve) => (release = resolve));
  const asked = await tab.interceptEngine((route) => gate.then(() => route.continue()));
  await tab.startAndTrack(10);
  await asked();
  const tracked = Date.now();
  await until('the clock to have moved on', () => Date.now() > tracked + 50);
  release();
  await w.allDelivered();
  const [{ latest }] = await w.collector.sql('SELECT max(timestamp) AS latest FROM events');
  assert.ok(Date.parse(latest) <= tracked, `${latest} is later than the call`);
});

test('flush resolves with what it delivered, and shutdown ends the client', async (t) => {
  const w = await World.start(t);
  const tab = await w.open({ config: { flushInterval: 60_000 } });
  await tab.track(10);
  const flushed = await tab.flush();
  assert.equal(flushed.delivered, 10);
  assert.equal(flushed.pending, 0);
  await tab.track(5);
  await tab.page.evaluate(() => window.lab.client.shutdown());
  await w.allDelivered();
  await tab.page.evaluate(() => window.lab.client.track('too late'));
  assertConserved(await w.closeAccount());
});

test('events pending at a reload are delivered by the page that follows', async (t) => {
  const w = await World.start(t);
  const tab = await w.open();
  await w.collector.fault({ mode: 'status', status: 503 });
  await tab.track(40);
  await tab.page.reload();
  await w.collector.fault({ mode: 'none' });
  await tab.start();
  await w.allDelivered();
  await w.drained(tab);
  assertConserved(await w.closeAccount());
});

test('a collector that is down for 5 s loses and doubles nothing', async (t) => {
  const w = await World.start(t);
  const tab = await w.open();
  await w.collector.kill();
  await tab.track(40);
  await outageOf(5_000);
  await w.collector.up();
  await w.allDelivered();
  await w.drained(tab);
  assertConserved(await w.closeAccount());
});

test('a burst of 10,000 events, as many as may wait, becomes 10,000 rows', async (t) => {
  const w = await World.start(t);
  const tab = await w.open();
  await tab.track(10_000);
  await w.allDelivered({ withinMs: 60_000 });
  await w.drained(tab);
  assertConserved(await w.closeAccount());
});

for (const [signal, end] of [['SIGKILL', 'kill'], ['SIGTERM', 'stop']]) {
  test(`a collector ended by ${signal} in mid-burst and restarted loses and doubles no row`, async (t) => {
    const w = await World.start(t);
    const tab = await w.open();
    await tab.track(4_000);
    await until('the burst to be under way', async () => (await w.collector.stats()).events > 0);
    await w.collector[end]();
    const [{ stored }] = await w.collector.sql('SELECT count(*) AS stored FROM events');
    assert.ok(stored < 4_000, 'the burst was over before the collector was');
    await tab.track(100);
    await w.collector.up();
    await w.allDelivered({ withinMs: 40_000 });
    await w.drained(tab);
    assertConserved(await w.closeAccount(), { repeats: true });
  });
}

test('a batch refused as too large is halved until it fits', async (t) => {
  const w = await World.start(t);
  const tab = await w.open();
  await w.collector.fault({ mode: 'status', status: 413, maxEvents: 10 });
  await tab.track(40);
  await w.allDelivered();
  await w.drained(tab);
  assertConserved(await w.closeAccount());
});

test('a collector slower than the timeout stores each event once', async (t) => {
  const w = await World.start(t);
  const tab = await w.open({ config: { timeout: 1_000 } });
  await w.collector.fault({ mode: 'delay', delayMs: 1_600, times: 2 });
  await tab.track(20);
  await w.allDelivered();
  await w.drained(tab);
  assertConserved(await w.closeAccount(), { repeats: true });
});

test('events whose answer was lost on its way back are stored once', async (t) => {
  const w = await World.start(t);
  const tab = await w.open();
  await w.collector.fault({ mode: 'lose', times: 2 });
  await tab.track(120);
  await w.allDelivered();
  await w.drained(tab);
  assertConserved(await w.closeAccount(), { repeats: true });
});

test('two clients of one page deliver each of their events once', async (t) => {
  const w = await World.start(t);
  const tab = await w.open();
  w.account.claim('evt-other', 0, 20);
  await tab.page.evaluate(() => {
    const other = new window.lab.Sendoff('demo');
    for (let i = 0; i < 20; i += 1) other.track('checkout_completed', { id: `evt-other-${i}` });
  });
  await tab.track(20);
  await w.allDelivered();
  await w.drained(tab);
  assertConserved(await w.closeAccount());
});

test('Retry-After is waited for', async (t) => {
  const w = await World.start(t);
  const wire = await Recorder.start(t, w.collector.url);
  const tab = await w.open({ config: { endpoint: `${wire.url}/api/v1/ingest/batch` } });
  await w.collector.fault({ mode: 'status', status: 429, retryAfter: 2, times: 1 });
  await tab.track(5);
  await tab.flush();
  await w.allDelivered();
  const [refused, repeated] = wire.requests;
  assert.ok(repeated.at - refused.at >= 2_000, `repeated after ${repeated.at - refused.at} ms`);
  assert.equal(bodyWithoutSentAt(repeated), bodyWithoutSentAt(refused), 'the repeat is not the same batch');
});

const rowsNamed = async (w, name) => {
  const rows = await w.collector.sql(`SELECT * FROM events WHERE name = '${name}' ORDER BY id`);
  return rows.length ? rows : undefined;
};

const bodyWithoutSentAt = ({ body }) => body.replace(/"sentAt":"[^"]*"/, '');
