// A list of what happened, newest first. Repeats of the newest entry are counted instead of listed,
// and the list is bounded: a collector that is down must not fill the page.

import { clock, element } from './dom.mjs';

const ENTRIES_MAX = 60;

export class Log {
  #list;
  #empty;
  #newest;

  constructor(list, empty) {
    this.#list = list;
    this.#empty = empty;
    this.#showEmpty();
  }

  /** `tone` colours the tag: `bad`, `warn`, `good` or nothing. `children` are texts or elements. */
  add(tag, children, tone = '') {
    const key = `${tag} ${children.map((child) => child.textContent ?? child).join('')}`;
    if (this.#newest?.key === key) return this.#repeat();
    const times = element('b', { className: 'times' });
    const time = element('time', { children: [clock()] });
    const label = element('span', { className: 'tag', children: [tag] });
    label.dataset.tone = tone;
    const said = element('span', { className: 'log-text', children: [...children, times] });
    this.#list.prepend(element('li', { children: [time, label, said] }));
    this.#newest = { key, time, times, repeats: 1 };
    if (this.#list.childElementCount > ENTRIES_MAX) this.#list.lastElementChild.remove();
    this.#showEmpty();
  }

  clear() {
    this.#list.replaceChildren();
    this.#newest = undefined;
    this.#showEmpty();
  }

  #repeat() {
    const { time, times } = this.#newest;
    this.#newest.repeats += 1;
    time.textContent = clock();
    times.textContent = ` ×${this.#newest.repeats}`;
  }

  #showEmpty() {
    if (!this.#empty) return;
    const none = this.#list.childElementCount === 0;
    this.#empty.hidden = !none;
    this.#list.hidden = none;
  }
}
