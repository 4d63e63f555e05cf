// The real collector as a child process: it serves the test pages and the built package, takes the
// events, and can be told to fail. Rows are read from its database file, by a process of their own.

import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

import * as paths from './paths.mjs';
import { end, printed, start } from './processes.mjs';

const run = promisify(execFile);

// Firefox keeps no page in its back/forward cache that was served with `no-store`.
const CACHEABLE = 'Cache-Control: no-cache';

// What the collector's own account is read with; the key of the pages only writes.
const READ_KEY = 'read-key-of-the-browser-tests';

export class Collector {
  #options;
  #child;
  #dir;

  constructor(options) {
    this.#options = options;
  }

  /** Starts one on a free port with an empty database. */
  static async start({ www = [paths.pages], headers = [], args = [], withPkg = true } = {}) {
    const folders = withPkg ? [...www, `/pkg=${paths.pkg()}`] : www;
    const collector = new Collector({ folders, headers, args });
    collector.#dir = await mkdtemp(path.join(os.tmpdir(), 'sendoff-collector-'));
    collector.port = 0;
    await collector.up();
    return collector;
  }

  get url() {
    return `http://127.0.0.1:${this.port}`;
  }

  get db() {
    return path.join(this.#dir, 'collector.db');
  }

  /** Starts the process; after `kill` or `stop` again on the same port and database. */
  async up() {
    const { folders, headers, args } = this.#options;
    this.#child = start(paths.collector(), [
      ...['--listen', `127.0.0.1:${this.port}`, '--db', this.db, '--faults', '--origin', '*', '--read-key', READ_KEY],
      ...folders.flatMap((folder) => ['--www', folder]),
      ...[CACHEABLE, ...headers].flatMap((header) => ['--header', header]),
      ...args,
    ]);
    const ready = /listening on http:\/\/[^:]+:(\d+)/;
    this.port = Number((await printed(this.#child, ready, 'the collector'))[1]);
  }

  /** Ends it the way a service manager does. */
  stop() {
    return end(this.#child, 'SIGTERM');
  }

  /** Ends it the way a power cut does. */
  kill() {
    return end(this.#child, 'SIGKILL');
  }

  async dispose() {
    await this.kill();
    await rm(this.#dir, { recursive: true, force: true });
  }

  /** Sets a fault; `{ mode: 'none' }` heals it. Without one, tells how often the last one has hit. */
  async fault(fault) {
    const request = fault && { method: 'POST', body: JSON.stringify(fault) };
    const answer = await fetch(`${this.url}/_faults`, request);
    if (!answer.ok) throw new Error(`fault ${JSON.stringify(fault)}: ${answer.status} ${await answer.text()}`);
    return answer.json();
  }

  /** Its own account; `duplicateEvents` are those that came over the wire once too often. */
  async stats() {
    const answer = await fetch(`${this.url}/api/v1/stats`, { headers: { Authorization: `Bearer ${READ_KEY}` } });
    if (!answer.ok) throw new Error(`stats: ${answer.status} ${await answer.text()}`);
    return answer.json();
  }

  /** Runs a query on the database file and returns its rows as objects. */
  async sql(query) {
    const { stdout } = await run(paths.collector(), ['sql', '--db', this.db, query], {
      maxBuffer: 256 << 20,
    });
    return stdout.split('\n').filter(Boolean).map((line) => JSON.parse(line));
  }
}
