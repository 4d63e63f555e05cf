// Goal: the demo shows what happens. What the visitor does with its buttons arrives in the database,
// and what the page says of it (rows, totals, the account, who leads) is what is so.
// Method: real Chromium on the real page as the collector serves it, with the strictest policy the
// page is meant for as a header; buttons are clicked, rows are read from the SQLite file.
// Not covered: the looks, and each of the faults (main.test.mjs has what they do to the SDK).

import assert from 'node:assert/strict';
import { test } from 'node:test';

import * as paths from './harness/paths.mjs';
import { until, untilValue } from './harness/wait.mjs';
import { World } from './harness/world.mjs';

const CSP =
  "Content-Security-Policy: default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; " +
  "connect-src 'self'; style-src 'self'; img-src 'self' data:";

test('the page loads under a strict policy, without a word on the console', async (t) => {
  const { page, said } = await openDemo(t);
  await page.locator('#link-badge', { hasText: 'live' }).waitFor();
  await page.locator('#role-badge', { hasText: 'leads' }).waitFor();
  assert.equal(await page.locator('#fault-none').isChecked(), true);
  assert.deepEqual(said, []);
  const without = await page.evaluate(() =>
    [...document.querySelectorAll('input, textarea')].filter(({ labels }) => !labels.length).map(({ id }) => id));
  assert.deepEqual(without, [], 'these fields have no label');
});

test('track, identify and alias become rows, in the table and in the database', async (t) => {
  const { w, page, said } = await openDemo(t);
  await page.fill('#event-name', 'demo <b>order</b>');
  await page.fill('#event-properties', '{ "total": 7 }');
  await page.click('#do-track');
  await page.fill('#user-id', 'grace');
  await page.click('#do-identify');
  await page.fill('#user-id', 'grace-h');
  await page.click('#do-alias');
  const seen = await untilValue('four rows in the table', () => rowsOf(page), (rows) => rows.length === 4);
  const stored = await w.collector.sql(
    'SELECT idempotency_key AS key, name, properties, user_id AS user, tab, seq FROM events ORDER BY id DESC',
  );
  assert.deepEqual(seen, stored.map(asShown));
  assert.deepEqual(
    stored.map(({ name, user }) => [name, user]).reverse(),
    [['$session', null], ['demo <b>order</b>', null], ['$identify', 'grace'], ['$alias', 'grace-h']],
  );
  assert.deepEqual(said, []);
});

test('properties that are no JSON are told at the field, and a bad call is refused and listed', async (t) => {
  const { page } = await openDemo(t);
  await page.fill('#event-properties', '{ "total": ');
  await page.click('#do-track');
  await page.locator('#properties-error', { hasText: 'no JSON' }).waitFor();
  await page.click('#do-bad');
  await page.locator('#log li', { hasText: 'name_too_long' }).waitFor();
  await page.locator('#fact-refused b', { hasText: /^1$/ }).waitFor();
  assert.equal((await accountOf(page)).accepted, 0);
});

test('a burst of 1,000, and the start of the session, is 1,001 stored, and the table keeps the newest 200', async (t) => {
  const { w, page, said } = await openDemo(t);
  await page.click('#do-burst');
  await untilValue('1,001 in the totals', () => totalsOf(page), ({ events }) => events === 1_001);
  await untilValue('1,000 in the account', () => accountOf(page), ({ delivered }) => delivered === 1_000);
  const [{ events, unique }] = await w.collector.sql(
    'SELECT count(*) AS events, count(DISTINCT idempotency_key) AS "unique" FROM events',
  );
  assert.deepEqual({ events, unique }, { events: 1_001, unique: 1_001 });
  const seqs = await untilValue(
    'the newest rows in the table',
    async () => (await rowsOf(page)).map(({ seq }) => seq),
    (found) => found[0] === 1_001,
  );
  assert.deepEqual(seqs, Array.from({ length: 200 }, (_, i) => 1_001 - i));
  assert.equal((await totalsOf(page)).duplicateEvents, 0);
  assert.deepEqual(said, []);
});

test('with the 503 switch events stay pending, and with none they are delivered', async (t) => {
  const { w, page } = await openDemo(t);
  await page.check('#fault-503');
  await page.locator('#faults[data-broken="true"]').waitFor();
  for (let i = 0; i < 3; i += 1) await page.click('#do-track');
  await page.click('#do-flush');
  await page.locator('#said', { hasText: 'not everything got through' }).waitFor();
  const refused = await untilValue('three pending', () => accountOf(page), ({ pending }) => pending === 3);
  assert.deepEqual([refused.accepted, refused.delivered, refused.dropped], [3, 0, 0]);
  assert.deepEqual(await w.collector.sql('SELECT id FROM events'), []);

  await page.check('#fault-none');
  const healed = await untilValue('all delivered', () => accountOf(page), ({ pending }) => pending === 0);
  assert.deepEqual([healed.accepted, healed.delivered, healed.dropped], [3, 3, 0]);
  assert.equal((await w.collector.sql('SELECT id FROM events')).length, 4);
});

test('an event whose answer was lost is one row, with its duplicates counted', async (t) => {
  const { w, page } = await openDemo(t);
  await page.check('#fault-lose');
  await page.locator('#faults[data-broken="true"]').waitFor();
  await page.click('#do-track');
  await until('the event to have come twice', async () => (await w.collector.stats()).duplicateEvents > 0);
  await page.check('#fault-none');
  await untilValue('delivered', () => accountOf(page), ({ delivered }) => delivered === 1);
  const [{ duplicates }] = await w.collector.sql("SELECT duplicates FROM events WHERE name <> '$session'");
  await untilValue('its duplicates in the table', () => rowsOf(page), ([row]) => row?.duplicates === duplicates);
  assert.equal((await rowsOf(page)).length, 2);
});

test('two windows show one leader, and the hand-over when that one is closed', async (t) => {
  const { w, page: first } = await openDemo(t);
  await first.locator('#role-badge', { hasText: 'leads' }).waitFor();
  const opened = w.browser.context.waitForEvent('page');
  await first.click('#open-window');
  const second = await opened;
  const leader = await untilValue(
    'both windows to show the same one leader',
    () => Promise.all([first, second].map(leadersShown)),
    ([one, other]) => one.length === 1 && other.length === 1 && one[0] === other[0],
  );
  const [oldTab, stayingTab] = await Promise.all([first, second].map(tabOf));
  assert.equal(leader[0][0], oldTab, 'the window that was there first leads');
  assert.deepEqual(await tabsShown(second), [oldTab, stayingTab].sort());

  await first.close();
  await untilValue('the other to lead', () => leadersShown(second), ([one]) => one === stayingTab);
  await second.locator('#handovers li', { hasText: `${short(stayingTab)} (this tab) leads, after ${short(oldTab)}` }).waitFor();
  await second.locator('#handovers li', { hasText: `gone${short(oldTab)}` }).waitFor();
  assert.deepEqual(await tabsShown(second), [stayingTab]);
  await second.click('#do-track');
  await untilValue('its event in the table', () => rowsOf(second), (rows) => rows.length === 2);
});

/** The demo, and what it says on the console: the favicon is its own, so that is nothing at all. */
async function openDemo(t, prepare = () => {}) {
  const w = await World.start(t, { collector: { www: [paths.demo, `/vendor/uplot=${paths.uplot}`], headers: [CSP], args: ['--demo'] } });
  const page = await w.browser.context.newPage();
  const said = [];
  page.on('console', (message) => said.push(`${message.type()}: ${message.text()}`));
  prepare(page);
  page.on('pageerror', (error) => said.push(`uncaught: ${error.message}`));
  await page.goto(w.collector.url);
  // A row stored before the stream is open would be found by the page, too: but then the test would
  // not be of the stream.
  await page.locator('#link-badge', { hasText: 'live' }).waitFor();
  return { w, page, said };
}

test('the visitor is one person before and after he is known', async (t) => {
  const { page, said } = await openDemo(t);
  await page.click('#do-track');
  await page.fill('#user-id', 'grace');
  await page.click('#do-identify');
  const names = () => page.locator('#timeline .tag').allTextContents();
  const seen = await untilValue('both in the timeline', names, (found) => found.includes('$identify'));
  assert.deepEqual(seen.slice(0, 2), ['$identify', 'checkout'], 'the latest first');
  const ids = await page.locator('#visitor-ids code').allTextContents();
  assert.deepEqual(ids, [await page.evaluate(() => client.getAnonymousId()), 'grace'].sort());
  assert.deepEqual(said, []);
});

test('a burst is timed, and its time is in the chart and in the database', async (t) => {
  const { w, page, said } = await openDemo(t);
  await page.click('#do-burst');
  await page.locator('#chart[data-metric="burst"] canvas').waitFor();
  assert.equal(await page.locator('#metric-latest').textContent().then((text) => /^latest: p50 .* ms, of 1$/.test(text)), true);
  const rows = await w.collector.sql('SELECT name, type, unit, tags FROM metrics');
  assert.deepEqual(rows, [{ name: 'burst', type: 'timing', unit: 'ms', tags: '{"page":"demo"}' }]);
  // Something was drawn, not only a frame.
  const inked = await page.locator('#chart canvas').evaluate((canvas) =>
    canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data.some((value) => value > 0));
  assert.equal(inked, true);
  assert.deepEqual(said, []);
});

test('what the page reads is read with a key that is in no address', async (t) => {
  const addresses = [];
  const { w } = await openDemo(t, (page) => page.on('request', (request) => addresses.push(request.url())));
  const { readKey } = await (await fetch(`${w.collector.url}/_demo/read-key`)).json();
  assert.ok(readKey.length >= 32);
  assert.ok(addresses.some((address) => address.includes('/api/v1/stream?ticket=')), addresses.join('\n'));
  assert.deepEqual(addresses.filter((address) => address.includes(readKey)), []);
});

const number = (text) => Number(text.replaceAll(',', ''));

/** What the table shows, newest first. */
const rowsOf = (page) =>
  page
    .locator('#rows tr')
    .evaluateAll((lines) =>
      lines.map((line) => ({ key: line.dataset.key, cells: [...line.cells].map(({ textContent }) => textContent) })))
    .then((lines) =>
      lines.map(({ key, cells: [, name, properties, user, tab, seq, duplicates] }) =>
        ({ key, name, properties, user, tab, seq: number(seq), duplicates: number(duplicates) })));

const asShown = ({ user, tab, ...row }) =>
  ({ ...row, user: user ?? 'anonymous', tab: short(tab), duplicates: 0 });

const short = (tab) => tab.slice(0, 5);

/** The equation as it stands on the page; that it balances is asserted each time it is read. */
async function accountOf(page) {
  const { terms, ok, shares } = await page.evaluate(() => ({
    terms: [...document.querySelectorAll('.term')].map((term) => [term.dataset.term, term.firstElementChild.textContent]),
    ok: document.querySelector('#verdict').dataset.ok,
    shares: [...document.querySelectorAll('.bar')].map((bar) =>
      [...bar.children].reduce((sum, part) => sum + Number(part.style.flexGrow), 0)),
  }));
  const account = Object.fromEntries(terms.map(([name, text]) => [name, number(text)]));
  const { accepted, adopted, delivered, pending, dropped, handedBack } = account;
  assert.equal(ok, 'true', `the page says that it does not balance: ${JSON.stringify(account)}`);
  assert.equal(accepted + adopted, delivered + pending + dropped + handedBack);
  assert.equal(shares[0], shares[1], 'the two bars stand for different numbers');
  return account;
}

const totalsOf = (page) =>
  page
    .locator('#totals > div')
    .evaluateAll((all) => all.map((one) => [one.dataset.total, one.lastElementChild.textContent]))
    .then((all) => Object.fromEntries(all.map(([name, text]) => [name, number(text)])));

const tabOf = (page) => page.locator('#tab-list li').first().getAttribute('data-tab');

const tabsShown = async (page) =>
  (await page.locator('#tab-list li').evaluateAll((items) => items.map((item) => item.dataset.tab))).sort();

const leadersShown = (page) =>
  page.locator('#tab-list li[data-role="leader"]').evaluateAll((items) => items.map((item) => item.dataset.tab));
