// What of a browser sendoff uses, and whether each of the three has it: the README's table is held against the browsers.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import path from 'node:path';

import { root } from '../harness/paths.mjs';

/** Runs in a page: what it has, by the name in the table. */
export const probe = () => {
  const has = {
    'WebAssembly': typeof WebAssembly === 'object',
    '`localStorage`': 'localStorage' in window,
    'BroadcastChannel': 'BroadcastChannel' in window,
    '`fetch` with `keepalive`': 'keepalive' in Request.prototype,
    '`sendBeacon`': 'sendBeacon' in navigator,
    '`fetchLater`': 'fetchLater' in window,
    'DecompressionStream, `deflate-raw`': (() => {
      try {
        return Boolean(new DecompressionStream('deflate-raw'));
      } catch {
        return false;
      }
    })(),
  };
  return Object.entries(has).map(([name, is]) => [name, is ? 'yes' : 'no']);
};

/** The README's column of a browser, without its version, is what its page says of itself. */
export async function assertColumn(browser, probed) {
  const readme = await readFile(path.join(root, 'README.md'), 'utf8');
  const lines = readme.split('\n').filter((line) => line.startsWith('| '));
  const cells = (line) => line.split('|').slice(1, -1).map((cell) => cell.trim());
  const head = lines.map(cells).find(([first]) => first === 'it uses');
  const column = head?.findIndex((cell) => cell.startsWith(browser)) ?? -1;
  assert.ok(column > 0, `README.md has no table with a column for ${browser}`);
  const told = lines.map(cells).filter(([first]) => probed.some(([name]) => name === first));
  assert.deepEqual(told.map((row) => [row[0], row[column]]), probed, `README.md, Compatibility: the column of ${browser}`);
}
