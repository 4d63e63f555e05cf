// The judgement on one scenario, and the table of all of them.

import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';

import { out } from './paths.mjs';

/**
 * Everything tracked is there, once, in each tab's order, and nothing else is. `ordered: false` for
 * a tab that ends with several batches: they travel side by side, and any may be first.
 * `repeats: true` where a request was cut off on its way, so that nobody can know yet whether it
 * arrived: its events may come over the wire again (never into the data).
 */
export function assertConserved(account, { ordered = true, repeats = false } = {}) {
  const { tracked, unique, missing, strangers, dataDuplicates, holes, disorder } = account;
  const some = (ids) => `${ids.slice(0, 5).join(', ')}${ids.length > 5 ? ' …' : ''}`;
  assert.deepEqual(missing, [], `${unique} of ${tracked} arrived; lost: ${some(missing)}`);
  assert.deepEqual(strangers, [], `rows that nobody tracked: ${some(strangers)}`);
  assert.equal(dataDuplicates, 0, `${dataDuplicates} rows are doubled`);
  assert.deepEqual(holes, [], 'a tab\'s sequence has a hole');
  if (!repeats) assert.equal(account.wireDuplicates, 0, 'events came over the wire twice');
  if (ordered) assert.equal(disorder, 0, `${disorder} events were stored after a later one of their tab`);
}

/** The scenarios that other SDKs were measured on, in the order of that comparison. */
const COMPARED = [
  '40, then navigate away',
  '40, then close',
  '2,000, close, return',
  '40, crash, return',
  '40, crash, never return',
  '500 with server down, close, return',
  '40, kill -9, return',
  '40 during a 5 s outage',
  '4 tabs × 100, one closed',
];

/** The scenarios of a run: judges duplicates over all of them, prints the tables. */
export class Ledger {
  #rows = new Map();

  /** A scenario that will come to its account; `column` is one of `COMPARED`, or absent. */
  plan(scenario, column) {
    this.#rows.set(scenario, { scenario, column, tracked: 0, unique: 0, wireDuplicates: 0, requests: 0 });
  }

  add(scenario, account) {
    Object.assign(this.#rows.get(scenario), account, { done: true });
  }

  /** Scenarios that never came to their account. */
  get open() {
    return [...this.#rows.values()].filter(({ done }) => !done).map(({ scenario }) => scenario);
  }

  get wireDuplicateShare() {
    const sum = (key) => [...this.#rows.values()].reduce((total, row) => total + row[key], 0);
    return sum('wireDuplicates') / Math.max(1, sum('tracked'));
  }

  get markdown() {
    const rows = [...this.#rows.values()].filter(({ done }) => done);
    const compared = COMPARED.flatMap((name) => rows.filter(({ column }) => column === name));
    const share = (100 * this.wireDuplicateShare).toFixed(2);
    return [
      'Unique events in the database, of those tracked (+ duplicates on the wire):',
      '',
      line(['SDK', ...compared.map(({ column }) => column)]),
      line(['---', ...compared.map(() => '---')]),
      line(['sendoff', ...compared.map(figure)]),
      '',
      line(['Scenario', 'Delivered', 'Requests']),
      line(['---', '---', '---']),
      ...rows.map((row) => line([row.scenario, figure(row), row.requests])),
      '',
      `Duplicates on the wire over all scenarios: ${share} %.`,
      '',
    ].join('\n');
  }

  async write(name) {
    await mkdir(out, { recursive: true });
    await writeFile(path.join(out, `${name}.md`), this.markdown);
  }
}

const line = (cells) => `| ${cells.join(' | ')} |`;

const figure = ({ unique, tracked, wireDuplicates }) =>
  `${unique}/${tracked}${wireDuplicates ? ` (+${wireDuplicates})` : ''}`;
