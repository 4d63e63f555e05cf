// The JavaScript half of clock.rs. Nothing here throws into wasm.

/** NaN where there is no such clock. */
export const performanceNow = (from = window) => {
  try {
    return +from.performance.now();
  } catch {
    return NaN;
  }
};
