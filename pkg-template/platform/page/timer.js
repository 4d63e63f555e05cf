// @ts-check
// The one timer. The delay of `setTimeout` is a signed 32-bit number and a larger one fires *at once* (HTML standard,
// "timer initialization steps"), so it is clamped; waking too early is harmless.

import { attempt } from "../../src/builtins.js";

const DELAY_MS_MAX = 2 ** 31 - 1;

/**
 * The browser's own timer where zone.js has replaced it: a timer that waits in Angular's zone keeps the application from
 * ever being stable (angular.dev, "ApplicationRef.isStable").
 * @param {"setTimeout" | "clearTimeout"} name
 * @returns {any}
 */
const native = (name) => {
  const { Zone } = /** @type {any} */ (globalThis);
  return attempt(() => Zone && /** @type {any} */ (globalThis)[Zone.__symbol__(name)]) ?? globalThis[name];
};

export class Timer {
  /** @type {any} */
  id;

  /** @param {() => void} wake @param {(timer: any) => void} [unref] */
  constructor(wake, unref) {
    this.wake = wake;
    this.unref = unref;
  }

  /** Nobody waits any more for what it will do. */
  rest() {
    this.unref?.(this.id);
  }

  /** Replaces the earlier one; -1 for none. @param {number} ms */
  set(ms) {
    attempt(() => {
      native("clearTimeout").call(globalThis, this.id);
      if (!(ms >= 0)) return;
      this.id = native("setTimeout").call(globalThis, this.wake, Math.min(ms, DELAY_MS_MAX));
      this.rest();
    });
  }
}
