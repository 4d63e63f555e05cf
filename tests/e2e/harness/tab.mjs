// One tab with the test page in it, and everything that can happen to a tab.

import { until } from './wait.mjs';

/** The engine is a module, or the WebAssembly itself where an entry asks for that. */
const isEngine = ({ pathname }) => /^\/pkg\/(engine(-js)?\.js|.*\.wasm)$/.test(pathname);

export class Tab {
  #account;

  constructor(account, page, name) {
    this.#account = account;
    this.page = page;
    this.name = name;
    this.tracked = 0;
  }

  /** Makes the client; resolves when it is ready. */
  start(config = {}) {
    return this.page.evaluate((given) => window.lab.start(given), config);
  }

  /** Tracks `count` events in one task. They are durable, by the guarantee, when this resolves. */
  async track(count) {
    const from = this.#claim(count);
    await this.page.evaluate(
      ([prefix, first, many]) => window.lab.track(prefix, first, many),
      [this.prefix, from, count],
    );
  }

  /** Has the page track `count` events from a pagehide listener added after the SDK's own. */
  async trackOnPageHide(count) {
    const from = this.#claim(count);
    await this.page.evaluate(
      ([prefix, first, many]) => window.lab.trackOnPageHide(prefix, first, many),
      [this.prefix, from, count],
    );
  }

  /**
   * Has `answer(route)` see to each request for the engine, by whichever file this page loads it. Returns a function that
   * resolves once one was met, and fails if none comes: a file of another name would make the test prove nothing.
   */
  async interceptEngine(answer) {
    let met = 0;
    await this.page.route(isEngine, (route) => {
      met += 1;
      return answer(route);
    });
    return () => until('the engine to be asked for', () => met > 0);
  }

  /** Makes the client and tracks in the same task: the engine cannot have been loaded yet. */
  async startAndTrack(count, config = {}) {
    const from = this.#claim(count);
    await this.page.evaluate(
      ([given, prefix, first, many]) => {
        window.lab.start(given);
        window.lab.track(prefix, first, many);
      },
      [config, this.prefix, from, count],
    );
  }

  stats() {
    return this.page.evaluate(() => window.lab.stats());
  }

  flush() {
    return this.page.evaluate(() => window.lab.client.flush());
  }

  reports() {
    return this.page.evaluate(() => window.lab.reports);
  }

  /** Follows a link to a page without the SDK; resolves when that one is there. */
  async leave() {
    await this.page.evaluate(() => {
      window.lab.left = true;
      location.href = '/away.html';
    });
    await this.page.waitForURL('**/away.html');
  }

  /** Back to the page `leave` left; whether it came from the back/forward cache, as it was. */
  async back() {
    await this.page.evaluate(() => {
      setTimeout(() => history.back());
    });
    // A restored page has no load event, which Playwright's own waiting would wait for.
    const { persisted } = await until('the page that was left', () =>
      this.page
        .evaluate(() => {
          const { lab } = window;
          if (!lab || (lab.left && lab.shows.length < 2)) return undefined;
          return { persisted: Boolean(lab.left) && lab.shows.at(-1) };
        })
        .catch(unlessNavigating),
    );
    return persisted;
  }

  close() {
    return this.page.close();
  }

  /** Kills the renderer at once: no event is fired, nothing is flushed. */
  async crash() {
    const crashed = new Promise((resolve) => this.page.once('crash', resolve));
    const session = await this.page.context().newCDPSession(this.page);
    session.send('Page.crash').catch(() => {}); // The answer would have to come from the dead.
    await crashed;
  }

  freeze() {
    return this.#lifecycle('frozen');
  }

  thaw() {
    return this.#lifecycle('active');
  }

  async #lifecycle(state) {
    this.session ??= await this.page.context().newCDPSession(this.page);
    await this.session.send('Page.setWebLifecycleState', { state });
  }

  get prefix() {
    return `evt-${this.name}`;
  }

  #claim(count) {
    const from = this.tracked;
    this.tracked += count;
    this.#account.claim(this.prefix, from, count);
    return from;
  }
}

/** A question put to a page that is just being replaced has no answer yet. */
function unlessNavigating(error) {
  if (!/context was destroyed/i.test(error.message)) throw error;
}
