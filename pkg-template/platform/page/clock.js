// @ts-check
// The two clocks: `performance.now()` for waits, `Date.now()` for timestamps. The user's clock may step either way, so no
// wait is measured with it; where `performance` is missing it must stand in. A clock that throws or is no number stands
// still. The monotonic one never runs backwards, and a reading that is far ahead of the other clock is not believed until
// those after it agree for some seconds: a single one would stop every timer until its time has come. One that stands still
// (fake timers of a test do that) goes on by the other clock, in steps that a change of that one cannot make large.

const JUMP_MS = 60_000;
const BELIEF_MS = 5_000;
const STILL_MS = 1_000;

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
    if (this.started && step === 0) {
      const passed = at - this.wall;
      if (passed > STILL_MS) this.offset += Math.min(passed, BELIEF_MS);
      if (passed > STILL_MS || passed < 0) this.wall = at;
      return;
    }
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
