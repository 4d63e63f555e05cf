// The client's own account of this tab: the equation that always holds, as numbers and as two bars
// of one length, and the state behind it.

import { byId, bytes, count, many, setText, tabChip } from './dom.mjs';

const IN = ['accepted', 'adopted'];
const OUT = ['delivered', 'pending', 'dropped', 'handedBack'];
// Terms that are 0 in most visits: shown when they are not.
const RARE = ['adopted', 'handedBack'];

const BREAKER = {
  closed: ['closed', 'good', 'requests are sent'],
  open: ['open', 'bad', 'the collector is left alone'],
  half_open: ['half open', 'warn', 'one request is tried'],
};
const ROLE_TONE = { leader: 'good', follower: 'info', independent: 'info', failed: 'bad' };

const sum = (numbers) => Object.values(numbers).reduce((total, n) => total + n, 0);

export function renderAccount(stats) {
  const terms = { ...stats, dropped: sum(stats.dropped) };
  renderEquation(terms);
  renderFacts(stats);
  renderRole(stats);
}

function renderEquation(terms) {
  for (const term of byId('equation').querySelectorAll('.term')) {
    const name = term.dataset.term;
    setText(term.firstElementChild, count(terms[name]));
    term.classList.toggle('zero', terms[name] === 0);
    if (RARE.includes(name)) term.hidden = terms[name] === 0;
  }
  for (const part of document.querySelectorAll('.scales i')) {
    part.style.flexGrow = String(terms[part.dataset.term]);
  }
  const total = (names) => names.reduce((all, name) => all + terms[name], 0);
  const [came, accounted] = [total(IN), total(OUT)];
  const verdict = byId('verdict');
  verdict.dataset.ok = String(came === accounted);
  setText(
    verdict,
    came === accounted
      ? `balances: ${count(came)} = ${count(accounted)}`
      : `does not balance: ${count(came)} ≠ ${count(accounted)}`,
  );
}

function renderFacts(stats) {
  fact('role', stats.role, stats.term ? `term ${stats.term}` : '', ROLE_TONE[stats.role]);
  const [state, tone, meaning] = BREAKER[stats.breaker];
  fact('breaker', state, breakerDetail(stats, meaning), tone);
  fact('requests', count(stats.requests), `${many(stats.retries, 'repeat')} among them`);
  const place = stats.storage === 'local' ? 'in localStorage' : 'there is no storage: memory';
  const rest = stats.volatile ? `, ${count(stats.volatile)} in memory only` : '';
  fact('storage', bytes(stats.storageBytes), place + rest, stats.volatile ? 'warn' : '');
  const codes = Object.entries(stats.refused).map(([code, n]) => `${code} ${count(n)}`);
  const refused = sum(stats.refused);
  fact('refused', count(refused), codes.join(', ') || 'not part of accepted', refused ? 'warn' : '');
  fact('seq', stats.lastSeq ? `#${count(stats.lastSeq)}` : 'none', 'numbered without gaps');
}

function breakerDetail({ blocked, role }, meaning) {
  if (blocked) return 'nothing has ever got through';
  return role === 'follower' ? 'the leader sends' : meaning;
}

function fact(name, value, detail, tone = '') {
  const cell = byId(`fact-${name}`);
  if (!cell.firstChild) cell.append(document.createElement('b'), document.createElement('span'));
  cell.firstChild.dataset.tone = tone;
  setText(cell.firstChild, value);
  setText(cell.lastChild, detail);
}

function renderRole({ role, term, tab }) {
  const badge = byId('role-badge');
  const text = `${role === 'leader' ? 'leads' : role}${term ? ` · term ${term}` : ''}`;
  if (badge.dataset.shown === `${tab} ${text}`) return;
  badge.dataset.shown = `${tab} ${text}`;
  badge.dataset.tone = ROLE_TONE[role] ?? 'idle';
  badge.replaceChildren(tabChip(tab), ` ${text}`);
  document.title = `${role === 'leader' ? '★ ' : ''}${role} · sendoff demo`;
}
