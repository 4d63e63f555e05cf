// Who is there, who leads, and what happened when that changed. The client tells of every change of
// the leader; which tabs come and go is seen by comparing one account with the next.

import { byId, element, tabChip } from './dom.mjs';
import { Log } from './log.mjs';

const log = new Log(byId('handovers'));
let known = new Set();
let leading = null;
let shown = '';

/** A report of `client.on("leader")`. `self` is this tab. */
export function roleChanged({ role, leader, term }, self) {
  if (!leader || leader === leading) return;
  const said = [tabChip(leader), leader === self ? ' (this tab) leads' : ' leads'];
  if (leading) said.push(', after ', tabChip(leading));
  log.add(`term ${term}`, said, role === 'leader' ? 'good' : 'info');
  leading = leader;
}

export function renderTabs({ tab, role, leader, peers }) {
  noteComings(peers);
  const now = JSON.stringify([tab, role, leader, peers]);
  if (now === shown) return;
  shown = now;
  const others = [...peers].sort();
  const item = (id, own) => tabItem(id, own, own ? role : id === leader ? 'leader' : 'follower');
  byId('tab-list').replaceChildren(item(tab, true), ...others.map((id) => item(id, false)));
}

function noteComings(peers) {
  const present = new Set(peers);
  for (const peer of present) if (!known.has(peer)) log.add('seen', [tabChip(peer)]);
  for (const peer of known) if (!present.has(peer)) log.add('gone', [tabChip(peer)], 'warn');
  known = present;
}

function tabItem(id, own, role) {
  const parts = [tabChip(id)];
  if (own) parts.push(element('span', { className: 'own', children: ['this tab'] }));
  parts.push(element('span', { className: 'tab-role', children: [role === 'leader' ? '★ leader' : role] }));
  const item = element('li', { children: parts });
  item.dataset.tab = id;
  item.dataset.role = role;
  return item;
}
