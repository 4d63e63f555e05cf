// A whole Chromium of its own per test: real profile on disk, real process group that can be
// killed, real visibility and throttling.
//
// It is started here and only then connected to, because Playwright's own launch turns off what is
// tested: it disables the back/forward cache and the throttling of background tabs, and emulates
// focus, under which no tab is ever hidden or can be frozen.

import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';

import { chromium } from 'playwright-core';

import * as paths from './paths.mjs';
import { end, ended, printed, start } from './processes.mjs';

const FLAGS = [
  '--headless',
  '--remote-debugging-port=0',
  '--no-first-run',
  '--no-default-browser-check',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--hide-crash-restore-bubble',
  // example.test is the origin that is neither https nor localhost.
  '--host-resolver-rules=MAP example.test 127.0.0.1',
  '--disable-features=HttpsUpgrades,HttpsFirstBalancedModeAutoEnable',
  // Chromium's sandbox refuses to work for root, which is who runs tests in a container.
  ...(process.getuid() === 0 ? ['--no-sandbox'] : []),
];

export class Chromium {
  #child;
  #args;

  /** Starts one with an empty profile. */
  static async start({ args = [], prepareProfile } = {}) {
    const browser = new Chromium();
    browser.#args = args;
    browser.profile = await mkdtemp(path.join(os.tmpdir(), 'sendoff-chromium-'));
    await prepareProfile?.(browser.profile);
    await browser.up();
    return browser;
  }

  /** Starts the process on its profile; again after `kill` or `quit`. */
  async up() {
    this.#child = start(paths.chromium(), [
      ...FLAGS,
      `--user-data-dir=${this.profile}`,
      ...this.#args,
      'about:blank',
    ]);
    const [, address] = await printed(this.#child, /DevTools listening on (ws:\S+)/, 'Chromium');
    this.connection = await chromium.connectOverCDP(address, { noDefaults: true });
    this.context = this.connection.contexts()[0];
  }

  /** Closes every window, as a user does: pages get their `pagehide`. */
  async quit() {
    const session = await this.connection.newBrowserCDPSession();
    await session.send('Browser.close').catch(() => {}); // The answer may die with the browser.
    await ended(this.#child);
  }

  /** SIGKILL to the browser and every process it started. */
  kill() {
    return end(this.#child, 'SIGKILL');
  }

  async dispose() {
    await this.kill();
    await this.connection?.close().catch(() => {});
    await rm(this.profile, { recursive: true, force: true, maxRetries: 5 });
  }
}
