// The frame of every delivery scenario: a world, what happens in it, a return visit, the account.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { assertConserved } from '../harness/verdict.mjs';
import { World } from '../harness/world.mjs';

/** A policy that forbids WebAssembly: the engine is JavaScript then. */
const WITHOUT_WASM = "Content-Security-Policy: script-src 'self'";

/**
 * Returns `scenario(title, play, options)`, which registers one test, with the engine as `wasm` or as `js`. `play(world)` is what happens
 * up to the point where someone comes back; it asserts itself whatever must be true before that.
 * Options: the `world`'s, the ledger's `column`, and what `assertConserved` shall allow.
 */
export function scenarios(ledger, engine = 'wasm') {
  return (title, play, { world: options, column, ...allowed } = {}) => {
    ledger.plan(title, column);
    const collector = engine === 'js' ? { headers: [WITHOUT_WASM] } : {};
    test(title, { timeout: 90_000 }, async (t) => {
      const world = await World.start(t, { collector, ...options });
      let failure;
      try {
        await play(world);
        const visit = await world.returnVisit();
        assert.equal((await visit.stats()).engine, engine);
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
