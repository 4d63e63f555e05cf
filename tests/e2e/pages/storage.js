// What a greedy host page does to localStorage. Loaded on demand by the tests.

/** Fills the origin's quota to the last character; returns how many characters that took. */
export function fill() {
  let filled = 0;
  let size = 1 << 20;
  for (let i = 0; size >= 1; i += 1) {
    const key = `host-${i}`;
    try {
      localStorage.setItem(key, 'h'.repeat(size));
      filled += key.length + size;
    } catch {
      size = Math.floor(size / 2);
    }
  }
  return filled;
}

/** Whether the host page can store `size` characters of its own. */
export function canStore(size) {
  try {
    localStorage.setItem('host-need', 'h'.repeat(size));
    return true;
  } catch {
    return false;
  }
}
