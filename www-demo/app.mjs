// The demo's wiring: one client, as any page would make it, the buttons that call it, and the panels
// that show what it and the collector say. Everything is drawn at most once a frame.

import { Sendoff } from '/pkg/index.js';

import { renderAccount } from './account.mjs';
import { CollectorLink } from './collector-link.mjs';
import { byId, count, many, perFrame, setText } from './dom.mjs';
import { startFaults } from './faults.mjs';
import { Log } from './log.mjs';
import { Measurements } from './measurements.mjs';
import { reader } from './reader.mjs';
import { renderRows, renderTotals } from './rows.mjs';
import { renderTabs, roleChanged } from './tabs.mjs';
import { Visitor } from './visitor.mjs';

const API_KEY = 'demo';
const BURST = 1_000;
const LOOK_EVERY_MS = 250;

const log = new Log(byId('log'), byId('log-empty'));
const client = new Sendoff({
  apiKey: API_KEY,
  onError: ({ code, message }) => log.add(code, [message], 'bad'),
  onEventsDropped: (lost, reason) => log.add('dropped', [`${many(lost, 'event')}: ${reason}`], 'bad'),
  onDeliveryFailed: ({ status, events }) =>
    log.add(status ? String(status) : 'no answer', [`a batch of ${many(events, 'event')}`], 'warn'),
});
globalThis.client = client;

// --- What the client says -----------------------------------------------------------------------

let breaker = 'closed';
const look = perFrame(() => {
  const stats = client.stats();
  if (stats.breaker !== breaker) logBreaker((breaker = stats.breaker));
  renderAccount(stats);
  renderTabs(stats);
});
function logBreaker(state) {
  if (state === 'open') log.add('breaker', ['open: the collector is left alone for a while'], 'bad');
  if (state === 'closed') log.add('breaker', ['closed: a request got through'], 'good');
}
client.on('leader', (change) => {
  roleChanged(change, client.stats().tab);
  look();
});
client.on('delivered', look);
client.on('dropped', look);
// Time passes in the client too: a breaker closes, a tab is known to be gone.
setInterval(() => document.hidden || look(), LOOK_EVERY_MS);
document.addEventListener('visibilitychange', look);
client.ready.then(look);
look();

// --- What the collector says --------------------------------------------------------------------

const LINK = { live: ['good', 'collector: live'], down: ['bad', 'collector: unreachable'] };

const visitor = new Visitor(reader, () => client.getAnonymousId());
const measurements = new Measurements(API_KEY, reader);

new CollectorLink(reader, {
  rows(rows) {
    renderRows(rows, client.stats().tab);
    visitor.changed();
  },
  totals: renderTotals,
  state(name) {
    const [tone, text] = LINK[name];
    byId('link-badge').dataset.tone = tone;
    setText(byId('link-badge'), text);
    if (name === 'live') measurements.refresh();
  },
});
startFaults((message) => log.add('fault', [message], 'bad'));

// --- What the visitor does ----------------------------------------------------------------------

const say = (text) => {
  setText(byId('said'), text);
  look();
};

/** The properties as they stand in the form; `undefined`, and said so, where that is no JSON. */
function properties() {
  const field = byId('event-properties');
  const problem = byId('properties-error');
  const show = (message) => {
    problem.hidden = !message;
    setText(problem, message);
    field.setAttribute('aria-invalid', String(Boolean(message)));
  };
  try {
    const value = field.value.trim() ? JSON.parse(field.value) : {};
    show('');
    return value;
  } catch (error) {
    show(`This is no JSON: ${error.message}`);
    field.focus();
    return undefined;
  }
}

byId('track-form').addEventListener('submit', (event) => {
  event.preventDefault();
  const given = properties();
  if (given === undefined) return;
  const name = byId('event-name').value;
  client.track(name, given);
  say(`track(“${name}”) was called.`);
});

byId('user-form').addEventListener('submit', (event) => {
  event.preventDefault();
  const traits = properties();
  if (traits === undefined) return;
  client.identify(byId('user-id').value, traits);
  say(`identify(“${byId('user-id').value}”) was called: later events carry the user.`);
});

byId('do-alias').addEventListener('click', () => {
  client.alias(byId('user-id').value);
  say(`alias(“${byId('user-id').value}”) was called: the same person as so far.`);
});

byId('do-burst').addEventListener('click', () => {
  const started = performance.now();
  for (let n = 1; n <= BURST; n += 1) client.track('burst', { n, of: BURST });
  const took = performance.now() - started;
  say(`${count(BURST)} calls in ${took.toFixed(1)} ms.`);
  measurements.record('burst', took);
});

byId('do-flush').addEventListener('click', async () => {
  say('Flushing…');
  const started = performance.now();
  const { ok, delivered, pending, dropped } = await client.flush();
  measurements.record('flush', performance.now() - started);
  const rest = [pending && `${count(pending)} pending`, dropped && `${count(dropped)} dropped`].filter(Boolean);
  say(`Flush: ${ok ? 'everything is delivered' : 'not everything got through'}, ${[`${count(delivered)} just now`, ...rest].join(', ')}.`);
});

byId('log-clear').addEventListener('click', () => log.clear());

const BAD_CALLS = [
  ['a name of 65 characters', () => client.track('n'.repeat(65))],
  ['properties with a cycle', () => client.track('cycle', cycle())],
  ['an array as properties', () => client.track('list', [1, 2, 3])],
  ['a date that is none', () => client.track('when', {}, { timestamp: 'yesterday-ish' })],
  ['no user id', () => client.identify('')],
];
let badCalls = 0;

byId('do-bad').addEventListener('click', () => {
  const [what, call] = BAD_CALLS[badCalls % BAD_CALLS.length];
  badCalls += 1;
  call();
  say(`A call with ${what}: refused and counted, and nothing was thrown.`);
});

function cycle() {
  const self = {};
  self.self = self;
  return self;
}

// `noopener` gives the new window a process of its own, as a visitor's second tab has.
byId('open-window').addEventListener('click', () => open(location.href, '_blank', 'noopener,popup,width=1180,height=860'));
