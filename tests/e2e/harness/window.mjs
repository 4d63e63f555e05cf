// One window of a browser that is driven by WebDriver, with the test page in it.

import { until, untilValue } from './wait.mjs';

export class Window {
  #driver;
  #account;
  #handle;
  #tracked = 0;

  /** Opens the test page in the window that is in front, with a client unless `start: false`. */
  static async open(driver, account, name, { base, path = '/blank.html', config = {}, start = true }) {
    const window = new Window();
    window.#driver = driver;
    window.#account = account;
    window.#handle = await driver.getWindowHandle();
    window.name = name;
    await driver.get(base + path);
    await until('the test page', () => window.run('return !!window.lab'));
    if (start) await window.start(config);
    return window;
  }

  /** Runs a script's text there. */
  async run(script, ...args) {
    await this.front();
    return this.#driver.executeScript(script, ...args);
  }

  /** Only if it is not: a window that is switched to is shown. */
  async front() {
    if ((await this.#driver.getWindowHandle().catch(() => '')) !== this.#handle) await this.#driver.switchTo().window(this.#handle);
  }

  async start(config = {}) {
    await this.run('window.started = false; lab.start(arguments[0]).then(() => { window.started = true; })', config);
    await until('the client', () => this.run('return window.started'));
  }

  get prefix() {
    return `evt-${this.name}`;
  }

  /** Tracks `count` events in one task. */
  async track(count) {
    const from = this.#tracked;
    this.#tracked += count;
    this.#account.claim(this.prefix, from, count);
    await this.run('lab.track(arguments[0], arguments[1], arguments[2])', this.prefix, from, count);
  }

  /** Follows a link to a page without the SDK; resolves when that one is there. */
  async leave() {
    await this.run('location.href = "/away.html"');
    await this.#at('the other page', '/away.html');
  }

  /** Back to the page `leave` left; whether it came from the back/forward cache, as it was. */
  async back() {
    await this.run('setTimeout(() => history.back())');
    await this.#at('the page again', '/blank.html');
    await until('pageshow', () => this.run('return !!window.lab && lab.shows.length > 1 || !window.started'));
    return this.run('return !!window.started && lab.shows.at(-1)');
  }

  /** Loads the page anew. */
  async reload() {
    await this.run('window.old = true; setTimeout(() => location.reload())');
    await until('the page anew', () => this.run('return !window.old && !!window.lab'));
  }

  /** Closes it, as a user does. */
  async close() {
    await this.front();
    await this.#driver.close();
  }

  stats() {
    return this.run('return lab.stats()');
  }

  failures() {
    return this.run('return lab.failures');
  }

  /** Waits until it has nothing left, and storage neither: also not of windows that are gone. */
  async drained() {
    await untilValue(
      'everything delivered, nothing left in storage',
      () => this.run('return { pending: lab.stats().pending, keys: lab.journalKeys() }'),
      ({ pending, keys }) => pending === 0 && keys.length === 0,
    );
  }

  // Only the browser is asked until the window is on its way, not the page it leaves: a script that meets its page just
  // as that one goes into the back/forward cache is frozen with it, and WebKit's driver then waits for its answer for
  // ever. (The time limit of scripts is a timer of the same page.) WebKit's browser names the new address as soon as
  // it is on its way there, and the driver lets the script after that wait until it has arrived.
  #at(what, path) {
    return until(what, async () =>
      new URL(await this.#driver.getCurrentUrl()).pathname === path && (await this.run('return location.pathname')) === path);
  }
}
