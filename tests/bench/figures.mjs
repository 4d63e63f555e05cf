// Figures of several rounds.

export const median = (list) => [...list].sort((a, b) => a - b)[list.length >> 1];

/** The median, with the least and the most where they differ. */
export const figure = (list, digits = 0) => {
  const [low, high] = [Math.min(...list), Math.max(...list)].map((one) => one.toFixed(digits));
  const middle = median(list).toFixed(digits);
  return low === high ? middle : `${middle} (${low}–${high})`;
};
