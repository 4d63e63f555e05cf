// Firefox and WebKitGTK through their own drivers: the engines Playwright's patched builds stand in
// for, but as users have them, with their real back/forward cache.

import { createServer } from 'node:net';
import { once } from 'node:events';

import { Builder, Capabilities } from 'selenium-webdriver';
import firefox from 'selenium-webdriver/firefox.js';

import * as paths from './paths.mjs';
import { end, start } from './processes.mjs';
import { until } from './wait.mjs';

/** Firefox, headless, by geckodriver. */
export async function startFirefox(t) {
  const options = new firefox.Options().setBinary(paths.firefox()).addArguments('-headless');
  const driver = await new Builder()
    .forBrowser('firefox')
    .setFirefoxOptions(options)
    .setFirefoxService(new firefox.ServiceBuilder(paths.geckodriver()))
    .build();
  t.after(() => driver.quit());
  return driver;
}

/** WebKitGTK's MiniBrowser by WebKitWebDriver. It has no headless mode, hence the X server. */
export async function startWebKit(t) {
  const port = await freePort();
  const service = start('xvfb-run', ['-a', paths.webKitDriver(), `--port=${port}`]);
  let driver;
  t.after(async () => {
    await driver?.quit();
    await end(service, 'SIGTERM');
  });
  const url = `http://127.0.0.1:${port}`;
  await until('WebKitWebDriver', () => fetch(`${url}/status`).then(({ ok }) => ok, () => false));
  const capabilities = new Capabilities({
    browserName: 'MiniBrowser',
    'webkitgtk:browserOptions': { binary: paths.miniBrowser(), args: ['--automation'] },
  });
  driver = await new Builder().usingServer(url).withCapabilities(capabilities).build();
  return driver;
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}
