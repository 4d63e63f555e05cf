// Child processes with their whole process group, so that a browser or a driver can be killed with
// everything it started, and so that nothing outlives a failed run.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';

import { until } from './wait.mjs';

const alive = new Set();
process.on('exit', () => alive.forEach((child) => signal(child, 'SIGKILL')));
// A run that is interrupted or timed out from outside must pass there too.
for (const name of ['SIGINT', 'SIGTERM']) process.once(name, () => process.exit(1));

/** Starts `command` as the leader of a process group of its own. */
export function start(command, args, options = {}) {
  const child = spawn(command, args, {
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    ...options,
  });
  child.log = '';
  child.stdout?.on('data', (data) => (child.log += data));
  child.stderr?.on('data', (data) => (child.log += data));
  child.ended = new Promise((resolve) => {
    child.once('error', (error) => {
      child.log += `\n${command}: ${error.message}`;
      resolve();
    });
    child.once('exit', resolve);
  });
  alive.add(child);
  child.ended.then(() => alive.delete(child));
  return child;
}

/** Resolves with the match once the child has printed `pattern`; fails if it ends first. */
export function printed(child, pattern, what) {
  return until(`${what} printing ${pattern}`, () => {
    const match = pattern.exec(child.log);
    if (!match && !alive.has(child)) throw new Error(`${what} ended at once:\n${child.log}`);
    return match;
  });
}

/** Ends the whole group with `name`. */
export async function end(child, name) {
  if (alive.has(child)) signal(child, name);
  await ended(child);
}

/** Resolves when the child has ended; one that does not is ended by force. */
export async function ended(child, graceMs = 5_000) {
  const force = setTimeout(() => signal(child, 'SIGKILL'), graceMs);
  await child.ended;
  clearTimeout(force);
}

function signal(child, name) {
  try {
    process.kill(-child.pid, name);
  } catch (error) {
    // ESRCH: the group is gone already, which is what was wanted.
    if (error.code !== 'ESRCH') throw error;
  }
}

/** For a program that cannot be told to take any. */
export async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}
