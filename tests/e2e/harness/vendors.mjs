// A server that plays vendors' back ends, and notes what it takes.

import { once } from 'node:events';
import { createServer } from 'node:http';

/**
 * A server that plays the vendors. Takes everything, unless `down` names it, or `half` does, every other time; `refuse` says which
 * events are turned down.
 */
export async function vendors(t) {
  const taken = { posthog: [], mixpanel: [], webhook: [] };
  const requests = { posthog: 0, mixpanel: 0, webhook: 0 };
  const state = { down: new Set(), half: new Set(), refuse: () => false, taken, requests, headers: [] };
  const server = createServer(async (request, response) => {
    response.setHeader('access-control-allow-origin', '*');
    response.setHeader('access-control-allow-headers', 'authorization, content-type');
    if (request.method === 'OPTIONS') return response.end();
    let body = '';
    for await (const part of request) body += part;
    const { pathname } = new URL(request.url, 'http://x');
    const vendor = pathname.startsWith('/batch') ? 'posthog' : pathname.startsWith('/hook') ? 'webhook' : 'mixpanel';
    requests[vendor] += 1;
    state.headers.push([vendor, request.headers.authorization ?? null]);
    const inVain = state.half.has(vendor) && requests[vendor] % 2 === 1;
    if (state.down.has(vendor) || inVain) return response.writeHead(503).end();
    if (vendor === 'posthog') {
      taken.posthog.push(...JSON.parse(body).batch);
      return response.setHeader('content-type', 'application/json').end('{"status":"Ok"}');
    }
    if (vendor === 'webhook') {
      taken.webhook.push(...JSON.parse(body));
      return response.setHeader('content-type', 'application/json').end('{}');
    }
    const events = JSON.parse(new URLSearchParams(body).get('data'));
    // Mixpanel turns down the whole request for one event that it does not like.
    const bad = events.some((event) => state.refuse(event));
    if (!bad) taken.mixpanel.push(...events);
    response.setHeader('content-type', 'application/json').end(bad ? '{"status":0,"error":"bad event"}' : '{"status":1}');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => (server.closeAllConnections(), server.close()));
  state.url = `http://127.0.0.1:${server.address().port}`;
  return state;
}
