// What one test plays in: a collector, a Chromium of its own, the tabs, and the account.

import { Account } from './account.mjs';
import { Chromium } from './chromium.mjs';
import { Collector } from './collector.mjs';
import { Tab } from './tab.mjs';
import { untilValue } from './wait.mjs';

export class World {
  #tabs = [];

  /** Starts everything; `t` is the test, at whose end everything is gone. */
  static async start(t, { collector = {}, browser = {} } = {}) {
    const world = new World();
    t.after(() => world.#dispose());
    world.collector = await Collector.start(collector);
    world.account = new Account(world.collector);
    world.browser = await Chromium.start(browser);
    return world;
  }

  /** Opens a tab on the test page, with a client unless `start: false`; `privately`: in a window that keeps nothing. */
  async open({ config = {}, start = true, path = '/blank.html', origin = this.collector.url, privately = false } = {}) {
    const context = privately ? await this.browser.connection.newContext() : this.browser.context;
    const page = await context.newPage();
    const tab = new Tab(this.account, page, `t${this.#tabs.length}`);
    this.#tabs.push(tab);
    await page.goto(origin + path);
    if (start) await tab.start(config);
    return tab;
  }

  allDelivered(options) {
    return this.account.allDelivered(options);
  }

  /** Waits until `tab` has nothing left, and storage neither: also not of tabs that are gone. */
  async drained(tab) {
    await untilValue(
      'everything delivered, nothing left in storage',
      () => tab.page.evaluate(() => ({ pending: window.lab.stats().pending, keys: window.lab.journalKeys() })),
      ({ pending, keys }) => pending === 0 && keys.length === 0,
    );
  }

  /**
   * Someone comes back, tracks one more event as any page would, and the client finds what the
   * earlier visits left. So an event that arrived unanswered and is then sent again is seen too.
   */
  async returnVisit(options = { config: { flushInterval: 300 } }) {
    this.account.phase = 'return';
    const tab = await this.open(options);
    await tab.track(1);
    await this.allDelivered();
    await this.drained(tab);
    return tab;
  }

  /** Closes every tab, then the account. */
  async closeAccount() {
    for (const { page } of this.#tabs) await page.close().catch(() => {}); // Some crashed.
    return this.account.close();
  }

  async #dispose() {
    await this.browser?.dispose();
    await this.collector?.dispose();
  }
}
