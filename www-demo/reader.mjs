// Reading from the collector. It wants a read key, which the demo's collector (`--demo`) makes for
// this page; the key of the SDK below only writes. The key travels in a header, never in an address.

let asked;

/** The read key; asked for once, and again after a failure or a restart of the collector. */
function readKey() {
  asked ??= fetch('/_demo/read-key').then(async (answer) => {
    if (!answer.ok) throw new Error(`no read key: ${answer.status}; was the collector started with --demo?`);
    return (await answer.json()).readKey;
  });
  asked.catch(forget);
  return asked;
}

function forget() {
  asked = undefined;
}

async function request(address, method = 'GET') {
  const headers = { Authorization: `Bearer ${await readKey()}` };
  const answer = await fetch(address, { method, headers });
  // Another run of the collector has another key.
  if (answer.status === 401) forget();
  if (!answer.ok) throw new Error(`${method} ${address}: ${answer.status}`);
  return answer.json();
}

export const reader = {
  get: (address) => request(address),

  /** What opens the stream once: an EventSource can set no header. */
  async ticket() {
    return (await request('/api/v1/stream/ticket', 'POST')).ticket;
  },
};
