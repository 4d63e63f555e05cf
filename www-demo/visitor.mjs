// What the collector knows of this visitor: under which ids, in which sessions, and what was done, the
// latest first. It is asked again when rows arrive, but not for each of a burst.

import { byId, clock, element, many, setText, tabChip } from './dom.mjs';

const EVENTS = 30;
const SESSIONS = 5;
const AGAIN_MS = 1_000;

export class Visitor {
  #reader;
  #idOf;
  #due;
  #asking = false;
  #stale = false;

  /** `idOf` gives any of the visitor's ids: the collector finds the others. */
  constructor(reader, idOf) {
    this.#reader = reader;
    this.#idOf = idOf;
  }

  /** There may be something new. */
  changed() {
    this.#stale = true;
    this.#due ??= setTimeout(() => {
      this.#due = undefined;
      this.#ask();
    }, AGAIN_MS);
  }

  async #ask() {
    if (this.#asking || !this.#stale || document.hidden) return;
    this.#asking = true;
    this.#stale = false;
    try {
      const user = `/api/v1/users/${encodeURIComponent(this.#idOf())}`;
      const [timeline, { sessions }] = await Promise.all([
        this.#reader.get(`${user}/timeline?order=latest&limit=${EVENTS}`),
        this.#reader.get(`${user}/sessions?limit=${SESSIONS}`),
      ]);
      showIds(timeline.ids);
      showTimeline(timeline.events);
      showSessions(sessions);
    } catch {
      // The stream notices that the collector is gone; what arrives later asks again.
    } finally {
      this.#asking = false;
      if (this.#stale) this.changed();
    }
  }
}

function showIds(ids) {
  byId('visitor-ids').replaceChildren(...ids.map((id) => element('code', { className: 'id', children: [id] })));
}

function showTimeline(events) {
  byId('timeline-empty').hidden = events.length > 0;
  byId('timeline').replaceChildren(...events.map((event) => {
    const said = element('span', { className: 'log-text', children: [who(event), ' '] });
    if (event.tab) said.append(tabChip(event.tab));
    const name = element('span', { className: 'tag', children: [event.name] });
    return element('li', { title: event.idempotencyKey, children: [time(event.occurredAt), name, said] });
  }));
}

const who = ({ userId }) => userId ?? 'anonymous';

function showSessions(sessions) {
  byId('sessions-empty').hidden = sessions.length > 0;
  byId('sessions').replaceChildren(...sessions.map((session) => {
    const id = element('span', { className: 'tag', children: [session.sessionId.slice(0, 8)] });
    const said = element('span', { className: 'log-text' });
    setText(said, `${many(session.eventCount, 'event')}, until ${clock(session.endedAt)}${origin(session)}`);
    return element('li', { title: session.sessionId, children: [time(session.startedAt), id, said] });
  }));
}

function origin({ firstTouch }) {
  return firstTouch ? `, from ${Object.values(firstTouch).filter(Boolean).join(' / ')}` : '';
}

const time = (at) => element('time', { children: [clock(at)] });
