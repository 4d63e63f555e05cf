// @ts-check
// The account where no engine keeps one: nothing has happened. The members are those of `Stats` in index.d.ts.

export const emptyAccount = () => ({
  ...{ accepted: 0, adopted: 0, handedBack: 0, delivered: 0, pending: 0, dropped: {}, refused: {}, sampled: 0, volatile: 0 },
  ...{ requests: 0, retries: 0, storageBytes: 0, storage: "memory", breaker: "closed", blocked: false, role: "inert", term: 0 },
  ...{ leader: null, engine: null, tab: "", peers: [], lastSeq: 0, destinations: {} },
  signals: { gpc: false, dnt: false },
  metrics: { recorded: 0, delivered: 0, pending: 0, dropped: 0 },
});
