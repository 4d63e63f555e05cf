// `make delivery`: runs the delivery scenarios and prints their table, also where some failed.

import { spawnSync } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { out } from './harness/paths.mjs';

const suite = path.join(path.dirname(fileURLToPath(import.meta.url)), 'delivery.test.mjs');
const table = path.join(out, 'delivery.md');
rmSync(table, { force: true }); // An older run's table would pass for this one's.
const { status } = spawnSync(process.execPath, ['--test', '--test-reporter=spec', suite], { stdio: 'inherit' });
console.log(`\n${readFileSync(table, 'utf8')}`);
process.exit(status ?? 1);
