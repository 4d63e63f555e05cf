// The frame of the scenarios in a browser that is driven by WebDriver: a collector of its own, so an origin of its own, what
// happens, a return visit, the account. The browser is started once: that takes seconds.

import { after, before, test } from 'node:test';

import { Account } from '../harness/account.mjs';
import { Collector } from '../harness/collector.mjs';
import { assertConserved } from '../harness/verdict.mjs';
import { Window } from '../harness/window.mjs';

/**
 * Returns `scenario(title, play, allowed)`, which registers one test in that browser; `startDriver({ after })` gives its
 * driver. `allowed` is what `assertConserved` shall allow.
 */
export function drivenScenarios(name, startDriver) {
  const ends = [];
  let driver;
  before(async () => {
    driver = await startDriver({ after: (end) => ends.push(end) });
  });
  after(async () => {
    for (const end of ends) await end();
  });
  return (title, play, allowed) => {
    test(`${name}: ${title}`, { timeout: 90_000 }, async (t) => {
      const world = await DrivenWorld.start(t, driver);
      await play(world);
      await world.returnVisit();
      assertConserved(await world.closeAccount(), allowed);
    });
  };
}

class DrivenWorld {
  #windows = 0;

  static async start(t, driver) {
    const world = new DrivenWorld();
    world.driver = driver;
    world.home = await driver.getWindowHandle(); // Stays: the last window ends the session.
    world.collector = await Collector.start();
    t.after(() => world.collector.dispose());
    t.after(() => world.#closeWindows());
    world.account = new Account(world.collector);
    return world;
  }

  /** Opens a window on the test page, with a client unless `start: false`. */
  async open({ origin = this.collector.url, ...options } = {}) {
    await this.driver.switchTo().window(this.home);
    await this.driver.switchTo().newWindow('tab');
    const name = `w${this.#windows}`;
    this.#windows += 1;
    return Window.open(this.driver, this.account, name, { base: origin, ...options });
  }

  /** Opens a page of the site without the SDK. */
  async openOther() {
    await this.driver.switchTo().window(this.home);
    await this.driver.switchTo().newWindow('tab');
    await this.driver.get(`${this.collector.url}/away.html`);
  }

  allDelivered(options) {
    return this.account.allDelivered(options);
  }

  /** As in `World.returnVisit`; closed again. */
  async returnVisit() {
    const { phase } = this.account;
    this.account.phase = 'return';
    const window = await this.open({ config: { flushInterval: 300 } });
    await window.track(1);
    await this.allDelivered();
    await window.drained();
    await window.close();
    this.account.phase = phase;
  }

  async closeAccount() {
    await this.#closeWindows();
    return this.account.close();
  }

  /** One by one, as a user does: the driver's own quit may skip `pagehide`. */
  async #closeWindows() {
    for (const handle of await this.driver.getAllWindowHandles()) {
      if (handle === this.home) continue;
      await this.driver.switchTo().window(handle);
      await this.driver.close();
    }
    await this.driver.switchTo().window(this.home);
  }
}
