// The account of one test: which events were tracked, and what the collector's database has of them.

import { settled, untilValue } from './wait.mjs';

export class Account {
  #collector;
  #ids = new Map();
  /** Events of the return visit must arrive too, but are no part of the scenario's figures. */
  phase = 'scenario';

  constructor(collector) {
    this.#collector = collector;
  }

  /** `count` events with the ids `prefix-from` … are about to be tracked. */
  claim(prefix, from, count) {
    for (let i = from; i < from + count; i += 1) this.#ids.set(`${prefix}-${i}`, this.phase);
  }

  get tracked() {
    return this.#ids.size;
  }

  /** Waits until everything tracked so far is in the database. The starts of sessions, which are events too, are not counted. */
  async allDelivered(options) {
    await untilValue(
      `${this.tracked} events in the collector`,
      () => this.#arrived(),
      (events) => events >= this.tracked,
      options,
    );
  }

  /** Waits for the last request, and compares. To be called when no page is left that could send. */
  async close() {
    await settled('the collector to be left alone', async () => (await this.#collector.stats()).requests);
    const { duplicateEvents, requests } = await this.#collector.stats();
    const rows = await this.#copies();
    const scenario = [...this.#ids.keys()].filter((id) => this.#ids.get(id) === 'scenario');
    return {
      tracked: scenario.length,
      unique: scenario.filter((id) => rows.has(id)).length,
      missing: [...this.#ids.keys()].filter((id) => !rows.has(id)),
      strangers: [...rows.keys()].filter((id) => !this.#ids.has(id)),
      dataDuplicates: [...rows.values()].reduce((sum, copies) => sum + copies - 1, 0),
      holes: await this.#holes(),
      disorder: await this.#disorder(),
      wireDuplicates: duplicateEvents,
      requests,
    };
  }

  /** A process of its own counts, so it is asked only once there are as many rows as can be enough. */
  async #arrived() {
    const { events } = await this.#collector.stats();
    if (events < this.tracked) return events;
    const [{ count }] = await this.#collector.sql("SELECT count(*) AS count FROM events WHERE name <> '$session'");
    return count;
  }

  /** How many rows each id has. The start of a session is an event of the SDK's own, which no page tracks. */
  async #copies() {
    const rows = await this.#collector.sql(
      "SELECT json_extract(properties, '$.id') AS id, count(*) AS copies FROM events WHERE name <> '$session' GROUP BY 1",
    );
    return new Map(rows.map(({ id, copies }) => [id, copies]));
  }

  /** How often an event was stored after a later one of its tab. */
  async #disorder() {
    const [{ steps }] = await this.#collector.sql(`
      SELECT count(*) AS steps FROM
      (SELECT seq < max(seq) OVER (PARTITION BY tab ORDER BY id) AS late FROM events) WHERE late`);
    return steps;
  }

  /** Tabs whose sequence, which starts at 1 and is gapless, has a hole that no tombstone explains. */
  #holes() {
    return this.#collector.sql(`
      SELECT e.tab, e.rows, e.last, coalesce(d.dropped, 0) AS dropped
      FROM (SELECT tab, count(*) AS rows, max(seq) AS last FROM events GROUP BY tab) e
      LEFT JOIN (SELECT tab, sum(to_seq - from_seq + 1) AS dropped FROM dropped GROUP BY tab) d
      ON e.tab = d.tab
      WHERE e.rows + coalesce(d.dropped, 0) <> e.last`);
  }
}
