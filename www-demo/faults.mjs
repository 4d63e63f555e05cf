// The switches that make the collector fail. The fault is the collector's, not the window's: it is
// asked for what is in force, and a change is told to the other windows.

import { byId, element, many, setText } from './dom.mjs';

const FAULTS = [
  { id: 'none', label: 'None', fault: { mode: 'none' }, note: 'It stores every batch and says so.' },
  {
    id: '503',
    label: '503',
    fault: { mode: 'status', status: 503 },
    note: 'It refuses everything. Events stay pending; after five failures in a row the breaker opens.',
  },
  {
    id: '429',
    label: '429',
    fault: { mode: 'status', status: 429, retryAfter: 5 },
    note: 'Too many requests, with Retry-After: 5. Nothing is sent until those seconds are over.',
  },
  {
    id: '413',
    label: '413',
    fault: { mode: 'status', status: 413, maxEvents: 10 },
    note: 'Batches of more than 10 events are too large. They are halved until they fit.',
  },
  {
    id: 'delay',
    label: 'Delay',
    fault: { mode: 'delay', delayMs: 2_000 },
    note: 'Every answer takes two seconds.',
  },
  {
    id: 'lose',
    label: 'Lose',
    fault: { mode: 'lose' },
    note: 'It stores the batch, but the answer is lost. It is sent again: watch the duplicates kept out.',
  },
  {
    id: 'hang',
    label: 'Hang',
    fault: { mode: 'hang' },
    note: 'It neither stores nor answers. The client gives up after its timeout, and tries again.',
  },
];
const HITS_EVERY_MS = 1_000;

let windows;
let onFailure = () => {};

/** `failed` hears what the collector said when a switch could not be set. */
export function startFaults(failed) {
  onFailure = failed;
  byId('fault-switches').append(...FAULTS.map(radio));
  byId('fault-switches').addEventListener('change', ({ target }) => set(target.value));
  // A page that is left holds no channel: browsers may refuse it their back/forward cache for that.
  addEventListener('pagehide', stopListening);
  addEventListener('pageshow', listen);
  listen();
  document.addEventListener('visibilitychange', refresh);
  // Only while there is a fault is there something that counts up.
  setInterval(() => chosen() !== 'none' && !document.hidden && refresh(), HITS_EVERY_MS);
  refresh();
}

function listen() {
  if (windows || !('BroadcastChannel' in globalThis)) return;
  windows = new BroadcastChannel('sendoff-demo-faults');
  windows.addEventListener('message', refresh);
}

function stopListening() {
  windows?.close();
  windows = undefined;
}

function radio({ id, label }) {
  const input = element('input');
  Object.assign(input, { type: 'radio', name: 'fault', value: id, id: `fault-${id}` });
  const text = element('label', { children: [label] });
  text.htmlFor = input.id;
  return element('span', { className: 'switch', children: [input, text] });
}

async function set(id) {
  const { fault } = FAULTS.find((one) => one.id === id);
  try {
    const answer = await fetch('/_faults', { method: 'POST', body: JSON.stringify(fault) });
    if (!answer.ok) throw new Error(`${answer.status} ${await answer.text()}`);
    show(await answer.json());
    windows?.postMessage(id);
  } catch (error) {
    onFailure(`the fault was not set: ${error.message}`);
    refresh();
  }
}

async function refresh() {
  const asked = chosen();
  try {
    const answer = await fetch('/_faults');
    if (answer.status === 404) return unavailable();
    const fault = await answer.json();
    // A switch that was turned while the answer was on its way is newer than the answer.
    if (chosen() === asked) show(fault);
  } catch {
    // The collector is down, and the badge at the top says so.
  }
}

function show({ mode, status, hits }) {
  const current = FAULTS.find(({ fault }) => fault.mode === mode && fault.status === status);
  const note = current?.note ?? `Set by someone else: ${mode} ${status ?? ''}`;
  if (current) byId(`fault-${current.id}`).checked = true;
  byId('faults').dataset.broken = String(mode !== 'none');
  setText(byId('fault-note'), hits && mode !== 'none' ? `${note} ${many(hits, 'request')} hit.` : note);
}

function unavailable() {
  byId('fault-switches').disabled = true;
  setText(byId('fault-note'), 'This collector was started without --faults.');
}

const chosen = () => document.querySelector('input[name="fault"]:checked')?.value;
