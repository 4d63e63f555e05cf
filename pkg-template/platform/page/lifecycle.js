// @ts-check
// What the page lives through, in the engine's words.
//
// * `pagehide` and `pageshow` fire on `window`, `visibilitychange`, `freeze` and `resume` on `document` (Page Lifecycle,
//   https://wicg.github.io/page-lifecycle/).
// * Never `unload` or `beforeunload`: either costs the page its back/forward cache, and phones fire neither
//   (https://web.dev/articles/bfcache#never-use-the-unload-event).
// * On phones `visibilitychange` to hidden is often the last event of all; Safari before 14.1 did not fire it on
//   navigation (https://bugs.webkit.org/show_bug.cgi?id=151610), hence `pagehide` as well.
// * `pageshow` also fires on every normal load: only `persisted` means "back from the cache".
// * Firefox interrupts a script, once, when the last tab of a process is closed (a site has up to four): the process is told
//   to end, and whatever runs then, or next, is cut off without an exception (`dom.abort_script_on_child_shutdown`). In
//   Firefox 153 that was so in two of three closings, half of them as the first `pagehide` listener began. So another
//   listener goes first and waits there to be cut off: none is a second time. With 12 ms 160 of 160 tabs spoke their last
//   words, with 4 ms 151 of 160, without it 70 of 80.
// * In the *capture* phase: a handler of the page that stops the propagation cannot then keep an event from us.
// * `document.open()` takes all listeners away, those of `window` too. It also makes a new root element, which is what
//   `check` looks at: to listen twice is to listen once. Observers stay, and one of the document's own children has next
//   to nothing to do.

import { attempt, bare } from "../../src/builtins.js";
import { clock } from "./clock.js";

const OF_DOCUMENT = ["visibilitychange", "freeze", "resume"];
const OF_WINDOW = ["pagehide", "pageshow", "online", "offline"];
/** @type {Record<string, string>} */
const WORDS = bare({ pagehide: "leaving", freeze: "frozen", resume: "resumed", storage: "stored" });

/** How long a page that Firefox closes waits to be interrupted, in milliseconds. */
const BRACE_MS = 12;
/** Where the clock stands still. */
const BRACE_READINGS_MAX = 200_000;
/** @type {Event | undefined} the one that was waited at: once, however many clients a page has */
let braced;
/** @param {Event} event */
const brace = (event) => {
  if (event === braced) return;
  braced = event;
  const until = clock.now() + BRACE_MS;
  for (let n = 0; n < BRACE_READINGS_MAX && clock.now() < until; n++);
};
/** A member that no other browser's windows have. */
const isFirefox = attempt(() => "mozInnerScreenX" in window) === true;

/** Whether the page can be seen, as far as it can be told. */
export const isVisible = () => attempt(() => document.hidden) !== true;

export class Lifecycle {
  /** @type {((event: string) => void) | undefined} */
  hear;
  /** @type {Element | null | undefined} */
  root;
  /** @type {MutationObserver | undefined} */
  sentinel;
  ofWindow = OF_WINDOW;
  storageKey = "";

  /** @param {(event: string) => void} hear */
  listen(hear) {
    this.hear = hear;
    this.each("addEventListener");
    this.sentinel = attempt(() => new MutationObserver(() => this.check()));
    attempt(() => this.sentinel?.observe(document, bare({ childList: true })));
  }

  /**
   * Tells of another tab's change of a key, too. With the first such listener Chromium opens the page's storage, which takes
   * longer than all the rest of a client's start (5 of 8 ms): not before the engine needs it.
   * @param {string} storageKey
   */
  watch(storageKey) {
    this.storageKey = storageKey;
    this.ofWindow = [...OF_WINDOW, "storage"];
    this.each("addEventListener"); // to listen twice is to listen once
  }

  /** Cheap enough for every call. */
  check() {
    if (this.hear && attempt(() => document.documentElement) !== this.root) this.each("addEventListener");
  }

  stop() {
    this.each("removeEventListener");
    attempt(() => this.sentinel?.disconnect());
    this.hear = undefined;
  }

  /** @param {"addEventListener" | "removeEventListener"} method */
  each(method) {
    this.root = attempt(() => document.documentElement);
    attempt(() => {
      if (isFirefox) window[method]("pagehide", this.brace, true);
      for (const name of OF_DOCUMENT) document[method](name, this.on, true);
      for (const name of this.ofWindow) window[method](name, this.on, true);
    });
  }

  /** @param {Event} event */
  brace = (event) => brace(event);

  /** @param {Event} event */
  on = (event) => {
    const { type } = event;
    if (type === "storage" && !this.isOurs(/** @type {StorageEvent} */ (event).key)) return;
    if (type === "pageshow" && !(/** @type {PageTransitionEvent} */ (event).persisted)) return;
    if (type === "visibilitychange") this.hear?.(isVisible() ? "visible" : "hidden");
    else this.hear?.(type === "pageshow" ? "restored" : (WORDS[type] ?? type));
  };

  /** `null` stands for all keys: storage was cleared. @param {string | null} key */
  isOurs(key) {
    return key === null || key === this.storageKey;
  }
}
