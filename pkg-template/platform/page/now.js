// @ts-check
// What the page is at a call, and what its visitor has told the browser: all that is read of it before the engine is there.
//
// Every getter may be missing (WebViews) or patched to throw (privacy extensions); what cannot be read is left out. Texts
// are cut, since an address may be megabytes long.

import { attempt } from "../../src/builtins.js";
import { jsonOf } from "../../src/text.js";

const TEXT_UNITS_MAX = 2_048;

/** A short text, a number, a yes or no; `undefined`, which JSON leaves out, for anything else. @param {() => unknown} get */
export const read = (get) => {
  const value = attempt(get);
  if (typeof value === "string") return value.slice(0, TEXT_UNITS_MAX);
  return typeof value === "number" || typeof value === "boolean" ? value : undefined;
};

/** What the page is now. */
export class PageNow {
  /** @type {string | undefined} */
  href;
  title = "";
  json = "";

  /** @param {unknown} capture the option `captureUrl` */
  constructor(capture) {
    this.capture = capture;
  }

  /** The same text while nothing changes: addresses and titles of single-page applications do. */
  read() {
    try {
      const { href } = location;
      const { title } = document;
      if (href !== this.href || title !== this.title) this.describe(href, title);
    } catch {}
    return this.json;
  }

  /** @param {string} href @param {string} title */
  describe(href, title) {
    this.href = href;
    this.title = title;
    const page = {
      url: read(() => this.cut(href)),
      path: read(() => location.pathname),
      search: this.capture === "path" ? undefined : read(() => location.search),
      title: read(() => title),
      referrer: read(() => this.cut(document.referrer)),
    };
    this.json = attempt(() => jsonOf(this.capture === "none" ? { title: page.title } : page)) ?? "";
  }

  /** An address, as much of it as is wanted. @param {string} url */
  cut(url) {
    return this.capture === "path" ? url.replace(/[?#].*$/, "") : url;
  }
}

export const signals = () => ({
  gpc: attempt(() => /** @type {any} */ (navigator).globalPrivacyControl) === true,
  dnt: attempt(() => navigator.doNotTrack) === "1",
});
