// Goal: who the visitor is, in which session and where from, stands in every row: across tabs, through identify and reset, with
// groups, super properties, campaign, sampling and the page's own times. Method: real pages, the built package, the real collector;
// rows are read from the SQLite file.
// Not covered: clocks that jump and messages that are lost between tabs (stories and simulation).

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { BROWSERS } from './harness/browsers.mjs';
import { Collector } from './harness/collector.mjs';
import { until } from './harness/wait.mjs';

const CONFIG = { flushInterval: 100 };
const start = (tab) => tab.run((config) => window.lab.start(config), CONFIG);
const track = (tab, name) => tab.run((given) => window.lab.client.track(given), name);
const ids = (tab) =>
  tab.run(() => {
    const { client } = window.lab;
    return { user: client.getUserId(), anonymous: client.getAnonymousId(), session: client.getSessionId() };
  });

/** The rows of that name, once there are so many. */
const rows = (collector, name, count) =>
  until(`${count} rows ${name}`, async () => {
    const found = await collector.sql(`SELECT * FROM events WHERE name = '${name}' ORDER BY id`);
    return found.length >= count && found;
  });
const only = (list, column) => {
  const values = [...new Set(list.map((row) => row[column]))];
  assert.equal(values.length, 1, `${column}: ${values}`);
  return values[0];
};

for (const [name, launch] of Object.entries(BROWSERS)) {
  test(`${name}: three tabs are one visitor in one session, through identify and reset`, { timeout: 90_000 }, async (t) => {
    const collector = await Collector.start();
    t.after(() => collector.dispose());
    const open = await launch(t, collector.url);
    const tabs = [await open(), await open(), await open()];
    for (const tab of tabs) await start(tab);
    const everybody = (what, is) =>
      until(what, async () => {
        for (const tab of tabs) if (!is(await ids(tab))) return false;
        return true;
      });
    // The first one may begin a session, of which the others hear a moment later.
    const each = async (event) => {
      await track(tabs[2], event);
      const begun = await ids(tabs[2]);
      await everybody('all tabs to be in one session', ({ session }) => session === begun.session);
      for (const tab of tabs.slice(0, 2)) await track(tab, event);
    };

    await each('seen');
    const seen = await rows(collector, 'seen', 3);
    const visitor = only(seen, 'anonymous_id');
    const session = only(seen, 'session_id');
    assert.equal(only(seen, 'user_id'), null);
    assert.equal(new Set(seen.map(({ tab }) => tab)).size, 3);
    assert.deepEqual(await ids(tabs[2]), { user: null, anonymous: visitor, session });

    await tabs[1].run(() => window.lab.client.identify('u-1', { plan: 'pro' }));
    await everybody('all tabs to know the user', ({ user }) => user === 'u-1');
    await tabs[0].run(() => window.lab.client.identify('u-2')); // without a reset: refused
    await each('bought');
    const bought = await rows(collector, 'bought', 3);
    assert.deepEqual([only(bought, 'user_id'), only(bought, 'anonymous_id'), only(bought, 'session_id')], ['u-1', visitor, session]);

    // The session that follows begins with the reset: whoever tracks first is in it, and so is everybody else.
    const next = await tabs[2].run(() => (window.lab.client.reset(), window.lab.client.getSessionId()));
    await everybody('all tabs to have forgotten him', ({ user, anonymous }) => user === null && anonymous !== visitor);
    await Promise.all(tabs.map((tab) => track(tab, 'after')));
    const after = await rows(collector, 'after', 3);
    assert.equal(only(after, 'user_id'), null);
    assert.notEqual(only(after, 'anonymous_id'), visitor);
    assert.equal(only(after, 'session_id'), next);
    assert.notEqual(next, session);

    const begun = await rows(collector, '$session', 2);
    assert.deepEqual(begun.map(({ properties }) => JSON.parse(properties).reason), ['first', 'reset']);
    assert.deepEqual(begun.map((row) => row.session_id), [session, after[0].session_id]);
    const identified = await rows(collector, '$identify', 1);
    assert.deepEqual(identified.map(({ user_id, anonymous_id }) => [user_id, anonymous_id]), [['u-1', visitor]]);
    for (const row of await collector.sql('SELECT * FROM events')) assert.ok(row.session_id, `${row.name} is in no session`);
  });
}

/** Runs in the page: a few calls before there is an engine, by a seed; what was answered before and after it came, and with each event. */
const earlyHistory = async (seed, config) => {
  let state = seed * 7_919;
  const below = (bound) => ((state = (state * 1_103_515_245 + 12_345) & 0x7fffffff) >> 8) % bound;
  const identityPolicy = ['guard', 'reset', 'allow'][below(3)];
  const ready = window.lab.start({ ...config, identityPolicy });
  const { client } = window.lab;
  const now = () => [client.getUserId(), client.getAnonymousId(), client.getSessionId()];
  const calls = [];
  const events = [];
  for (let n = 0; n <= below(6); n++) {
    const [kind, user] = [below(6), `u${below(3)}`];
    if (kind <= 1) {
      const mark = seed * 100 + n;
      events.push([mark, ...now()]);
      client.track('early', { mark });
    }
    if (kind === 2) client.identify(user);
    if (kind === 3) client.reset();
    if (kind === 4) client.alias(user);
    if (kind === 5) client.register({ a: 1 });
    calls.push([kind, user]);
  }
  const before = now();
  await ready;
  const after = now();
  await client.flush();
  return { before, after, events, what: JSON.stringify([identityPolicy, calls]) };
};

test('what is answered before the engine is there stays true, and events bear it: forty histories, of new visitors and of known ones', { timeout: 120_000 }, async (t) => {
  const collector = await Collector.start();
  t.after(() => collector.dispose());
  const open = await BROWSERS.Chromium(t, collector.url);
  const seen = { reset: 0, events: 0 };
  for (let seed = 1; seed <= 40; seed++) {
    const tab = await open();
    if (seed % 2) await tab.run(() => localStorage.clear());
    const { before, after, events, what } = await tab.run(earlyHistory, seed, CONFIG);
    assert.deepEqual(after, before, what);
    const rows = await collector.sql("SELECT * FROM events WHERE name = 'early'");
    for (const [mark, ...told] of events) {
      const row = rows.find(({ properties }) => JSON.parse(properties).mark === mark);
      assert.deepEqual([row?.user_id, row?.anonymous_id, row?.session_id], told, what);
    }
    seen.events += events.length;
    seen.reset += +what.includes('[3,');
    await tab.close();
  }
  assert.ok(seen.events > 20 && seen.reset > 10, JSON.stringify(seen));
});

test('what an event says of the page, the campaign, the groups and its time', async (t) => {
  const collector = await Collector.start();
  t.after(() => collector.dispose());
  const open = await BROWSERS.Chromium(t, collector.url);
  const tab = await open();
  await tab.run(() => history.replaceState(null, '', '/blank.html?utm_source=news&utm_campaign=spring&gclid=G1&token=secret#part'));
  await start(tab);
  await tab.run(() => {
    const { client } = window.lab;
    client.page('Shop', { section: 'shoes' });
    client.register({ plan: 'pro', theme: 'dark' });
    client.registerOnce({ plan: 'free' });
    client.group('acme', { seats: 7 });
    client.exposure('checkout', 'B');
    client.exposure('checkout', 'B');
    client.time('paid');
    history.pushState(null, '', '/cart.html');
    client.track('paid', { theme: 'light' }, { value: 49.9, timestamp: Date.now() - 60_000 });
    client.track('sampled', {}, { sample: 0.01, userId: 'x' });
    client.track('kept', {}, { sample: 1 });
    client.track('$mine');
    client.unregister('theme');
    client.track('last', {}, { context: { app: { build: 12 } } });
  });
  const [last] = await rows(collector, 'last', 1);
  const [view] = await rows(collector, '$page_view', 1);
  const [session] = await rows(collector, '$session', 1);
  const [paid] = await rows(collector, 'paid', 1);
  const [group] = await rows(collector, '$group', 1);

  const attribution = JSON.parse(session.attribution);
  assert.match(session.attribution, /"spring"/);
  assert.match(session.attribution, /"G1"/);
  assert.ok(attribution.first && attribution.last, session.attribution);
  assert.doesNotMatch(JSON.stringify(await collector.sql('SELECT * FROM events')), /secret/);

  const page = ({ context }) => JSON.parse(context).page;
  assert.equal(page(view).path, '/blank.html');
  assert.equal(page(paid).path, '/cart.html', 'where the page was at the call');
  assert.deepEqual(JSON.parse(view.properties), { name: 'Shop', section: 'shoes' });
  assert.deepEqual(JSON.parse(group.properties), { groupId: 'acme', groupType: 'group', plan: 'pro', theme: 'dark', seats: 7 });

  const { durationMs, ...properties } = JSON.parse(paid.properties);
  assert.deepEqual(properties, { plan: 'pro', theme: 'light' });
  assert.ok(durationMs >= 0 && durationMs < 5_000, `${durationMs}`);
  assert.equal(paid.value, 49.9);
  assert.match(paid.groups, /acme/);
  const age = Date.parse(view.timestamp) - Date.parse(paid.timestamp);
  assert.ok(age > 55_000 && age < 65_000, `${age}`);

  assert.deepEqual(JSON.parse(last.properties), { plan: 'pro' });
  assert.equal(JSON.parse(last.context).app.build, 12);
  assert.equal((await rows(collector, '$exposure', 1)).length, 1);
  assert.equal((await rows(collector, 'kept', 1)).length, 1);
  assert.equal((await collector.sql(`SELECT count(*) AS count FROM events WHERE name = '$mine'`))[0].count, 0);
  const { sampled, accepted } = await tab.run(() => window.lab.stats());
  assert.equal(sampled, 1);
  assert.equal(accepted, 6);
});
