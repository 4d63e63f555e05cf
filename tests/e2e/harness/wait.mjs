// Waiting for a condition, never for a time: each wait names what it waits for, has a deadline, and
// says what it saw last when the deadline passes.

import { setTimeout as pause } from 'node:timers/promises';

/** Polls `probe` until it returns something truthy, which is returned. */
export async function until(what, probe, { withinMs = 15_000, everyMs = 40 } = {}) {
  const deadline = Date.now() + withinMs;
  for (;;) {
    const seen = await probe();
    if (seen) return seen;
    if (Date.now() >= deadline) throw new Error(`${what}: not within ${withinMs} ms`);
    await pause(everyMs);
  }
}

/** Polls `read` until `accept` likes what it read; the last value read is in the error. */
export async function untilValue(what, read, accept, options = {}) {
  let seen;
  try {
    await until(what, async () => accept((seen = await read())), options);
  } catch (error) {
    error.message += `; last seen: ${JSON.stringify(seen)}`;
    throw error;
  }
  return seen;
}

/** Polls `read` until it has returned the same value for `forMs`: nothing more is coming. */
export async function settled(what, read, { forMs = 300, withinMs = 15_000, everyMs = 50 } = {}) {
  let last;
  let since = Date.now();
  return untilValue(
    what,
    async () => {
      const now = JSON.stringify(await read());
      if (now !== last) [last, since] = [now, Date.now()];
      return JSON.parse(last);
    },
    () => Date.now() - since >= forMs,
    { withinMs, everyMs },
  );
}

/** The length of an outage is part of a scenario, not a wait for something to be ready. */
export const outageOf = (ms) => pause(ms);
