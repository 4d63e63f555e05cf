// The frame of every delivery scenario: a world, what happens in it, a return visit, the account.

import { test } from 'node:test';

import { assertConserved } from '../harness/verdict.mjs';
import { World } from '../harness/world.mjs';

/**
 * Returns `scenario(title, play, options)`, which registers one test. `play(world)` is what happens
 * up to the point where someone comes back; it asserts itself whatever must be true before that.
 * Options: the `world`'s, the ledger's `column`, and what `assertConserved` shall allow.
 */
export function scenarios(ledger) {
  return (title, play, { world: options, column, ...allowed } = {}) => {
    ledger.plan(title, column);
    test(title, { timeout: 90_000 }, async (t) => {
      const world = await World.start(t, options);
      let failure;
      try {
        await play(world);
        await world.returnVisit();
      } catch (error) {
        failure = error;
      }
      // Also where a step failed: how much was lost is then the first thing to know.
      const account = await world.closeAccount();
      ledger.add(title, account);
      if (failure) {
        failure.message += ` [${account.unique} of ${account.tracked} arrived]`;
        throw failure;
      }
      assertConserved(account, allowed);
    });
  };
}
