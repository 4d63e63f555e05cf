// What RudderStack's SDK asks its control plane for before it sends anything.

const SOURCE = { id: "s", name: "s", enabled: true, workspaceId: "w", updatedAt: "2026-01-01T00:00:00.000Z", destinations: [], dataplanes: {} };
const QUIET = { statsCollection: { errors: { enabled: false }, metrics: { enabled: false } } };

export const configOf = (writeKey) => ({ source: { ...SOURCE, writeKey, config: QUIET }, updatedAt: SOURCE.updatedAt });
