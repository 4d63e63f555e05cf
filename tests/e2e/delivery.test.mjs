// Goal: nothing is lost and nothing doubled, whatever the tab, the network or the browser does.
// Method: a real Chromium per scenario (own profile, real visibility, throttling and back/forward
// cache), the built package, the real collector; events are counted as rows in its database, and
// every scenario ends with a return visit, so that what is sent a second time is seen as well.
// Not covered: Firefox and WebKit (bfcache-*.test.mjs); being hidden for hours and being discarded
// (the simulation has both); power cuts, where the browser itself loses what it had not yet written.

import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';

import { Ledger } from './harness/verdict.mjs';
import { endings } from './scenarios/endings.mjs';
import { outages } from './scenarios/outages.mjs';
import { scenarios } from './scenarios/scenario.mjs';
import { tabs } from './scenarios/tabs.mjs';

const WIRE_DUPLICATES_MAX = 0.02;

// Every scenario has a world of its own and mostly waits, for timers and time-outs that are its point.
const AT_ONCE = 2;

const ledger = new Ledger();
const scenario = scenarios(ledger);

describe('delivery', { concurrency: AT_ONCE }, () => {
  endings(scenario);
  outages(scenario);
  tabs(scenario);
});

test('over all scenarios, at most 2 % of the events came over the wire twice', () => {
  assert.deepEqual(ledger.open, [], 'scenarios that did not come to their account');
  assert.ok(ledger.wireDuplicateShare <= WIRE_DUPLICATES_MAX, ledger.markdown);
});

after(() => ledger.write('delivery'));
