// The table of stored rows, and the totals above it. A row that is shown stays the same element, so
// that reading, selecting and scrolling go on while others arrive.

import { byId, clock, count, element, setText, tabChip } from './dom.mjs';

const shown = new Map();

export function renderRows(rows, ownTab) {
  const body = byId('rows');
  const wanted = new Set(rows.map(({ id }) => id));
  for (const [id, line] of shown) {
    if (wanted.has(id)) continue;
    line.remove();
    shown.delete(id);
  }
  let next = body.firstElementChild;
  for (const row of rows) {
    const line = shown.get(row.id);
    if (line && line === next) next = next.nextElementSibling;
    else body.insertBefore(line ?? newLine(row, ownTab), next);
    showDuplicates(shown.get(row.id), row.duplicates);
  }
  byId('rows-empty').hidden = rows.length > 0;
}

export function renderTotals(stats) {
  for (const total of byId('totals').children) {
    const value = stats[total.dataset.total];
    setText(total.lastElementChild, count(value));
    total.classList.toggle('some', value > 0);
  }
}

function newLine(row, ownTab) {
  const cells = [
    cell(count(row.id), 'number roomy dim'),
    cell(row.name, 'event'),
    cell(propertiesText(row), 'wide properties'),
    cell(row.userId ?? 'anonymous', row.userId ? 'optional' : 'optional dim'),
    cell(row.tab ? tabChip(row.tab) : '–', row.tab === ownTab ? 'own-tab' : ''),
    cell(row.seq === null ? '–' : count(row.seq), 'number'),
    cell('', 'number duplicates'),
    cell(clock(row.receivedAt), 'number optional dim'),
  ];
  const line = element('tr', { children: cells });
  line.dataset.key = row.idempotencyKey;
  line.title = `${row.idempotencyKey}, batch ${row.batchId ?? 'unknown'}`;
  shown.set(row.id, line);
  return line;
}

function cell(content, className) {
  return element('td', { className, children: [content] });
}

function propertiesText({ properties }) {
  const text = JSON.stringify(properties ?? {});
  return text.length > 300 ? `${text.slice(0, 300)}…` : text;
}

function showDuplicates(line, duplicates) {
  const target = line.querySelector('.duplicates');
  setText(target, count(duplicates));
  target.classList.toggle('some', duplicates > 0);
  if (duplicates) target.title = `arrived ${duplicates + 1} times, stored once`;
}
