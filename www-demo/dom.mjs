// The few helpers that every panel needs. Text only ever goes in as text: what a page tracks is not
// to be trusted, and neither is what a collector returns.

export const byId = (id) => document.getElementById(id);

/** An element with classes, text or children. */
export function element(tag, { className = '', title = '', children = [] } = {}) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (title) made.title = title;
  made.append(...children);
  return made;
}

/** Writes only what changed: an unchanged text must not lose a selection that the user made in it. */
export function setText(target, value) {
  const text = String(value);
  if (target.textContent !== text) target.textContent = text;
}

/** However often the returned function is called, `render` runs at most once a frame. */
export function perFrame(render) {
  let due = false;
  return () => {
    if (due) return;
    due = true;
    requestAnimationFrame(() => {
      due = false;
      render();
    });
  };
}

const numbers = new Intl.NumberFormat('en');
export const count = (value) => numbers.format(value);

const times = new Intl.DateTimeFormat('en-GB', {
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  fractionalSecondDigits: 3,
});
export const clock = (time = Date.now()) => times.format(new Date(time));

/** `1 event`, `2 events`. */
export const many = (value, noun) => `${count(value)} ${noun}${value === 1 ? '' : 's'}`;

export function bytes(value) {
  return value < 1_000 ? `${value} B` : `${(value / 1_000).toFixed(value < 100_000 ? 1 : 0)} kB`;
}

/** A tab's short name, in a colour that is the same in every window. */
export function tabChip(tab) {
  const chip = element('span', { className: 'chip', title: `tab ${tab}`, children: [shortTab(tab)] });
  // Set by script: the page's policy forbids style attributes, not the object model.
  chip.style.setProperty('--hue', String(parseInt(tab.slice(0, 4), 16) % 360));
  return chip;
}

export const shortTab = (tab) => tab.slice(0, 5);
