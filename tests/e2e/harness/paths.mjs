// Where the things under test live, and which browsers to drive. Every one can be overridden by an
// environment variable, and a missing one is named together with the command that makes it.

import { existsSync, readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const here = path.dirname(fileURLToPath(import.meta.url));

export const root = path.resolve(here, '../../..');
export const pages = path.join(root, 'tests/e2e/pages');
export const out = path.join(root, 'tests/e2e/out');
export const demo = path.join(root, 'www-demo');
export const uplot = path.join(root, 'tests/node_modules/uplot/dist');

export function pkg() {
  const dir = process.env.SENDOFF_PKG ?? path.join(root, 'pkg');
  return mustExist(path.join(dir, 'index.js'), 'the built package', 'run `make build`') && dir;
}

/** The collector: the newest of the release and debug builds, unless COLLECTOR names one. */
export function collector() {
  if (process.env.COLLECTOR) return mustExist(process.env.COLLECTOR, 'the collector', 'see COLLECTOR');
  const target = path.join(root, 'www-demo/collector/target');
  const built = ['release', 'debug']
    .map((profile) => path.join(target, profile, 'collector'))
    .filter(existsSync)
    .sort((a, b) => statSync(b).mtimeMs - statSync(a).mtimeMs);
  return built[0] ?? mustExist(path.join(target, 'release/collector'), 'the collector', 'run `make collector`');
}

export const chromium = () =>
  firstOf('CHROMIUM', ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']);

export const firefox = () => firstOf('FIREFOX', ['/usr/bin/firefox-esr', '/usr/bin/firefox']);

export const geckodriver = () =>
  firstOf('GECKODRIVER', [path.join(root, '.tools/bin/geckodriver'), '/usr/bin/geckodriver']);

export const webKitDriver = () => firstOf('WEBKIT_DRIVER', ['/usr/bin/WebKitWebDriver']);

export const nginx = () => firstOf('NGINX', ['/usr/sbin/nginx', path.join(root, '.tools/nginx/usr/sbin/nginx')]);

/** MiniBrowser sits in a folder named after the architecture and the library's version. */
export function miniBrowser() {
  const found = [];
  for (const arch of listOf('/usr/lib').filter((name) => name.endsWith('-linux-gnu'))) {
    for (const version of listOf(path.join('/usr/lib', arch)).filter((n) => n.startsWith('webkit2gtk-'))) {
      found.push(path.join('/usr/lib', arch, version, 'MiniBrowser'));
    }
  }
  return firstOf('MINIBROWSER', found.sort().reverse());
}

function firstOf(variable, candidates) {
  const chosen = process.env[variable] ?? candidates.find(existsSync) ?? candidates[0];
  return mustExist(chosen ?? variable, variable.toLowerCase(), `install it, or set ${variable}`);
}

function mustExist(file, what, remedy) {
  if (!existsSync(file)) throw new Error(`${what} is not at ${file}: ${remedy}`);
  return file;
}

function listOf(dir) {
  return existsSync(dir) ? readdirSync(dir) : [];
}
