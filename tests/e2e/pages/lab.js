// What the tests call inside a page. Events are numbered by the test, so that each one that was
// tracked can be found in the database; their shape is that of an ordinary shop's event.

import { Sendoff } from '/pkg/index.js';

const shows = [];
addEventListener('pageshow', (event) => shows.push(event.persisted));
const failures = [];
addEventListener('error', (event) => failures.push(`error: ${event.message}`));
addEventListener('unhandledrejection', (event) => failures.push(`rejection: ${event.reason}`));

const properties = (id) => ({
  id,
  order: 'A-1000234',
  total: 129.9,
  currency: 'EUR',
  items: 3,
  coupon: 'SPRING',
  shipping: 'standard',
  returning: true,
});

window.lab = {
  Sendoff,
  /** `persisted` of every pageshow so far. */
  shows,
  /** Uncaught errors and rejections of the page: an SDK must cause none. */
  failures,
  reports: { dropped: [], failed: [], errors: [], roles: [] },
  client: undefined,

  start(config = {}) {
    const { reports } = this;
    this.client = new Sendoff({
      apiKey: 'demo',
      onEventsDropped: (count, reason) => reports.dropped.push({ count, reason }),
      onDeliveryFailed: (failure) => reports.failed.push(failure),
      onError: (error) => reports.errors.push({ code: error.code, message: error.message }),
      ...config,
    });
    this.client.on?.('leader', (role) => reports.roles.push(role));
    return this.client.ready.then(() => true);
  },

  /** Makes `window.client` of `sendoff/destinations`; a destination is a function's name and what it is given. */
  async startSeveral({ destinations, ...config }) {
    const entry = await import('/pkg/destinations.js');
    const made = destinations.map(([name, given]) => entry[name](given));
    window.client = new entry.Sendoff({ apiKey: 'demo', destinations: made, ...config });
    await window.client.ready;
  },

  /** Tracks `count` events, ids `prefix-from` …, all in one task. */
  track(prefix, from, count) {
    for (let i = from; i < from + count; i += 1) {
      this.client.track('checkout_completed', properties(`${prefix}-${i}`));
    }
  },

  /** The same from a pagehide listener that was added after the SDK's own. */
  trackOnPageHide(prefix, from, count) {
    addEventListener('pagehide', () => this.track(prefix, from, count), { once: true });
  },

  stats() {
    return this.client.stats();
  },

  /** The SDK's keys that hold, or held, events: everything but the identity. */
  journalKeys() {
    let storage;
    try {
      storage = window.localStorage;
    } catch {} // Blocked: so there is nothing in it.
    return Object.keys(storage ?? {}).filter((key) => key.startsWith('sendoff:') && !/:(identity|tz)$/.test(key));
  },

  storedBytes() {
    return Object.keys(localStorage)
      .filter((key) => key.startsWith('sendoff:'))
      .reduce((sum, key) => sum + key.length + localStorage.getItem(key).length, 0);
  },
};
