// The page's own measurements, as the collector keeps them: how long calls and flushes took. They are
// sent the way any client may send metrics, and drawn by uPlot, which is loaded once there is
// something to draw.

import { byId, count, element, setText } from './dom.mjs';

const ADDRESS = '/api/v1/ingest/metrics';
const WINDOW_MS = 10 * 60 * 1_000;
const BUCKET = '5s';
const HEIGHT = 190;
const AGAIN_MS = 5_000;
const LINES = [['p50', '--bar-delivered'], ['p95', '--bar-pending'], ['max', '--bar-dropped']];

export class Measurements {
  #apiKey;
  #reader;
  #chart;
  #library;

  constructor(apiKey, reader) {
    this.#apiKey = apiKey;
    this.#reader = reader;
    byId('metric-name').addEventListener('change', () => this.refresh());
    setInterval(() => document.hidden || !this.#chart || this.refresh(), AGAIN_MS);
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.#redraw());
    addEventListener('resize', () => this.#chart?.setSize(size()));
  }

  /** `name` took `value` milliseconds. A metric that does not arrive is gone: it is one of many. */
  async record(name, value) {
    const timestamp = new Date().toISOString();
    const metric = { name, value, type: 'timing', unit: 'ms', tags: { page: 'demo' }, timestamp };
    const body = JSON.stringify({ apiKey: this.#apiKey, metrics: [metric] });
    const answer = await fetch(`${ADDRESS}?sentAt=${Date.now()}`, { method: 'POST', body }).catch(() => null);
    if (answer?.ok) await this.refresh();
  }

  async refresh() {
    const from = encodeURIComponent(new Date(Date.now() - WINDOW_MS).toISOString());
    try {
      const { metrics } = await this.#reader.get(`/api/v1/metrics?bucket=${BUCKET}&from=${from}`);
      const chosen = choose(metrics);
      byId('chart-empty').hidden = Boolean(chosen);
      if (chosen) await this.#show(chosen);
    } catch {
      // The badge at the top says that the collector is gone.
    }
  }

  async #show({ name, unit, buckets }) {
    const last = buckets.at(-1);
    setText(byId('metric-latest'), `latest: p50 ${show(last.p50)} ${unit}, of ${count(last.count)}`);
    byId('chart').dataset.metric = name;
    byId('chart').dataset.points = String(buckets.length);
    const data = [buckets.map(({ from }) => Date.parse(from) / 1_000), ...LINES.map(([key]) => buckets.map((b) => b[key]))];
    if (this.#chart) return this.#chart.setData(data);
    this.#library ??= load();
    const uPlot = await this.#library;
    // Another answer may have been quicker.
    if (this.#chart) this.#chart.setData(data);
    else this.#chart = draw(uPlot, data);
  }

  #redraw() {
    this.#chart?.destroy();
    this.#chart = undefined;
    this.refresh();
  }
}

/** The metric that is chosen in the list, which holds what there is. */
function choose(metrics) {
  const list = byId('metric-name');
  const names = metrics.map(({ name }) => name);
  if (JSON.stringify(names) !== list.dataset.names) {
    const chosen = list.value;
    list.replaceChildren(...names.map((name) => Object.assign(element('option', { children: [name] }), { value: name })));
    if (names.includes(chosen)) list.value = chosen;
    list.dataset.names = JSON.stringify(names);
  }
  return metrics.find(({ name }) => name === list.value);
}

async function load() {
  const style = Object.assign(document.createElement('link'), { rel: 'stylesheet', href: '/vendor/uplot/uPlot.min.css' });
  document.head.append(style);
  return (await import('/vendor/uplot/uPlot.esm.js')).default;
}

const show = (value) => value.toFixed(value < 10 ? 2 : 0);

const size = () => ({ width: byId('chart').clientWidth, height: HEIGHT });

function draw(uPlot, data) {
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const axis = { stroke: colour('--dim'), grid: { stroke: colour('--line') }, ticks: { stroke: colour('--line') } };
  const series = LINES.map(([label, name]) =>
    ({ label, stroke: colour(name), width: 2, points: { show: true, size: 5 }, value: (_, v) => (v === null || v === undefined ? '–' : `${show(v)} ms`) }));
  return new uPlot({ ...size(), axes: [axis, axis], series: [{}, ...series] }, data, byId('chart'));
}
