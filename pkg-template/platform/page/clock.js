// @ts-check
// The two clocks: `performance.now()` for waits, `Date.now()` for timestamps. The user's clock may step either way, so no
// wait is measured with it; where `performance` is missing it must stand in. A clock that throws or is no number stands
// still. The monotonic one never runs backwards, and a reading that is far ahead of the other clock is not believed until
// those after it agree for some seconds: a single one would stop every timer until its time has come.

const JUMP_MS = 60_000;
const BELIEF_MS = 5_000;

/** Milliseconds since 1970. */
export const wall = () => {
  const now = Date.now();
  return now >= 0 ? now : 0;
};

export class Monotonic {
  raw = 0;
  wall = 0;
  /** What is added to the reading, since it stepped back. */
  offset = 0;
  /** @type {number | undefined} a reading that is not believed yet */
  doubted;
  started = false;

  /** @param {() => number} read */
  constructor(read) {
    this.read = read;
  }

  /** Milliseconds since the page began. */
  now() {
    try {
      const raw = this.read();
      if (raw - raw === 0) this.take(raw, wall());
    } catch {}
    return this.raw + this.offset;
  }

  /** @param {number} raw @param {number} at */
  take(raw, at) {
    const step = raw - this.raw;
    if (this.started && step - (at - this.wall) > JUMP_MS) {
      this.doubted ??= raw;
      if (raw - this.doubted < BELIEF_MS && raw >= this.doubted) return;
    }
    this.doubted = undefined;
    if (step < 0) this.offset -= step;
    this.raw = raw;
    this.wall = at;
    this.started = true;
  }
}

export const clock = new Monotonic(() => (typeof performance === "object" ? performance.now() : Date.now()));
