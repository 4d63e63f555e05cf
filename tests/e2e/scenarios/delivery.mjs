// All delivery scenarios with their table, and what is judged over all of them.

import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';

import { Ledger } from '../harness/verdict.mjs';
import { endings } from './endings.mjs';
import { outages } from './outages.mjs';
import { scenarios } from './scenario.mjs';
import { tabs } from './tabs.mjs';

const WIRE_DUPLICATES_MAX = 0.02;

// Every scenario has a world of its own and mostly waits, for timers and time-outs that are its point.
const AT_ONCE = 2;

/** Registers them; the table is written under that name. */
export function delivery(name, engine) {
  const ledger = new Ledger();
  const scenario = scenarios(ledger, engine);

  describe(name, { concurrency: AT_ONCE }, () => {
    endings(scenario);
    outages(scenario);
    tabs(scenario);
  });

  test('over all scenarios, at most 2 % of the events came over the wire twice', () => {
    assert.deepEqual(ledger.open, [], 'scenarios that did not come to their account');
    assert.ok(ledger.wireDuplicateShare <= WIRE_DUPLICATES_MAX, ledger.markdown);
  });

  after(() => ledger.write(name));
}
