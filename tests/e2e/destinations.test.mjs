// Goal: one page, several back ends. Each gets every event in its own format, once by what it drops repeats by; one that is
// down, or refuses some, costs the others nothing; and what the page left unsent the next visit sends.
// Method: real Chromium, `sendoff/destinations` as built, the real collector, and a server that plays PostHog and Mixpanel and
// notes what it takes.
// Not covered: the formats themselves (tests/wire_formats, tests/differential), vendors' servers.

import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { once } from 'node:events';
import { test } from 'node:test';

import { until } from './harness/wait.mjs';
import { World } from './harness/world.mjs';

const EVENTS = 60;

/** A server that plays the vendors. Takes everything, unless `down` names it; `refuse` says which events are turned down. */
async function vendors(t) {
  const taken = { posthog: [], mixpanel: [], webhook: [] };
  const requests = { posthog: 0, mixpanel: 0, webhook: 0 };
  const state = { down: new Set(), refuse: () => false, taken, requests, headers: [] };
  const server = createServer(async (request, response) => {
    response.setHeader('access-control-allow-origin', '*');
    response.setHeader('access-control-allow-headers', 'authorization, content-type');
    if (request.method === 'OPTIONS') return response.end();
    let body = '';
    for await (const part of request) body += part;
    const { pathname } = new URL(request.url, 'http://x');
    const vendor = pathname.startsWith('/batch') ? 'posthog' : pathname.startsWith('/hook') ? 'webhook' : 'mixpanel';
    requests[vendor] += 1;
    state.headers.push([vendor, request.headers.authorization ?? null]);
    if (state.down.has(vendor)) return response.writeHead(503).end();
    if (vendor === 'posthog') {
      taken.posthog.push(...JSON.parse(body).batch);
      return response.setHeader('content-type', 'application/json').end('{"status":"Ok"}');
    }
    if (vendor === 'webhook') {
      taken.webhook.push(...JSON.parse(body));
      return response.setHeader('content-type', 'application/json').end('{}');
    }
    const events = JSON.parse(new URLSearchParams(body).get('data'));
    // Mixpanel turns down the whole request for one event that it does not like.
    const bad = events.some((event) => state.refuse(event));
    if (!bad) taken.mixpanel.push(...events);
    response.setHeader('content-type', 'application/json').end(bad ? '{"status":0,"error":"bad event"}' : '{"status":1}');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => (server.closeAllConnections(), server.close()));
  state.url = `http://127.0.0.1:${server.address().port}`;
  return state;
}

/** Makes a client of `sendoff/destinations` on a page, for the collector and the vendors. */
const start = (page, url, more = {}) =>
  page.evaluate(
    async ([host, given]) => {
      const { Sendoff, mixpanel, own, posthog, webhook } = await import('/pkg/destinations.js');
      window.client = new Sendoff({
        apiKey: 'demo',
        flushInterval: 100,
        retryBaseDelayMs: 20,
        destinations: [
          own(),
          posthog({ apiKey: 'phc_1', host }),
          mixpanel({ apiKey: 'token', host, except: ['page_*'] }),
          ...(given.authorization ? [webhook({ host: `${host}/hook`, authorization: given.authorization })] : []),
        ],
      });
      await window.client.ready;
    },
    [url, more],
  );

const track = (page, from, count) =>
  page.evaluate(
    ([first, many]) => {
      for (let n = first; n < first + many; n++) window.client.track('order', { n });
    },
    [from, count],
  );

const numbers = (events) => events.filter(({ event }) => event === 'order').map(({ properties }) => properties.n);
const all = (count) => Array.from({ length: count }, (_, n) => n);
const rows = async (w) => (await w.collector.sql(`SELECT properties FROM events WHERE name = 'order'`)).map((row) => JSON.parse(row.properties).n);
const sorted = (list) => list.toSorted((a, b) => a - b);

test('three destinations get every event once, though one is down and the page is closed meanwhile', async (t) => {
  const w = await World.start(t);
  const back = await vendors(t);
  back.down.add('posthog');
  const first = await w.open({ start: false });
  await start(first.page, back.url);
  await track(first.page, 0, EVENTS);
  await until('the others have all', async () => (await rows(w)).length === EVENTS && numbers(back.taken.mixpanel).length === EVENTS);
  assert.ok(back.requests.posthog > 0, 'it was tried');
  await track(first.page, EVENTS, 20);
  await first.page.close();
  back.down.clear();
  const second = await w.open({ start: false });
  await start(second.page, back.url);
  const total = EVENTS + 20;
  await until('posthog has all', () => numbers(back.taken.posthog).length >= total);
  await until('the collector has all', async () => (await rows(w)).length >= total);
  await until('mixpanel has all', () => numbers(back.taken.mixpanel).length >= total);
  assert.deepEqual(sorted(await rows(w)), all(total));
  // Each drops repeats by a name of its own; what came twice came under the same one.
  const once = (events, key) => [...new Map(events.map((event) => [key(event), event])).values()];
  assert.deepEqual(sorted(numbers(once(back.taken.posthog, (event) => event.uuid))), all(total));
  assert.deepEqual(sorted(numbers(once(back.taken.mixpanel, (event) => event.properties.$insert_id))), all(total));
  const figures = await until('all is settled', () =>
    second.page.evaluate(() => {
      const { destinations } = window.client.stats();
      return Object.values(destinations).every(({ pending }) => pending === 0) && destinations;
    }),
  );
  assert.deepEqual(Object.keys(figures), ['sendoff', 'posthog', 'mixpanel']);
  for (const [name, { dropped }] of Object.entries(figures)) assert.deepEqual(dropped, {}, name);
});

test('one event that a vendor refuses is found and counted there, and is everywhere else', async (t) => {
  const w = await World.start(t);
  const back = await vendors(t);
  back.refuse = ({ properties }) => properties.n === 7;
  const tab = await w.open({ start: false });
  await start(tab.page, back.url);
  await track(tab.page, 0, 16);
  const stats = await until('all is settled', () =>
    tab.page.evaluate(() => {
      const { destinations } = window.client.stats();
      return Object.values(destinations).every(({ pending }) => pending === 0) && destinations;
    }),
  );
  assert.deepEqual(sorted(await rows(w)), all(16));
  assert.deepEqual(sorted(numbers(back.taken.posthog)), all(16));
  assert.deepEqual(sorted(numbers(back.taken.mixpanel)), all(16).filter((n) => n !== 7));
  assert.deepEqual(stats.mixpanel.dropped, { rejected: 1 });
  assert.deepEqual([stats.posthog.dropped, stats.sendoff.dropped], [{}, {}]);
});

test('a destination may be paused, filtered, and given a header', async (t) => {
  const w = await World.start(t);
  const back = await vendors(t);
  const tab = await w.open({ start: false });
  await start(tab.page, back.url, { authorization: 'Bearer secret' });
  await tab.page.evaluate(() => window.client.destination('posthog').pause());
  await tab.page.evaluate(() => {
    window.client.track('page_seen');
    window.client.track('order', { n: 0 });
  });
  await until('the webhook has both', () => back.taken.webhook.filter(({ name }) => !name.startsWith('$')).length === 2);
  await until('mixpanel has one', () => numbers(back.taken.mixpanel).length === 1);
  assert.ok(!back.taken.mixpanel.some(({ event }) => event === 'page_seen'), 'it is excepted');
  assert.ok(back.headers.some(([vendor, header]) => vendor === 'webhook' && header === 'Bearer secret'));
  assert.ok(back.headers.every(([vendor, header]) => vendor === 'webhook' || header === null), 'nobody else is given it');
  assert.equal(back.taken.posthog.length, 0, 'it is paused');
  await tab.page.evaluate(() => window.client.destination('posthog').resume());
  await until('posthog has both', () => back.taken.posthog.filter(({ event }) => event === 'order' || event === 'page_seen').length === 2);
});
