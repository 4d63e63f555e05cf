// The page's view of the collector: its stream of stored rows and statistics, while the window can
// be seen. A hidden window gives its stream back, because a browser opens six connections to one
// host and no more: streams of hidden windows would take them from the events that are to be sent.

import { perFrame } from './dom.mjs';

const ROWS_MAX = 200;
const RETRY_MS = 2_000;
const RECOUNT_MS = 400;

export class CollectorLink {
  #reader;
  #hear;
  #opening = false;
  #source;
  #retry;
  #recount;
  #arrived = [];
  #duplicates = 0;
  #rows = new Map();
  #changed = perFrame(() => this.#hear.rows([...this.#rows.values()].sort((a, b) => b.id - a.id)));

  /** `reader` asks the collector; `hear` has `rows(newestFirst)`, `totals(stats)` and `state(name)`. */
  constructor(reader, hear) {
    this.#reader = reader;
    this.#hear = hear;
    const follow = () => (document.hidden ? this.#close() : this.#open());
    document.addEventListener('visibilitychange', follow);
    addEventListener('pagehide', () => this.#close());
    addEventListener('pageshow', follow);
    follow();
  }

  async #open() {
    if (this.#source || this.#opening) return;
    this.#opening = true;
    try {
      const ticket = await this.#reader.ticket();
      // The window may have been hidden meanwhile.
      if (!document.hidden) this.#listen(new EventSource(`/api/v1/stream?ticket=${ticket}`));
    } catch {
      this.#comeBack();
    } finally {
      this.#opening = false;
    }
  }

  #listen(source) {
    this.#source = source;
    source.onopen = () => {
      this.#hear.state('live');
      this.#load();
    };
    source.onmessage = ({ data }) => this.#add(JSON.parse(data));
    source.addEventListener('stats', ({ data }) => this.#count(JSON.parse(data)));
    // The browser would reopen a stream that was cut, but with a ticket that is used.
    source.onerror = () => this.#comeBack();
  }

  #comeBack() {
    this.#hear.state('down');
    this.#close();
    this.#retry = setTimeout(() => document.hidden || this.#open(), RETRY_MS);
  }

  #close() {
    clearTimeout(this.#retry);
    this.#source?.close();
    this.#source = undefined;
  }

  #add(row) {
    this.#arrived.push(row);
    this.#rows.set(row.id, row);
    // Rows come oldest first, so the first of the map is the oldest.
    if (this.#rows.size > ROWS_MAX) this.#rows.delete(this.#rows.keys().next().value);
    this.#changed();
  }

  #count(stats) {
    this.#hear.totals(stats);
    if (stats.duplicateEvents === this.#duplicates) return;
    this.#duplicates = stats.duplicateEvents;
    // The stream carries new rows only: an old one that was counted again has to be read again.
    this.#recount ??= setTimeout(() => {
      this.#recount = undefined;
      this.#load();
    }, RECOUNT_MS);
  }

  /** The newest rows as they are in the database now, and those that arrive while it is asked. */
  async #load() {
    this.#arrived = [];
    try {
      // By row id, as the stream tells them, not by the time of the events.
      const { events } = await this.#reader.get(`/api/v1/events?order=stored&limit=${ROWS_MAX}`);
      const all = [...events.reverse(), ...this.#arrived].slice(-ROWS_MAX);
      this.#rows = new Map(all.map((row) => [row.id, row]));
      this.#changed();
    } catch {
      // The stream notices that the collector is gone, and comes back here when it is not.
    } finally {
      this.#arrived = [];
    }
  }
}
